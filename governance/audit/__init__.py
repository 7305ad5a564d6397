"""The audit log: chained, hashed into a tree, signed and witnessed, so that anyone can check it."""
