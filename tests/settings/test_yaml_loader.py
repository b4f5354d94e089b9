"""YAML with the types of JSON: other values that YAML 1.1 would convert stay strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.settings.reader import parse_yaml
from guardedbedrock.settings.yaml_loader import Loader


def load(text: str) -> Any:
    return parse_yaml(text, "a.yaml", lambda: Loader)


@pytest.mark.parametrize(
    "text",
    [
        "012345670123",
        "00",
        "0x1F",
        "0o17",
        "0b11",
        "1_000",
        "12:30",
        "1e5",
        "1.5e3",
        "+5",
        ".5",
        "5.",
        ".inf",
        ".NaN",
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "2012-10-17",
        "2020-01-01T00:00:00Z",
        "=",
    ],
)
def test_a_plain_scalar_that_json_has_no_type_for_is_a_string(text: str) -> None:
    assert load(f"{{a: {text}, b: [{text}]}}") == {"a": text, "b": [text]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("3600", 3600),
        ("1.10", Decimal("1.10")),
        ("-0.5", Decimal("-0.5")),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"3"', "3"),
        ("!!int 012", 10),
        ("!!float .inf", float("inf")),
    ],
)
def test_a_plain_scalar_of_json_and_a_tagged_one_have_their_type(text: str, value: object) -> None:
    found = load(f"a: {text}")["a"]

    assert found == value
    assert str(found) == str(value)


@pytest.mark.parametrize("key", ["Null", "null", "~", "true", "on", "no", "12", "012345670123", "1.10", "2012-10-17"])
def test_a_key_is_a_string(key: str) -> None:
    """Also in a merged mapping, and if an alias is the key. The value with the anchor keeps its type."""
    document = f"{{a: &base {{{key}: 1}}, b: {{<<: *base}}, c: &it {key}, d: {{*it : 1}}}}"

    found = load(document)

    assert found["a"] == found["b"] == found["d"] == {key: 1}
    assert found["c"] == load(f"[{key}]")[0]


@pytest.mark.parametrize(
    ("merging", "value"),
    [
        ("{<<: *one}", 1),
        ("{<<: *one, key: 3}", 3),
        ("{key: 3, <<: *one}", 3),
        ("{<<: [*one, *two]}", 1),
        ("{<<: [*two, *one]}", 2),
        ("{<<: *two, <<: *one}", 2),
        ("{<<: *own}", 4),
    ],
)
def test_merge_keys_have_the_precedence_of_yaml(merging: str, value: int) -> None:
    anchors = "{one: &one {key: 1}, two: &two {key: 2}, deep: {own: &own {<<: *one, key: 4}}"

    found = load(f"{anchors}, it: {merging}}}")

    assert found["it"] == {"key": value}
    assert found["deep"]["own"].repeated is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("a: {<<: 3}", "expected a mapping or a list of mappings after `<<` in line 1, column 9"),
        ("a: {<<: [[]]}", "expected a mapping or a list of mappings after `<<` in line 1, column 10"),
        ("a: {[b]: 1}", "a key must be a string in line 1, column 5"),
        ("a: {<<: {{b: c}: 1}}", "a key must be a string in line 1, column 10"),
    ],
)
def test_an_invalid_key_or_merge_is_an_error(document: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(document)

    assert str(caught.value) == f"a.yaml: not valid YAML: {problem}"
