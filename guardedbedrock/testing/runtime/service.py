"""The fake ``bedrock-runtime``: which operation does what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.assessment import Source, assess
from guardedbedrock.testing.runtime import checks, converse, formats, prompts
from guardedbedrock.testing.runtime.jobs import Jobs
from guardedbedrock.testing.runtime.replies import Model, tokens
from guardedbedrock.testing.runtime.turns import Turn, take
from guardedbedrock.testing.script import Script
from guardedbedrock.testing.wire import Output, Params, Rules, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.guardrails import FakeGuardrail, Shelf

_INVALID: Final = "The provided guardrail identifier is invalid."
_HALF: Final = "A guardrail identifier and a guardrail version must be provided together."
_JSON: Final = "application/json"
_LOOSE: Final = r"[A-Za-z0-9-]*|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[A-Za-z0-9-]+"


class Runtime:
    """
    Performs the operations of ``bedrock-runtime``.

    Args:
        shelf: The guardrails that exist.
        region: Where asynchronous jobs run.
        account: Whose they are.
        vocabulary: ``invoke-with-guardrail`` accepts identifiers that AWS refuses, such as ``G-HR-Compliance``.
    """

    service = "bedrock-runtime"

    def __init__(self, shelf: Shelf, region: str, account: str, vocabulary: str) -> None:
        self.model = Model()
        self.interventions: Script[tuple[str, Source]] = Script()
        self.jobs = Jobs(region, account)
        self.rules = Rules({} if vocabulary == "aws" else {"GuardrailIdentifier": _LOOSE}, {"GuardrailIdentifier": _INVALID})
        self._shelf = shelf
        self._operations: Mapping[str, Callable[[Params, FakeGuardrail | None], Output]] = {
            "ApplyGuardrail": self._apply_guardrail,
            "Converse": self._converse,
            "ConverseStream": self._converse_stream,
            "CountTokens": self._count_tokens,
            "GetAsyncInvoke": lambda params, _: Output(self.jobs.get(params)),
            "InvokeGuardrailChecks": lambda params, _: Output(checks.check(params)),
            "InvokeModel": self._invoke_model,
            "InvokeModelWithResponseStream": self._invoke_model_with_response_stream,
            "ListAsyncInvokes": lambda params, _: Output(self.jobs.list(params)),
            "StartAsyncInvoke": lambda params, _: Output(self.jobs.start(params)),
        }

    def guardrail(self, params: Params) -> tuple[str, str] | None:
        """
        Read which guardrail and version a request names; an empty ``guardrailConfig`` names none.

        Raises:
            ServiceError: ``ValidationException`` (400) for one without the other.
        """
        place = params.get("guardrailConfig", params)
        identifier, version = place.get("guardrailIdentifier"), place.get("guardrailVersion")
        if bool(identifier) != bool(version):
            raise ServiceError.invalid(_HALF)
        return (identifier, version) if identifier else None

    def perform(self, operation: str, params: Params) -> Output:
        """
        Do what an operation does.

        Raises:
            ServiceError: What the operation answers instead.
        """
        named = self.guardrail(params)
        guardrail = self._shelf.find(*named) if named else None
        if operation not in self._operations:
            raise ServiceError.unserved(operation)
        if guardrail and (intervention := self.interventions.take(operation)):
            guardrail = guardrail.blocking(*intervention)
        return self._operations[operation](params, guardrail)

    def clear(self) -> None:
        """Forget scripted replies, interventions and jobs."""
        self.model.script.clear()
        self.interventions.clear()
        self.jobs.clear()

    def _converse(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        return Output(converse.message(self._conversed("Converse", params, guardrail), params))

    def _converse_stream(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        turn = self._conversed("ConverseStream", params, guardrail)
        return Output({"stream": converse.events(turn, params)})

    def _conversed(self, operation: str, params: Params, guardrail: FakeGuardrail | None) -> Turn:
        trace = params.get("guardrailConfig", {}).get("trace")
        return take(prompts.of_converse(params), lambda said: self.model.answer(operation, params, said), guardrail, trace)

    def _invoke_model(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        turn = self._invoked("InvokeModel", params, guardrail)
        return Output({"body": formats.body(turn, params), "contentType": _JSON}, _counts(turn))

    def _invoke_model_with_response_stream(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        turn = self._invoked("InvokeModelWithResponseStream", params, guardrail)
        return Output({"body": formats.chunks(turn, params), "contentType": _JSON})

    def _invoked(self, operation: str, params: Params, guardrail: FakeGuardrail | None) -> Turn:
        prompt = prompts.of_body(params.get("body", b""), guarded=guardrail is not None)
        return take(prompt, lambda said: self.model.answer(operation, params, said), guardrail, params.get("trace"))

    def _count_tokens(self, params: Params, _: FakeGuardrail | None) -> Output:
        asked = params["input"]
        prompt = prompts.of_converse(asked["converse"]) if "converse" in asked else prompts.of_body(asked["invokeModel"]["body"])
        return Output({"inputTokens": tokens(prompt.texts)})

    def _apply_guardrail(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        if guardrail is None:
            raise ServiceError.invalid(_INVALID)
        texts = [block["text"]["text"] for block in params["content"] if "text" in block]
        found = assess(guardrail, texts, params["source"], full=params.get("outputScope") == "FULL")
        metrics = found.assessment["invocationMetrics"]
        return Output(
            {
                "usage": metrics["usage"],
                "action": "GUARDRAIL_INTERVENED" if found.intervened else "NONE",
                "actionReason": found.reason,
                "outputs": [{"text": text} for text in found.texts] if found.intervened else [],
                "assessments": [found.assessment],
                "guardrailCoverage": metrics["guardrailCoverage"],
            }
        )


def _counts(turn: Turn) -> dict[str, str]:
    return {
        "X-Amzn-Bedrock-Input-Token-Count": str(turn.usage["inputTokens"]),
        "X-Amzn-Bedrock-Output-Token-Count": str(turn.usage["outputTokens"]),
        "X-Amzn-Bedrock-Invocation-Latency": str(turn.latency),
    }
