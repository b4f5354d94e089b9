"""Every operation of every guarded service: if everything is denied, nothing is sent."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator
from harness.clients import HR, ROLE

from guardedbedrock import ExplicitDenyError, Guard, ImplicitDenyError, UnguardableOperationError, iam
from guardedbedrock.bedrock import SERVICES, find_operation, operations
from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST: Final = 5
WRONG: Final = (1, "x", [1], {"x": 1})
NO_HTTP2: Final = "InvokeModelWithBidirectionalStream"
EVERY: Final = [
    pytest.param(service, name, id=f"{service}-{name}")
    for service in SERVICES
    for name in service_model(service).operation_names
    if name != NO_HTTP2
]
EVERYTHING: Final = {"Sid": "Nothing", "Effect": "Deny", "Action": "*", "Resource": "*"}
ALL: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OTHER: Final = f"{HR.arn[:-12]}other1234567"
POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "bedrock:ApplyGuardrail",
            "Resource": HR.arn,
        },
    }
)
ENFORCED: Final = {"guardrailInferenceConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}
COPIED: Final = {"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"}
TAG: Final = {"key": "Project", "value": "hr"}
MANAGING: Final[dict[str, dict[str, Any]]] = {
    "tag_resource": {"resourceARN": HR.arn, "tags": [TAG]},
    "list_tags_for_resource": {"resourceARN": HR.arn},
    "untag_resource": {"resourceARN": HR.arn, "tagKeys": ["Project"]},
    "get_guardrail": {"guardrailIdentifier": HR.id},
    "put_resource_policy": {"resourceArn": HR.arn, "resourcePolicy": POLICY},
    "get_resource_policy": {"resourceArn": HR.arn},
    "delete_resource_policy": {"resourceArn": HR.arn},
    "put_enforced_guardrail_configuration": ENFORCED,
    "list_enforced_guardrails_configuration": {},
    "create_inference_profile": {"inferenceProfileName": "team", "modelSource": COPIED, "tags": [TAG]},
    "list_inference_profiles": {},
}
"""Calls that depend on earlier calls, in addition to those that create, change and delete a guardrail."""


GENERATION: Final = {
    "type": "KNOWLEDGE_BASE",
    "knowledgeBaseConfiguration": {"knowledgeBaseId": "KB00000001", "modelArn": "amazon.nova-lite-v1:0"},
}
NEEDED: Final[dict[str, dict[str, Any]]] = {
    name: {"retrieveAndGenerateConfiguration": GENERATION} for name in ("RetrieveAndGenerate", "RetrieveAndGenerateStream")
}
"""Parameters that contain a guardrail and that botocore does not require."""


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]) as fake:
        yield fake


def guarded(fake: FakeBedrock, service: str, *statements: dict[str, Any], **options: Any) -> Any:
    """Create a guarded client that calls the fake."""
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}])
    guard = Guard(guardrails=[HR], policies=policies, principal=ROLE, **options)
    return closing(guard.client(service, **fake.client_kwargs()))


def least(shape: Any) -> Any:
    """Return the smallest value that botocore accepts for a shape."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        first = list(shape.members)[:1] if shape.is_tagged_union else []
        return {name: least(shape.members[name]) for name in (*shape.required_members, *first)}
    if shape.type_name == "list":
        return [least(shape.member)]
    text = (getattr(shape, "enum", None) or ["a" * max(shape.metadata.get("min", 1), 12)])[0]
    made = {"integer": 1, "long": 1, "double": 1.0, "float": 1.0, "boolean": True, "map": {}, "blob": b"{}"}
    return {**made, "timestamp": datetime(2026, 1, 1, tzinfo=UTC)}.get(shape.type_name, text)


def whole(shape: Any, depth: int = 0) -> Any:
    """Return a value with every member of a shape, down to a depth."""
    if shape is None or shape.type_name == "structure":
        members = shape.members if shape is not None and depth < DEEPEST else {}
        names = list(members)[:1] if shape is not None and shape.is_tagged_union else list(members)
        return {name: whole(members[name], depth + 1) for name in names}
    return [whole(shape.member, depth + 1)] if shape.type_name == "list" else least(shape)


