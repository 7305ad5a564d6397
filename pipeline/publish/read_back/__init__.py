"""Each protection, P0 to P7, judged again from the finished files of a release.

Nothing here is used to protect a value. It reads the Parquet files of the release and the exact cells with
pyarrow, runs no SQL, and imports nothing of `pipeline/disclosure` but the agreed numbers, the ledger and the
secret. So a protection that was switched off, or that is wrong, is not judged by its own code.

| file | what |
|---|---|
| printed.py | the cells of a finished release, as any reader has them |
| exact.py | the exact counts behind them, from the artefact of the aggregate stage |
| values.py | P0 to P4: each value that this release prints for the first time |
| sums.py | P5: bounds of each hidden count, by repeated addition and subtraction |
| changes.py | P6: what differs from the release before |
| record.py | P7: the ledger's list of values, made again from the files |
| read_back.py | all of them, as facts of the evidence for rule AGG-10 |
"""
