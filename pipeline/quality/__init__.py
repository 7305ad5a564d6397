"""Linkage quality: how good the links of one run are, for whom, and what a reviewer should look at."""
