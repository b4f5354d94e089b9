"""Write files so that every failure is a `ConfigurationError` with the path and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guardedbedrock.errors import ConfigurationError


@contextmanager
def writing(name: str | Path) -> Iterator[None]:
    """
    Report an `OSError` of the block as a failure to write a file.

    Args:
        name: The file in the message: its path, with the option that named it if there is one.

    Raises:
        ConfigurationError: The block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error  # libraries such as pyarrow raise an OSError with a text only
        raise ConfigurationError(f"{name}: cannot be written ({reason}); correct the path or its permissions") from None
