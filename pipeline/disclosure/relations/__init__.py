"""Which counts are equal to, or within, other counts by their definitions.

The relations are derived from the conditions of measures, populations and dimensions, never from names.
`worlds.py` has the possible households, `truth.py` the truth of a condition in each, `counted_set.py` what a
count contains, `reasoner.py` the derivation, and `links.py` writes the relations into the attacker's system.
"""
