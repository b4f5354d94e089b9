"""
The Lambda function of an AWS Config rule.

It imports beside boto3 alone. A check whose data cannot be read gives NOT_APPLICABLE, and the log says why; nothing is compliant
by default.
Source: AWS Config Developer Guide, "Example Events for AWS Config Rules", "Components of an AWS Config Rule"; AWS Config API
Reference, "PutEvaluations".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final, TypeAlias

from botocore.handlers import json_decode_policies

from guardedbedrock.governance.config_rule.evaluation import (
    NOT_APPLICABLE,
    Evaluation,
    evaluation_of,
    guardrail_problems,
    invokers,
    principals,
    scps,
)
from guardedbedrock.governance.config_rule.parameters import ParameterError, Parameters, read_parameters
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.account.documents import read_document, sections_of_details
from guardedbedrock.iam.account.last_accessed import read_last_accessed
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION

ClientFactory: TypeAlias = Callable[[str], Any]
"""Returns a boto3 client for a service."""

GUARDRAIL_TYPE: Final = "AWS::Bedrock::Guardrail"
ACCOUNT_TYPE: Final = "AWS::::Account"
BATCH: Final = 100
_CHANGE: Final = "ConfigurationItemChangeNotification"
_OVERSIZED: Final = "OversizedConfigurationItemChangeNotification"
_SCHEDULED: Final = "ScheduledNotification"
_GONE: Final = ("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded")
_TEST: Final = "TESTMODE"
_DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AWSOrganizationsNotInUseException")
_log = logging.getLogger("guardedbedrock.config_rule")


def handler(event: Mapping[str, Any], context: Any, clients: ClientFactory | None = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """
    Evaluate one event of AWS Config.

    Args:
        event: The event; `invokingEvent` and `ruleParameters` are JSON text.
        context: Lambda's context, not used.
        clients: Returns a client for a service; boto3's unless given.

    Returns:
        The evaluations that were sent.

    Raises:
        ValueError: The event has a message type that the rule does not know.
    """
    factory = clients or new_client
    invoking = json.loads(event["invokingEvent"])
    kind = invoking.get("messageType")
    account = str(event.get("accountId", ""))
    try:
        given = read_parameters(json.loads(event.get("ruleParameters") or "{}"))
    except ParameterError as error:
        _log.error("invalid rule parameter: %s", error)  # the message is enough
        found = [Evaluation(ACCOUNT_TYPE, account, NOT_APPLICABLE, f"invalid rule parameter: {error}")]
        return _send(found, event, invoking.get("notificationCreationTime"), factory)
    if kind in (_CHANGE, _OVERSIZED):
        item = invoking.get("configurationItem") or _history(invoking["configurationItemSummary"], factory)
        found = [_changed(item, bool(event.get("eventLeftScope")), given, factory)]
        return _send(found, event, item["configurationItemCaptureTime"], factory)
    if kind == _SCHEDULED:
        found = list(_scheduled(invoking.get("awsAccountId") or account, given, factory))
        return _send(found, event, invoking["notificationCreationTime"], factory)
    raise ValueError(f"unknown message type {kind!r}; the rule takes {_CHANGE}, {_OVERSIZED} and {_SCHEDULED}")


def new_client(service: str) -> Any:
    """Create a client of boto3 that returns policies as text: botocore's parser drops the first value of a repeated key."""
    client = import_module("boto3").client(service)
    client.meta.events.unregister("after-call.iam", json_decode_policies)
    return client


def _send(found: list[Evaluation], event: Mapping[str, Any], time: Any, factory: ClientFactory) -> list[dict[str, Any]]:
    """Send evaluations in batches of 100. A batch that is empty tells AWS Config that the evaluation has ended."""
    entries = [one.as_request(time) for one in found]
    token = str(event.get("resultToken", ""))
    config = factory("config")
    for start in range(0, max(len(entries), 1), BATCH):
        batch = entries[start : start + BATCH]
        config.put_evaluations(Evaluations=batch, ResultToken=token, TestMode=token == _TEST)
    return entries


# -- guardrails -----------------------------------------------------------------------------------------------------------


def _history(summary: Mapping[str, Any], factory: ClientFactory) -> dict[str, Any]:
    """Return the configuration item of an oversized notification, which has only a summary."""
    answer = factory("config").get_resource_config_history(
        resourceType=summary["resourceType"], resourceId=summary["resourceId"], limit=1
    )
    items = answer.get("configurationItems") or [{}]
    return {**items[0], **summary}


