"""The policies of Terraform's files, plans and states."""
