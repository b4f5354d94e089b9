"""The commands for the owners of policies: lint, proofs, replay, reports, snapshots and generated policies."""
