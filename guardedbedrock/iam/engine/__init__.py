"""The evaluation of a request: statements, plans, the authorizer, and what an undecided request depends on."""
