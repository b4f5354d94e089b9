"""The evaluation of a request by a set of policies."""
