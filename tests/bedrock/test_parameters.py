"""Parameters that are read by their path."""

from __future__ import annotations

from collections import UserDict, deque
from typing import Any

import pytest

from guardedbedrock.bedrock.parameters import read_parameter

MODEL = {"modelArn": "a"}


@pytest.mark.parametrize("models", [[MODEL], (MODEL,), deque([MODEL]), [UserDict(MODEL)], [MODEL, 1, None, {}]], ids=repr)
def test_read_parameter_reads_every_list_that_botocore_sends(models: Any) -> None:
    """Without validation of parameters, botocore sends a deque too."""
    assert read_parameter({"models": models}, "models[].modelArn") == ["a"]


@pytest.mark.parametrize("models", [None, 1, "x", b"x", MODEL, UserDict(MODEL)], ids=repr)
def test_read_parameter_reads_nothing_of_another_shape(models: Any) -> None:
    assert read_parameter({"models": models}, "models[].modelArn") is None


def test_read_parameter_does_not_consume_an_iterator() -> None:
    models = iter([MODEL])

    assert read_parameter({"models": models}, "models[].modelArn") is None
    assert list(models) == [MODEL]
