"""Custody of the linkage keys: where they are kept, their states, and what they can be used for.

A person with a key can re-identify people, so nothing here returns one. A
provider only hashes, describes its key and returns its check value.
"""
