"""
The operations of the control plane on models: one module for each kind of model, job, profile, router and endpoint.

`model_jobs` has the status of the jobs that create models.
"""
