"""The headers of a request that is about to be sent."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from botocore.awsrequest import HeadersDict

INVALID_NAME: Final = "has a header whose name is not valid in HTTP"


class SentHeaders(dict[str, Any]):
    """
    Headers whose names ignore case, like those of botocore.

    botocore and urllib3 read all headers several times while they send a request. botocore's class makes an object for each name
    each time, which costs 20 us for each request; here only a lookup ignores case, and they look up few names.
    """

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._stored(name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(self._stored(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._stored(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._stored(str(name)))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a header; `default` if it is missing."""
        return super().get(self._stored(name), default)

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a header, and return its value."""
        return super().pop(self._stored(name), *default)

    def copy(self) -> SentHeaders:
        """Return a copy."""
        return SentHeaders(self)

    # These use the methods above; those of `dict` would compare names with their case.
    setdefault = MutableMapping.setdefault
    update = MutableMapping.update

    def _stored(self, name: str) -> str:
        """Return a name as it is stored; the name itself if it is not."""
        return dict(zip(map(str.lower, self), self, strict=True)).get(name.lower(), name)


def read_sent_headers(request: Any) -> None:
    """
    Read the headers of a prepared request once, and let the request send what was read.

    Headers of another class than botocore's, which a handler has put there, stay as they are: they may repeat a name.

    Raises:
        ValueError: A name is in bytes, which botocore's headers do not return.
    """
    if isinstance(request.headers, HeadersDict):
        try:
            request.headers = SentHeaders(request.headers)
        except TypeError as error:
            raise ValueError(INVALID_NAME) from error
