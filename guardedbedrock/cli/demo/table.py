"""The demo as a table for people, and as data for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from guardedbedrock.cli.verdicts import authorization_as_json

if TYPE_CHECKING:
    from rich.console import Console

    from guardedbedrock.cli.demo.play import Step
    from guardedbedrock.iam import Decision

_INTRODUCTION: Final = (
    "Each row is one call of a boto3 client that guardedbedrock guards, made over a real socket to a fake Bedrock on this "
    'machine; AWS is not asked. Under "Who decided", "here" is the check of IAM policies before anything is sent, and "AWS" is '
    "the fake, which checks whatever reaches it. Calls that manage guardrails come last.\n"
)
_COLUMNS: Final = (("Scenario", 18), ("Asked, and what the guard put in", 18), ("Who decided", 24), ("What came back", 17))
"""Title and width in characters on a terminal of 80; wider ones share the rest out."""

_STYLES: Final = {"reply": "green", "stream": "green", "intervention": "yellow"}
_NOISE: Final = re.compile(r"anthropic\.|-\d{8}-v\d+:\d+$")
_REASON: Final = re.compile(r".* (?:because|with) (?P<reason>.*)")
_ACTION: Final = re.compile(r"allows the bedrock:(\w+) action")


def show(steps: Sequence[Step], screen: Console) -> None:
    """Print what the columns mean, the table, and the sum of it."""
    screen.print(_INTRODUCTION)
    table = Table(box=box.HORIZONTALS, show_lines=True, show_edge=False, expand=True, padding=0)
    for title, width in _COLUMNS:
        table.add_column(title, overflow="fold", ratio=width)
    for step in steps:
        why = Text(step.scenario.case.why, style="" if step.as_expected else "bold red")
        table.add_row(why, Text(_asked(step)), Text(_decided(step)), _came_back(step))
    screen.print(table)
    screen.print(f"\n{_closing(summary(steps))}", style="bold")
    if unexpected := [step.scenario.case.id for step in steps if not step.as_expected]:
        screen.print(f"Not as expected: {', '.join(unexpected)}", style="bold red")


def _asked(step: Step) -> str:
    call, put_in = step.scenario.call, step.injected
    model = f"\n{_NOISE.sub('', call.params['modelId'])}" if "modelId" in call.params else ""
    who = call.principal.rpartition(":")[2]
    return f"{call.operation}{model}\nby {who}\nput in: {f'{put_in.id} v{put_in.version}' if put_in else 'nothing'}"


def _decided(step: Step) -> str:
    verdict, error = step.verdict, step.error
    if verdict is None:
        return f"the guard: {getattr(error, 'message', error)}"
    if verdict.denied:
        return f"here: {_denial(verdict.denied.decision)}"
    if verdict.decision == "allowed":
        here = f"here: allowed by {', '.join(_names(one.decision for one in verdict.authorizations))}"
    else:
        here = f"here: not sure, it hangs on {', '.join(verdict.hangs_on)}"
    denials = (decision for request in step.received for decision in request.decisions if decision.is_denied)
    at_aws = next(map(_denial, denials), None)
    return f"{here}\nAWS: {at_aws}" if at_aws else here


def _denial(decision: Decision) -> str:
    """Give AWS's own reason, and the statements that are behind it."""
    names = ", ".join(_names([decision]))
    reason = _ACTION.sub(r"allows \1", _REASON.sub(r"\g<reason>", decision.message()))
    return f"{reason}: {names}" if names else reason


def _names(decisions: Iterable[Decision]) -> list[str]:
    statements = (statement for decision in decisions for statement in decision.statements)
    return list(dict.fromkeys(statement.sid or f"{statement.policy} statement {statement.index}" for statement in statements))


def _came_back(step: Step) -> Text:
    words = {
        "reply": f'reply "{step.reply}"',
        "stream": f'stream "{step.reply}"',
        "intervention": f'the guardrail stepped in: "{step.reply}"',
        "stopped": f"{type(step.error).__name__}\nnothing sent",
        "refused": f"{type(step.error).__name__}\nnothing sent",
        "deniedByAws": f"{type(step.error).__name__}\nfrom AWS",
    }
    return Text(words[step.ending], style=_STYLES.get(step.ending, "red"))


def summary(steps: Sequence[Step]) -> dict[str, int]:
    """Count what happened."""
    endings = [step.ending for step in steps]
    return {
        "scenarios": len(steps),
        "asExpected": sum(step.as_expected for step in steps),
        "stopped": endings.count("stopped") + endings.count("refused"),
        "requests": sum(len(step.received) for step in steps),
        "unguarded": sum(step.unguarded for step in steps),
    }


def _closing(counted: Mapping[str, int]) -> str:
    guarded = "every request to a model carried the approved guardrail"
    arrived = f"{counted['unguarded']} of the requests to a model lacked it" if counted["unguarded"] else guarded
    return (
        f"{counted['scenarios']} scenarios: {counted['asExpected']} as expected; "
        f"{counted['stopped']} calls were stopped before anything was sent; "
        f"{counted['requests']} requests were sent, and {arrived}."
    )


def as_json(steps: Sequence[Step]) -> dict[str, object]:
    """Write what happened as data."""
    return {"scenarios": [_step_as_json(step) for step in steps], "summary": summary(steps)}


def _step_as_json(step: Step) -> dict[str, object]:
    case, call, verdict = step.scenario.case, step.scenario.call, step.verdict
    return {
        "id": case.id,
        "why": case.why,
        "operation": call.operation,
        "model": call.params.get("modelId"),
        "principal": call.principal,
        "vocabulary": call.vocabulary,
        "injected": {"arn": step.injected.arn, "version": step.injected.version} if step.injected else None,
        "decision": verdict.decision if verdict else None,
        "authorizations": [authorization_as_json(one) for one in verdict.authorizations] if verdict else [],
        "ending": step.ending,
        "reply": step.reply or None,
        "error": type(step.error).__name__ if step.error else None,
        "message": getattr(step.error, "message", None),
        "hint": getattr(step.error, "hint", None),
        "requests": len(step.received),
        "asExpected": step.as_expected,
    }
