"""Disclosure control: from cells to values that disclose nobody, one rule a file.

Read in this order; the specification is `disclosure-control.md`, P0 to P7:

| file | rule |
|---|---|
| profile.py | which method the agreement chose, never looser than the floor |
| counts.py | the cells as counts: each distinct count once, however many tables show it |
| registry.py | P0 area floors, and tables not produced at a level |
| primary.py | P1 cells too small to publish |
| attribute.py | P2 groups whose sensitive distribution would tell on its members |
| record_key.py, p_table.py | P3 noise that is the same wherever the same contributors are counted |
| publish_rule.py | P4 what is printed for a count |
| rates.py | percentages, from published counts alone |
| audit.py, repair.py | P5 the attacker's joint view of the values, and what it makes us hide |
| recoverability.py, secondary.py | the optimiser behind it, and complementary suppression |
| epoch.py | P6 values frozen night to night |
| ledger.py | P7 what was ever released |
"""
