"""Names in the client's service model that differ from the names that AWS reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import DENIED_MODEL, MODEL
from harness.service_models import load_model

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

CONVERSE: Final = ("ConverseRequest", "ConverseStreamRequest")
INVOKE: Final = ("InvokeModelRequest", "InvokeModelWithResponseStreamRequest")
NESTED: Final = ("GuardrailConfiguration", "GuardrailStreamConfiguration")


def renamed(shapes: dict[str, Any], names: tuple[str, ...], member: str, **traits: str) -> None:
    for name in names:
        shapes[name]["members"][member].update(traits)


def structure(shapes: dict[str, Any]) -> None:
    renamed(shapes, CONVERSE, "guardrailConfig", locationName="ignored")
    renamed(shapes, INVOKE, "guardrailIdentifier", locationName="X-Ignored")


def version(shapes: dict[str, Any]) -> None:
    renamed(shapes, NESTED, "guardrailVersion", locationName="ignored")
    renamed(shapes, INVOKE, "guardrailVersion", locationName="X-Ignored")


def header(shapes: dict[str, Any]) -> None:
    for member in ("guardrailIdentifier", "guardrailVersion"):
        renamed(shapes, INVOKE, member, location="querystring", locationName="ignored")
        renamed(shapes, NESTED, member, locationName="ignored")


EDITS: Final = {"the structure": structure, "the version": version, "both members": header}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_guardrail_under_another_name_is_refused(
    harness: Make, write_model: Callable[..., None], edit: Callable[[dict[str, Any]], None]
) -> None:
    edited = load_model("bedrock-runtime")
    edit(edited["shapes"])
    write_model("bedrock-runtime", edited)
    env = harness()

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_guardrail_that_a_handler_renames_is_refused(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    env = harness()

    def rename(model: Any, **_: Any) -> None:
        for member in ("guardrailConfig", "guardrailIdentifier"):
            if member in model.input_shape.members:
                monkeypatch.setitem(model.input_shape.members[member].serialization, "name", "X-Ignored")

    on(env, "provide-client-params", rename)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_model_of_a_job_under_another_name_is_refused(harness: Make, write_model: Callable[..., None]) -> None:
    """The model that is evaluated is written as ``x``, and the token as the model."""
    edited = load_model("bedrock-runtime")
    members = edited["shapes"]["StartAsyncInvokeRequest"]["members"]
    members["modelId"]["locationName"], members["clientRequestToken"]["locationName"] = "x", "modelId"
    write_model("bedrock-runtime", edited)
    env = harness(allow_unguarded=["StartAsyncInvoke"], policies=None)

    with pytest.raises(GuardrailTamperedError, match="names another model"):
        env.client.start_async_invoke(
            modelId=MODEL,
            clientRequestToken=DENIED_MODEL,
            modelInput={},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}},
        )

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
