"""A second client: of the same session, of a copy of it, of the inner session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

WAYS: Final[dict[str, Callable[[Any], Any]]] = {
    "the same session": lambda session: session,
    "a session of the same botocore session": lambda session: boto3.Session(botocore_session=session._session),
    "boto3's default session": lambda session: boto3.setup_default_session(botocore_session=session._session) or boto3,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_second_client_of_a_guarded_session_is_guarded(
    monkeypatch: pytest.MonkeyPatch, harness: Make, way: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    env = harness()
    session = env.guard.session(boto3.Session())
    clients = [way(session).client("bedrock-runtime", **env.fake.client_kwargs()) for _ in range(2)]

    for client in clients:
        assert try_all(env._replace(client=client)) == 0
        with pytest.raises(GuardrailTamperedError):
            BaseClient._make_api_call(client, "Converse", GUARDED)
        client.close()

    assert {request[1:] for request in env.arrived} == {(MODEL, (HR.arn, HR.version))}
    assert unguarded(env.fake) == []


def test_client_of_the_inner_botocore_session_is_guarded(harness: Make) -> None:
    env = harness()
    session = env.guard.session(boto3.Session())
    client = session._session.create_client("bedrock-runtime", **env.fake.client_kwargs())

    assert try_all(env._replace(client=client)) == 0
    assert unguarded(env.fake) == []
    client.close()


def test_client_of_any_code_is_guarded_while_installed(harness: Make) -> None:
    env = harness()
    early = boto3.Session()
    makers: list[Callable[..., Any]] = [boto3.client, early.client, boto3.Session().client, early._session.create_client]

    with env.guard.install():
        clients = [make("bedrock-runtime", **env.fake.client_kwargs()) for make in makers]

    for client in clients:
        assert try_all(env._replace(client=client)) == 0
        with pytest.raises(GuardrailTamperedError):
            BaseClient._make_api_call(client, "Converse", GUARDED)
        client.close()
    assert len(env.fake.requests) == len(makers) * len(METHODS)
    assert unguarded(env.fake) == []


def test_client_created_from_the_parts_of_another_is_refused(harness: Make) -> None:
    env = harness()
    old = env.client
    options = {
        "serializer": old._serializer,
        "endpoint": old._endpoint,
        "response_parser": old._response_parser,
        "event_emitter": old.meta.events,
        "request_signer": old._request_signer,
        "service_model": old.meta.service_model,
        "loader": old._loader,
        "client_config": old.meta.config,
        "partition": old.meta.partition,
        "exceptions_factory": old._exceptions_factory,
        "endpoint_ruleset_resolver": old._ruleset_resolver,
        "user_agent_creator": old._user_agent_creator,
    }
    again = type(old)(**options)

    # Both clients share an endpoint, which has two gates now. Neither gate passes what the other one authorized.
    with pytest.raises(GuardrailTamperedError):
        again.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(again, "Converse", GUARDED)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
