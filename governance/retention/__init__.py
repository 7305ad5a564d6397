"""How long things are kept, how they end, and people's requests that theirs end sooner."""
