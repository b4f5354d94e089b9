"""A guarded client compared with a plain one: public names, signatures, docstrings, results."""

from __future__ import annotations

import inspect
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from aws.test_guarded_operations import CASES
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import OperationNotPageableError
from harness.clients import HR, MODEL, ROLE, S3, ask, read

from guardedbedrock import Guard, intervention
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.stages.retry.policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

CREDENTIALS: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
ONCE: Final = Config(retries={"total_max_attempts": 1, "mode": "standard"})
NAMED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


def public(thing: Any) -> set[str]:
    """List the names of a client that are not private, methods and attributes alike."""
    return {name for name in dir(thing) if not name.startswith("_")}


def pair(service: str) -> tuple[Any, Any]:
    """Make a plain client and a guarded one."""
    guard = Guard(guardrails=[HR], listeners=())
    return boto3.client(service, **CREDENTIALS, config=ONCE), guard.client(service, **CREDENTIALS)


def presigned(client: Any, **named: str) -> str:
    """Presign an InvokeModel call, and remove the parts that depend on the time and the key."""
    url = client.generate_presigned_url("invoke_model", Params={"modelId": MODEL, "body": b"{}", **named}, ExpiresIn=60)
    return "&".join(part for part in str(url).split("&") if not part.startswith(("X-Amz-Date", "X-Amz-Signature")))


def job(client: Any) -> Any:
    """Return the only job, after it was requested twice, so that it is completed."""
    [one] = client.list_async_invokes()["asyncInvokeSummaries"]
    for _ in range(2):
        found = read(client.get_async_invoke(invocationArn=one["invocationArn"]))
    return found


def no_waiter(client: Any) -> str:
    """Request a waiter that does not exist."""
    with pytest.raises(ValueError, match="Waiter does not exist") as raised:
        client.get_waiter("model_ready")
    return str(raised.value)


def no_paginator(client: Any) -> str:
    """Request the paginator of an operation without pages."""
    with pytest.raises(OperationNotPageableError) as raised:
        client.get_paginator("converse")
    return str(raised.value)


def operation(method: str) -> Callable[[Any, bool], Any]:
    """Call an operation. The application of a plain client names the guardrail itself."""
    given, added = CASES[method]

    def call(client: Any, guarded: bool) -> Any:  # noqa: FBT001  # one column of a table
        return read(getattr(client, method)(**given, **({} if guarded else added)))

    return call


def beside(function: Callable[[Any], Any]) -> Callable[[Any, bool], Any]:
    """Convert a function of a client to one of `RESULTS`, which also accept whether the client is guarded."""
    return lambda client, _: function(client)


RESULTS: Final[dict[str, Callable[[Any, bool], Any]]] = {
    **{method: operation(method) for method in CASES},
    "get_async_invoke": beside(job),
    "can_paginate": beside(lambda client: [client.can_paginate(name) for name in ("converse", "list_async_invokes")]),
    "get_paginator": beside(
        lambda client: (list(map(read, client.get_paginator("list_async_invokes").paginate())), no_paginator(client))
    ),
    "get_waiter": beside(no_waiter),
    "waiter_names": beside(lambda client: client.waiter_names),
    "generate_presigned_url": lambda client, guarded: presigned(client, **({} if guarded else NAMED)),
    "exceptions": beside(lambda client: sorted(name for name in dir(client.exceptions) if not name.startswith("__"))),
    "meta": beside(
        lambda client: (
            client.meta.service_model.service_name,
            client.meta.region_name,
            client.meta.endpoint_url,
            client.meta.partition,
            client.meta.method_to_api_mapping,
            {key: value for key, value in vars(client.meta.config).items() if key != "_user_provided_options"},
        )
    ),
    "close": beside(lambda client: client.close()),
}
"""Public name of a ``bedrock-runtime`` client to a function that returns its result, from a client and whether it is guarded."""


@pytest.mark.parametrize("service", SERVICES)
def test_public_names_equal_those_of_a_plain_client(service: str) -> None:
    plain, guarded = pair(service)

    assert public(guarded) == public(plain)
    assert {name: type(getattr(guarded, name)) for name in public(plain)} == {
        name: type(getattr(plain, name)) for name in public(plain)
    }
    assert type(guarded).__name__ == type(plain).__name__
    assert type(guarded).__module__ == type(plain).__module__
    assert isinstance(guarded, BaseClient)


@pytest.mark.parametrize("service", SERVICES)
def test_method_signatures_equal_those_of_a_plain_client(service: str) -> None:
    plain, guarded = pair(service)
    methods = [name for name in public(plain) if inspect.ismethod(getattr(plain, name))]

    assert len(methods) > 10
    assert {name: inspect.signature(getattr(guarded, name)) for name in methods} == {
        name: inspect.signature(getattr(plain, name)) for name in methods
    }
    assert [getattr(guarded, name).__name__ for name in methods] == methods


def test_method_docstrings_equal_those_of_a_plain_client() -> None:
    plain, guarded = pair("bedrock-runtime")
    documented = [name for name in public(plain) if inspect.ismethod(getattr(plain, name))]

    assert "converse" in documented
    for name in documented:
        shown, expected = (str(getattr(client, name).__doc__) for client in (guarded, plain))
        assert shown == expected
        assert len(shown) > 20
    assert (type(guarded).__doc__ or "") == (type(plain).__doc__ or "")


