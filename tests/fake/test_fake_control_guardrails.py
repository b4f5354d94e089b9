"""Guardrails in the control plane of the fake: create, get, list, update, version, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
TEXTS = {"blockedInputMessaging": "not for me", "blockedOutputsMessaging": "better unsaid"}
SIMPLE = {"name": "hr", **TEXTS}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = {"name": "Medical", "definition": "Anything about health.", "examples": ["an illness"], "type": "DENY"}
FILTER = {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW"}
STANDARD = {"tierName": "STANDARD"}
REASONING = f"{ACCOUNT}:automated-reasoning-policy/abcdefghijkl"
PROFILE = "us.guardrail.v1:0"
PROFILE_ARN = f"{ACCOUNT}:guardrail-profile/{PROFILE}"

CONFIGURATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "description": ({"description": "For HR."}, {"description": "For HR."}),
    "topics": (
        {"topicPolicyConfig": {"topicsConfig": [TOPIC], "tierConfig": STANDARD}},
        {"topicPolicy": {"topics": [TOPIC], "tier": STANDARD}},
    ),
    "content": (
        {"contentPolicyConfig": {"filtersConfig": [FILTER], "tierConfig": STANDARD}},
        {"contentPolicy": {"filters": [FILTER], "tier": STANDARD}},
    ),
    "words": (
        {"wordPolicyConfig": {"wordsConfig": [{"text": "salary"}], "managedWordListsConfig": [{"type": "PROFANITY"}]}},
        {"wordPolicy": {"words": [{"text": "salary"}], "managedWordLists": [{"type": "PROFANITY"}]}},
    ),
    "sensitive": (
        {
            "sensitiveInformationPolicyConfig": {
                "piiEntitiesConfig": [{"type": "PIN", "action": "BLOCK", "inputEnabled": False}],
                "regexesConfig": [{"name": "badge", "pattern": r"EMP-\d+", "action": "ANONYMIZE"}],
            }
        },
        {
            "sensitiveInformationPolicy": {
                "piiEntities": [{"type": "PIN", "action": "BLOCK", "inputEnabled": False}],
                "regexes": [{"name": "badge", "pattern": r"EMP-\d+", "action": "ANONYMIZE"}],
            }
        },
    ),
    "grounding": (
        {"contextualGroundingPolicyConfig": {"filtersConfig": [{"type": "RELEVANCE", "threshold": 0.5}]}},
        {"contextualGroundingPolicy": {"filters": [{"type": "RELEVANCE", "threshold": 0.5}]}},
    ),
    "reasoning": (
        {"automatedReasoningPolicyConfig": {"policies": [REASONING], "confidenceThreshold": 0.9}},
        {"automatedReasoningPolicy": {"policies": [REASONING], "confidenceThreshold": 0.9}},
    ),
    "cross-region": (
        {"crossRegionConfig": {"guardrailProfileIdentifier": PROFILE}},
        {"crossRegionDetails": {"guardrailProfileId": PROFILE, "guardrailProfileArn": PROFILE_ARN}},
    ),
    "cross-region-by-arn": (
        {"crossRegionConfig": {"guardrailProfileIdentifier": PROFILE_ARN}},
        {"crossRegionDetails": {"guardrailProfileId": PROFILE, "guardrailProfileArn": PROFILE_ARN}},
    ),
    "key": ({"kmsKeyId": KEY}, {"kmsKeyArn": f"arn:aws:kms:us-east-1:123456789012:key/{KEY}"}),
    "key-by-arn": (
        {"kmsKeyId": f"arn:aws:kms:us-east-1:111122223333:key/{KEY}"},
        {"kmsKeyArn": f"arn:aws:kms:us-east-1:111122223333:key/{KEY}"},
    ),
    "key-by-alias": ({"kmsKeyId": "alias/guardrails"}, {}),
}
ALWAYS = {"name", "guardrailId", "guardrailArn", "version", "status", "statusReasons", "failureRecommendations", "createdAt"}
ALWAYS |= {"updatedAt", *TEXTS, "ResponseMetadata"}


@pytest.mark.parametrize(("asked", "shown"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_requested_configuration_is_returned(manage: Manage, asked: dict[str, Any], shown: dict[str, Any]) -> None:
    """GetGuardrail returns every setting of CreateGuardrail, with the member names of its own shape."""
    _, control, _ = manage()

    made = control.create_guardrail(**SIMPLE, **asked)

    found = control.get_guardrail(guardrailIdentifier=made["guardrailArn"])
    assert {name: value for name, value in found.items() if name not in ALWAYS} == shown
    assert set(found) >= ALWAYS


def test_a_new_guardrail_is_a_ready_draft(manage: Manage) -> None:
    """The ID is twelve lower-case letters and digits, the ARN is of this account and region, the status is READY immediately."""
    fake, control, _ = manage(region="eu-west-1", account="111122223333")

    made = control.create_guardrail(**SIMPLE)

    found = control.get_guardrail(guardrailIdentifier=made["guardrailId"])
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert made["guardrailArn"] == f"arn:aws:bedrock:eu-west-1:111122223333:guardrail/{made['guardrailId']}"
    assert len(made["guardrailId"]) == 12
    assert (made["version"], found["version"], found["status"]) == ("DRAFT", "DRAFT", "READY")
    assert (found["createdAt"], found["updatedAt"]) == (made["createdAt"], made["createdAt"])
    assert [request.guardrail for request in fake.requests] == [None, None]


def test_a_repeated_request_creates_nothing(manage: Manage) -> None:
    """The same client token returns the same guardrail, and the same version."""
    _, control, _ = manage()

    made = [control.create_guardrail(**SIMPLE, clientRequestToken="once") for _ in range(2)]
    named = {"guardrailIdentifier": made[0]["guardrailId"], "clientRequestToken": "once"}

    assert made[0]["guardrailId"] == made[1]["guardrailId"]
    assert [control.create_guardrail_version(**named)["version"] for _ in range(2)] == ["1", "1"]


def test_an_update_replaces_the_whole_draft(manage: Manage) -> None:
    """UpdateGuardrail removes the members that it omits; ID, date of creation and versions stay."""
    _, control, _ = manage()
    made = control.create_guardrail(**SIMPLE, description="For HR.", wordPolicyConfig={"wordsConfig": [{"text": "salary"}]})
    named = {"guardrailIdentifier": made["guardrailId"]}
    control.create_guardrail_version(**named, description="first")

    updated = control.update_guardrail(**named, **SIMPLE | {"name": "people"}, topicPolicyConfig={"topicsConfig": [TOPIC]})

    draft = control.get_guardrail(**named)
    frozen = control.get_guardrail(**named, guardrailVersion="1")
    assert (updated["guardrailArn"], updated["version"]) == (made["guardrailArn"], "DRAFT")
    assert (draft["name"], draft["topicPolicy"]) == ("people", {"topics": [TOPIC]})
    assert not {"description", "wordPolicy"} & set(draft)
    assert (draft["createdAt"], draft["updatedAt"]) == (made["createdAt"], updated["updatedAt"])
    assert (frozen["name"], frozen["version"], frozen["description"]) == ("hr", "1", "first")
    assert frozen["wordPolicy"] == {"words": [{"text": "salary"}]}


def test_versions_count_up_and_are_not_used_again(manage: Manage) -> None:
    """A number is used once, even if its version is deleted. A version has its own description or none."""
    _, control, _ = manage()
    named = {"guardrailIdentifier": control.create_guardrail(**SIMPLE, description="draft")["guardrailId"]}

    first, second = (control.create_guardrail_version(**named)["version"] for _ in range(2))
    control.delete_guardrail(**named, guardrailVersion="2")
    third = control.create_guardrail_version(**named)["version"]

    listed = control.list_guardrails(**named)["guardrails"]
    assert (first, second, third) == ("1", "2", "3")
    assert [(one["version"], one.get("description")) for one in listed] == [("DRAFT", "draft"), ("1", None), ("3", None)]


def test_the_list_has_drafts_or_the_versions_of_one(manage: Manage) -> None:
    """Without an identifier: the DRAFT of each guardrail of the account. With an identifier: the DRAFT and all versions."""
    here = [FakeGuardrail("abc123def456", version, name="given") for version in ("2", "10", "1")]
    elsewhere = [
        f"arn:aws:bedrock:{region_account}:guardrail/def456abc123"
        for region_account in ("eu-west-1:123456789012", "us-east-1:111122223333")
    ]
    _, control, _ = manage(guardrails=[*here, *map(FakeGuardrail, elsewhere)])
    made = control.create_guardrail(**SIMPLE, crossRegionConfig={"guardrailProfileIdentifier": PROFILE})

    drafts = control.list_guardrails()["guardrails"]
    versions = control.list_guardrails(guardrailIdentifier="abc123def456")["guardrails"]

    assert [(one["name"], one["version"]) for one in drafts] == [("given", "DRAFT"), ("hr", "DRAFT")]
    assert (drafts[1]["id"], drafts[1]["arn"], drafts[1]["status"]) == (made["guardrailId"], made["guardrailArn"], "READY")
    assert drafts[1]["crossRegionDetails"]["guardrailProfileId"] == PROFILE
    assert [one["version"] for one in versions] == ["DRAFT", "1", "2", "10"]


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_the_paginator_of_boto3_sees_every_guardrail_once(manage: Manage, size: int) -> None:
    """Pages of any size contain all guardrails, in the order in which they were created."""
    _, control, _ = manage()
    names = [f"guardrail-{number}" for number in range(5)]
    for name in names:
        control.create_guardrail(**SIMPLE | {"name": name})

    pages = list(control.get_paginator("list_guardrails").paginate(PaginationConfig={"PageSize": size}))

    assert [one["name"] for page in pages for one in page["guardrails"]] == names
    assert [len(page["guardrails"]) for page in pages] == [min(size, 5 - start) for start in range(0, 5, size)]
    assert [("nextToken" in page) for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_guardrail_is_deleted_with_its_versions_and_its_name(manage: Manage) -> None:
    """Without a version, DeleteGuardrail deletes every version, and the name can be used again."""
    _, control, _ = manage()
    named = {"guardrailIdentifier": control.create_guardrail(**SIMPLE)["guardrailId"]}
    control.create_guardrail_version(**named)

    control.delete_guardrail(**named)

    assert control.list_guardrails()["guardrails"] == []
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_guardrail(**named, guardrailVersion="1")
    assert control.create_guardrail(**SIMPLE)["guardrailId"] not in named.values()


GIVEN = FakeGuardrail(
    "abc123def456",
    "3",
    denied_words=("salary",),
    denied_topics={"medical": ("illness", "diagnosis", "a", "b", "c", "d"), "empty": ()},
    pii={"EMAIL": "anonymize"},
    regexes={"badge": r"EMP-\d+"},
    blocked_input="no",
    tags={"team": "hr"},
)


@pytest.mark.parametrize("version", [None, "DRAFT", "3"])
def test_a_configured_guardrail_is_returned_like_a_created_one(manage: Manage, version: str | None) -> None:
    """The control plane shows the words, topics and patterns of a `FakeGuardrail`, whose DRAFT is its newest version."""
    _, control, _ = manage(guardrails=[FakeGuardrail("abc123def456", "1"), GIVEN])

    found = control.get_guardrail(guardrailIdentifier="abc123def456", **({"guardrailVersion": version} if version else {}))

    assert (found["name"], found["version"], found["blockedInputMessaging"]) == ("abc123def456", version or "DRAFT", "no")
    assert found["wordPolicy"] == {"words": [{"text": "salary"}]}
    assert found["topicPolicy"]["topics"] == [
        {
            "name": "medical",
            "definition": "illness, diagnosis, a, b, c, d",
            "examples": ["illness", "diagnosis", "a", "b", "c"],
            "type": "DENY",
        },
        {"name": "empty", "definition": "empty", "examples": [], "type": "DENY"},
    ]
    assert found["sensitiveInformationPolicy"] == {
        "piiEntities": [{"type": "EMAIL", "action": "ANONYMIZE"}],
        "regexes": [{"name": "badge", "pattern": r"EMP-\d+", "action": "BLOCK"}],
    }


def test_a_configured_guardrail_can_be_changed_and_deleted(manage: Manage) -> None:
    """Its next version follows the newest. It can be updated, and is deleted with its tags."""
    _, control, _ = manage(guardrails=[GIVEN])
    named = {"guardrailIdentifier": "abc123def456"}

    control.update_guardrail(**named, **SIMPLE)
    version = control.create_guardrail_version(**named)["version"]
    frozen = control.get_guardrail(**named, guardrailVersion=version)
    control.delete_guardrail(**named)

    assert (version, frozen["name"]) == ("4", "hr")
    assert "wordPolicy" not in frozen
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.list_tags_for_resource(resourceARN=f"{ACCOUNT}:guardrail/abc123def456")


UNKNOWN = {"guardrailIdentifier": "zzz"}
KNOWN = {"guardrailIdentifier": "abc123def456"}
TWICE = SIMPLE | {"name": "abc123def456"}
PATTERN = {"sensitiveInformationPolicyConfig": {"regexesConfig": [{"name": "broken", "pattern": "(", "action": "BLOCK"}]}}
MANY = [{"key": f"k{number}", "value": ""} for number in range(51)]
REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "get-unknown": ("get_guardrail", UNKNOWN, 404, "ResourceNotFoundException"),
    "get-unknown-version": ("get_guardrail", {**KNOWN, "guardrailVersion": "2"}, 404, "ResourceNotFoundException"),
    "get-elsewhere": (
        "get_guardrail",
        {"guardrailIdentifier": f"{ACCOUNT.replace('us-east-1', 'eu-west-1')}:guardrail/abc123def456"},
        404,
        "ResourceNotFoundException",
    ),
    "get-malformed": ("get_guardrail", {"guardrailIdentifier": "G-HR"}, 400, "ValidationException"),
    "get-latest": ("get_guardrail", {**KNOWN, "guardrailVersion": "latest"}, 400, "ValidationException"),
    "list-unknown": ("list_guardrails", UNKNOWN, 404, "ResourceNotFoundException"),
    "list-token": ("list_guardrails", {"nextToken": "next"}, 400, "ValidationException"),
    "update-unknown": ("update_guardrail", {**UNKNOWN, **SIMPLE}, 404, "ResourceNotFoundException"),
    "update-taken-name": ("update_guardrail", {"guardrailIdentifier": "def456abc123", **TWICE}, 400, "ConflictException"),
    "update-pattern": ("update_guardrail", {**KNOWN, **SIMPLE, **PATTERN}, 400, "ValidationException"),
    "version-unknown": ("create_guardrail_version", UNKNOWN, 404, "ResourceNotFoundException"),
    "delete-unknown": ("delete_guardrail", UNKNOWN, 404, "ResourceNotFoundException"),
    "delete-unknown-version": ("delete_guardrail", {**KNOWN, "guardrailVersion": "9"}, 404, "ResourceNotFoundException"),
    "delete-draft": ("delete_guardrail", {**KNOWN, "guardrailVersion": "DRAFT"}, 400, "ValidationException"),
    "create-taken-name": ("create_guardrail", TWICE, 400, "ConflictException"),
    "create-strange-name": ("create_guardrail", SIMPLE | {"name": "h r"}, 400, "ValidationException"),
    "create-pattern": ("create_guardrail", {**SIMPLE, **PATTERN}, 400, "ValidationException"),
    "create-too-many-tags": ("create_guardrail", {**SIMPLE, "tags": MANY}, 400, "TooManyTagsException"),
}


@pytest.mark.parametrize(("method", "params", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_request_is_an_error_of_the_service_model(
    manage: Manage, method: str, params: dict[str, Any], status: int, code: str
) -> None:
    """Each error has the status and the code of the service model, and nothing changes."""
    fake, control, _ = manage(guardrails=[FakeGuardrail("abc123def456"), FakeGuardrail("def456abc123")])
    before = control.list_guardrails()["guardrails"]

    with pytest.raises(getattr(control.exceptions, code)) as error:
        getattr(control, method)(**params)

    assert isinstance(error.value, ClientError)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert (fake.requests[-1].status, fake.requests[-1].error) == (status, code)
    assert control.list_guardrails()["guardrails"] == before


def test_reset_keeps_resources_that_clients_created(manage: Manage) -> None:
    """Requests are removed; guardrails are not."""
    fake, control, _ = manage()
    control.create_guardrail(**SIMPLE)

    fake.reset()

    assert fake.requests == []
    assert [one["name"] for one in control.list_guardrails()["guardrails"]] == ["hr"]
