"""Policies as formulas over the unknown parts of a request, and the values that those parts can have."""
