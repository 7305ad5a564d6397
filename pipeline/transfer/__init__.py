"""Transfer packages: how pseudonymised tables travel from a controller to the linkage environment.

A package is a folder: `manifest.json`, `manifest.sig` (the controller's Ed25519
signature) and one `<table>.parquet.age` a table, each encrypted to the linkage
environment's public key in the age format (X25519, HKDF-SHA-256,
ChaCha20-Poly1305, a fresh file key for each file), so that any age tool opens
it and no scheme here is our own.
"""
