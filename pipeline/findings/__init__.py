"""From a release to what it says: rates with intervals, inequality, standardised rates, change, allocation.

Everything here is worked out from published values and public reference figures alone. It discloses
nothing that the release does not, so it may be run, kept and shared wherever the release may.
"""
