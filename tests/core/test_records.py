"""The records of a call."""

from __future__ import annotations

from enum import Enum

from guardedbedrock.core.records import plain_parameters


class Model(str, Enum):  # noqa: UP042  # how string enums were written before Python 3.11
    """A string enum that is formatted as ``Model.HAIKU``."""

    HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


def test_values_at_every_depth_become_plain_strings() -> None:
    found = plain_parameters({"a": Model.HAIKU, "b": [{"c": Model.HAIKU}], "d": ({"e": Model.HAIKU},)})

    assert found == {"a": Model.HAIKU.value, "b": [{"c": Model.HAIKU.value}], "d": ({"e": Model.HAIKU.value},)}
    assert {type(found["a"]), type(found["b"][0]["c"]), type(found["d"][0]["e"])} == {str}