def test_every_public_name_of_a_client_is_compared() -> None:
    assert public(pair("bedrock-runtime")[0]) == set(RESULTS)


@pytest.mark.parametrize(("name", "gives"), RESULTS.items(), ids=RESULTS)
def test_results_equal_those_of_a_plain_client(
    harness: Make, plain: Callable[..., Any], name: str, gives: Callable[[Any, bool], Any]
) -> None:
    fake, _, guarded = harness(allow_unguarded=["StartAsyncInvoke"], config=ONCE)
    other = boto3.client("bedrock-runtime", **fake.client_kwargs(), config=ONCE)
    plain(fake).start_async_invoke(modelId=MODEL, modelInput={}, outputDataConfig=S3)

    expected, actual = gives(other, False), gives(guarded, True)  # noqa: FBT003

    assert actual == expected
    assert name in RESULTS
    other.close()


def test_errors_are_the_clients_exception_classes(harness: Make) -> None:
    env = harness(policies=None, retry=RetryPolicy(1))
    for code in ("ThrottlingException", "ValidationException", "ModelErrorException", "ResourceNotFoundException"):
        env.fake.fail_next(400, code, "no")
        with pytest.raises(getattr(env.client.exceptions, code)) as raised:
            env.client.converse(**ask("converse"))
        assert raised.value.response["Error"]["Code"] == code


def test_client_can_be_created_again_from_its_config(harness: Make) -> None:
    env = harness(policies=None, config=Config(read_timeout=7, user_agent_extra="app/1"))

    again = boto3.client("bedrock", **env.fake.client_kwargs(), config=env.client._client_config)
    guarded_again = env.guard.client("bedrock-runtime", **env.fake.client_kwargs(), config=env.client._client_config)

    assert again.meta.config.read_timeout == guarded_again.meta.config.read_timeout == 7
    assert again.list_guardrails()["ResponseMetadata"]["HTTPStatusCode"] == 200
    guarded_again.converse(**ask("converse"))
    assert env.fake.requests[-1].guardrail == (HR.arn, HR.version)
    assert "app/1" in env.fake.requests[-1].headers["user-agent"]
    for client in (again, guarded_again):
        client.close()


def test_closed_client_behaves_like_a_plain_one(harness: Make, plain: Callable[..., Any]) -> None:
    env = harness(policies=None)
    other = plain(env.fake)
    for client in (env.client, other):
        client.converse(**ask("converse"), **({} if client is env.client else {"guardrailConfig": NAMED}))
        client.close()
        client.close()
        assert client._endpoint.http_session._manager.pools._container == {}


def test_client_has_no_public_attribute_for_its_guard(harness: Make) -> None:
    env = harness()
    other = boto3.client("bedrock-runtime", **CREDENTIALS)

    added = set(vars(env.client)) - set(vars(other))
    assert added == {"_guardedbedrock", "_guardedbedrock_gate"}
    assert ROLE not in repr(env.client)


def test_without_validation_an_iterator_of_messages_is_sent_as_by_boto3(harness: Make) -> None:
    """Counting its blocks for the guardrail would consume it, and an empty prompt would be sent."""
    env = harness(config=Config(parameter_validation=False))
    messages = ask("converse")["messages"]

    env.client.converse(modelId=MODEL, messages=(message for message in messages))

    assert [request.params["messages"] for request in env.fake.requests] == [messages]


@pytest.mark.parametrize("metadata", [None, [], "none"], ids=repr)
@pytest.mark.parametrize("method", ["converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"])
def test_metadata_that_a_handler_replaced_is_returned(harness: Make, method: str, metadata: Any) -> None:
    """This also holds after a retry, although botocore writes the number of retries into it."""
    env = harness()
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    def replace(parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        if http_response.status_code == HTTPStatus.OK:
            parsed["ResponseMetadata"] = metadata

    env.client.meta.events.register("after-call.bedrock-runtime", replace)

    response = getattr(env.client, method)(**ask(method))

    assert response["ResponseMetadata"] == metadata
    assert intervention(response) is None
    assert read(response)


def deep(levels: int) -> Any:
    """Return a document of nested structures and lists."""
    document: Any = "x"
    for level in range(levels):
        document = {"x": document} if level % 2 else [document]
    return {"document": document}


@pytest.mark.parametrize("member", ["additionalModelRequestFields", "messages"])
def test_a_deep_document_is_sent_as_by_boto3(harness: Make, plain: Callable[[Any], Any], member: str) -> None:
    """Nearly as deep as botocore can serialize it within Python's recursion limit."""
    env, sent = harness(), []
    document = deep(sys.getrecursionlimit() - 200)
    params = ask("converse")
    if member == "messages":
        params["messages"][0]["content"].append({"toolResult": {"toolUseId": "a", "content": [{"json": document}]}})
    else:
        params[member] = document

    def stop(request: Any, **_: Any) -> None:
        sent.append(request.body.count(b"x"))
        raise LookupError("sent")

    for client in (env.client, plain(env.fake)):
        client.meta.events.register("before-send.bedrock-runtime", stop)
        with pytest.raises(LookupError, match="sent"):
            client.converse(**params)

    assert sent[0] == sent[1] > 300
