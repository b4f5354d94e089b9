"""An error of AWS during a refresh: whether the previous result applies, or the new one with a gap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest
from harness.account import MODEL, document
from sources.test_snapshots import ROLE, snapshot

from guardedbedrock.core.rules import Rules
from guardedbedrock.sources.live import Approval, Freshness, LiveSource, is_transient
from guardedbedrock.sources.refresher import Refresher

LASTING: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "not part of this dump")
PASSING: Final = (
    "500",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ExpiredToken",
    "InternalFailure",
    "InternalServerException",
    "ProxyConnectionError",
    "RequestTimeout",
    "SSLError",
    "ServiceException",
    "ServiceFailure",
    "ServiceUnavailableException",
    "ThrottlingException",
)


def levels(effect: str) -> list[dict[str, Any]]:
    """Return SCPs whose second statement allows or denies Bedrock."""
    policy = document("*")
    policy["Statement"] += document("bedrock:*", effect=effect)["Statement"]
    return [{"target": "r-1", "policies": [{"id": "p-1", "name": "One", "document": policy}]}]


def gap(error: str, section: str = "scp") -> dict[str, Any]:
    """Return a gap with an error code."""
    return {"section": section, "api": "organizations:ListPoliciesForTarget", "error": error, "statement": None}


class Readings:
    """A reader that returns one snapshot after the other."""

    def __init__(self, *snapshots: Mapping[str, Any]) -> None:
        self._snapshots = list(snapshots)

    def read(self, *_: object) -> Mapping[str, Any]:
        """Return the next snapshot."""
        return self._snapshots.pop(0)


def outcomes(*snapshots: Mapping[str, Any]) -> list[str]:
    """Read the snapshots one after the other, and decide the same request after each read."""
    source = LiveSource(
        name="the source",
        reader=Readings(*snapshots),
        freshness=Freshness(refresh=3600, max_stale=86400),
        approval=None,
        has_policies=True,
        now=lambda: datetime.now(UTC),
    )
    found: list[str] = []
    for _ in snapshots:
        source.refresh()
        assert source.account is not None
        found.append(source.account.evaluate(ROLE, "bedrock:InvokeModel", MODEL).outcome)
    return found


@pytest.mark.parametrize("error", PASSING)
def test_known_deny_survives_an_error_that_is_not_about_permissions(error: str) -> None:
    assert is_transient(gap(error))
    assert outcomes(snapshot(scp=levels("Deny")), snapshot(gaps=[gap(error)])) == ["explicitDeny", "explicitDeny"]


@pytest.mark.parametrize("error", LASTING)
def test_lost_permission_is_a_gap(error: str) -> None:
    """The permission may be lost permanently, so waiting does not help."""
    assert not is_transient(gap(error))
    assert outcomes(snapshot(scp=levels("Deny")), snapshot(gaps=[gap(error)])) == ["explicitDeny", "indeterminate"]


def test_error_that_occurred_before_does_not_hold_back_new_policies() -> None:
    """Nothing is lost, and an API that a Region does not have always fails."""
    denied = {ROLE: {**snapshot()["principals"][ROLE], "inline": {"No": document("bedrock:*", effect="Deny")}}}
    first = snapshot(gaps=[gap("UnknownOperationException")])
    second = snapshot(gaps=[gap("ServiceException")], principals=denied)

    assert outcomes(first, second) == ["indeterminate", "explicitDeny"]


def test_a_failed_read_does_not_count_for_another_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    """An async client reads the source in a thread unless `is_ready` says that it need not be read."""
    monkeypatch.setattr("guardedbedrock.sources.live.REFRESHER", Refresher())
    source = LiveSource(
        name="the source",
        reader=Readings(),
        freshness=Freshness(refresh=3600, max_stale=86400),
        approval=None,
        has_policies=True,
        now=lambda: datetime.now(UTC),
    )
    ours, theirs = (
        Rules(approved=(), policies=None, principal=partial(str, f"arn:aws:iam::123456789012:role/{name}")) for name in "AB"
    )

    assert not source.is_ready(ours)
    source.current(ours)

    assert source.is_ready(ours)
    assert not source.is_ready(theirs)


def test_new_region_that_is_not_enabled_does_not_make_the_source_unavailable() -> None:
    """Its gap was never closed, so nothing is lost."""
    unread = {**gap("UnrecognizedClientException", "enforced_guardrails"), "region": "ap-east-1"}
    source = LiveSource(
        name="the source",
        reader=Readings(snapshot(guardrails=[]), snapshot(guardrails=[], gaps=[unread])),
        freshness=Freshness(refresh=3600, max_stale=86400),
        approval=Approval(),
        has_policies=True,
        now=lambda: datetime.now(UTC),
    )
    source.approved("us-east-1")

    source.approved("ap-east-1")

    assert source.account is not None
    assert source.account.gaps == (unread,)
