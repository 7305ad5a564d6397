"""Attacks on a release, by somebody who has its files, the method and all public facts.

| file | attack |
|---|---|
| differencing.py | 1: every parent less its children, every pair of tables that share dimensions |
| reconstruction.py | 2: joint linear programs over all tables |
| cross_release.py | 3: nights within an epoch, and changes across epochs |
| mover.py | 4: a neighbour who knows on which night a household moved in (needs synthetic truth) |
| averaging.py | 5: rebuilds of one night, averaged |
| unpicking.py, amounts.py | 6: the counts behind a rate, the amounts behind a mean or percentile |
| side_channel.py | 7: footers, statistics, file bytes, names, manifest, logs and database of the run |
| intruder.py | beside them: a neighbour who knows one household and every open register |

Every attack reads published files alone; none uses a table of a run.
"""
