"""What a workspace looks like on disk: its zones, the record of an artefact, and how a file is written.

It is defined here once, below `governance` and `pipeline`, because both read and write it.
"""
