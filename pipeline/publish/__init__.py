"""Publishing: protected cells become one release, a folder that never changes once it is published.

| file | what |
|---|---|
| stage.py | the stage: writes the staged release and shows it to its gate |
| publication.py | what the stage works with, opened once |
| freeze.py | P6: which values of this run may be published, and which are repeated |
| files/ | the files of a release |
| inspection.py, attacked.py | the finished files: read again for the rules, and attacked |
| commit_release.py | after the gate: ledger, then one rename |
| read_back/ | each protection judged again from the finished files, by code that applies none of them |
| release_record.py, ledger_table.py | what is stored next to the ledger for later releases |
| query.py | one SELECT over a published release |
"""
