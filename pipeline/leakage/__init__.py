"""Proof that nothing leaked: canaries planted and searched for, and Hearth's own attack on its pseudonyms."""
