"""Sizes and characters that AWS would not save, as findings."""

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
OPEN: Final = {**STATEMENT, "Principal": "*"}
SIZES: Final = {"identity": 6_144, "boundary": 6_144, "session": 2_048, "scp": 5_120, "rcp": 5_120, "endpoint": 20_480}
LATIN: Final = ("identity", "boundary", "session", "resource")


def messages(*given: Any, **options: Any) -> list[str]:
    """Give the messages of what is found."""
    return [finding.message for finding in findings(*given, **options)]


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_every_type_has_its_limit(policy_type: iam.PolicyType) -> None:
    """As many characters as may be are no finding, one more is; the figure and the limit are named."""
    limit = {**SIZES, "resource": 20_480}[policy_type]

    (found,) = findings("x" * (limit + 1), policy_type, name="p.json")

    assert findings("x" * limit, policy_type) == ()
    assert (found.code, found.pointer, found.policy) == ("policy-size", "", "p.json")
    assert found.message.startswith(f"{limit + 1:,} characters with")
    assert f" are more than the {limit:,} that a" in found.message


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_white_space_counts_for_what_is_no_identity_based_policy(policy_type: iam.PolicyType) -> None:
    """IAM leaves it out of account; the others save a policy as it is sent."""
    limit = LIMITS[policy_type]

    found = messages("x" + " \t\r\n" * limit.characters, policy_type)

    assert bool(found) is (policy_type not in ("identity", "boundary"))
    assert all(" characters with white space are more" in message for message in found)


@pytest.mark.parametrize(("holder", "limit"), [("user", 2_048), ("group", 5_120), ("role", 10_240)])
def test_inline_policies_share_one_limit(holder: Holder, limit: int) -> None:
    """The sum is what counts, and white space does not."""
    full, empty = ["x \n" * (limit // 2)] * 2, "  "

    assert findings([*full, empty], inline_in=holder) == ()
    assert findings([*full, "y"], inline_in=holder) == (
        Finding(
            "inline-size",
            f"{limit + 1:,} characters without white space are more than the {limit:,} "
            f"that the inline policies of a {holder} together may have",
        ),
    )


def test_an_inline_policy_may_be_larger_than_a_managed_one() -> None:
    """The limit of managed policies is not for it."""
    text = "x" * 7_000

    assert messages(text) == ["7,000 characters without white space are more than the 6,144 that a managed policy may have"]
    assert messages(text, inline_in="role") == []
    assert messages(text, inline_in="group")


def test_only_identity_based_policies_are_inline() -> None:
    """A boundary is a managed policy."""
    with pytest.raises(ValueError, match="type boundary is never inline in a role"):
        findings("{}", "boundary", inline_in="role")


def test_several_policies_are_measured_one_by_one() -> None:
    """Each has its name or its place."""
    big = {"Statement": [{**OPEN, "Sid": "x" * 20_480}]}
    read = iam.parse(big, "resource", name="read.json")

    assert [f.policy for f in findings([{"Statement": OPEN}, big, read], "resource")] == ["resource[1]", "read.json"]
    assert [f.policy for f in findings([big], "resource", name="p")] == ["p[0]"]
    assert [f.policy for f in findings(big, "resource")] == [None]
    assert findings([]) == ()


@pytest.mark.parametrize("policy_type", ["identity", "resource"])
def test_an_object_is_measured_as_it_is_written(policy_type: iam.PolicyType) -> None:
    """On one line, whether it was read before or not; text counts as it stands."""
    statement = STATEMENT if policy_type == "identity" else OPEN
    document = {"Statement": [{**statement, "Action": [f"s3:{'x' * 100}{n}" for n in range(300)]}]}
    read = iam.parse(document, policy_type)
    size = f"{len(write(read)):,} characters"

    assert [message[: len(size)] for message in messages([document, read, write(read)], policy_type)] == [size] * 3
    assert messages(json.dumps(document, indent=4), "resource")[0][: len(size)] != size


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
def test_characters_beyond_latin_are_found_at_their_place(policy_type: iam.PolicyType) -> None:
    """In keys and in values, each place once; Organizations and VPC endpoints take any character."""
    text = '{"a~/b": ["é\xff\x7f", "\u2019\u0100\u2019", ["\u0101"]], "\u2013": {"k": "\U0001f600"}, "e": ["\\u2018", 1, null]}'

    found = findings(text, policy_type, name="n")

    tail = "none of the characters that AWS takes (tab, LF, CR, U+0020 to U+00FF)"
    expected = (
        Finding("character", f"U+0100, U+2019 are {tail}", "/a~0~1b/1", "n"),
        Finding("character", f"U+0101 is {tail}", "/a~0~1b/2/0", "n"),
        Finding("character", f"U+2013 is {tail}", "/\u2013", "n"),
        Finding("character", f"U+1F600 is {tail}", "/\u2013/k", "n"),
    )
    assert found == (expected if policy_type in LATIN else ())


@pytest.mark.parametrize("text", ["\ufeff{}", '{"a": "\x01"}', "[" * 100_000 + "\u2019", '{"\u2019', "\ud800"])
def test_text_that_is_no_json_has_characters_all_the_same(text: str) -> None:
    """The place is the whole of it."""
    assert [(finding.code, finding.pointer) for finding in findings(text)][-1:] == [("character", "")]


def test_what_is_read_already_holds_its_characters_unescaped() -> None:
    """It may be sent either way, so it is said."""
    document = {"Statement": {**OPEN, "Condition": {"StringEquals": {"k": ["x", "\u2019"]}}}}
    expected = [("character", "/Statement/0/Condition/StringEquals/k/1")]

    assert [(f.code, f.pointer) for f in findings(document, "resource")] == expected
    assert [(f.code, f.pointer) for f in findings(iam.parse(document, "resource"), "resource")] == expected
    assert findings(write(iam.parse(document, "resource")), "resource") == ()


def test_sizes_come_before_characters() -> None:
    """One policy may have both."""
    assert [finding.code for finding in findings("\u2019" * 7_000)] == ["policy-size", "character"]
    assert [finding.code for finding in findings("\u2019" * 7_000, inline_in="user")] == ["inline-size", "character"]


def test_a_finding_reads_as_a_line() -> None:
    """Policy, place, message."""
    assert str(Finding("character", "m", "/a", "p")) == "p at /a: m"
    assert str(Finding("policy-size", "m")) == "policy: m"


def test_an_object_that_is_no_policy_is_an_error() -> None:
    """Only text can be measured without being read."""
    with pytest.raises(iam.PolicySyntaxError, match="has no Statement"):
        findings({}, name="n")


def test_every_limit_names_its_page() -> None:
    """And there is one for every policy type."""
    assert tuple(sorted(LIMITS)) == tuple(sorted(iam.POLICY_TYPES))
    assert all(limit.source for limit in (*LIMITS.values(), *INLINE_LIMITS.values()))


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "cases" / "iam").glob("*.json")), ids=lambda p: p.stem)
def test_the_policies_of_the_cases_have_no_findings(path: Path) -> None:
    """Real policies are within the limits."""
    for case in casefiles.read(path):
        for policy_type, given in case["policies"].items():
            levels = given if policy_type in ("scp", "rcp") else [given]
            assert [findings(level, policy_type) for level in levels] == [()] * len(levels)
