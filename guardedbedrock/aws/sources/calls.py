"""The clients of a reader, and the gaps: what the caller may not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import json_decode_policies

from guardedbedrock.aws.own_clients import make_own_client

# Organizations allows two DescribePolicy calls a second for each account, so a client must slow down instead of failing.
CONFIG: Final = Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=5, read_timeout=30)
_ABSENT: Final = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "EffectivePolicyNotFoundException",
        "NoSuchEntity",
        "PolicyNotFoundException",
        "PolicyTypeNotEnabledException",
        "ResourceNotFoundException",
    }
)
"""Error codes that say that there is nothing to read, which is an answer and not a gap."""


def new_session() -> Any:
    """Make a boto3 session with the standard credential chain; sources never use the clients of the application."""
    return boto3.Session()


class SourceCalls:
    """
    Creates each client once, and calls AWS. A call that the account does not answer becomes a gap.

    Args:
        client: Returns a client for a service and a region, such as ``boto3.Session().client``.
        region: Region of clients that are made without one.

    Attributes:
        gaps: What could not be read: ``section``, ``api``, ``error``, ``statement``; optional ``principal``, ``resource``
            and ``region``.
    """

    def __init__(self, client: Callable[..., Any], region: str | None) -> None:
        self._client, self._region = client, region
        # Cache, keyed by the service and the Region: creating a client takes 50 ms.
        self._clients: dict[tuple[str, str | None], Any] = {}
        self.gaps: list[dict[str, Any]] = []

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the client of a service."""
        if (service, region) not in self._clients:
            client = make_own_client(self._client, service, region_name=region or self._region, config=CONFIG)
            if service == "iam":
                # botocore parses policies with a parser that drops the first value of a repeated key, which may be a Deny.
                client.meta.events.unregister("after-call.iam", json_decode_policies)
            self._clients[service, region] = client
        return self._clients[service, region]

    def attempt(self, sections: str | Sequence[str], api: str, call: Callable[..., Any], **where: str) -> Any:
        """
        Return the result of a call; None if there is nothing to read, or with a gap if the account does not answer.

        If `call` reads a list and then each of its items, it reads the items with `unless_deleted`. Otherwise a single deleted
        item would look like an empty list.

        Args:
            sections: Sections of the snapshot that the call fills.
            api: The action that the caller needs, such as ``iam:GetRole``.
            call: Makes the call.
            where: ``principal``, ``resource`` or ``region``, if the gap concerns only one.
        """
        try:
            return call()
        except ClientError as error:
            code = _code(error)
            if code not in _ABSENT:
                self.add_gap(sections, api, code, **where)
        except BotoCoreError as error:
            self.add_gap(sections, api, type(error).__name__, **where)
        return None

    def add_gap(self, sections: str | Sequence[str], api: str, error: str, **where: str) -> None:
        """Add a gap to sections, with the statement that would close it."""
        statement = {"Effect": "Allow", "Action": api, "Resource": "*"}
        for section in (sections,) if isinstance(sections, str) else sections:
            gap = {"section": section, "api": api, "error": error, "statement": statement, **where}
            if gap not in self.gaps:
                self.gaps.append(gap)


def unless_deleted(call: Callable[[], Any]) -> Any:
    """Return the result of a call that reads one item of a list; None if the item was deleted after the list was read."""
    try:
        return call()
    except ClientError as error:
        if _code(error) in _ABSENT:
            return None
        raise


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def pages(call: Callable[..., Any], key: str, *, marker: str = "nextToken", **params: Any) -> Iterator[Any]:
    """
    Walk over the pages of a list operation that botocore has no paginator for.

    Organizations may return an empty page with a token, so the token alone says whether there is more.
    """
    following: dict[str, str] = {}
    while True:
        page = call(**params, **following)
        yield from page.get(key, ())
        if not page.get(marker):
            return
        following = {marker: page[marker]}
