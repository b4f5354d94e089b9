"""Requests and their context, and the match of each element of a statement (principal, resource, condition) with them."""
