"""The fake ``bedrock-runtime``: which operation does what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.assessment import Scope, Source, assess
from guardedbedrock.testing.enforcement import own_choice
from guardedbedrock.testing.runtime import checks, converse, formats, prompts
from guardedbedrock.testing.runtime.jobs import Jobs
from guardedbedrock.testing.runtime.replies import Model, tokens
from guardedbedrock.testing.runtime.turns import How, Turn, Watch, take
from guardedbedrock.testing.script import Script
from guardedbedrock.testing.wire import Output, Params, Rules, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.enforcement import FakeEnforcement
    from guardedbedrock.testing.guardrails import FakeGuardrail, Shelf
    from guardedbedrock.testing.runtime.prompts import Prompt, Seen

_INVALID: Final = "The provided guardrail identifier is invalid."
_HALF: Final = "A guardrail identifier and a guardrail version must be provided together."
_JSON: Final = "application/json"
_LOOSE: Final = r"[A-Za-z0-9-]*|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[A-Za-z0-9-]+"


class Runtime:
    """
    Performs the operations of ``bedrock-runtime``.

    Args:
        shelf: The guardrails that exist.
        vocabulary: ``invoke-with-guardrail`` accepts identifiers that AWS refuses, such as ``G-HR-Compliance``.
        enforced: Gives the guardrails that are enforced on a model at the moment.
    """

    service = "bedrock-runtime"

    def __init__(self, shelf: Shelf, vocabulary: str, enforced: Callable[[str], Iterable[FakeEnforcement]]) -> None:
        self.model = Model()
        self.interventions: Script[tuple[str, Source]] = Script()
        self.jobs = Jobs(shelf.region, shelf.account)
        self.rules = Rules({} if vocabulary == "aws" else {"GuardrailIdentifier": _LOOSE}, {"GuardrailIdentifier": _INVALID})
        self._shelf, self._enforced = shelf, enforced
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
        if operation not in self._operations:
            raise ServiceError.unserved(operation)
        named = self.guardrail(params)
        guardrail = self._shelf.find(*named) if named else None
        if guardrail and (intervention := self.interventions.take(operation)):
            guardrail = guardrail.blocking(*intervention)
        return self._operations[operation](params, guardrail)

    def clear(self) -> None:
        """Forget scripted replies, interventions and jobs."""
        self.model.script.clear()
        self.interventions.clear()
        self.jobs.clear()

    def _watches(self, params: Params, own: FakeGuardrail | None) -> list[Watch]:
        """The request's own guardrail, then those that are enforced; one that is both runs once, for both."""
        watches = {_key(own): self._watch(own, "REQUEST", own_choice)} if own else {}
        for entry in self._enforced(params["modelId"]):
            guardrail = self._shelf.find(entry.guardrail, entry.version)
            watch, key = self._watch(guardrail, entry.origin, entry.sees), _key(guardrail)
            if key in watches:
                watch = replace(watch, guardrail=watches[key].guardrail, origins=(*watches[key].origins, *watch.origins))
            watches[key] = watch
        return list(watches.values())

    def _watch(self, guardrail: FakeGuardrail, origin: str, sees: Callable[[Prompt], Seen]) -> Watch:
        return Watch(guardrail, (origin,), guardrail.identifier.split(":")[4] == self._shelf.account, sees)

    def _converse(self, params: Params, own: FakeGuardrail | None) -> Output:
        return Output(converse.message(self._conversed("Converse", params, own), params))

    def _converse_stream(self, params: Params, own: FakeGuardrail | None) -> Output:
        late = params.get("guardrailConfig", {}).get("streamProcessingMode") == "async"
        turn = self._conversed("ConverseStream", params, own, late=late)
        return Output({"stream": converse.events(turn, params)})

    def _conversed(self, operation: str, params: Params, own: FakeGuardrail | None, *, late: bool = False) -> Turn:
        how = How(params.get("guardrailConfig", {}).get("trace") == "enabled_full", late)
        return self._take(operation, params, own, prompts.of_converse(params), how)

    def _invoke_model(self, params: Params, own: FakeGuardrail | None) -> Output:
        turn = self._invoked("InvokeModel", params, own)
        return Output({"body": formats.body(turn, params), "contentType": _JSON}, _counts(turn))

    def _invoke_model_with_response_stream(self, params: Params, own: FakeGuardrail | None) -> Output:
        turn = self._invoked("InvokeModelWithResponseStream", params, own)
        return Output({"body": formats.chunks(turn, params), "contentType": _JSON})

    def _invoked(self, operation: str, params: Params, own: FakeGuardrail | None) -> Turn:
        prompt = prompts.of_body(params.get("body", b""), guarded=own is not None)
        late = prompt.late and operation == "InvokeModelWithResponseStream"
        return self._take(operation, params, own, prompt, How(params.get("trace") == "ENABLED_FULL", late))

    def _take(self, operation: str, params: Params, own: FakeGuardrail | None, prompt: Prompt, how: How) -> Turn:
        watches = self._watches(params, own)
        return take(prompt, lambda said: self.model.answer(operation, params, prompt, said), watches, how)

    def _count_tokens(self, params: Params, _: FakeGuardrail | None) -> Output:
        asked = params["input"]
        prompt = prompts.of_converse(asked["converse"]) if "converse" in asked else prompts.of_body(asked["invokeModel"]["body"])
        return Output({"inputTokens": tokens(prompt.texts)})

    def _apply_guardrail(self, params: Params, guardrail: FakeGuardrail | None) -> Output:
        if guardrail is None:
            raise ServiceError.invalid(_INVALID)
        own = guardrail.identifier.split(":")[4] == self._shelf.account
        scope = Scope(full=params.get("outputScope") == "FULL", own=own)
        found = assess(guardrail, prompts.of_blocks(params["content"], params["source"]), scope)
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


def _key(guardrail: FakeGuardrail) -> tuple[str, str]:
    return guardrail.identifier, guardrail.version


def _counts(turn: Turn) -> dict[str, str]:
    return {
        "X-Amzn-Bedrock-Input-Token-Count": str(turn.usage["inputTokens"]),
        "X-Amzn-Bedrock-Output-Token-Count": str(turn.usage["outputTokens"]),
        "X-Amzn-Bedrock-Invocation-Latency": str(turn.latency),
    }
