"""Prompts of Prompt management: draft, versions, and their state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

TEXT = {"text": {"text": "Say {{word}}", "inputVariables": [{"name": "word"}]}}
VARIANT = {"name": "first", "templateType": "TEXT", "templateConfiguration": TEXT}


@pytest.fixture
def client(aws: boto3.Session) -> Iterator[Any]:
    """A client for prompts."""
    with FakeBedrock() as fake:
        made = aws.client("bedrock-agent", **fake.client_kwargs())
        yield made
        made.close()


def _without_metadata(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


def test_a_prompt_has_a_draft_and_versions_that_do_not_change(client: Any) -> None:
    """A version is the draft at its time; Get without a version returns the draft."""
    made = client.create_prompt(name="greeting", variants=[VARIANT], defaultVariant="first")
    first = client.create_prompt_version(promptIdentifier=made["id"], description="the first")
    client.update_prompt(promptIdentifier=made["arn"], name="greeting", description="changed")

    draft = client.get_prompt(promptIdentifier=made["id"])
    assert (draft["version"], draft["description"]) == ("DRAFT", "changed")
    assert "variants" not in draft
    assert draft["createdAt"] == made["createdAt"]
    assert first["arn"] == f"{made['arn']}:1"
    for found in (
        client.get_prompt(promptIdentifier=made["id"], promptVersion="1"),
        client.get_prompt(promptIdentifier=first["arn"]),
    ):
        assert _without_metadata(found) == _without_metadata(first)
    assert (first["version"], first["description"], first["variants"]) == ("1", "the first", [VARIANT])


def test_prompts_and_versions_are_listed(client: Any) -> None:
    """The drafts of all prompts, or all versions of one."""
    identifiers = [client.create_prompt(name=name)["id"] for name in ("a", "b")]
    client.create_prompt_version(promptIdentifier=identifiers[0])

    pages = client.get_paginator("list_prompts").paginate(PaginationConfig={"PageSize": 1})
    listed = [each for reply in pages for each in reply["promptSummaries"]]
    versions = client.list_prompts(promptIdentifier=identifiers[0])["promptSummaries"]

    assert [(each["id"], each["name"], each["version"]) for each in listed] == [
        (identifiers[0], "a", "DRAFT"),
        (identifiers[1], "b", "DRAFT"),
    ]
    assert [each["version"] for each in versions] == ["DRAFT", "1"]


def test_a_version_or_the_whole_prompt_is_deleted(client: Any) -> None:
    """The number of a deleted version is not used again."""
    identifier = client.create_prompt(name="a")["id"]
    client.create_prompt_version(promptIdentifier=identifier)

    assert _without_metadata(client.delete_prompt(promptIdentifier=identifier, promptVersion="1")) == {
        "id": identifier,
        "version": "1",
    }
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_prompt(promptIdentifier=identifier, promptVersion="1")
    assert client.create_prompt_version(promptIdentifier=identifier)["version"] == "2"
    assert _without_metadata(client.delete_prompt(promptIdentifier=identifier)) == {"id": identifier}
    for call in (client.get_prompt, client.delete_prompt, client.create_prompt_version):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            call(promptIdentifier=identifier)


def test_a_name_in_use_and_an_unknown_variant_are_rejected(client: Any) -> None:
    """A prompt keeps its name when it is updated."""
    first, second = (client.create_prompt(name=name)["id"] for name in ("a", "b"))

    client.update_prompt(promptIdentifier=first, name="a")
    with pytest.raises(client.exceptions.ConflictException):
        client.create_prompt(name="a")
    with pytest.raises(client.exceptions.ConflictException):
        client.update_prompt(promptIdentifier=second, name="a")
    with pytest.raises(client.exceptions.ValidationException, match="no variant other"):
        client.create_prompt(name="c", variants=[VARIANT], defaultVariant="other")
    assert len(client.list_prompts()["promptSummaries"]) == 2
