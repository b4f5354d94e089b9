"""``guardedbedrock prove``: statements that hold for every request, or a request that shows the opposite."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from guardedbedrock.bedrock.errors.policy_mistakes import mistaken_key
from guardedbedrock.cli.console import console, write_json
from guardedbedrock.cli.report_formats import IN_MESSAGE, IN_PROPERTY, sarif_log, uri_of
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.answers import Answer, Summary
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.questions import guardrail_required, unreachable
from guardedbedrock.governance.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from guardedbedrock.governance.proof.answers import ProofAnswer
    from guardedbedrock.governance.proof.inputs import PolicyArguments
    from guardedbedrock.governance.proof.policies import ProofPolicies

EXIT_CODES: Final[Mapping[ProofAnswer, int]] = {"proved": 0, "refuted": 1, "unknown": 3}
_STYLES: Final[Mapping[ProofAnswer, str]] = {"proved": "green", "refuted": "red", "unknown": "yellow"}
_RULE: Final = "A statement about the policies does not hold for every request."
_PARALLEL_FROM: Final = 16
"""The number of principals from which parallel processes are faster."""


@dataclass(frozen=True, slots=True)
class Question:
    """
    A question about the policies of one principal; it can be sent to another process.

    Args:
        kind: ``guardrail-required`` or ``unreachable``.
        approved: Approved guardrails, for ``guardrail-required``.
        exempt_models: Patterns of models that may be called without one, for ``guardrail-required``.
        options: Timeout and assumptions.
    """

    kind: Literal["guardrail-required", "unreachable"]
    options: Options
    approved: tuple[str, ...] = ()
    exempt_models: tuple[str, ...] = ()

    def ask(self, policies: ProofPolicies) -> Answer:
        """Answer the question."""
        if self.kind == "unreachable":
            return unreachable(policies, self.options)
        return guardrail_required(policies, self.approved, self.options, exempt_models=self.exempt_models)


def options(timeout: float, assumed: Sequence[str]) -> Options:
    """
    Read the options of a question.

    Raises:
        ConfigurationError: An assumption is not ``KEY=VALUE``.
    """
    return Options(timeout=timeout, assumed=dict(pair(text, "--assume") for text in assumed))


def pair(text: str, option: str) -> tuple[str, str]:
    """
    Split ``KEY=VALUE``.

    Raises:
        ConfigurationError: There is no ``=``, or the key is a misspelt condition key of Bedrock.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigurationError(f"{option}: `{text}` is not KEY=VALUE; write for example aws:RequestedRegion=us-east-1")
    mistake = mistaken_key(key)
    if mistake is not None:
        raise ConfigurationError(f"{option}: {mistake}")
    return key, value


def for_each(arguments: PolicyArguments, question: Question, output: str) -> int:
    """Ask a question for each principal, and print the answers."""
    policies = list(arguments.read())
    answers = _ask_all(policies, question)
    if not arguments.every:
        return show(answers[0], output, arguments.source)
    return show_all(Summary(tuple(answers)), output, arguments.source)


