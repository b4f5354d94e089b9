"""The operations of ``bedrock-agent-runtime``: knowledge bases, agents and flows answer with the fake model."""

from __future__ import annotations

import json
from copy import deepcopy
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.agents.agents_and_flows.flow_executions import FlowExecutions
from guardedbedrock.testing.agents.sessions import Sessions
from guardedbedrock.testing.resources.knowledge_base import IndexedDocument, Passage, overlap, s3_location, search
from guardedbedrock.testing.resources.named_guardrails import first_guardrail, named_guardrails
from guardedbedrock.testing.runtime.replies import ModelReply, words
from guardedbedrock.testing.wire import ApiParams, OperationOutput, ServiceError, ShapeValidator
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from guardedbedrock.testing.agents.service import Agents
    from guardedbedrock.testing.resources import FakeGuardrail, GuardrailStore
    from guardedbedrock.testing.runtime import Runtime
    from guardedbedrock.testing.runtime.turns import Turn

_POLICIES: Final = ("topicPolicy", "contentPolicy", "wordPolicy", "sensitiveInformationPolicy")
"""The policies in the assessments of agents."""
_FINDING: Final = ("name", "type", "match", "regex", "confidence", "action")
_PARTS: Final = ("knowledgeBaseConfiguration", "externalSourcesConfiguration")
_BLOCKED: Final = "guardrail_intervened"
_NOTHING_FOUND: Final = "Sorry, I am unable to assist you with this request."
_CONTENT_TYPE: Final = "application/json"


