"""Denials: the responses of AWS, the policies that deny in the same way, and assertions about them."""
