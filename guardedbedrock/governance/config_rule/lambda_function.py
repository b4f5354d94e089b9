"""
The Lambda function of an AWS Config rule.

boto3 is its only library beside guardedbedrock. A check whose data cannot be read gives NOT_APPLICABLE, and the log says why;
nothing is compliant by default.
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
    ACCOUNT_TYPE,
    COMPLIANT,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    SCP_TYPE,
    TYPES,
    Evaluation,
    evaluation_of,
    guardrail_problems,
    invokers,
    merge,
    principals,
    scps,
)
from guardedbedrock.governance.config_rule.parameters import ParameterError, Parameters, read_parameters
from guardedbedrock.governance.config_rule.read_errors import NOT_FOUND, NOT_IN_USE, code_of, not_read
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.account.documents import read_document, sections_of_details
from guardedbedrock.iam.account.last_accessed import read_last_accessed
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION

ClientFactory: TypeAlias = Callable[[str], Any]
"""Returns a boto3 client for a service."""

GUARDRAIL_TYPE: Final = "AWS::Bedrock::Guardrail"
BATCH: Final = 100
_CHANGE: Final = "ConfigurationItemChangeNotification"
_OVERSIZED: Final = "OversizedConfigurationItemChangeNotification"
_SCHEDULED: Final = "ScheduledNotification"
_GONE: Final = ("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded")
_SCHEDULED_TYPES: Final = frozenset({ACCOUNT_TYPE, SCP_TYPE, *TYPES.values()})
"""Resource types that a scheduled event evaluates."""
_TEST: Final = "TESTMODE"
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
        found, unread = _scheduled(invoking.get("awsAccountId") or account, given, factory)
        found += _vanished(str(event.get("configRuleName", "")), found, unread, factory)
        return _send(found, event, invoking["notificationCreationTime"], factory)
    raise ValueError(f"unknown message type {kind!r}; the rule accepts {_CHANGE}, {_OVERSIZED} and {_SCHEDULED}")


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
    except Exception as error:  # noqa: BLE001  # classified in not_read
        if code_of(error) == NOT_FOUND:
            return Evaluation(kind, identifier, NOT_APPLICABLE, "the guardrail was deleted after the event")
        return not_read(kind, identifier, error)


def _guardrail(name: str, given: Parameters, factory: ClientFactory) -> list[str]:
    bedrock = factory("bedrock")
    details = bedrock.get_guardrail(guardrailIdentifier=name)
    tags = bedrock.list_tags_for_resource(resourceARN=details["guardrailArn"]).get("tags", ())
    pages = bedrock.get_paginator("list_guardrails").paginate(guardrailIdentifier=name)
    versions = [one["version"] for page in pages for one in page["guardrails"] if one["version"] != "DRAFT"]
    return list(guardrail_problems(details, {tag["key"]: tag["value"] for tag in tags}, versions, given))


# -- principals and SCPs --------------------------------------------------------------------------------------------------


def _scheduled(account: str, given: Parameters, factory: ClientFactory) -> tuple[list[Evaluation], set[str]]:
    """Return the evaluations of a scheduled event, and the resource types that could not be read."""
    found: list[Evaluation] = []
    unread: set[str] = set()
    levels: dict[str, Any] | None = None
    try:
        levels = _organization(account, factory("organizations"))
    except Exception as error:  # noqa: BLE001  # classified in not_read
        evaluation = not_read(ACCOUNT_TYPE, account, error)
        unread.add(SCP_TYPE)
        found += [evaluation] if "scps" in given.scope else []
    if {"roles", "users"} & set(given.scope):
        try:
            snapshot = _snapshot(account, factory("iam"), levels or {})
        except Exception as error:  # noqa: BLE001  # classified in not_read
            found.append(not_read(ACCOUNT_TYPE, account, error))
            unread.update(TYPES.values())
        else:
            found += _principals(account, snapshot, given, factory("iam"), scps_known=levels is not None)
    if "scps" in given.scope and levels is not None:
        found += scps({**levels, "account": account}, given.approved) if levels else [_without_organization(account)]
    return merge(found), unread


def _without_organization(account: str) -> Evaluation:
    return Evaluation(ACCOUNT_TYPE, account, NOT_APPLICABLE, "the account is in no organization, so no SCP applies to it")


def _vanished(rule: str, found: list[Evaluation], unread: set[str], factory: ClientFactory) -> Iterator[Evaluation]:
    """Yield NOT_APPLICABLE for resources that only an earlier event evaluated: AWS Config keeps a result until it is replaced."""
    if not rule:
        return
    current = {(one.resource_type, one.resource_id) for one in found}
    try:
        pages = factory("config").get_paginator("get_compliance_details_by_config_rule")
        given = {"ConfigRuleName": rule, "ComplianceTypes": [COMPLIANT, NON_COMPLIANT], "PaginationConfig": {"PageSize": BATCH}}
        results = [one for page in pages.paginate(**given) for one in page["EvaluationResults"]]
    except Exception as error:  # noqa: BLE001  # classified in not_read
        not_read(ACCOUNT_TYPE, f"the deletion of resources since the last event of {rule}", error)
        return
    for result in results:
        qualifier = result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]
        kind, identifier = qualifier["ResourceType"], qualifier["ResourceId"]
        if kind in _SCHEDULED_TYPES - unread and (kind, identifier) not in current:
            yield Evaluation(kind, identifier, NOT_APPLICABLE, "the resource was deleted, or is not in the scope of the rule")


def _principals(account: str, snapshot: dict[str, Any], given: Parameters, iam: Any, *, scps_known: bool) -> Iterator[Evaluation]:
    unread = ""
    try:
        snapshot["last_accessed"] = read_last_accessed(iam, invokers(Account(snapshot), given))
    except Exception as error:  # noqa: BLE001  # classified in not_read
        unread = not_read(ACCOUNT_TYPE, account, error).reason
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
    """Return the SCPs of an account by level, the root first, and the management account; nothing without an organization."""
    try:
        description = organizations.describe_organization()["Organization"]
    except Exception as error:
        if code_of(error) == NOT_IN_USE:
            return {}
        raise
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
