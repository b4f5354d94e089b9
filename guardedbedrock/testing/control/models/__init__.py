"""
The operations of the control plane on models: one module for each kind of model, and for what runs or routes to models.

`model_jobs` has the status that the jobs which make models share.
"""
