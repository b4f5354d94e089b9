"""instructor accepts a client that is a `BaseClient`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import instructor
import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, denial, guarded
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel

from guardedbedrock import ExplicitDenyError
from guardedbedrock.testing import ToolUse

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock


class Leave(BaseModel):
    """The expected answer."""

    days: int


def made(guard: Guard, **more: Any) -> Any:
    """Create the instructor with a guarded client."""
    client = guard.client("bedrock-runtime", region_name="us-east-1")
    return instructor.from_bedrock(client, mode=instructor.Mode.MD_JSON, **more)


def asked(maker: Any, **more: Any) -> Any:
    """Ask for days of leave."""
    ask = {"modelId": MODEL, "messages": [{"role": "user", "content": "how many days?"}], "max_retries": 1}
    return maker.chat.completions.create(response_model=Leave, **{**ask, **more})


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply('{"days": 24}')

    assert asked(made(guard)).days == 24
    assert guarded(fake) == ["Converse"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply('{"days": 24}')

    assert asyncio.run(asked(made(guard, async_client=True))).days == 24
    assert guarded(fake) == ["Converse"]


def test_a_retry_is_guarded_too(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply("I cannot count", '{"days": 24}')

    assert asked(made(guard), max_retries=2).days == 24
    assert guarded(fake) == ["Converse", "Converse"]


def test_tools(fake: FakeBedrock, guard: Guard) -> None:
    """The default mode: the answer is the input of a tool."""
    fake.reply(ToolUse("Leave", {"days": 24}))
    client = guard.client("bedrock-runtime", region_name="us-east-1")

    assert asked(instructor.from_bedrock(client, mode=instructor.Mode.TOOLS)).days == 24
    assert guarded(fake) == ["Converse"]


def test_a_provider_that_creates_its_own_client(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply('{"days": 24}')
    with guard.install():
        maker = instructor.from_provider(f"bedrock/{MODEL}", mode=instructor.Mode.MD_JSON)
        reply = maker.chat.completions.create(messages=[{"role": "user", "content": "how many days?"}], response_model=Leave)

    assert reply.days == 24
    assert guarded(fake) == ["Converse"]


def test_a_denial_is_the_cause_of_the_framework_error(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(InstructorRetryException) as denied:
        asked(made(guard), modelId=DENIED_MODEL)

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []
