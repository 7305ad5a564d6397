"""The page an information-governance officer reads: what happened, and what needs attention."""
