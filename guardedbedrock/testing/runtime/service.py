"""The table of the operations of ``bedrock-runtime``."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.assessment import AssessmentScope, assess
from guardedbedrock.testing.resources.models import ModelFamily, find_family, model_name
from guardedbedrock.testing.runtime import converse, formats, guardrail_checks
from guardedbedrock.testing.runtime.async_invocations import AsyncInvocations
from guardedbedrock.testing.runtime.prompt_cache import PromptCache
from guardedbedrock.testing.runtime.replies import FakeModel, ModelReply, tokens
from guardedbedrock.testing.runtime.requests import prompts
from guardedbedrock.testing.runtime.requests.conversation import check_conversation
from guardedbedrock.testing.runtime.script import Script
from guardedbedrock.testing.runtime.turns import (
    ActiveGuardrail,
    Turn,
    TurnOptions,
    select_enforced,
    select_marked,
    take_turn,
)
from guardedbedrock.testing.wire import ApiParams, OperationOutput, ServiceError, ShapeValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from guardedbedrock.testing.resources import FakeEnforcement, FakeGuardrail, GuardrailStore
    from guardedbedrock.testing.resources.guardrail import AssessmentSource
    from guardedbedrock.testing.runtime.requests.prompts import Prompt, VisibleContent

_INVALID: Final = "The provided guardrail identifier is invalid."
_INCOMPLETE: Final = "A guardrail identifier and a guardrail version must be provided together."
_NO_JSON: Final = "Guardrails support only requests with the content type application/json."
_NO_CONVERSE: Final = "This action doesn't support the model that you provided. Try again with a supported text or chat model."
_JSON: Final = "application/json"
_STREAMS: Final = ("ChatCompletionsStream", "InvokeModelWithResponseStream")


class Runtime:
    """
    Performs the operations of ``bedrock-runtime``.

    Args:
        store: The guardrails.
        patterns: Shape name to the pattern that replaces the pattern of the service model.
        enforced: Returns the guardrails that are enforced on a model.
        resolved_models: Returns the models of each inference profile, by ARN.
    """

    service = "bedrock-runtime"

    def __init__(
        self,
        store: GuardrailStore,
        patterns: Mapping[str, str],
        enforced: Callable[[str], Iterable[FakeEnforcement]],
        resolved_models: Callable[[], Mapping[str, tuple[str, ...]]],
    ) -> None:
        self.model, self._cache = FakeModel(), PromptCache()
        self.interventions: Script[tuple[str, AssessmentSource]] = Script()
        self.invocations = AsyncInvocations(store.region, store.account)
        self.validator = ShapeValidator(patterns, {"GuardrailIdentifier": _INVALID})
        self._store, self._enforced, self._resolved_models = store, enforced, resolved_models
        self._operations: Mapping[str, Callable[[ApiParams, FakeGuardrail | None], OperationOutput]] = {
            "ApplyGuardrail": self._apply_guardrail,
            "ChatCompletions": self._chat_completions,
            "ChatCompletionsStream": self._chat_completions_stream,
            "Converse": self._converse,
            "ConverseStream": self._converse_stream,
            "CountTokens": self._count_tokens,
            "GetAsyncInvoke": lambda params, _: OperationOutput(self.invocations.get(params)),
            "InvokeGuardrailChecks": lambda params, _: OperationOutput(guardrail_checks.check(params)),
            "InvokeModel": self._invoke_model,
            "InvokeModelWithResponseStream": self._invoke_model_with_response_stream,
            "ListAsyncInvokes": lambda params, _: OperationOutput(self.invocations.list(params)),
            "StartAsyncInvoke": self._start_async_invoke,
        }

    def share_scripts(self, other: Runtime) -> None:
        """Use the scripted replies and interventions of another region."""
        self.model, self.interventions = other.model, other.interventions

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that are implemented."""
        return self._operations

    def guardrail(self, params: ApiParams) -> tuple[str, str] | None:
        """
        Return the guardrail identifier and version in a request. An empty ``guardrailConfig`` names none.

        Raises:
            ServiceError: ``ValidationException`` (400) for an identifier without a version, or the reverse.
        """
        location = params.get("guardrailConfig", params)
        identifier, version = location.get("guardrailIdentifier"), location.get("guardrailVersion")
        if bool(identifier) != bool(version):
            raise ServiceError.invalid(_INCOMPLETE)
        return (identifier, version) if identifier else None

    def perform(self, operation: str, params: ApiParams) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: The error response of the operation.
        """
        named = self.guardrail(params)
        guardrail = self._store.find(*named) if named else None
        if guardrail and (intervention := self.interventions.take(operation)):
            guardrail = guardrail.blocking(*intervention)
        return self._operations[operation](params, guardrail)

    def clear(self) -> None:
        """Remove scripted replies, scripted interventions, asynchronous invocations and the prompt cache."""
        self.model.script.clear()
        self.interventions.clear()
        self.invocations.clear()
        self._cache.clear()

    def answer(  # noqa: PLR0913 - one parameter for each part of a question
        self,
        operation: str,
        params: ApiParams,
        text: str,
        *,
        model: str,
        guardrail: FakeGuardrail | None,
        passages: Sequence[str] = (),
        default: ModelReply | None = None,
    ) -> Turn:
        """
        Answer a question that a knowledge base, an agent or a flow asks a model.

        Args:
            operation: The operation, for which replies and interventions are scripted.
            params: Its parameters.
            text: The question.
            model: The model that answers; ``""`` if the request names none.
            guardrail: The guardrail that runs.
            passages: The passages that the question was asked with. They are the grounding sources.
            default: The reply if none is scripted; None is an echo of the question.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown model.
        """
        if model:
            self.check_model(model)
        params = {**params, "modelId": model}
        prompt = _question(text, passages)
        return self._assessed(
            operation, params, guardrail, prompt, lambda last: self.model.reply(operation, params, prompt, last, default)
        )

    def check_model(self, model: str) -> None:
        """
        Check that a model is known.

        Args:
            model: ID or ARN of a model or of an inference profile.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown model.
        """
        find_family(model, self._resolved_models())

    def assess_passages(
        self, operation: str, params: ApiParams, query: str, passages: Sequence[str], guardrail: FakeGuardrail | None
    ) -> Turn:
        """
        Assess a query and the passages that a search found. No model replies, and no scripted reply is used.

        Args:
            operation: The operation, for which interventions are scripted.
            params: Its parameters.
            query: The query.
            passages: The texts that were found.
            guardrail: The guardrail that runs.
        """
        reply = ModelReply(tuple(passages))
        return self._assessed(operation, {**params, "modelId": ""}, guardrail, _question(query), lambda _: reply)

    def _assessed(
        self,
        operation: str,
        params: ApiParams,
        own: FakeGuardrail | None,
        prompt: Prompt,
        call_model: Callable[[str], ModelReply],
    ) -> Turn:
        if own and (intervention := self.interventions.take(operation)):
            own = own.blocking(*intervention)
        return take_turn(prompt, call_model, self._active_guardrails(params, own), TurnOptions())

    def _active_guardrails(self, params: ApiParams, own: FakeGuardrail | None) -> list[ActiveGuardrail]:
        """Return the guardrail of the request, then the enforced ones. A guardrail that is both runs once, with both origins."""
        active = {_key(own): self._active(own, "REQUEST", select_marked)} if own else {}
        for entry in self._enforced(params["modelId"]):
            guardrail = self._store.find(entry.guardrail, entry.version)
            added, key = self._active(guardrail, entry.origin, select_enforced(entry)), _key(guardrail)
            if key in active:
                added = replace(added, guardrail=active[key].guardrail, origins=(*active[key].origins, *added.origins))
            active[key] = added
        return list(active.values())

    def _active(self, guardrail: FakeGuardrail, origin: str, select: Callable[[Prompt], VisibleContent]) -> ActiveGuardrail:
        return ActiveGuardrail(guardrail, (origin,), self._is_own(guardrail), select)

    def _is_own(self, guardrail: FakeGuardrail) -> bool:
        return guardrail.identifier.split(":")[4] == self._store.account

    def _converse(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        turn = self._converse_turn("Converse", params, own)
        return OperationOutput(converse.message(turn, params), log_entry=partial(_converse_entry, turn, params))

    def _converse_stream(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        asynchronous = params.get("guardrailConfig", {}).get("streamProcessingMode") == "async"
        turn = self._converse_turn("ConverseStream", params, own, asynchronous=asynchronous)
        return OperationOutput({"stream": converse.events(turn, params)}, log_entry=partial(_converse_entry, turn, params))

    def _converse_turn(self, operation: str, params: ApiParams, own: FakeGuardrail | None, *, asynchronous: bool = False) -> Turn:
        family = self._family(params)
        if not family.converse:
            raise ServiceError.invalid(_NO_CONVERSE)
        check_conversation(params, family)
        options = TurnOptions(params.get("guardrailConfig", {}).get("trace") == "enabled_full", asynchronous)
        turn = self._turn(operation, params, own, prompts.parse_converse(params), options)
        return replace(turn, cache=self._cache.use(model_name(params["modelId"], self._resolved_models()), params))

    def _invoke_model(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        family = self._family(params)
        formats.check_body(family, params, stream=False, guarded=own is not None)
        if family.format in formats.COMPUTED:
            body = formats.computed(family, params)
            return OperationOutput({"body": body, "contentType": _JSON}, log_entry=partial(_invoke_entry, family, [body], {}))
        turn = self._invoke_turn("InvokeModel", params, own)
        body = formats.body(family, turn, params)
        entry = partial(_invoke_entry, family, [body], turn.usage)
        return OperationOutput({"body": body, "contentType": _JSON}, _count_headers(turn), entry)

    def _family(self, params: ApiParams) -> ModelFamily:
        return find_family(params["modelId"], self._resolved_models())

    def _invoke_model_with_response_stream(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        family = self._family(params)
        formats.check_body(family, params, stream=True, guarded=own is not None)
        turn = self._invoke_turn("InvokeModelWithResponseStream", params, own)
        chunks = list(formats.chunks(family, turn, params))
        entry = partial(_invoke_entry, family, [one["chunk"]["bytes"] for one in chunks], turn.usage, stream=True)
        return OperationOutput({"body": iter(chunks), "contentType": _JSON}, log_entry=entry)

    def _chat_completions(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        turn = self._chat_turn("ChatCompletions", params, own)
        return OperationOutput({"body": formats.completion(turn, params), "contentType": _JSON}, _count_headers(turn))

    def _chat_completions_stream(self, params: ApiParams, own: FakeGuardrail | None) -> OperationOutput:
        turn = self._chat_turn("ChatCompletionsStream", params, own)
        return OperationOutput({"body": formats.completion_chunks(turn, params), "contentType": _JSON})

    def _chat_turn(self, operation: str, params: ApiParams, own: FakeGuardrail | None) -> Turn:
        formats.check_completion(self._family(params), params)
        return self._invoke_turn(operation, params, own)

    def _invoke_turn(self, operation: str, params: ApiParams, own: FakeGuardrail | None) -> Turn:
        media_type = (params.get("contentType") or _JSON).partition(";")[0].strip().lower()
        if own is not None and media_type != _JSON:
            raise ServiceError.invalid(_NO_JSON)
        prompt = prompts.parse_body(params.get("body", b""), guarded=own is not None)
        asynchronous = prompt.asynchronous and operation in _STREAMS
        return self._turn(operation, params, own, prompt, TurnOptions(params.get("trace") == "ENABLED_FULL", asynchronous))

    def _turn(self, operation: str, params: ApiParams, own: FakeGuardrail | None, prompt: Prompt, options: TurnOptions) -> Turn:
        guardrails = self._active_guardrails(params, own)
        return take_turn(prompt, lambda last: self.model.reply(operation, params, prompt, last), guardrails, options)

    def _start_async_invoke(self, params: ApiParams, _: FakeGuardrail | None) -> OperationOutput:
        self._family(params)
        return OperationOutput(self.invocations.start(params))

    def _count_tokens(self, params: ApiParams, _: FakeGuardrail | None) -> OperationOutput:
        self._family(params)
        given = params["input"]
        if "converse" in given:
            prompt = prompts.parse_converse(given["converse"])
        else:
            prompt = prompts.parse_body(given["invokeModel"]["body"])
        return OperationOutput({"inputTokens": tokens(prompt.texts)})

    def _apply_guardrail(self, params: ApiParams, guardrail: FakeGuardrail | None) -> OperationOutput:
        if guardrail is None:
            raise ServiceError.invalid(_INVALID)
        scope = AssessmentScope(full=params.get("outputScope") == "FULL", own=self._is_own(guardrail))
        result = assess(guardrail, prompts.parse_guarded_content(params["content"], params["source"]), scope)
        metrics = result.assessment["invocationMetrics"]
        return OperationOutput(
            {
                "usage": metrics["usage"],
                "action": "GUARDRAIL_INTERVENED" if result.intervened else "NONE",
                "actionReason": result.reason,
                "outputs": [{"text": text} for text in result.texts] if result.intervened else [],
                "assessments": [result.assessment],
                "guardrailCoverage": metrics["guardrailCoverage"],
            }
        )


def _question(text: str, passages: Sequence[str] = ()) -> Prompt:
    prompt = prompts.parse_converse({"messages": [{"role": "user", "content": [{"text": text}]}]})
    return replace(prompt, sources=tuple(passages), queries=(text,) if passages else ())


def _converse_entry(turn: Turn, params: ApiParams) -> ApiParams:
    output = converse.message(turn, params)
    return {"output": output, "usage": output["usage"], "modality": "TEXT"}


def _invoke_entry(family: ModelFamily, bodies: list[bytes], usage: Mapping[str, int], *, stream: bool = False) -> ApiParams:
    output = [json.loads(body) for body in bodies]
    return {"output": output if stream else output[0], "usage": usage, "modality": family.output}


def _key(guardrail: FakeGuardrail) -> tuple[str, str]:
    return guardrail.identifier, guardrail.version


def _count_headers(turn: Turn) -> dict[str, str]:
    return {
        "X-Amzn-Bedrock-Input-Token-Count": str(turn.usage["inputTokens"]),
        "X-Amzn-Bedrock-Output-Token-Count": str(turn.usage["outputTokens"]),
        "X-Amzn-Bedrock-Invocation-Latency": str(turn.latency),
    }
