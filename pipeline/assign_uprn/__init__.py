"""UPRNs for records that have an address and none: optional, at the controller, before a run.

uk-address-matcher looks the addresses up in a list that the controller holds, in an environment of
its own (it needs older versions of Splink and DuckDB than Hearth). Hearth decides what is looked up,
what an answer is worth, and what is written.

| Module | Decides |
|---|---|
| assignment.py | the order of the steps, and what is counted |
| columns.py | which columns of a file hold address, postcode, UPRN and record id |
| loading.py | from a file into the engine: its rows as text |
| address_list.py, sql/listed.sql | whether an address list may be used |
| sql/sought.sql | which addresses are looked up, each once |
| environment.py, requirements.lock | whether the matcher is installed, and is the one that was locked |
| lookup.py, worker.py | running it: private files in, private files out |
| sql/verdict.sql, sql/outcome.sql | which answers count as found, and what becomes of each record |
| extract_copy.py | the extract again, byte for byte but for the UPRNs |
| private_folder.py | where all of it lies meanwhile |
"""
