"""The guardrail of a call: by name, by the client, by its model, or the one that the call names."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ParamValidationError
from harness.clients import HR, INVOCATIONS, MODEL, PUBLIC, WEAK, ask

from guardedbedrock import ConfigurationError, Guard, Guardrail, GuardrailNotApprovedError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

NOVA: Final = "amazon.nova-lite-v1:0"
LLAMA: Final = "meta.llama3-70b-instruct-v1:0"
FOR_CLAUDE: Final = replace(PUBLIC, models=("anthropic.*",))
FOR_NOVA: Final = replace(HR, models=("amazon.nova-*", "*.titan-*"))
EVERY: Final = (HR, PUBLIC)


def version(guardrail: Guardrail) -> tuple[str, str]:
    """Return a guardrail as the fake records it."""
    return guardrail.arn, guardrail.version


def arrived(env: Harness) -> list[tuple[str, str] | None]:
    """List the guardrails that reached the fake."""
    return [request.guardrail for request in env.fake.requests]


def converse(env: Harness, model: str = MODEL, **more: Any) -> None:
    """Make a call."""
    env.client.converse(**ask("converse", model=model), **more)


BY_MODEL: Final[dict[str, tuple[tuple[Guardrail, ...], str, Guardrail]]] = {
    "first that is for it": ((FOR_CLAUDE, FOR_NOVA), MODEL, PUBLIC),
    "not the first": ((FOR_CLAUDE, FOR_NOVA), NOVA, HR),
    "by a profile in front": ((FOR_NOVA, FOR_CLAUDE), f"us.{MODEL}", PUBLIC),
    "by its ARN": ((FOR_NOVA, FOR_CLAUDE), f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}", PUBLIC),
    "one for every model comes last": ((replace(PUBLIC, models=("amazon.*",)), HR), MODEL, HR),
    "one for every model comes first": ((HR, FOR_CLAUDE), MODEL, HR),
}


@pytest.mark.parametrize(("approved", "model", "expected"), BY_MODEL.values(), ids=BY_MODEL)
@pytest.mark.parametrize("method", ["converse", *INVOCATIONS])
def test_model_gets_the_first_guardrail_for_it(
    harness: Make, approved: tuple[Guardrail, ...], model: str, expected: Guardrail, method: str
) -> None:
    env = harness(guardrails=approved, policies=None)

    getattr(env.client, method)(**ask(method, model=model))

    assert arrived(env) == [version(expected)]


def test_model_without_a_guardrail_for_it_is_refused(harness: Make) -> None:
    env = harness(guardrails=[FOR_CLAUDE, FOR_NOVA], policies=None)

    with pytest.raises(GuardrailNotApprovedError, match=f"no guardrail .* fits the model `{LLAMA}`") as refused:
        converse(env, LLAMA)

    assert "add the model to `models`" in str(refused.value.hint)
    assert arrived(env) == []


def test_call_without_a_model_raises_botocores_error(harness: Make) -> None:
    env = harness(guardrails=[FOR_CLAUDE], policies=None)

    for wrong in ({}, {"modelId": 1}):
        with pytest.raises(ParamValidationError):
            env.client.converse(messages=[], **wrong)


def test_chosen_name_overrides_the_model(harness: Make) -> None:
    env = harness(guardrails=[FOR_CLAUDE, FOR_NOVA], policies=None)

    with env.guard.using("hr"):
        converse(env, MODEL)
        converse(env, LLAMA)

    assert arrived(env) == [version(HR)] * 2


def test_choosing_sets_the_guardrail_of_one_client(harness: Make) -> None:
    env = harness(guardrails=[HR, PUBLIC], policies=None)
    public = env.guard.choosing("customer-facing")
    client = public.client("bedrock-runtime", **env.fake.client_kwargs())

    client.converse(**ask("converse"))
    with env.guard.using("hr"):
        client.converse(**ask("converse"))
    client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version})
    converse(env)
    again = public.choosing("hr").wrap(client)
    again.converse(**ask("converse"))
    client.close()

    assert arrived(env) == [version(each) for each in (PUBLIC, HR, HR, HR, HR)]
    assert public.simulate("Converse", ask("converse")).guardrail == PUBLIC
    assert env.guard.simulate("Converse", ask("converse")).guardrail == HR


@pytest.mark.parametrize("way", ["using", "choosing"])
def test_choosing_an_unknown_name_raises(way: str) -> None:
    guard = Guard(guardrails=EVERY, listeners=())

    with pytest.raises(ConfigurationError, match="no approved guardrail is named `hrr`; there are customer-facing, hr"):
        getattr(guard, way)("hrr").__enter__()


def test_using_blocks_nest_and_end(harness: Make) -> None:
    env = harness(policies=None)

    with env.guard.using("customer-facing"):
        with suppress(LookupError), env.guard.using("hr"):
            converse(env)
            raise LookupError
        converse(env)
    converse(env)

    assert arrived(env) == [version(HR), version(PUBLIC), version(HR)]


def test_chosen_name_is_ignored_by_a_guard_without_it(harness: Make) -> None:
    env = harness(guardrails=[HR], policies=None)
    other = Guard(guardrails=[PUBLIC], listeners=())

    with other.using("customer-facing"):
        converse(env)

    assert arrived(env) == [version(HR)]


def in_a_new_thread(run: Callable[[], None]) -> None:
    """Run in a thread that inherits no context."""
    thread = Thread(target=run)
    thread.start()
    thread.join()


def in_a_copy(run: Callable[[], None]) -> None:
    """Run in a pool, in a copy of the context."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, run).result()


