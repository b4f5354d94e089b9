"""The authorizations that a call requires."""
