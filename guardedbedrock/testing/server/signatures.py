"""
Signature Version 4: parse the signature of a request, and compute the expected one.

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
from urllib.parse import parse_qsl, quote, unquote

from botocore.utils import normalize_url_path

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import HttpRequest

ALGORITHM: Final = "AWS4-HMAC-SHA256"
STAMP: Final = "%Y%m%dT%H%M%SZ"

_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_FIELD: Final = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_SCOPED_REGION: Final = re.compile(r"Credential=[^/&,]+/\d{8}/([^/&,]+)/")
_NEEDED: Final = ("Credential", "SignedHeaders", "Signature", "X-Amz-Date")


class IncompleteSignatureError(Exception):
    """A part of the signature is missing or invalid. The message names it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """
    The signature of a request.

    Args:
        access_key: Access key ID.
        scope: Date, region, service and the constant ``aws4_request``.
        stamp: Time of signing, for example ``20260926T120000Z``.
        headers: Names of the signed headers, in lower case.
        value: The signature, in hexadecimal.
        token: The session token of the request, or ``""``.
        lifetime: Validity of a presigned URL in seconds; None for a signature in a header.
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
        """Time of signing."""
        return datetime.strptime(self.stamp, STAMP).replace(tzinfo=UTC)


def read(http_request: HttpRequest) -> Signature | None:
    """
    Parse the signature in the header ``Authorization`` or in the query of a presigned URL.

    Returns:
        The signature, or None if the request is not signed.

    Raises:
        IncompleteSignatureError: A part of the signature is missing or invalid.
    """
    query = dict(parse_qsl(http_request.target.partition("?")[2], keep_blank_values=True))
    header = http_request.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        fields = dict(_FIELD.findall(header.removeprefix(ALGORITHM)))
        fields["X-Amz-Date"] = http_request.headers.get("x-amz-date", "")
        return _signature(fields, http_request.headers.get("x-amz-security-token", ""), None)
    if query.get("X-Amz-Algorithm") == ALGORITHM:
        fields = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
        fields["X-Amz-Date"] = query.get("X-Amz-Date", "")
        return _signature(fields, query.get("X-Amz-Security-Token", ""), int(query.get("X-Amz-Expires", "0")))
    return None


def signed_region(http_request: HttpRequest) -> str | None:
    """Return the region that a request is signed for, without a check of the signature; None if it is not signed."""
    header = http_request.headers.get("authorization", "")
    found = _SCOPED_REGION.search(header if header.startswith(ALGORITHM) else unquote(http_request.target.partition("?")[2]))
    return found[1] if found else None


def _signature(fields: Mapping[str, str], token: str, lifetime: int | None) -> Signature:
    if missing := [name for name in _NEEDED if not fields.get(name)]:
        raise IncompleteSignatureError(f"Authorization header requires '{missing[0]}' parameter.")
    access_key, *scope = fields["Credential"].split("/")
    headers = tuple(fields["SignedHeaders"].split(";"))
    found = Signature(access_key, tuple(scope), fields["X-Amz-Date"], headers, fields["Signature"], token, lifetime)
    try:
        stamp = found.time
    except ValueError as error:
        raise IncompleteSignatureError("Date must be in ISO-8601 'basic format'.") from error
    if len(scope) != 4 or scope[0] != f"{stamp:%Y%m%d}" or scope[3] != "aws4_request":  # noqa: PLR2004 - the four parts of a scope
        raise IncompleteSignatureError("Credential must have exactly 5 slash-delimited elements, with the date of the request.")
    return found


def compute(signature: Signature, secret: str, http_request: HttpRequest) -> str:
    """Compute the signature of a request for a secret access key, with the headers, time and scope of the given signature."""
    digest = hashlib.sha256(_canonical(signature, http_request).encode()).hexdigest()
    text = "\n".join((ALGORITHM, signature.stamp, "/".join(signature.scope), digest))
    key = f"AWS4{secret}".encode()
    for part in signature.scope:
        key = _keyed(key, part)
    return _keyed(key, text).hex()


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical(signature: Signature, http_request: HttpRequest) -> str:
    path, _, query = http_request.target.partition("?")
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair and not pair.startswith("X-Amz-Signature="))
    headers = (f"{name}:{' '.join(http_request.headers.get(name, '').split())}\n" for name in signature.headers)
    return "\n".join(
        (
            http_request.method,
            quote(normalize_url_path(path), safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(headers),
            ";".join(signature.headers),
            _payload(http_request),
        )
    )


def _payload(http_request: HttpRequest) -> str:
    """Return the digest of the body, or the marker of an unsigned payload, which clients use over TLS only."""
    if http_request.headers.get("x-amz-content-sha256") == _UNSIGNED:
        return _UNSIGNED
    return hashlib.sha256(http_request.body).hexdigest()
