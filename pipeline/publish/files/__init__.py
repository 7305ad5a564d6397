"""The files of a release: what each contains and how it is written.

| file | what |
|---|---|
| release_content.py | the files that come from tables in the engine: tables, measures, areas, basis |
| release_table.py | the Parquet file of one table, written in canonical order |
| register.py | titles and descriptions of tables and measures |
| catalogue.py, dictionary.py, views.py, note.py | what an analyst reads together with the tables |
| manifest.py | digests of every file, and how a published release is verified |
"""
