"""
Signature Version 4, read from a request and computed anew.

Source: IAM User Guide, "Create a signed AWS API request" and "Elements of an AWS API request signature".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

from botocore.utils import normalize_url_path

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import Incoming

ALGORITHM: Final = "AWS4-HMAC-SHA256"
STAMP: Final = "%Y%m%dT%H%M%SZ"

_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_FIELD: Final = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_NEEDED: Final = ("Credential", "SignedHeaders", "Signature", "X-Amz-Date")


class UnreadableError(Exception):
    """A signature that lacks a part, named by the message."""


@dataclass(frozen=True, slots=True)
class Signature:
    """
    A signature, as a request carries it.

    Args:
        access_key: Whose.
        scope: Date, region, service and the constant ``aws4_request``.
        stamp: When, as in ``20260926T120000Z``.
        headers: Names of the headers that are signed, in lower case.
        value: The signature itself, in hexadecimal.
        token: The session token that came with it, or ``""``.
        lifetime: How long a presigned URL is good, in s; None for a signature in a header.
    """

    access_key: str
    scope: tuple[str, ...]
    stamp: str
    headers: tuple[str, ...]
    value: str
    token: str = ""
    lifetime: int | None = None

    @property
    def time(self) -> datetime:
        """When it was made."""
        return datetime.strptime(self.stamp, STAMP).replace(tzinfo=UTC)


def read(incoming: Incoming) -> Signature | None:
    """
    Read the signature from the header ``Authorization``, or from the query of a presigned URL; None where there is none.

    Raises:
        UnreadableError: There is one, and part of it is missing or makes no sense.
    """
    query = dict(parse_qsl(incoming.target.partition("?")[2], keep_blank_values=True))
    header = incoming.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        fields = dict(_FIELD.findall(header.removeprefix(ALGORITHM)))
        fields["X-Amz-Date"] = incoming.headers.get("x-amz-date", "")
        return _signature(fields, incoming.headers.get("x-amz-security-token", ""), None)
    if query.get("X-Amz-Algorithm") == ALGORITHM:
        fields = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
        fields["X-Amz-Date"] = query.get("X-Amz-Date", "")
        return _signature(fields, query.get("X-Amz-Security-Token", ""), int(query.get("X-Amz-Expires", "0")))
    return None


def _signature(fields: Mapping[str, str], token: str, lifetime: int | None) -> Signature:
    if missing := [name for name in _NEEDED if not fields.get(name)]:
        raise UnreadableError(f"Authorization header requires '{missing[0]}' parameter.")
    access_key, *scope = fields["Credential"].split("/")
    headers = tuple(fields["SignedHeaders"].split(";"))
    found = Signature(access_key, tuple(scope), fields["X-Amz-Date"], headers, fields["Signature"], token, lifetime)
    try:
        stamp = found.time
    except ValueError as error:
        raise UnreadableError("Date must be in ISO-8601 'basic format'.") from error
    if len(scope) != 4 or scope[0] != f"{stamp:%Y%m%d}" or scope[3] != "aws4_request":  # noqa: PLR2004 - the four parts of a scope
        raise UnreadableError("Credential must have exactly 5 slash-delimited elements, with the date of the request.")
    return found


def compute(signature: Signature, secret: str, incoming: Incoming) -> str:
    """Sign a request as it came, with the same headers, at the same time and in the same scope, by a secret access key."""
    digest = hashlib.sha256(_canonical(signature, incoming).encode()).hexdigest()
    text = "\n".join((ALGORITHM, signature.stamp, "/".join(signature.scope), digest))
    key = f"AWS4{secret}".encode()
    for part in signature.scope:
        key = _keyed(key, part)
    return _keyed(key, text).hex()


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical(signature: Signature, incoming: Incoming) -> str:
    path, _, query = incoming.target.partition("?")
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair and not pair.startswith("X-Amz-Signature="))
    headers = (f"{name}:{' '.join(incoming.headers.get(name, '').split())}\n" for name in signature.headers)
    return "\n".join(
        (
            incoming.method,
            quote(normalize_url_path(path), safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(headers),
            ";".join(signature.headers),
            _payload(incoming),
        )
    )


def _payload(incoming: Incoming) -> str:
    """Digest what came, unless the request says that its payload is not signed, which only TLS allows it to."""
    if incoming.headers.get("x-amz-content-sha256") == _UNSIGNED:
        return _UNSIGNED
    return hashlib.sha256(incoming.body).hexdigest()
