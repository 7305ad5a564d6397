"""From links to households: who lives in which dwelling on the reference date.

The rules stand in words in `docs/household-definition.md`, as data in `definition.py` and as SQL
in `sql/`; a slow plain-Python reference in the tests agrees with the SQL on generated data.
"""
