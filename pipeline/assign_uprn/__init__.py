"""Assigns UPRNs to records that have an address but no UPRN: optional, at the controller, before a run.

uk-address-matcher looks up the addresses in the controller's own address list. It runs in an environment of
its own, because it needs older versions of Splink and DuckDB than Hearth. Hearth decides which addresses are
looked up, which matches are accepted, and what is written.

| Module | Decides |
|---|---|
| assignment.py | the order of the steps, and what is counted |
| columns.py | which columns of a file are address, postcode, UPRN and record id |
| loading.py | the rows of a file loaded into DuckDB, as text |
| address_list.py, sql/listed.sql | whether an address list may be used |
| sql/address_to_match.sql | which addresses are looked up, each once |
| environment.py, requirements.lock | whether the matcher is installed, in the locked version |
| lookup.py, worker.py | running the matcher on files in a private folder |
| sql/verdict.sql, sql/outcome.sql | which matches are accepted, and the outcome of each record |
| extract_copy.py | the copy of the extract, identical except for the UPRNs |
| private_folder.py | the folder in which all of this is done |
"""
