"""Ingest: from a supplier's file to typed rows. No value is guessed, no row is lost, no value is shown.

The rules are the table contracts in `schemas/contracts`. The files in `readers/` read, those in `converting/`
convert and repair, those in `counting/` count for the evidence:

| Module | Decides |
|---|---|
| stage.py | which extracts are read, and the facts of the evidence |
| inspection.py | whether each file may be read at all; all faults of all files are in one refusal |
| readers/supplied_file.py | opening a file without trusting it: path, links, size, compression, digest |
| consistency/ | contradictions between people, NHS numbers, homes and areas |
| proposal.py | what `hearth init FILES` proposes for a file |
| manifest.py, header.py | the supplier's statement about the file; which of its columns is which |
| readers/text_block.py | encoding: blocks of whole lines in UTF-8 |
| readers/delimited_reader.py, readers/block_layout.py | rows and cells of delimited text, with line numbers |
| readers/parquet_reader.py | rows and cells of Parquet |
| readers/rows.py | which rows cannot be parsed |
| load.py | rows loaded into DuckDB, as text |
| converting/cast.py, converting/sql/*.sql | text converted to typed values, or the reason why it cannot be |
| table.py | which rows are kept and which go to quarantine |
| rights.py | which rows are removed because of a person's erasure or objection |
| counting/ | what is counted for the evidence |
"""
