"""How often a scripted reply or a fault happens."""

from __future__ import annotations

from guardedbedrock.errors import ConfigurationError


def check_times(times: int | None) -> None:
    """
    Check a number of times.

    Args:
        times: A number of at least 1; None means always.

    Raises:
        ConfigurationError: It has any other value: nothing would happen.
    """
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise ConfigurationError(f"times: must be a whole number of at least 1, or None for always, not {times!r}")
