"""smolagents accepts a client; it has no streams and no async calls to Bedrock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, denial, guarded
from smolagents import AgentGenerationError, AmazonBedrockModel, CodeAgent

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

HELLO: Final[Any] = [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]


def made(guard: Guard, model: str = MODEL) -> AmazonBedrockModel:
    """Create the model with a guarded client."""
    return AmazonBedrockModel(model_id=model, client=guard.client("bedrock-runtime", region_name="us-east-1"))


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    assert made(guard).generate(HELLO).content == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_an_agent(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply("Thought: I count.\n<code>\nfinal_answer(20 + 4)\n</code>")

    assert CodeAgent(tools=[], model=made(guard), verbosity_level=0).run("how many days?") == 24
    assert guarded(fake) == ["Converse"]


def test_a_model_that_creates_its_own_client(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        AmazonBedrockModel(model_id=MODEL).generate(HELLO)

    assert guarded(fake) == ["Converse"]


def test_a_denial_of_a_model_is_raised_unchanged(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ExplicitDenyError):
        made(guard, DENIED_MODEL).generate(HELLO)

    assert fake.requests == []


def test_a_denial_of_an_agent_is_the_cause_of_the_framework_error(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(AgentGenerationError) as denied:
        CodeAgent(tools=[], model=made(guard, DENIED_MODEL), verbosity_level=0).run("how many days?")

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []
