"""dspy calls Bedrock through LiteLLM: only `install(strict=True)` can check it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import dspy
import pytest
from dspy.utils.exceptions import LMTransportError
from frameworks.helpers import DENIED_MODEL, HR, MODEL, denial, guarded

from guardedbedrock import ExplicitDenyError, GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

CONVERSE: Final = f"bedrock/{MODEL}"
INVOKE: Final = f"bedrock/invoke/{MODEL}"
CONFIG: Final[Any] = {"guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}


@pytest.fixture(autouse=True)
def strict(guard: Guard) -> Iterator[None]:
    """Install the guard with strict=True."""
    with guard.install(strict=True):
        yield


@pytest.mark.parametrize(("model", "more", "operation"), [(CONVERSE, CONFIG, "Converse"), (INVOKE, {}, "InvokeModel")])
def test_sync(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    assert dspy.LM(model, cache=False, **more)("hello there") == ["You said: hello there"]
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("model", "more", "operation"), [(CONVERSE, CONFIG, "Converse"), (INVOKE, {}, "InvokeModel")])
def test_async(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    assert asyncio.run(dspy.LM(model, cache=False, **more).acall("hello there")) == ["You said: hello there"]
    assert guarded(fake) == [operation]


def test_converse_without_a_guardrail_is_refused(fake: FakeBedrock) -> None:
    with pytest.raises(LMTransportError) as refused:
        dspy.LM(CONVERSE, cache=False, num_retries=0)("hello there")

    assert isinstance(denial(refused.value), GuardrailTamperedError)
    assert fake.requests == []


def test_a_denial_is_the_cause_of_the_framework_error(fake: FakeBedrock) -> None:
    with pytest.raises(LMTransportError) as denied:
        dspy.LM(INVOKE.replace(MODEL, DENIED_MODEL), cache=False, num_retries=0)("hello there")

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []
