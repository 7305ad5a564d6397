"""Publishing: protected cells become one release, a folder that never changes once it is published.

| file | what |
|---|---|
| stage.py | the stage: writes the staged release and shows it to its gate |
| commit_release.py | after the gate: ledger, then one rename |
| release_table.py | the Parquet of one table, written from a fresh table in canonical order |
| catalogue.py, dictionary.py, views.py, note.py | what an analyst reads together with the tables |
| manifest.py | digests of every file, and how a staged release is verified |
| release_check.py | whether published releases are as published, by manifest, statement, log and ledger |
"""
