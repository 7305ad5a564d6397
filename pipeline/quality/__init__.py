"""Linkage quality: how good the links of one run are, for which groups, and what reviewers should check."""
