"""
The commands for the owners of policies: lint, proofs, replay, reports, snapshots and generated policies.

The arguments of ``prove``, ``replay`` and ``snapshot`` are in modules beside the commands, because they have several subcommands
or many options; `guardedbedrock.cli.app` has the others.
"""
