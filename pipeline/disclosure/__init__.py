"""Disclosure control: from cells to values from which no one can be identified, one rule a file.

Read in this order; the specification is `disclosure-control.md`, P0 to P7:

| file | rule |
|---|---|
| profile.py | which method the agreement chose, never looser than the floor |
| counts.py | the cells as counts: each distinct count once, however many tables show it |
| rules/table_registry.py, rules/floor_check.py | P0 area floors, and the same floors counted again |
| rules/primary.py | P1 cells that are too small to publish |
| rules/attribute.py | P2 groups whose sensitive distribution would disclose their members |
| noise/record_key.py, noise/p_table.py | P3 the same noise wherever the same people are counted |
| noise/record_key_migration.py | P3 the same noise after a rotation of the linkage key |
| rules/publish_rule.py | P4 what is published for a count, and percentages from published counts |
| rules/magnitude.py, rules/printed_magnitude.py | means and percentiles |
| audit/ | P5 the attacker's joint view of the values, and what it makes Hearth hide |
| recoverability.py, secondary.py | slow reference functions that P5 is compared with in tests |
| epoch.py | P6 values that stay the same within an epoch |
| ledger.py | P7 every release that was ever published |
| attack/ | the attacks that an auditor runs on a release |
"""
