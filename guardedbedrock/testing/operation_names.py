"""The names of the operations that the fake knows."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from guardedbedrock.bedrock import ROWS
from guardedbedrock.errors import ConfigurationError

SERVED: Final = ("bedrock-runtime", "bedrock", "bedrock-agent-runtime", "bedrock-agent")
"""The services of the fake."""

OPERATIONS: Final = tuple(dict.fromkeys(name for service, name in ROWS if service in SERVED))
"""The operations of these services, with ``ChatCompletions`` and ``ChatCompletionsStream``."""

_EXAMPLES: Final = ("Converse", "InvokeModel")


def check_operation(name: str | None) -> None:
    """
    Check the name of an operation; None means all.

    Raises:
        ConfigurationError: No request has this operation, so that nothing would be selected.
    """
    if name is not None and name not in OPERATIONS:
        raise ConfigurationError(f"operation: {unknown_operation(name)}")


def unknown_operation(name: object) -> str:
    """
    Return a message for a name that is not an operation of the fake.

    >>> unknown_operation("converse")
    'unknown operation `converse`; did you mean `Converse`?'
    """
    by_lower = {known.lower(): known for known in OPERATIONS}
    near = [by_lower[match] for match in get_close_matches(str(name).lower(), by_lower, n=2)] or _EXAMPLES
    exact = [known for known in near if known.lower() == str(name).lower()]
    return f"unknown operation `{name}`; did you mean {' or '.join(f'`{one}`' for one in exact or near)}?"
