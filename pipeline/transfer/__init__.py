"""Transfer packages, with which a controller sends pseudonymised tables to the linkage environment.

A package is a folder with `manifest.json`, `manifest.sig` (the controller's Ed25519 signature) and one
`<table>.parquet.age` per table. Each table is encrypted to the linkage environment's public key in the age
format (X25519, HKDF-SHA-256, ChaCha20-Poly1305, a fresh file key for each file), which any age tool can
decrypt.
"""
