"""The audit log: written under lock, chained, hashed into a tree, signed, witnessed, checked by anyone."""
