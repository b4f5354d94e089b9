"""Guardrail locations as data: nested structures, lists, conditional members and repeated structures."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from guardedbedrock.bedrock import GuardrailLocation
from guardedbedrock.bedrock.guardrail.location import Wire

NAMED: Final = {"guardrailIdentifier": "abc", "guardrailVersion": "3"}
CONFIG: Final = "guardrailConfiguration"
GENERATION: Final = GuardrailLocation(
    "body",
    (
        f"configuration.knowledgeBase?.generation.{CONFIG}",
        f"configuration.externalSources?.generation.{CONFIG}",
    ),
    identifier="guardrailId",
    accepts_arn=False,
)
AGENT: Final = GuardrailLocation("body", (CONFIG, f"collaborators[].{CONFIG}"))
FLOW: Final = GuardrailLocation(
    "body",
    tuple(f"definition.nodes[].configuration.{kind}?.{CONFIG}" for kind in ("prompt", "knowledgeBase")),
    repeats_in="definition.nodes[].configuration.loop?",
)


def flow(*nodes: Any) -> dict[str, Any]:
    """Return the definition of a flow."""
    return {"definition": {"nodes": [{"configuration": node} for node in nodes]}}


@pytest.mark.parametrize(
    ("location", "params", "expected"),
    [
        pytest.param(
            GENERATION,
            {"configuration": {"type": "KB", "knowledgeBase": {"modelArn": "m"}}},
            {
                "configuration": {
                    "type": "KB",
                    "knowledgeBase": {
                        "modelArn": "m",
                        "generation": {CONFIG: {"guardrailId": "abc", "guardrailVersion": "3"}},
                    },
                }
            },
            id="created below a conditional member",
        ),
        pytest.param(GENERATION, {"configuration": {}}, {"configuration": {}}, id="no conditional member"),
        pytest.param(GENERATION, {"input": "x"}, {"input": "x"}, id="nothing to hold it"),
        pytest.param(
            AGENT,
            {"collaborators": [{"name": "a"}, {"name": "b", CONFIG: {"guardrailIdentifier": "old", "trace": "on"}}]},
            {
                CONFIG: NAMED,
                "collaborators": [{"name": "a", CONFIG: NAMED}, {"name": "b", CONFIG: {**NAMED, "trace": "on"}}],
            },
            id="every item of a list",
        ),
        pytest.param(AGENT, {}, {CONFIG: NAMED}, id="no list"),
        pytest.param(
            FLOW,
            flow({"prompt": {}}, {"input": {}}, {"loop": flow({"knowledgeBase": {"id": "k"}}, {"loop": flow({"prompt": {}})})}),
            flow(
                {"prompt": {CONFIG: NAMED}},
                {"input": {}},
                {"loop": flow({"knowledgeBase": {"id": "k", CONFIG: NAMED}}, {"loop": flow({"prompt": {CONFIG: NAMED}})})},
            ),
            id="repeated at every depth",
        ),
    ],
)
def test_put_sets_the_guardrail_in_every_structure(location: GuardrailLocation, params: Any, expected: Any) -> None:
    """The original parameters do not change, and the serialized result carries the guardrail if anything holds it."""
    before = json.dumps(params)

    changed = location.put(params, "abc", "3")

    assert changed == expected
    assert json.dumps(params) == before
    assert set(location.read_all(changed)) == ({("abc", "3")} if changed != params else set())
    assert location.carries(Wire("", {}, json.dumps(changed).encode()), ("abc", "3")) == (changed != params)


@pytest.mark.parametrize(
    ("location", "params", "expected"),
    [
        (
            AGENT,
            {CONFIG: NAMED, "collaborators": [{}, {CONFIG: {"guardrailVersion": "1"}}]},
            [("abc", "3"), (None, None), (None, "1")],
        ),
        (FLOW, flow({"loop": flow({"prompt": {CONFIG: NAMED}})}, {"prompt": None}), [("abc", "3")]),
        (GENERATION, {"configuration": {"knowledgeBase": {"generation": "?"}}}, [(None, None)]),
        (GENERATION, {"configuration": []}, []),
    ],
)
def test_read_all_gives_the_guardrail_of_every_structure(location: GuardrailLocation, params: Any, expected: Any) -> None:
    """A structure without a guardrail is read as (None, None); a missing conditional member is skipped."""
    assert list(location.read_all(params)) == expected


@pytest.mark.parametrize(
    "params",
    [
        {CONFIG: NAMED, "collaborators": [{}]},
        {CONFIG: NAMED, "collaborators": [{CONFIG: {**NAMED, "guardrailVersion": "4"}}]},
    ],
)
def test_a_body_with_another_guardrail_in_one_structure_is_not_carried(params: Any) -> None:
    """Every structure must carry the guardrail."""
    assert not AGENT.carries(Wire("", {}, json.dumps(params).encode()), ("abc", "3"))


def test_members_are_the_parameters_at_the_top_level() -> None:
    """A location at the top level has identifier and version as its members."""
    assert AGENT.members == {CONFIG, "collaborators"}
    assert FLOW.members == {"definition"}
    assert GuardrailLocation("headers").members == {"guardrailIdentifier", "guardrailVersion"}
