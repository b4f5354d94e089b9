"""Checks at the signer, for clients that the guard did not create."""
