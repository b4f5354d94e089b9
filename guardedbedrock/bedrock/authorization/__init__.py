"""The authorizations that a call requires of IAM."""