def _ask_all(policies: Sequence[ProofPolicies], question: Question) -> list[Answer]:
    if len(policies) < _PARALLEL_FROM:
        return [question.ask(one) for one in policies]
    with WorkerPool(min(cpu_count() or 1, len(policies))) as pool:
        share = max(1, len(policies) // (4 * (cpu_count() or 1)))
        return list(pool.map(question.ask, [one.without_cache() for one in policies], chunksize=share))


def show(answer: Answer, output: str, source: str) -> int:
    """
    Print an answer.

    Args:
        answer: The answer.
        output: The format.
        source: The file that the policies come from: the location of answers whose statements have no file.

    Returns:
        The exit code.
    """
    if output == "json":
        write_json(answer.as_data())
    else:
        _show_others([answer], output, _text, source)
    return EXIT_CODES[answer.answer]


def show_all(summary: Summary, output: str, source: str) -> int:
    """Print the answers for several principals, and return the exit code; see `show`."""
    if output == "json":
        counts = {verdict: sum(one.answer == verdict for one in summary.answers) for verdict in EXIT_CODES}
        write_json({"answer": summary.answer, "counts": counts, "answers": [one.as_data() for one in summary.answers]})
    else:
        _show_others(summary.answers, output, _table, source)
    return EXIT_CODES[summary.answer]


def _show_others(
    answers: Sequence[Answer], output: str, text: Callable[[Sequence[Answer]], Iterator[tuple[str, str]]], source: str
) -> None:
    if output == "sarif":
        write_json(_sarif(answers, source))
    elif output == "github":
        sys.stdout.writelines(f"{line}\n" for answer in answers for line in _annotations(answer, source))
    else:
        screen = console()
        for line, style in text(answers):
            screen.print(line, style=style, soft_wrap=True, highlight=False, markup=False)


def _text(answers: Sequence[Answer]) -> Iterator[tuple[str, str]]:
    (answer,) = answers
    yield f"{answer.answer}: {answer.statement}", _STYLES[answer.answer]
    if answer.reason:
        yield f"  {answer.reason}", ""
    if answer.witness is not None:
        yield "  this request shows the opposite:", ""
        yield f"    {answer.witness.action} on {answer.witness.resource}", ""
        yield f"    principal: {answer.witness.principal}", ""
        for key, value in sorted(answer.witness.context.items()):
            yield f"    {key}: {value}", ""
    for statement in answer.statements:
        where = statement.sid or f"number {statement.index}"
        yield f"  {statement.policy} statement {where}: {statement.reason}", ""
    for assumption in answer.assumptions:
        yield f"  assuming: {assumption}", "dim"
    yield f"  {answer.milliseconds:.0f} ms", "dim"


def _table(answers: Sequence[Answer]) -> Iterator[tuple[str, str]]:
    for answer in sorted(answers, key=lambda one: (one.answer == "proved", one.answer, one.principal)):
        statements = ", ".join(statement.sid or str(statement.index) for statement in answer.statements)
        why = f"  {statements or answer.reason}" if statements or answer.reason else ""
        yield f"{answer.answer:8} {answer.principal}{why}", _STYLES[answer.answer]
    counts = ", ".join(f"{sum(one.answer == verdict for one in answers)} {verdict}" for verdict in EXIT_CODES)
    yield f"{len(answers)} {'principal' if len(answers) == 1 else 'principals'}: {counts}", ""


def _sarif(answers: Sequence[Answer], source: str) -> dict[str, Any]:
    rules = [{"id": "proof", "shortDescription": {"text": _RULE}}]
    return sarif_log(rules, [_result(answer, source) for answer in answers if answer.answer != "proved"])


def _result(answer: Answer, source: str) -> dict[str, Any]:
    locations = [
        {
            "physicalLocation": {"artifactLocation": {"uri": uri_of(file)}},
            "logicalLocations": [{"fullyQualifiedName": f"Statement[{statement.index}]", "name": statement.sid or ""}],
        }
        for statement in answer.statements
        if (file := _file_of(statement.policy, source))
    ]
    whole = [{"physicalLocation": {"artifactLocation": {"uri": uri_of(source)}}}] if _file_of(source, "") else []
    return {
        "ruleId": "proof",
        "ruleIndex": 0,
        "level": "error" if answer.answer == "refuted" else "warning",
        "message": {"text": _sentence(answer)},
        "locations": locations or whole,
    }


def _file_of(policy: str, source: str) -> str:
    """Return the file of a policy whose name is its path, else the file that the policies come from; ``""`` without a file."""
    for name in (policy, source):
        try:
            if name and Path(name).is_file():
                return name
        except (OSError, ValueError):  # a string that is not a path, such as the JSON text of a policy
            continue
    return ""


def _annotations(answer: Answer, source: str) -> Iterator[str]:
    if answer.answer == "proved":
        yield f"proved for {answer.principal}: {answer.statement}"
        return
    level = "error" if answer.answer == "refuted" else "warning"
    files = [_file_of(statement.policy, source) for statement in answer.statements] or [_file_of(source, "")]
    for file in dict.fromkeys(files):
        location = f" file={file.translate(IN_PROPERTY)}" if file else ""
        yield f"::{level}{location}::{_sentence(answer).translate(IN_MESSAGE)}"


def _sentence(answer: Answer) -> str:
    parts = [f"{answer.answer}: {answer.statement}"]
    if answer.witness is not None:
        context = ", ".join(f"{key}={value}" for key, value in sorted(answer.witness.context.items()))
        parts.append(f"{answer.witness.action} on {answer.witness.resource} with {context}")
    parts += [f"{one.policy} statement {one.sid or f'number {one.index}'}: {one.reason}" for one in answer.statements]
    return "; ".join([*parts, answer.reason] if answer.reason else parts)
