"""Findings of a release: rates with intervals, inequality, standardised rates, change and allocation.

Everything here is calculated from published values and public reference figures. It discloses
nothing that the release does not, so findings may be kept and shared wherever the release may.
"""
