"""From a supplier's file to typed rows: nothing is guessed, nothing is lost, no value is told.

| Module | Decides |
|---|---|
| stage.py | which extracts are read, and what the evidence says |
| inspection.py | whether every file may be read at all: all faults of all files in one refusal |
| supplied_file.py | opening a file without trusting it: path, links, size, compression, digest |
| manifest.py, header.py | what the supplier said of the file; which of its columns is which |
| text_block.py | encoding: blocks of whole lines in UTF-8 |
| delimited_reader.py, block_layout.py | rows and cells of delimited text, with their lines |
| parquet_reader.py | the same of Parquet |
| rows.py | which rows are no rows |
| load.py | rows into the engine, as text |
| cast.py, uprn.sql, nhs_number.sql, postcode.sql | from text to typed values, or the reason why not |
| table.py | which rows are kept and which go to quarantine |
| rights.py | whose rows leave because they asked |
| identifier_pattern.py, table_evidence.py | what is counted |
"""
