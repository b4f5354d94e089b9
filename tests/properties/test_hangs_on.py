"""Every key that an open answer hangs on can change it: the second engine is shown values with which it does."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

from harness.strategies import UNKNOWN_SCENARIOS, Scenario, examples
from hypothesis import given, settings
from iam import oracle

from guardedbedrock import iam
from guardedbedrock.iam.engine.sample_values import of_key, of_part
from guardedbedrock.iam.matching.arns import PARTS

TRIED = 400
MOST_KEYS = 4
DENIED = ("implicitDeny", "explicitDeny")


def axes_of(decision: iam.Decision) -> dict[str, tuple[Any, ...]]:
    """List values for everything that the request does not know and some statement reads."""
    request = decision.request
    statements = [compiled for _, group in decision.grounds.plan.groups for compiled in group]  # type: ignore[attr-defined]
    read = {key for compiled in statements for key in compiled.reads()}
    families = [name.lower().removesuffix("*") for name in request.unknown if name.endswith("/*")]
    given_keys = {key.lower() for key in request.context}
    unknown = {name.lower() for name in request.unknown} | {key for key in read for family in families if key.startswith(family)}
    axes = {key: of_key(key, statements, request) for key in sorted(read & unknown - given_keys)}
    return axes | {f"resource:{PARTS[index]}": of_part(index, statements, request) for index in request.unknown_parts}


def asked(request: iam.Request, values: dict[str, Any]) -> iam.Request:
    """Ask with these values in the place of what was not known."""
    parts = request.resource.split(":", 5)
    context = dict(request.context)
    for name, value in values.items():
        if not name.startswith("resource:"):
            context[name] = value
        elif len(parts) == len(PARTS):
            parts[PARTS.index(name.removeprefix("resource:"))] = value
    return iam.Request(request.principal, request.action, ":".join(parts), context, resource_account=request.resource_account)


def turns(key: str, scenario: Scenario, request: iam.Request, axes: dict[str, tuple[Any, ...]]) -> bool:
    """Say whether some values of the others let this key decide, by the word of the second engine."""
    second = oracle.Oracle(scenario.policies)
    others = {other: values for other, values in axes.items() if other != key}
    for chosen in islice(product(*others.values()), TRIED):
        known = dict(zip(others, chosen, strict=True))
        answers = {second.evaluate(asked(request, {**known, key: value})).outcome in DENIED for value in axes[key]}
        if len(answers) > 1:
            return True
    return False


def test_a_key_that_an_answer_hangs_on_can_change_it() -> None:
    """Each named key turns the verdict of the second engine, for some values of the others."""
    shown: list[str] = []

    @settings(max_examples=examples(1800))
    @given(UNKNOWN_SCENARIOS)
    def hold(scenario: Scenario) -> None:
        decision = scenario.decide()
        axes = axes_of(decision) if decision.hangs_on else {}
        for name in decision.hangs_on if len(axes) <= MOST_KEYS else ():
            assert turns(name.lower(), scenario, decision.request, axes), name
            shown.append(name)

    hold()
    assert len(shown) >= 20
