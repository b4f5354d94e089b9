"""
The story of the demo: seven chapters, each a title and what happened.

The chapters share one guard and one fake Bedrock. The policies of the fake contain a service control policy (SCP) that the
guard does not have, as in an account whose SCPs the application cannot read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.cli.demo.layout import print_wrapped
from guardedbedrock.errors import AccessDeniedError, ExplicitDenyError, ImplicitDenyError
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.governance.replay.run import replay
from guardedbedrock.guard import Guard
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import FakeBedrock, FakeGuardrail
from guardedbedrock.testing.logs.trails import TrailGenerator

if TYPE_CHECKING:
    from rich.console import Console

GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
VERSION: Final = "3"
ROLE: Final = "arn:aws:iam::123456789012:role/HRBot"
_APPROVED: Final = f"abc123def456 version {VERSION}"
EVENTS: Final = 10_000
"""Recorded events that the last chapter replays."""

_LITE: Final = "amazon.nova-lite-v1:0"
_MICRO: Final = "amazon.nova-micro-v1:0"
_OTHER: Final = "cohere.command-r-v1:0"
_QUESTION: Final = "How many days of leave do I have?"


def _model_arn(model: str) -> str:
    return f"arn:aws:bedrock:us-east-1::foundation-model/{model}"


def _identity(*models: str) -> dict[str, Any]:
    """Write the policy of the role: it may call the models, but only with the guardrail."""
    return _policy(
        {
            "Sid": "ChatWithGuardrail",
            "Effect": "Allow",
            "Action": "bedrock:InvokeModel",
            "Resource": [_model_arn(model) for model in models],
            "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:{VERSION}"}},
        },
        {"Sid": "ApplyGuardrail", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
        {"Sid": "AskDocuments", "Effect": "Allow", "Action": "bedrock:Retrieve*", "Resource": "*"},
    )


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


_ALLOW_ALL: Final = {"Sid": "AllowAll", "Effect": "Allow", "Action": "*", "Resource": "*"}
_NO_MICRO: Final = {"Sid": "NoMicro", "Effect": "Deny", "Action": "bedrock:*", "Resource": _model_arn(_MICRO)}
_IDENTITY: Final = _identity("amazon.nova-*")


def _guard(identity: Mapping[str, Any]) -> Guard:
    guardrails = [Guardrail(GUARDRAIL, version=VERSION, name="hr")]
    return Guard(guardrails=guardrails, policies=PolicySet(identity=[identity]), principal=ROLE)


@dataclass(frozen=True, slots=True)
class Chapter:
    """
    What happened in one chapter.

    Args:
        lines: Lines to print below the title.
        is_as_expected: Whether it ended as the story says.
    """

    lines: tuple[str, ...]
    is_as_expected: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """The guard and the fake that all chapters use."""

    guard: Guard
    fake: FakeBedrock

    def ask(self, model: str, question: str = _QUESTION, guard: Guard | None = None) -> str:
        """Ask a model, and return the text of its reply."""
        client = (guard or self.guard).client("bedrock-runtime", **self.fake.client_kwargs())
        try:
            reply = client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": question}]}])
        finally:
            client.close()
        return str(reply["output"]["message"]["content"][0]["text"])

    def denial(self, model: str) -> AccessDeniedError | None:
        """Ask a model, and return the error; None if the call was not denied."""
        try:
            self.ask(model)
        except AccessDeniedError as error:
            return error
        return None

    def last_guardrail(self) -> str:
        """Return the guardrail that the last request carried, as ``ID version VERSION``."""
        identifier, version = self.fake.requests[-1].guardrail or ("none", "none")
        return f"{identifier.rpartition('/')[2]} version {version}"


def _guarded_call(stage: Stage) -> Chapter:
    answer = stage.ask(_LITE)
    lines = (
        f'client.converse(modelId="{_LITE}", ...) names no guardrail.',
        f"The guard sent it with guardrail {stage.last_guardrail()}.",
        f'Answer: "{answer}"',
    )
    return Chapter(lines, stage.last_guardrail() == _APPROVED and answer == f"You said: {_QUESTION}")


def _intervention(stage: Stage) -> Chapter:
    answer = stage.ask(_LITE, "What is the salary of my boss?")
    lines = ('Question: "What is the salary of my boss?"', f'Answer: "{answer}"')
    return Chapter(lines, stage.last_guardrail() == _APPROVED and answer == "Sorry, the model cannot answer this question.")


def _denial(stage: Stage) -> Chapter:
    before = len(stage.fake.requests)
    error = stage.denial(_OTHER)
    sent = len(stage.fake.requests) - before
    answer = stage.ask(_OTHER, guard=_guard(_identity("amazon.nova-*", _OTHER)))
    lines = (
        f"{type(error).__name__} for {_OTHER}; requests sent: {sent}.",
        f"Why and fix: {error.hint if error else 'the call was not denied'}.",
        f'With that resource added: "{answer}"',
    )
    return Chapter(lines, isinstance(error, ImplicitDenyError) and bool(error.hint) and not sent)


def _server_denial(stage: Stage) -> Chapter:
    before = len(stage.fake.requests)
    error = stage.denial(_MICRO)
    sent = len(stage.fake.requests) - before
    lines = (
        f"The policies of the guard allow {_MICRO}; requests sent: {sent}.",
        f"{type(error).__name__} from the server, policy type: {error.policy_type if error else 'none'}.",
    )
    is_expected = isinstance(error, ExplicitDenyError) and error.policy_type == "scp" and not error.simulated
    return Chapter(lines, is_expected and sent == 1)


def _documents(stage: Stage) -> Chapter:
    client = stage.guard.client("bedrock-agent-runtime", **stage.fake.client_kwargs())
    base = {"knowledgeBaseId": "HRDOCS0001", "modelArn": _model_arn(_LITE)}
    configuration = {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": base}
    try:
        reply = client.retrieve_and_generate(input={"text": _QUESTION}, retrieveAndGenerateConfiguration=configuration)
    finally:
        client.close()
    lines = (
        f"Its guardrail is nested in generationConfiguration: {stage.last_guardrail()}.",
        f"The reply says guardrailAction {reply['guardrailAction']}: the guardrail had nothing to stop.",
    )
    return Chapter(lines, stage.last_guardrail() == _APPROVED and reply["guardrailAction"] == "NONE")


def _proof(stage: Stage) -> Chapter:  # noqa: ARG001 - the policies are those of the story
    if not is_available():
        return Chapter(
            ("Not run: the solver cvc5 is not installed. Install the extra guardedbedrock[proof].",), is_as_expected=True
        )
    answer = guardrail_required(ProofPolicies.of(PolicySet(identity=[_IDENTITY]), ROLE), (f"{GUARDRAIL}:{VERSION}",))
    return Chapter(
        (f"{answer.answer}: no model call of {ROLE.rpartition(':')[2]} is allowed without the guardrail.",),
        answer.answer == "proved",
    )


def _replay(stage: Stage) -> Chapter:
    with TemporaryDirectory() as name:
        folder = Path(name)
        trail = TrailGenerator(seed=1, copies=0, updates=0)
        trail.write(folder, EVENTS, compress=False)
        trail.write_invocation_logs(folder / "logs")
        policies = folder / "new.json"
        policies.write_text(json.dumps({"identity": [_policy(_ALLOW_ALL), stage.guard.backstop_policy()]}), "utf-8")
        report = replay([folder / "AWSLogs"], policies, invocation_logs=[folder / "logs"])
    first = report.impact[0] if report.impact else None
    return Chapter(
        (
            f"{report.newly_denied:,} of {report.bedrock:,} Bedrock calls would newly fail under the backstop policy.",
            f"Contact first: {first.principal} ({first.count} calls)." if first else "No principal is affected.",
        ),
        report.events == EVENTS and report.newly_denied > 0 and first is not None,
    )


CHAPTERS: Final[tuple[tuple[str, Callable[[Stage], Chapter]], ...]] = (
    ("A chatbot call gets the approved guardrail", _guarded_call),
    ("The guardrail intervenes", _intervention),
    ("A policy denies the call before anything is sent", _denial),
    ("An SCP that only the server knows denies a call", _server_denial),
    ("A knowledge base is guarded too: RetrieveAndGenerate", _documents),
    ("A proof about the policy", _proof),
    (f"Replay of {EVENTS:,} recorded events", _replay),
)


def tell(screen: Console) -> bool:
    """
    Play the chapters and print them.

    Returns:
        Whether every chapter ended as expected.
    """
    print_wrapped(screen, "boto3 calls to a fake Bedrock on this machine. No request reaches AWS.")
    is_as_expected = True
    guardrail = FakeGuardrail(GUARDRAIL, VERSION, denied_words=("salary",))
    server = PolicySet(identity=[_identity("amazon.nova-*", _OTHER)], scp=[[_policy(_ALLOW_ALL, _NO_MICRO)]])
    with FakeBedrock(guardrails=[guardrail], policies=server, principal=ROLE) as fake:
        stage = Stage(_guard(_IDENTITY), fake)
        for number, (title, play) in enumerate(CHAPTERS, start=1):
            screen.print()
            print_wrapped(screen, f"{number}. {title}", style="bold")
            chapter = play(stage)
            for line in chapter.lines:
                print_wrapped(screen, line, indent=3)
            if not chapter.is_as_expected:
                print_wrapped(screen, "This is not what the story expects.", indent=3, style="bold red")
                is_as_expected = False
    screen.print()
    print_wrapped(screen, "Every scenario of the tests: guardedbedrock demo --all")
    return is_as_expected
