"""The credentials of a request in its header ``Authorization`` or its URL, and the principal behind them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from guardedbedrock.aws.creation.session import default_session
from guardedbedrock.aws.gate.request_reader import GateRequest
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.bedrock.caller import Bearer, api_key_kind
from guardedbedrock.errors import SourceError

_BEARER: Final = "bearer "
_SIGNED: Final = ("aws4-hmac-sha256 ", "aws4-ecdsa-p256-sha256 ")
_PRESIGNED: Final = "X-Amz-Signature="
_ACCESS_KEY: Final = re.compile(r"Credential=([^/,\s]+)")


def bearer_kind(request: GateRequest) -> Bearer:
    """Return the kind of a request's Bedrock API key; ``""`` if it has none."""
    credentials = _authorization(request)
    return api_key_kind(credentials[len(_BEARER) :].strip()) if credentials.lower().startswith(_BEARER) else ""


def access_key(request: GateRequest) -> str:
    """Return the access key ID that a request's header names; ``""`` if it names none."""
    named = _ACCESS_KEY.search(_authorization(request))
    return named[1] if named else ""


def is_signed(request: GateRequest) -> bool:
    """Return whether a request is signed or has a presigned URL, so that no change of it is possible."""
    return _authorization(request).lower().startswith(_SIGNED) or _PRESIGNED in urlsplit(request.url).query


def _authorization(request: GateRequest) -> str:
    return str(request.headers.get("Authorization") or "").strip()


class KeyOwner:
    """The unknown owner of a Bedrock API key."""

    def __call__(self) -> str:
        """
        Raise an error instead of returning an ARN.

        Raises:
            SourceError: Always.
        """
        raise SourceError(
            'principal = "caller": the request has a Bedrock API key, and STS cannot tell who owns it; set the ARN of the key\'s '
            "user or role"
        )


class RequestIdentity(CallerIdentity):
    """
    The principal behind a signed request, if boto3's default session signs with the same credentials.

    Args:
        access_key: The access key ID in the request; ``""`` if the request is not signed.
    """

    def __init__(self, access_key: str) -> None:
        super().__init__()
        self._access_key = access_key

    def __call__(self) -> str:
        """
        Return the ARN, from STS the first time.

        Raises:
            SourceError: The request is signed with other credentials, or STS did not answer.
        """
        own = default_session().get_credentials()
        if self._access_key and (own is None or own.get_frozen_credentials().access_key != self._access_key):
            raise SourceError(
                'principal = "caller": the request is signed with other credentials than those of the default session; set the '
                "ARN of the principal"
            )
        return super().__call__()
