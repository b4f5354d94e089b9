"""Findings about sizes and characters that AWS rejects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from harness import casefiles

from guardedbedrock import iam
from guardedbedrock.iam.language.limits import INLINE_LIMITS, LIMITS, Finding, Holder, findings
from guardedbedrock.iam.language.writer import write

STATEMENT: Final = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
PUBLIC: Final = {**STATEMENT, "Principal": "*"}
SIZES: Final = {"identity": 6_144, "boundary": 6_144, "session": 2_048, "scp": 5_120, "rcp": 5_120, "endpoint": 20_480}
LATIN: Final = ("identity", "boundary", "session", "resource")


def messages(*arguments: Any, **options: Any) -> list[str]:
    """Return the messages of all findings."""
    return [finding.message for finding in findings(*arguments, **options)]


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_each_policy_type_has_a_size_limit(policy_type: iam.PolicyType) -> None:
    """The limit itself gives no finding; one more character gives one with the size and the limit."""
    limit = {**SIZES, "resource": 20_480}[policy_type]

    (found,) = findings("x" * (limit + 1), policy_type, name="p.json")

    assert findings("x" * limit, policy_type) == ()
    assert (found.code, found.pointer, found.policy) == ("policy-size", "", "p.json")
    assert found.message.startswith(f"{limit + 1:,} characters with")
    assert f" exceed the limit of {limit:,} for a" in found.message


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_white_space_counts_except_in_identity_policies_and_boundaries(policy_type: iam.PolicyType) -> None:
    """IAM ignores white space; the other services save the policy as it is sent."""
    limit = LIMITS[policy_type]

    found = messages("x" + " \t\r\n" * limit.characters, policy_type)

    assert bool(found) is (policy_type not in ("identity", "boundary"))
    assert all(" characters with white space exceed" in message for message in found)


@pytest.mark.parametrize(("holder", "limit"), [("user", 2_048), ("group", 5_120), ("role", 10_240)])
def test_inline_policies_share_one_limit(holder: Holder, limit: int) -> None:
    """The limit applies to the sum without white space."""
    full, empty = ["x \n" * (limit // 2)] * 2, "  "

    assert findings([*full, empty], inline_in=holder) == ()
    assert findings([*full, "y"], inline_in=holder) == (
        Finding(
            "inline-size",
            f"{limit + 1:,} characters without white space exceed the limit of {limit:,} "
            f"for the inline policies of a {holder} together",
        ),
    )


def test_inline_policy_may_be_larger_than_a_managed_one() -> None:
    """The limit of managed policies does not apply to it."""
    text = "x" * 7_000

    assert messages(text) == ["7,000 characters without white space exceed the limit of 6,144 for a managed policy"]
    assert messages(text, inline_in="role") == []
    assert messages(text, inline_in="group")


def test_only_identity_policies_can_be_inline() -> None:
    """A boundary is a managed policy."""
    with pytest.raises(ValueError, match="type boundary cannot be inline in a role"):
        findings("{}", "boundary", inline_in="role")


def test_several_policies_are_measured_one_by_one() -> None:
    """A finding has the name or the index of its policy."""
    big = {"Statement": [{**PUBLIC, "Sid": "x" * 20_480}]}
    read = iam.parse(big, "resource", name="read.json")

    assert [f.policy for f in findings([{"Statement": PUBLIC}, big, read], "resource")] == ["resource[1]", "read.json"]
    assert [f.policy for f in findings([big], "resource", name="p")] == ["p[0]"]
    assert [f.policy for f in findings(big, "resource")] == [None]
    assert findings([]) == ()


@pytest.mark.parametrize("policy_type", ["identity", "resource"])
def test_object_is_measured_as_it_is_written(policy_type: iam.PolicyType) -> None:
    """An object and a parsed document are measured on one line, text as it is given."""
    statement = STATEMENT if policy_type == "identity" else PUBLIC
    document = {"Statement": [{**statement, "Action": [f"s3:{'x' * 100}{n}" for n in range(300)]}]}
    read = iam.parse(document, policy_type)
    size = f"{len(write(read)):,} characters"

    assert [message[: len(size)] for message in messages([document, read, write(read)], policy_type)] == [size] * 3
    assert messages(json.dumps(document, indent=4), "resource")[0][: len(size)] != size


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_characters_beyond_latin_are_found_with_their_location(policy_type: iam.PolicyType) -> None:
    """Keys and values are searched, each location once. Organizations and VPC endpoints accept any character."""
    text = '{"a~/b": ["é\xff\x7f", "\u2019\u0100\u2019", ["\u0101"]], "\u2013": {"k": "\U0001f600"}, "e": ["\\u2018", 1, null]}'

    found = findings(text, policy_type, name="n")

    tail = "not allowed; AWS accepts tab, LF, CR, U+0020 to U+00FF"
    expected = (
        Finding("character", f"U+0100, U+2019 are {tail}", "/a~0~1b/1", "n"),
        Finding("character", f"U+0101 is {tail}", "/a~0~1b/2/0", "n"),
        Finding("character", f"U+2013 is {tail}", "/\u2013", "n"),
        Finding("character", f"U+1F600 is {tail}", "/\u2013/k", "n"),
    )
    assert found == (expected if policy_type in LATIN else ())


@pytest.mark.parametrize("text", ["\ufeff{}", '{"a": "\x01"}', "[" * 100_000 + "\u2019", '{"\u2019', "\ud800"])
def test_characters_are_found_in_text_that_is_not_json(text: str) -> None:
    """The location is the whole document."""
    assert [(finding.code, finding.pointer) for finding in findings(text)][-1:] == [("character", "")]


def test_parsed_document_is_searched_unescaped() -> None:
    """It may be sent escaped or not, so there is a finding; written text is escaped and has none."""
    document = {"Statement": {**PUBLIC, "Condition": {"StringEquals": {"k": ["x", "\u2019"]}}}}
    expected = [("character", "/Statement/0/Condition/StringEquals/k/1")]

    assert [(f.code, f.pointer) for f in findings(document, "resource")] == expected
    assert [(f.code, f.pointer) for f in findings(iam.parse(document, "resource"), "resource")] == expected
    assert findings(write(iam.parse(document, "resource")), "resource") == ()


def test_size_findings_come_before_character_findings() -> None:
    """One policy can have both."""
    assert [finding.code for finding in findings("\u2019" * 7_000)] == ["policy-size", "character"]
    assert [finding.code for finding in findings("\u2019" * 7_000, inline_in="user")] == ["inline-size", "character"]


def test_str_of_a_finding() -> None:
    """It has the policy, the location and the message."""
    assert str(Finding("character", "m", "/a", "p")) == "p at /a: m"
    assert str(Finding("policy-size", "m")) == "policy: m"


def test_object_that_is_not_a_policy_is_an_error() -> None:
    """Only text can be measured without being parsed."""
    with pytest.raises(iam.PolicySyntaxError, match="Statement is missing"):
        findings({}, name="n")


def test_every_limit_has_a_source() -> None:
    """There is a limit for every policy type."""
    assert tuple(sorted(LIMITS)) == tuple(sorted(iam.POLICY_TYPES))
    assert all(limit.source for limit in (*LIMITS.values(), *INLINE_LIMITS.values()))


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "cases" / "iam").glob("*.json")), ids=lambda p: p.stem)
def test_policies_of_the_cases_have_no_findings(path: Path) -> None:
    """Ordinary policies are within the limits."""
    for case in casefiles.read(path):
        for policy_type, given in case["policies"].items():
            levels = given if policy_type in ("scp", "rcp") else [given]
            assert [findings(level, policy_type) for level in levels] == [()] * len(levels)
