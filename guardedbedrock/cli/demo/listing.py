"""The results of the scenarios, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.application.simulation import authorization_as_json
from guardedbedrock.cli.demo.layout import print_wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from guardedbedrock.cli.demo.play import ScenarioResult
    from guardedbedrock.cli.demo.scenarios import Ending
    from guardedbedrock.iam import Decision

_INTRODUCTION: Final = (
    "Each entry is one call from a boto3 client that guardedbedrock guards. The calls go over a real socket to a fake Bedrock on "
    'this machine; no request reaches AWS. "preflight" is the check of IAM policies before anything is sent, and "AWS" is the '
    "fake, which checks what reaches it. Calls that manage guardrails are last."
)

_STYLES: Final = {"reply": "green", "stream": "green", "intervention": "yellow"}
_MODEL_AFFIXES: Final = re.compile(r"anthropic\.|-\d{8}-v\d+:\d+$")
_REASON: Final = re.compile(r".* (?:because|with) (?P<reason>.*)")
_ACTION: Final = re.compile(r"allows the bedrock:(\w+) action")


def show(results: Sequence[ScenarioResult], screen: Console) -> None:
    """Print an introduction, the scenarios, and a summary."""
    print_wrapped(screen, _INTRODUCTION)
    for result in results:
        screen.print()
        print_wrapped(screen, result.scenario.case.why, style="bold" if result.as_expected else "bold red")
        print_wrapped(screen, _call(result), indent=2)
        for line in _decisions(result):
            print_wrapped(screen, line, indent=2)
        print_wrapped(screen, _ending(result), indent=2, style=_STYLES.get(result.ending, "red"))
    screen.print()
    print_wrapped(screen, _closing(summary(results)), style="bold")
    if unexpected := [result.scenario.case.id for result in results if not result.as_expected]:
        print_wrapped(screen, f"Not as expected: {', '.join(unexpected)}", style="bold red")


def _call(result: ScenarioResult) -> str:
    call, injected = result.scenario.call, result.injected
    model = f" {_MODEL_AFFIXES.sub('', call.params['modelId'])}" if "modelId" in call.params else ""
    role = call.principal.rpartition(":")[2]
    return f"{call.operation}{model} by {role}, injected: {f'{injected.id} v{injected.version}' if injected else 'nothing'}"


def _decisions(result: ScenarioResult) -> Iterator[str]:
    verdict, error = result.verdict, result.error
    if verdict is None:
        yield f"guard: {getattr(error, 'message', error)}"
        return
    if verdict.denied:
        yield f"preflight: {_denial(verdict.denied.decision)}"
    elif verdict.decision == "allowed":
        yield f"preflight: allowed by {', '.join(_names(one.decision for one in verdict.authorizations))}"
    else:
        yield f"preflight: indeterminate, depends on {', '.join(verdict.hangs_on)}"
    denials = [decision for request in result.received for decision in request.decisions if decision.is_denied]
    if denials:
        yield f"AWS: {_denial(denials[0])}"


def _denial(decision: Decision) -> str:
    """Shorten AWS's sentence to its reason, and name the determining statements."""
    names = ", ".join(_names([decision]))
    reason = _ACTION.sub(r"allows \1", _REASON.sub(r"\g<reason>", decision.message()))
    return f"{reason}: {names}" if names else reason


def _names(decisions: Iterable[Decision]) -> list[str]:
    statements = (statement for decision in decisions for statement in decision.statements)
    return list(dict.fromkeys(statement.sid or f"{statement.policy} statement {statement.index}" for statement in statements))


def _ending(result: ScenarioResult) -> str:
    error = type(result.error).__name__
    endings: Mapping[Ending, str] = {
        "reply": f'reply "{result.reply}"',
        "stream": f'stream "{result.reply}"',
        "intervention": f'the guardrail intervened: "{result.reply}"',
        "stopped": f"{error}, nothing sent",
        "refused": f"{error}, nothing sent",
        "deniedByAws": f"{error} from AWS",
    }
    return endings[result.ending]


def summary(results: Sequence[ScenarioResult]) -> dict[str, int]:
    """Count scenarios, calls that were stopped, requests, and requests without an approved guardrail."""
    endings = [result.ending for result in results]
    return {
        "scenarios": len(results),
        "asExpected": sum(result.as_expected for result in results),
        "stopped": endings.count("stopped") + endings.count("refused"),
        "requests": sum(len(result.received) for result in results),
        "unguarded": sum(result.unguarded for result in results),
    }


def _closing(counts: Mapping[str, int]) -> str:
    guarded = "every request to a model carried the approved guardrail"
    unguarded = f"{counts['unguarded']} of the requests to a model had no approved guardrail"
    return (
        f"{counts['scenarios']} scenarios: {counts['asExpected']} as expected; "
        f"{counts['stopped']} calls were stopped before anything was sent; "
        f"{counts['requests']} requests were sent, and {unguarded if counts['unguarded'] else guarded}."
    )


def as_json(results: Sequence[ScenarioResult]) -> dict[str, object]:
    """Convert the results to JSON data."""
    return {"scenarios": [_result_as_json(result) for result in results], "summary": summary(results)}


def _result_as_json(result: ScenarioResult) -> dict[str, object]:
    case, call, verdict = result.scenario.case, result.scenario.call, result.verdict
    return {
        "id": case.id,
        "why": case.why,
        "operation": call.operation,
        "model": call.params.get("modelId"),
        "principal": call.principal,
        "vocabulary": call.vocabulary,
        "injected": {"arn": result.injected.arn, "version": result.injected.version} if result.injected else None,
        "decision": verdict.decision if verdict else None,
        "authorizations": [authorization_as_json(one) for one in verdict.authorizations] if verdict else [],
        "ending": result.ending,
        "reply": result.reply or None,
        "error": type(result.error).__name__ if result.error else None,
        "message": getattr(result.error, "message", None),
        "hint": getattr(result.error, "hint", None),
        "requests": len(result.received),
        "asExpected": result.as_expected,
    }