def in_a_pool(run: Callable[[], None]) -> None:
    """Run in a pool, without the context."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def in_a_task(run: Callable[[], None]) -> None:
    """Run in a task of an event loop."""

    async def task() -> None:
        run()

    async def loop() -> None:
        await asyncio.create_task(task())

    asyncio.run(loop())


def in_a_thread_of_a_task(run: Callable[[], None]) -> None:
    """Run in the thread that a task waits for."""
    asyncio.run(asyncio.to_thread(run))


CONTEXTS: Final = (
    (in_a_copy, PUBLIC),
    (in_a_task, PUBLIC),
    (in_a_thread_of_a_task, PUBLIC),
    (in_a_pool, HR),
    (in_a_new_thread, HR),
)


@pytest.mark.parametrize(("run", "expected"), CONTEXTS)
def test_choice_follows_the_context_into_tasks_and_threads(harness: Make, run: Callable[..., None], expected: Guardrail) -> None:
    env = harness(policies=None)

    with env.guard.using("customer-facing"):
        run(lambda: converse(env))

    assert arrived(env) == [version(expected)]


NAMED: Final[dict[str, tuple[dict[str, str], Guardrail | None]]] = {
    "nothing": ({}, PUBLIC),
    "empty": ({"guardrailIdentifier": "", "guardrailVersion": ""}, PUBLIC),
    "by ARN": ({"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}, HR),
    "by ID": ({"guardrailIdentifier": HR.id, "guardrailVersion": HR.version}, HR),
    "identifier alone": ({"guardrailIdentifier": HR.arn}, HR),
    "version of the chosen one alone": ({"guardrailVersion": PUBLIC.version}, PUBLIC),
    "version of another alone": ({"guardrailVersion": HR.version}, None),
    "another version": ({"guardrailIdentifier": HR.arn, "guardrailVersion": "2"}, None),
    "its draft": ({"guardrailIdentifier": HR.arn, "guardrailVersion": "DRAFT"}, None),
    "not approved": (WEAK, None),
}


@pytest.mark.parametrize(("named", "expected"), NAMED.values(), ids=NAMED)
def test_approved_guardrail_of_the_caller_overrides_the_choice(
    harness: Make, named: dict[str, str], expected: Guardrail | None
) -> None:
    approved = [FOR_CLAUDE, replace(HR, models=("amazon.*",))]
    own: dict[str, Any] = {"guardrailConfig": named} if named else {}
    env = harness(guardrails=approved, policies=None)
    if expected is None:
        with pytest.raises(GuardrailNotApprovedError):
            converse(env, **own)
        env = harness(guardrails=approved, policies=None, on_unapproved="replace")
    converse(env, **own)

    sent = arrived(env)[0]
    assert sent is not None
    assert (sent[0].rpartition("/")[2], sent[1]) == ((expected or PUBLIC).id, (expected or PUBLIC).version)


def test_draft_is_approved_only_with_allow_draft() -> None:
    draft = Guardrail(HR.arn, "DRAFT")
    with pytest.raises(ConfigurationError, match=r"guardrails\[0\].version: DRAFT.*or set allow_draft = true"):
        Guard(guardrails=[draft])

    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]) as fake:
        client = Guard(guardrails=[draft], allow_draft=True, listeners=()).client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**ask("converse"))
        client.close()

    assert fake.requests[0].guardrail == (HR.arn, "DRAFT")
