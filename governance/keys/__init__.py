"""Custody of the linkage keys: who may hold them, in which state, and what may be asked of them.

Whoever holds a key can re-identify, so nothing here hands one out: a provider
hashes, describes itself and shows its check value, and that is all it does.
"""
