"""Attacks on a release, made with its files, the method and all public facts.

| file | attack |
|---|---|
| differencing.py | 1: every parent less its children, every pair of tables that share dimensions |
| reconstruction.py | 2: joint linear programs over all tables |
| cross_release.py | 3: releases of one epoch, and changes across epochs |
| mover.py | 4: a neighbour who saw a household move in (needs synthetic truth) |
| averaging.py | 5: releases of one reference date, averaged |
| rate_reconstruction.py, amounts.py | 6: the counts behind a rate, the amounts behind a mean or percentile |
| side_channel.py | 7: footers, statistics, file bytes, names, manifest, logs and database of the run |
| intruder.py | not numbered: a neighbour with knowledge of one household and every open register |

Every attack reads published files only; none uses a table of a run.
"""