class AgentRuntime:
    """
    Performs the operations of ``bedrock-agent-runtime``.

    A knowledge base searches its documents. If the fake has no knowledge bases, one passage is found: what the model replies to
    the query. An agent and a flow reply as the model does.

    Args:
        runtime: The model, with its scripted replies and interventions.
        agents: The agents and flows.
        store: The guardrails.
    """

    service = "bedrock-agent-runtime"

    def __init__(self, runtime: Runtime, agents: Agents, store: GuardrailStore) -> None:
        self.validator = ShapeValidator()
        self._runtime, self._agents, self._store = runtime, agents, store
        self._lock, prefix = ForkSafeLock(), f"arn:aws:bedrock:{store.region}:{store.account}:"
        self._sessions = Sessions(prefix, agents.tags)
        self._executions = executions = FlowExecutions(prefix, agents.routed_version)
        on_state = {
            "CreateInvocation": self._sessions.create_invocation,
            "CreateSession": self._sessions.create,
            "DeleteSession": self._sessions.delete,
            "EndSession": self._sessions.end,
            "GetInvocationStep": self._sessions.get_step,
            "GetSession": self._sessions.get,
            "ListInvocationSteps": self._sessions.list_steps,
            "ListInvocations": self._sessions.list_invocations,
            "ListSessions": self._sessions.list,
            "PutInvocationStep": self._sessions.put_step,
            "UpdateSession": self._sessions.update,
            "GetExecutionFlowSnapshot": executions.snapshot,
            "GetFlowExecution": executions.get,
            "ListFlowExecutionEvents": executions.list_events,
            "ListFlowExecutions": executions.list,
            "ListTagsForResource": agents.tags.list,
            "StopFlowExecution": executions.stop,
            "TagResource": agents.tags.tag,
            "UntagResource": agents.tags.untag,
        }
        self._operations: Mapping[str, Callable[[ApiParams], ApiParams]] = {
            **{name: self._one_at_a_time(operation) for name, operation in on_state.items()},
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

    def guardrail(self, params: ApiParams) -> tuple[str, str] | None:
        """Return the first guardrail that a request names."""
        return first_guardrail(params)

    def perform(self, operation: str, params: ApiParams) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: The error response of the operation, such as ``ValidationException`` for an unknown guardrail.
        """
        for named in named_guardrails(params):
            self._store.find(*named)
        return OperationOutput(self._operations[operation](params))

    def _one_at_a_time(self, operation: Callable[[ApiParams], ApiParams]) -> Callable[[ApiParams], ApiParams]:
        """Return the operation with a lock. It returns a copy, which later operations do not change."""

        def perform(params: ApiParams) -> ApiParams:
            with self._lock:
                return deepcopy(operation(params))

        return perform

    def _turn(self, operation: str, params: ApiParams, text: str, model: str = "", named: tuple[str, str] | None = None) -> Turn:
        return self._runtime.answer(operation, params, text, model=model, guardrail=self._guardrail(named))

    def _guardrail(self, named: tuple[str, str] | None) -> FakeGuardrail | None:
        return self._store.find(*named) if named else None

    def _search(self, identifier: str, query: str, params: ApiParams) -> list[Passage] | None:
        return self._agents.search(identifier, query, params.get("retrievalConfiguration", {}))

    def _retrieve(self, params: ApiParams) -> ApiParams:
        query, named = params["retrievalQuery"].get("text", ""), first_guardrail(params.get("guardrailConfiguration"))
        found = self._search(params["knowledgeBaseId"], query, params)
        if found is None:
            turn = self._turn("Retrieve", params, query, named=named)
            found = [_only_passage(params["knowledgeBaseId"], turn.text)]
        else:
            texts = [passage.text for passage in found]
            turn = self._runtime.assess_passages("Retrieve", params, query, texts, self._guardrail(named))
            if turn.reply.stop == _BLOCKED:
                found = [_only_passage(params["knowledgeBaseId"], turn.text)]
            else:
                found = [passage._replace(text=text) for passage, text in zip(found, turn.reply.texts, strict=True)]
        return {"retrievalResults": [{**_reference(each), "score": each.score} for each in found], **_action(turn)}

    def _generated(self, operation: str, params: ApiParams) -> tuple[Turn, list[Passage]]:
        """Return the turn and the passages that its answer cites."""
        configuration, query = params.get("retrieveAndGenerateConfiguration") or {}, params["input"]["text"]
        part = next((configuration[name] for name in _PARTS if name in configuration), None)
        if part is None:
            raise ServiceError.invalid("retrieveAndGenerateConfiguration: must be given")
        guardrail = self._guardrail(first_guardrail(part.get("generationConfiguration")))
        found = self._search(part["knowledgeBaseId"], query, part) if "knowledgeBaseId" in part else _external(part, query)
        if found is None:
            return self._runtime.answer(operation, params, query, model=part["modelArn"], guardrail=guardrail), []
        default = ModelReply((found[0].text if found else _NOTHING_FOUND,))
        texts = [passage.text for passage in found]
        turn = self._runtime.answer(
            operation, params, query, model=part["modelArn"], guardrail=guardrail, passages=texts, default=default
        )
        return turn, [] if turn.reply.stop == _BLOCKED else found

    def _retrieve_and_generate(self, params: ApiParams) -> ApiParams:
        turn, found = self._generated("RetrieveAndGenerate", params)
        citations = [_citation(turn.text, found)] if found else []
        return {"sessionId": _session(params), "output": {"text": turn.text}, "citations": citations, **_action(turn)}

    def _retrieve_and_generate_stream(self, params: ApiParams) -> ApiParams:
        turn, found = self._generated("RetrieveAndGenerateStream", params)

        def events() -> Iterator[Mapping[str, ApiParams]]:
            yield from ({"output": {"text": word}} for word in words(turn.text))
            if found:
                yield {"citation": _citation(turn.text, found)}
            if turn.guarded:
                yield {"guardrail": {"action": _action(turn)["guardrailAction"]}}

        return {"sessionId": _session(params), "stream": events()}

    def _agentic_retrieve_stream(self, params: ApiParams) -> ApiParams:
        text = " ".join(message["content"].get("text", "") for message in params["messages"])
        named = first_guardrail(params.get("policyConfiguration"))
        turn = self._turn("AgenticRetrieveStream", params, text, named=named)

        def events() -> Iterator[Mapping[str, ApiParams]]:
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

    def _invoke_inline_agent(self, params: ApiParams) -> ApiParams:
        named = first_guardrail(params.get("guardrailConfiguration"))
        turn = self._turn("InvokeInlineAgent", params, params.get("inputText", ""), params["foundationModel"], named)
        return _agent_reply(turn, params)

    def _invoke_agent(self, params: ApiParams) -> ApiParams:
        named = next(iter(self._agents.guardrails_of(params)), None)
        turn = self._turn("InvokeAgent", params, params.get("inputText", ""), named=named)
        return {**_agent_reply(turn, params), "sessionId": params["sessionId"]}

    def _invoke_flow(self, params: ApiParams) -> ApiParams:
        turn = self._flow_turn("InvokeFlow", params)
        output = {"nodeName": "Output", "nodeType": "FlowOutputNode", "content": {"document": turn.text}}
        events = [{"flowOutputEvent": output}, {"flowCompletionEvent": {"completionReason": "SUCCESS"}}]
        return {"responseStream": events}

    def _start_flow_execution(self, params: ApiParams) -> ApiParams:
        turn = self._flow_turn("StartFlowExecution", params)
        return self._one_at_a_time(lambda given: self._executions.start(given, turn.text))(params)

    def _flow_turn(self, operation: str, params: ApiParams) -> Turn:
        named = next(iter(self._agents.guardrails_of(params)), None)
        text = " ".join(str(given["content"].get("document", "")) for given in params["inputs"])
        return self._turn(operation, params, text, named=named)

    def _generate_query(self, params: ApiParams) -> ApiParams:
        turn = self._turn("GenerateQuery", params, params["queryGenerationInput"]["text"])
        return {"queries": [{"type": "REDSHIFT_SQL", "sql": f"SELECT 1 -- {turn.text}"}]}

    def _optimize_prompt(self, params: ApiParams) -> ApiParams:
        text = params["input"].get("textPrompt", {}).get("text", "")
        turn = self._turn("OptimizePrompt", params, text, params["targetModelId"])
        optimized = {"optimizedPrompt": {"textPrompt": {"text": turn.text}}}
        return {"optimizedPrompt": [{"analyzePromptEvent": {"message": "done"}}, {"optimizedPromptEvent": optimized}]}

    def _rerank(self, params: ApiParams) -> ApiParams:
        ranking = params["rerankingConfiguration"]["bedrockRerankingConfiguration"]
        self._runtime.check_model(ranking["modelConfiguration"]["modelArn"])
        query = params["queries"][0]["textQuery"].get("text", "")
        sources = [source["inlineDocumentSource"] for source in params["sources"]]
        scores = [overlap(query, _source_text(source)) for source in sources]
        order = sorted(range(len(sources)), key=lambda index: -scores[index])
        limit = ranking.get("numberOfResults", len(order))
        ranked = [{"index": at, "relevanceScore": scores[at], "document": sources[at]} for at in order[:limit]]
        return page("results", ranked, params)


def _source_text(source: ApiParams) -> str:
    return str(source["textDocument"].get("text", "")) if "textDocument" in source else json.dumps(source.get("jsonDocument"))


def _agent_reply(turn: Turn, params: ApiParams) -> ApiParams:
    """Return the reply of an agent; the trace comes first, as at AWS."""

    def events() -> Iterator[Mapping[str, ApiParams]]:
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


def _findings(policy: ApiParams) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of a policy with the members that they have in a trace of an agent."""
    return {
        kind: [{name: finding[name] for name in _FINDING if name in finding} for finding in findings]
        for kind, findings in policy.items()
        if isinstance(findings, list)
    }


def _action(turn: Turn) -> dict[str, str]:
    return {"guardrailAction": "INTERVENED" if turn.intervened else "NONE"} if turn.guarded else {}


def _session(params: ApiParams) -> str:
    return str(params.get("sessionId") or sha256(params["input"]["text"].encode()).hexdigest()[:32])


def _only_passage(knowledge_base: str, text: str) -> Passage:
    return Passage(text, s3_location(f"s3://knowledge-base/{knowledge_base}.txt"), {}, 0.5)


def _reference(passage: Passage) -> ApiParams:
    metadata = {"metadata": dict(passage.metadata)} if passage.metadata else {}
    return {"content": {"type": "TEXT", "text": passage.text}, "location": dict(passage.location), **metadata}


def _citation(text: str, found: list[Passage]) -> ApiParams:
    """Return the citation of a whole answer. The end of its span is the last character."""
    part = {"textResponsePart": {"text": text, "span": {"start": 0, "end": max(len(text) - 1, 0)}}}
    return {"generatedResponsePart": part, "retrievedReferences": [_reference(passage) for passage in found]}


def _external(part: ApiParams, query: str) -> list[Passage] | None:
    """Search the plain text in the request; return None if it has none, because the fake cannot read S3."""
    contents = [source["byteContent"] for source in part["sources"] if "byteContent" in source]
    texts = [each for each in contents if each["contentType"].startswith("text/")]
    if not texts:
        return None
    documents = [
        IndexedDocument(each["data"].decode(errors="replace"), s3_location(f"s3://request/{each['identifier']}"), {})
        for each in texts
    ]
    return search(documents, query, {"numberOfResults": len(documents)})
