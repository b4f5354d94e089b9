"""
The command line. `app` declares the commands and their arguments; a command calls the public API and prints the result.

- `application/`: the commands for applications
- `governance/`: the commands for the owners of policies
- `demo/`, `serve/`, `policy_tests/`: ``demo``, ``serve`` and ``test``

Exit codes: 0 success, 1 a finding, a denial or a refuted proof, 2 invalid input (one line on stderr), 3 an unknown answer of a
proof, 130 interrupted.
"""

__all__ = ["main"]

# INVARIANT: this module imports nothing at its top level. A Ctrl-C during an import that `main` does not run is a traceback.


def main() -> int:
    """
    Run the command in ``sys.argv``.

    Returns:
        The exit code of the process.
    """
    try:
        from guardedbedrock.cli.process import run  # noqa: PLC0415 - see above

        return run()
    except KeyboardInterrupt:
        return 130
