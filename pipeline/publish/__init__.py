"""Publishing: protected cells become one release, a folder that never changes once it is published.

| file | what |
|---|---|
| stage.py | the stage: writes the staged release and shows it to its gate |
| commit_release.py | after the gate: ledger, then one rename |
| release_table.py | the Parquet of one table, written from a fresh table in canonical order |
| catalogue.py, dictionary.py, views.py, note.py | what an analyst reads together with the tables |
| read_back/ | each protection judged again from the finished files, by code that applies none of them |
| manifest.py | digests of every file, and how a standing release is verified |
"""
