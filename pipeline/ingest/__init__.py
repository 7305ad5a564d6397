"""From a supplier's file to typed rows: nothing is guessed, nothing is lost, no value is told."""
