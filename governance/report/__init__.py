"""The report for information-governance officers: what happened, and what needs attention."""
