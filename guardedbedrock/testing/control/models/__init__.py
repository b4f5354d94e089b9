"""The operations of the control plane on models and on what runs or routes to them."""
