"""How long data is kept, how it is deleted, and people's requests for erasure or objection."""