def misshapen(value: Any) -> Iterator[Any]:
    """Yield the value with one part after another replaced by values of other shapes."""
    if isinstance(value, dict):
        yield from ({**value, name: wrong} for name, part in value.items() for wrong in (*WRONG, *misshapen(part)))
    elif isinstance(value, list):
        yield from ([wrong] for part in value for wrong in (*WRONG, *misshapen(part)))


@pytest.mark.parametrize("service", SERVICES)
def test_parameters_of_the_wrong_shape_raise_the_error_of_boto3(fake: FakeBedrock, service: str) -> None:
    """In mode ``report`` the guard raises no other error before it."""
    guard, model, tried = Guard(guardrails=[HR], listeners=(), mode="report"), service_model(service), 0

    with closing(guard.client(service, **fake.client_kwargs())) as client:
        for name in set(model.operation_names) - {NO_HTTP2}:
            shape = model.operation_model(name).input_shape
            for params in misshapen(whole(shape)):
                if ParamValidator().validate(params, shape).has_errors():
                    tried += 1
                    with pytest.raises(ParamValidationError):
                        getattr(client, xform_name(name))(**params)

    assert tried > 100
    assert list(fake.requests) == []


@pytest.mark.parametrize(("service", "name"), EVERY)
def test_denied_operation_is_not_sent(fake: FakeBedrock, service: str, name: str) -> None:
    params = {**least(service_model(service).operation_model(name).input_shape), **NEEDED.get(name, {})}

    with guarded(fake, service, EVERYTHING, allow_unguarded=["CreateModelInvocationJob", "StartAsyncInvoke"]) as client:
        with pytest.raises(ExplicitDenyError) as denied:
            getattr(client, xform_name(name))(**params)

        assert isinstance(denied.value, client.exceptions.AccessDeniedException)
    assert denied.value.action == find_operation(service, name).required_actions[0].iam_action
    assert list(fake.requests) == []


def test_allowed_management_operations_are_sent_in_order(fake: FakeBedrock) -> None:
    with guarded(fake, "bedrock", ALL) as client:
        for method, params in MANAGING.items():
            getattr(client, method)(**params)

        names = [client.meta.method_to_api_mapping[method] for method in MANAGING]
    assert [request.operation for request in fake.requests] == names


@pytest.mark.parametrize("method", [name for name, params in MANAGING.items() if HR.arn in json.dumps(params)])
def test_management_operation_on_another_guardrail_is_denied(fake: FakeBedrock, method: str) -> None:
    params = json.loads(json.dumps(MANAGING[method]).replace(HR.arn, OTHER))

    with guarded(fake, "bedrock", {**ALL, "Resource": HR.arn}) as client, pytest.raises(ImplicitDenyError):
        getattr(client, method)(**params)

    assert list(fake.requests) == []


def test_tag_conditions_decide_tag_operations(fake: FakeBedrock) -> None:
    only_project = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Project"]}, "Null": {"aws:TagKeys": "false"}}
    allowed = {**ALL, "Action": "bedrock:TagResource", "Condition": only_project}

    with guarded(fake, "bedrock", allowed) as client:
        client.tag_resource(resourceARN=HR.arn, tags=[TAG])
        with pytest.raises(ImplicitDenyError):
            client.tag_resource(resourceARN=HR.arn, tags=[TAG, {"key": "Owner", "value": "ada"}])
        with pytest.raises(ImplicitDenyError):
            client.untag_resource(resourceARN=HR.arn, tagKeys=["Project"])

    assert [request.operation for request in fake.requests] == ["TagResource"]


def test_inference_operation_missing_from_the_table_is_refused(fake: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(operations.ROWS, ("bedrock-runtime", "Converse"))

    with guarded(fake, "bedrock-runtime", ALL) as client, pytest.raises(UnguardableOperationError, match="Converse"):
        client.converse(modelId="amazon.nova-lite-v1:0", messages=[{"role": "user", "content": [{"text": "hi"}]}])

    assert list(fake.requests) == []
