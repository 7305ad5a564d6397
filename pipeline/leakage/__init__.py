"""Evidence that nothing leaked: a search for planted canaries, and an attack on our own pseudonyms."""
