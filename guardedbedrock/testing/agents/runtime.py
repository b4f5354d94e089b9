"""The operations of ``bedrock-agent-runtime``: knowledge bases, agents and flows answer with the fake model."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.resources.named_guardrails import first_guardrail, named_guardrails
from guardedbedrock.testing.runtime.replies import words
from guardedbedrock.testing.wire import OperationOutput, Params, ServiceError, ShapeValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from guardedbedrock.testing.agents.building import Agents
    from guardedbedrock.testing.resources import FakeGuardrail, GuardrailStore
    from guardedbedrock.testing.runtime import Runtime
    from guardedbedrock.testing.runtime.turns import Turn

_POLICIES: Final = ("topicPolicy", "contentPolicy", "wordPolicy", "sensitiveInformationPolicy")
"""The policies in the assessments of agents."""
_FINDING: Final = ("name", "type", "match", "regex", "confidence", "action")
_PARTS: Final = ("knowledgeBaseConfiguration", "externalSourcesConfiguration")
_CONTENT_TYPE: Final = "application/json"


class AgentRuntime:
    """
    Performs the operations of ``bedrock-agent-runtime``.

    A knowledge base finds one passage: what the model replies to the query. An agent and a flow reply as the model does.

    Args:
        runtime: The model, with its scripted replies and interventions.
        agents: The agents and flows.
        store: The guardrails.
    """

    service = "bedrock-agent-runtime"

    def __init__(self, runtime: Runtime, agents: Agents, store: GuardrailStore) -> None:
        self.validator = ShapeValidator()
        self._runtime, self._agents, self._store = runtime, agents, store
        self._operations: Mapping[str, Callable[[Params], Params]] = {
            "AgenticRetrieveStream": self._agentic_retrieve_stream,
            "GenerateQuery": self._generate_query,
            "InvokeAgent": self._invoke_agent,
            "InvokeFlow": self._invoke_flow,
            "InvokeInlineAgent": self._invoke_inline_agent,
            "OptimizePrompt": self._optimize_prompt,
            "Rerank": self._rerank,
            "Retrieve": self._retrieve,
            "RetrieveAndGenerate": self._retrieve_and_generate,
            "RetrieveAndGenerateStream": self._retrieve_and_generate_stream,
            "StartFlowExecution": self._start_flow_execution,
        }

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that are implemented."""
        return self._operations

    def guardrail(self, params: Params) -> tuple[str, str] | None:
        """Return the first guardrail that a request names."""
        return first_guardrail(params)

    def perform(self, operation: str, params: Params) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: The error response of the operation, such as ``ValidationException`` for an unknown guardrail.
        """
        for named in named_guardrails(params):
            self._store.find(*named)
        return OperationOutput(self._operations[operation](params))

    def _turn(self, operation: str, params: Params, text: str, model: str = "", named: tuple[str, str] | None = None) -> Turn:
        guardrail: FakeGuardrail | None = self._store.find(*named) if named else None
        return self._runtime.answer(operation, params, text, model=model, guardrail=guardrail)

    def _retrieve(self, params: Params) -> Params:
        query = params["retrievalQuery"].get("text", "")
        turn = self._turn("Retrieve", params, query, named=first_guardrail(params.get("guardrailConfiguration")))
        passage = {"content": {"type": "TEXT", "text": turn.text}, "score": 0.5, "location": _location(params)}
        return {"retrievalResults": [passage], **_action(turn)}

    def _generated(self, operation: str, params: Params) -> Turn:
        configuration = params.get("retrieveAndGenerateConfiguration") or {}
        part = next((configuration[name] for name in _PARTS if name in configuration), None)
        if part is None:
            raise ServiceError.invalid("retrieveAndGenerateConfiguration: must be given")
        named = first_guardrail(part.get("generationConfiguration"))
        return self._turn(operation, params, params["input"]["text"], part["modelArn"], named)

    def _retrieve_and_generate(self, params: Params) -> Params:
        turn = self._generated("RetrieveAndGenerate", params)
        return {"sessionId": _session(params), "output": {"text": turn.text}, "citations": [], **_action(turn)}

    def _retrieve_and_generate_stream(self, params: Params) -> Params:
        turn = self._generated("RetrieveAndGenerateStream", params)

        def events() -> Iterator[Mapping[str, Params]]:
            yield from ({"output": {"text": word}} for word in words(turn.text))
            if turn.guarded:
                yield {"guardrail": {"action": _action(turn)["guardrailAction"]}}

        return {"sessionId": _session(params), "stream": events()}

    def _agentic_retrieve_stream(self, params: Params) -> Params:
        text = " ".join(message["content"].get("text", "") for message in params["messages"])
        named = first_guardrail(params.get("policyConfiguration"))
        turn = self._turn("AgenticRetrieveStream", params, text, named=named)

        def events() -> Iterator[Mapping[str, Params]]:
            attributes: dict[str, Any] = {"step": "Retrieval", "status": "SUCCEEDED", "message": "Searched the knowledge base."}
            if named and turn.guarded:
                warning = {
                    "id": named[0],
                    "version": named[1],
                    "action": _action(turn)["guardrailAction"],
                    "message": turn.reason,
                }
                attributes["warnings"] = [{"guardrail": warning}]
            yield {"traceEvent": {"id": "trace-1", "timestamp": 0, "attributes": attributes}}
            yield from ({"responseEvent": {"text": word}} for word in words(turn.text))
            yield {"result": {"generatedResponse": {"answer": turn.text}, "results": []}}

        return {"stream": events()}

    def _invoke_inline_agent(self, params: Params) -> Params:
        named = first_guardrail(params.get("guardrailConfiguration"))
        turn = self._turn("InvokeInlineAgent", params, params.get("inputText", ""), params["foundationModel"], named)
        return _agent_reply(turn, params)

    def _invoke_agent(self, params: Params) -> Params:
        named = next(iter(self._agents.guardrails_of(params["agentId"], params["agentAliasId"])), None)
        turn = self._turn("InvokeAgent", params, params.get("inputText", ""), named=named)
        return {**_agent_reply(turn, params), "sessionId": params["sessionId"]}

    def _invoke_flow(self, params: Params) -> Params:
        turn = self._flow_turn("InvokeFlow", params)
        output = {"nodeName": "Output", "nodeType": "FlowOutputNode", "content": {"document": turn.text}}
        events = [{"flowOutputEvent": output}, {"flowCompletionEvent": {"completionReason": "SUCCESS"}}]
        return {"responseStream": events}

    def _start_flow_execution(self, params: Params) -> Params:
        self._flow_turn("StartFlowExecution", params)
        flow, alias = (params[name].rpartition("/")[2] for name in ("flowIdentifier", "flowAliasIdentifier"))
        name = f"flow/{flow}/alias/{alias}/execution/{params.get('flowExecutionName', 'execution')}"
        return {"executionArn": f"arn:aws:bedrock:{self._store.region}:{self._store.account}:{name}"}

    def _flow_turn(self, operation: str, params: Params) -> Turn:
        named = next(iter(self._agents.guardrails_of(params["flowIdentifier"], params["flowAliasIdentifier"])), None)
        text = " ".join(str(given["content"].get("document", "")) for given in params["inputs"])
        return self._turn(operation, params, text, named=named)

    def _generate_query(self, params: Params) -> Params:
        turn = self._turn("GenerateQuery", params, params["queryGenerationInput"]["text"])
        return {"queries": [{"type": "REDSHIFT_SQL", "sql": f"SELECT 1 -- {turn.text}"}]}

    def _optimize_prompt(self, params: Params) -> Params:
        text = params["input"].get("textPrompt", {}).get("text", "")
        turn = self._turn("OptimizePrompt", params, text, params["targetModelId"])
        optimized = {"optimizedPrompt": {"textPrompt": {"text": turn.text}}}
        return {"optimizedPrompt": [{"analyzePromptEvent": {"message": "done"}}, {"optimizedPromptEvent": optimized}]}

    def _rerank(self, params: Params) -> Params:
        ranked = [{"index": index, "relevanceScore": 1 / (1 + index)} for index in range(len(params["sources"]))]
        return {"results": ranked}


def _agent_reply(turn: Turn, params: Params) -> Params:
    """Return the reply of an agent; the trace comes first, as at AWS."""

    def events() -> Iterator[Mapping[str, Params]]:
        if params.get("enableTrace") and turn.guarded:
            trace = {"action": "INTERVENED" if turn.intervened else "NONE", "traceId": "trace-1", **_assessments(turn)}
            yield {"trace": {"sessionId": params["sessionId"], "trace": {"guardrailTrace": trace}}}
        yield from ({"chunk": {"bytes": word.encode()}} for word in words(turn.text))

    return {"completion": events(), "contentType": _CONTENT_TYPE, "sessionId": params["sessionId"]}


def _assessments(turn: Turn) -> dict[str, list[dict[str, Any]]]:
    found = {"inputAssessments": turn.input, "outputAssessments": turn.output}
    return {
        name: [
            {policy: _findings(one.assessment[policy]) for policy in _POLICIES if policy in one.assessment}
            for one in results.values()
        ]
        for name, results in found.items()
    }


def _findings(policy: Params) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of a policy with the members that they have in a trace of an agent."""
    return {
        kind: [{name: finding[name] for name in _FINDING if name in finding} for finding in findings]
        for kind, findings in policy.items()
        if isinstance(findings, list)
    }


def _action(turn: Turn) -> dict[str, str]:
    return {"guardrailAction": "INTERVENED" if turn.intervened else "NONE"} if turn.guarded else {}


def _session(params: Params) -> str:
    return str(params.get("sessionId") or sha256(params["input"]["text"].encode()).hexdigest()[:32])


def _location(params: Params) -> Params:
    return {"type": "S3", "s3Location": {"uri": f"s3://knowledge-base/{params['knowledgeBaseId']}.txt"}}
