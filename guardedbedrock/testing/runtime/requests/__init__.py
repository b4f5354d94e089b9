"""The requests to models: parsed into a prompt, and checked as the service checks them."""
