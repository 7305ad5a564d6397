"""Pseudonymise: the stage at the controller after which no direct identifier exists."""
