"""mem0 creates its own clients, so a guard is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, denial, guarded
from mem0.configs.llms.aws_bedrock import AWSBedrockConfig
from mem0.llms.aws_bedrock import AWSBedrockLLM

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

HELLO: Final[Any] = [{"role": "user", "content": "hello there"}]


@pytest.fixture(autouse=True)
def installed(guard: Guard) -> Iterator[None]:
    """Install the guard."""
    with guard.install():
        yield


def made(model: str = MODEL) -> AWSBedrockLLM:
    """Create the model."""
    return AWSBedrockLLM(AWSBedrockConfig(model=model, aws_region="us-east-1"))


def test_sync(fake: FakeBedrock) -> None:
    assert made().generate_response(HELLO) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_a_denial_is_the_cause_of_the_framework_error(fake: FakeBedrock) -> None:
    with pytest.raises(RuntimeError) as denied:
        made(DENIED_MODEL).generate_response(HELLO)

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert guarded(fake) == []
