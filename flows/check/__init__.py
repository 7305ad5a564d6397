"""`hearth check`: the extracts are read as a run reads them, before any legal text is complete.

| Module | Decides |
|---|---|
| examine.py | what is read, under a key that exists only in memory, and which rules are asked |
| findings.py | each finding: rows, what it does to the result, what to ask the supplier |
| report.py | the report on the terminal, as HTML and as JSON |
| letter.py | the letter to a supplier, with line numbers |
"""
