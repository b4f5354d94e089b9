"""Sessions with their invocations and steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STEP = "11111111-1111-4111-8111-111111111111"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PAYLOAD = {"contentBlocks": [{"text": "hello"}, {"image": {"format": "png", "source": {"bytes": b"\x00\xff"}}}]}


@pytest.fixture
def client(aws: boto3.Session) -> Iterator[Any]:
    """A client for sessions."""
    with FakeBedrock() as fake:
        made = aws.client("bedrock-agent-runtime", **fake.client_kwargs())
        yield made
        made.close()


def test_a_session_keeps_its_steps(client: Any) -> None:
    """Steps are read one by one, by invocation and by session, with their bytes."""
    session = client.create_session(sessionMetadata={"a": "b"})["sessionId"]
    arn = client.get_session(sessionIdentifier=session)["sessionArn"]
    one, two = (client.create_invocation(sessionIdentifier=arn)["invocationId"] for _ in range(2))
    put = {"sessionIdentifier": session, "payload": PAYLOAD, "invocationStepTime": AT}
    client.put_invocation_step(**put, invocationIdentifier=one, invocationStepId=STEP)
    other = client.put_invocation_step(**put, invocationIdentifier=two)["invocationStepId"]

    step = client.get_invocation_step(sessionIdentifier=session, invocationIdentifier=one, invocationStepId=STEP)
    assert step["invocationStep"] == {
        "sessionId": session,
        "invocationId": one,
        "invocationStepId": STEP,
        "invocationStepTime": AT,
        "payload": PAYLOAD,
    }
    listed = client.list_invocation_steps(sessionIdentifier=session)["invocationStepSummaries"]
    assert [each["invocationStepId"] for each in listed] == [STEP, other]
    listed = client.list_invocation_steps(sessionIdentifier=session, invocationIdentifier=two)["invocationStepSummaries"]
    assert [each["invocationStepId"] for each in listed] == [other]
    listed = client.list_invocations(sessionIdentifier=session)["invocationSummaries"]
    assert [each["invocationId"] for each in listed] == [one, two]


def test_a_session_ends_before_it_is_deleted(client: Any) -> None:
    """An ended session stays readable and does not change; a deleted one does not exist."""
    session = client.create_session()["sessionId"]
    invocation = client.create_invocation(sessionIdentifier=session)["invocationId"]
    with pytest.raises(client.exceptions.ConflictException, match="End it before"):
        client.delete_session(sessionIdentifier=session)

    assert client.end_session(sessionIdentifier=session)["sessionStatus"] == "ENDED"

    assert client.get_session(sessionIdentifier=session)["sessionStatus"] == "ENDED"
    assert len(client.list_invocations(sessionIdentifier=session)["invocationSummaries"]) == 1
    step = {"invocationIdentifier": invocation, "payload": PAYLOAD, "invocationStepTime": AT}
    for change, params in (
        (client.create_invocation, {}),
        (client.update_session, {"sessionMetadata": {}}),
        (client.put_invocation_step, step),
        (client.end_session, {}),
    ):
        with pytest.raises(client.exceptions.ConflictException, match="status ENDED"):
            change(sessionIdentifier=session, **params)
    client.delete_session(sessionIdentifier=session)
    for read in (client.get_session, client.list_invocations, client.list_invocation_steps, client.delete_session):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            read(sessionIdentifier=session)
    assert client.list_sessions()["sessionSummaries"] == []


def test_metadata_is_replaced_and_sessions_are_listed(client: Any) -> None:
    """With pages."""
    sessions = [client.create_session(sessionMetadata={"a": "b"})["sessionId"] for _ in range(3)]

    client.update_session(sessionIdentifier=sessions[0], sessionMetadata={"c": "d"})

    assert client.get_session(sessionIdentifier=sessions[0])["sessionMetadata"] == {"c": "d"}
    pages = client.get_paginator("list_sessions").paginate(PaginationConfig={"PageSize": 2})
    assert [each["sessionId"] for reply in pages for each in reply["sessionSummaries"]] == sessions
    assert len(set(sessions)) == 3


def test_ids_in_use_and_unknown_ids_are_rejected(client: Any) -> None:
    """An ID belongs to one session."""
    session, other = (client.create_session()["sessionId"] for _ in range(2))
    client.create_invocation(sessionIdentifier=session, invocationId=STEP)
    put = {"invocationIdentifier": STEP, "payload": PAYLOAD, "invocationStepTime": AT, "invocationStepId": STEP}
    client.put_invocation_step(sessionIdentifier=session, **put)

    with pytest.raises(client.exceptions.ConflictException):
        client.create_invocation(sessionIdentifier=session, invocationId=STEP)
    with pytest.raises(client.exceptions.ConflictException):
        client.put_invocation_step(sessionIdentifier=session, **put)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.put_invocation_step(sessionIdentifier=other, **put)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_invocation_step(sessionIdentifier=session, invocationIdentifier=STEP, invocationStepId=UNKNOWN)
    client.create_invocation(sessionIdentifier=other, invocationId=STEP)
