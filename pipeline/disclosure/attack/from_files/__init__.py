"""The second attacker: reads the files of a release, finds relations and solves a linear program of its own.

It is written apart from protection, audit and attack 2. It imports nothing else from `pipeline/`, so an error
in their model of what is known cannot hide the same error here (`tests/unit/disclosure/test_from_files.py`
checks the imports).
"""
