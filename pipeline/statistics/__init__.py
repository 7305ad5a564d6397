"""Statistics that more than one stage needs; those of `findings` only are in `findings/statistics`."""