def _changed(item: Mapping[str, Any], left: bool, given: Parameters, factory: ClientFactory) -> Evaluation:  # noqa: FBT001
    kind, identifier = str(item.get("resourceType")), str(item["resourceId"])
    if left or item.get("configurationItemStatus") in _GONE:
        return Evaluation(kind, identifier, NOT_APPLICABLE, "the resource was deleted or left the scope of the rule")
    if kind != GUARDRAIL_TYPE or "guardrails" not in given.scope:
        return Evaluation(kind, identifier, NOT_APPLICABLE, "the resource is not in the scope of the rule")
    name = identifier.rpartition("/")[2]
    try:
        return evaluation_of(kind, identifier, _guardrail(name, given, factory))
    except Exception as error:  # noqa: BLE001  # classified in _not_read
        return _not_read(kind, identifier, error)


def _guardrail(name: str, given: Parameters, factory: ClientFactory) -> list[str]:
    bedrock = factory("bedrock")
    details = bedrock.get_guardrail(guardrailIdentifier=name)
    tags = bedrock.list_tags_for_resource(resourceARN=details["guardrailArn"]).get("tags", ())
    pages = bedrock.get_paginator("list_guardrails").paginate(guardrailIdentifier=name)
    versions = [one["version"] for page in pages for one in page["guardrails"] if one["version"] != "DRAFT"]
    return list(guardrail_problems(details, {tag["key"]: tag["value"] for tag in tags}, versions, given))


# -- principals and SCPs --------------------------------------------------------------------------------------------------


def _scheduled(account: str, given: Parameters, factory: ClientFactory) -> Iterator[Evaluation]:
    levels: dict[str, Any] | None = None
    try:
        levels = _organization(account, factory("organizations"))
    except Exception as error:  # noqa: BLE001  # classified in _not_read
        evaluation = _not_read(ACCOUNT_TYPE, account, error)
        if "scps" in given.scope:
            yield evaluation
    if {"roles", "users"} & set(given.scope):
        try:
            snapshot = _snapshot(account, factory("iam"), levels or {})
        except Exception as error:  # noqa: BLE001  # classified in _not_read
            if levels is not None or "scps" not in given.scope:
                yield _not_read(ACCOUNT_TYPE, account, error)
        else:
            yield from _principals(account, snapshot, given, factory("iam"), scps_known=levels is not None)
    if levels is not None and "scps" in given.scope:
        yield from scps({**levels, "account": account}, given.approved)


def _principals(account: str, snapshot: dict[str, Any], given: Parameters, iam: Any, *, scps_known: bool) -> Iterator[Evaluation]:
    unread = ""
    try:
        snapshot["last_accessed"] = read_last_accessed(iam, invokers(Account(snapshot), given))
    except Exception as error:  # noqa: BLE001  # classified in _not_read
        unread = _not_read(ACCOUNT_TYPE, account, error).reason
    yield from principals(Account(snapshot), given, datetime.now(UTC), scps_known=scps_known, use_unread=unread)


def _snapshot(account: str, iam: Any, levels: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, list[Any]] = {}
    filters = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
    for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=filters):
        for key, entries in page.items():
            if isinstance(entries, list):
                merged.setdefault(key, []).extend(entries)
    base = {"schema": SCHEMA, "version": VERSION, "account": account, "time": ""}
    return {**base, **sections_of_details(merged), **levels}


def _organization(account: str, organizations: Any) -> dict[str, Any]:
    """Return the SCPs of an account by level, the root first, and the management account."""
    description = organizations.describe_organization()["Organization"]
    targets = [account]
    while not targets[0].startswith("r-"):
        targets.insert(0, organizations.list_parents(ChildId=targets[0])["Parents"][0]["Id"])
    levels = []
    for target in targets:
        pages = organizations.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter="SERVICE_CONTROL_POLICY")
        summaries = [one for page in pages for one in page["Policies"]]
        policies = []
        for one in summaries:
            content = organizations.describe_policy(PolicyId=one["Id"])["Policy"]["Content"]
            policies.append({"id": one["Id"], "name": one["Name"], "document": read_document(content, name=one["Id"])})
        levels.append({"target": target, "policies": policies})
    return {"scp": levels, "organization": {"management_account": description.get("MasterAccountId")}}


def _not_read(kind: str, identifier: str, error: Exception) -> Evaluation:
    """Return NOT_APPLICABLE for data that may not be read, and log why. Every other error ends the function."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    if code not in _DENIED:
        raise error
    operation = getattr(error, "operation_name", "the call")
    _log.warning("%s was denied (%s); %s is not evaluated", operation, code, identifier)
    return Evaluation(
        kind, identifier, NOT_APPLICABLE, f"not evaluated: {operation} was denied; grant it to the role of the rule"
    )
