"""Pseudonymise: the stage at the controller that replaces or removes every direct identifier."""
