"""From links to households: who lives in which dwelling on the reference date.

The rules are in words in `docs/household-definition.md`, as data in `definition.py` and as SQL in
`sql/`. A slow reference in plain Python in the tests gives the same result on generated data.
"""
