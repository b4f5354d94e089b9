"""Knowledge bases with documents: search by word overlap, filters, answers with citations, guardrails, and Rerank."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import FakeBedrock, FakeDocument, FakeGuardrail, FakeKnowledgeBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., tuple[FakeBedrock, Any]]

KB = "HANDBOOK01"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
LEAVE = "Employees have twelve days of leave."
SICK = "Sick leave needs a note after three days."
PAY = "The salary of Ada is paid monthly."
DOCUMENTS = (
    FakeDocument(LEAVE, "s3://hr/leave.txt", {"year": 2026, "team": "hr", "tags": ["leave", "days"]}),
    FakeDocument(SICK, metadata={"year": 2024, "team": "health"}),
    PAY,
)
GUARDRAIL = FakeGuardrail("abc123def456", denied_words=("forbidden",), regexes={"name": ("Ada", "anonymize")})


@pytest.fixture
def start(aws: boto3.Session) -> Iterator[Start]:
    """Return a function that starts a fake with the handbook, and creates a client for its knowledge bases."""
    with ExitStack() as stack:

        def begin(service: str = "bedrock-agent-runtime", **options: Any) -> tuple[FakeBedrock, Any]:
            bases = [FakeKnowledgeBase(KB, DOCUMENTS), FakeKnowledgeBase("EMPTY00001")]
            fake = stack.enter_context(FakeBedrock(**{"knowledge_bases": bases, **options}))
            client = aws.client(service, **fake.client_kwargs())
            stack.callback(client.close)
            return fake, client

        yield begin


def _found(client: Any, query: str, **search: Any) -> list[tuple[str, float]]:
    configuration = {"retrievalConfiguration": {"vectorSearchConfiguration": search}} if search else {}
    reply = client.retrieve(knowledgeBaseId=KB, retrievalQuery={"text": query}, **configuration)
    return [(each["content"]["text"], each["score"]) for each in reply["retrievalResults"]]


def test_the_score_is_the_share_of_the_words_of_the_query(start: Start) -> None:
    """The best document comes first, documents of one score in their order, and documents without a common word not at all."""
    _, client = start()

    assert _found(client, "How many DAYS of leave?") == [(LEAVE, 0.6), (SICK, 0.4), (PAY, 0.2)]
    assert _found(client, "leave") == [(LEAVE, 1.0), (SICK, 1.0)]
    assert _found(client, "zebra") == []
    assert _found(client, "?!") == []


def test_results_have_location_and_metadata(start: Start) -> None:
    """A document without a URI has one from its knowledge base and number."""
    _, client = start()

    results = client.retrieve(knowledgeBaseId=KB, retrievalQuery={"text": "leave salary"})["retrievalResults"]

    uris = [each["location"]["s3Location"]["uri"] for each in results]
    assert uris == ["s3://hr/leave.txt", f"s3://knowledge-base/{KB}/2.txt", f"s3://knowledge-base/{KB}/3.txt"]
    assert results[0]["metadata"] == {"year": 2026, "team": "hr", "tags": ["leave", "days"]}
    assert "metadata" not in results[2]


def test_number_of_results_limits_the_results(start: Start) -> None:
    """The default is five, as at AWS."""
    _, client = start()
    many = FakeKnowledgeBase(KB, [f"leave {number}" for number in range(9)])
    _, other = start(knowledge_bases=[many])

    assert _found(client, "days of leave", numberOfResults=1) == [(LEAVE, 1.0)]
    assert [text for text, _ in _found(other, "leave")] == [f"leave {number}" for number in range(5)]
    assert len(_found(other, "leave", numberOfResults=7)) == 7


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"equals": {"key": "team", "value": "hr"}}, [LEAVE]),
        ({"notEquals": {"key": "team", "value": "hr"}}, [SICK, PAY]),
        ({"greaterThan": {"key": "year", "value": 2024}}, [LEAVE]),
        ({"greaterThanOrEquals": {"key": "year", "value": 2024}}, [LEAVE, SICK]),
        ({"lessThan": {"key": "year", "value": 2026}}, [SICK]),
        ({"lessThanOrEquals": {"key": "year", "value": 2026}}, [LEAVE, SICK]),
        ({"in": {"key": "team", "value": ["hr", "it"]}}, [LEAVE]),
        ({"notIn": {"key": "team", "value": ["hr", "it"]}}, [SICK, PAY]),
        ({"startsWith": {"key": "team", "value": "he"}}, [SICK]),
        ({"stringContains": {"key": "team", "value": "al"}}, [SICK]),
        ({"stringContains": {"key": "tags", "value": "eav"}}, [LEAVE]),
        ({"listContains": {"key": "tags", "value": "days"}}, [LEAVE]),
        ({"greaterThan": {"key": "team", "value": 1}}, []),
        (
            {"orAll": [{"equals": {"key": "team", "value": "hr"}}, {"equals": {"key": "team", "value": "health"}}]},
            [LEAVE, SICK],
        ),
        ({"andAll": [{"equals": {"key": "team", "value": "hr"}}, {"lessThan": {"key": "year", "value": 2000}}]}, []),
    ],
)
def test_filters_select_documents(start: Start, condition: dict[str, Any], expected: list[str]) -> None:
    """Every operator of RetrievalFilter."""
    _, client = start()

    assert [text for text, _ in _found(client, "leave salary", filter=condition)] == expected


def test_an_unknown_knowledge_base_is_not_found(start: Start) -> None:
    """Also for RetrieveAndGenerate; a knowledge base without documents finds nothing."""
    _, client = start()

    for call in (
        lambda: client.retrieve(knowledgeBaseId="UNKNOWN001", retrievalQuery={"text": "leave"}),
        lambda: _answer(client, "leave", knowledge_base="UNKNOWN001"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert client.retrieve(knowledgeBaseId="EMPTY00001", retrievalQuery={"text": "leave"})["retrievalResults"] == []


def _answer(client: Any, question: str, *, knowledge_base: str = KB, stream: bool = False, **part: Any) -> dict[str, Any]:
    configuration = {
        "type": "KNOWLEDGE_BASE",
        "knowledgeBaseConfiguration": {"knowledgeBaseId": knowledge_base, "modelArn": MODEL, **part},
    }
    call = client.retrieve_and_generate_stream if stream else client.retrieve_and_generate
    return dict(call(input={"text": question}, retrieveAndGenerateConfiguration=configuration))


def test_an_answer_cites_what_was_found(start: Start) -> None:
    """Without a script the answer is the best document, and the citation names all documents that were found."""
    _, client = start()

    reply = _answer(client, "days of leave")

    (citation,) = reply["citations"]
    assert reply["output"]["text"] == LEAVE
    assert citation["generatedResponsePart"]["textResponsePart"] == {"text": LEAVE, "span": {"start": 0, "end": len(LEAVE) - 1}}
    assert [each["content"]["text"] for each in citation["retrievedReferences"]] == [LEAVE, SICK, PAY]
    assert citation["retrievedReferences"][0]["location"] == {"type": "S3", "s3Location": {"uri": "s3://hr/leave.txt"}}
    assert _answer(client, "days of leave") | {"ResponseMetadata": 0} == reply | {"ResponseMetadata": 0}


def test_an_answer_uses_the_search_configuration_and_the_script(start: Start) -> None:
    """The script is for the answer, and Retrieve does not use it up."""
    fake, client = start()
    fake.reply("Twelve.")

    assert _found(client, "leave") == [(LEAVE, 1.0), (SICK, 1.0)]
    reply = _answer(client, "leave", retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 1}})

    assert reply["output"]["text"] == "Twelve."
    assert [each["content"]["text"] for each in reply["citations"][0]["retrievedReferences"]] == [LEAVE]


def test_an_answer_without_documents_says_so(start: Start) -> None:
    """In AWS's words, without citations."""
    _, client = start()

    reply = _answer(client, "zebra")

    assert reply["output"]["text"] == "Sorry, I am unable to assist you with this request."
    assert reply["citations"] == []


def test_a_streamed_answer_has_the_same_text_and_citation(start: Start) -> None:
    """The words first, then the citation."""
    _, client = start()

    events = list(_answer(client, "days of leave", stream=True)["stream"])

    assert "".join(event["output"]["text"] for event in events[:-1]) == LEAVE
    assert events[-1]["citation"]["generatedResponsePart"]["textResponsePart"]["text"] == LEAVE


GUARDED = {"guardrailId": "abc123def456", "guardrailVersion": "1"}


def test_a_guardrail_masks_and_blocks_what_is_retrieved(start: Start) -> None:
    """A masked passage keeps its location; a blocked query finds no document."""
    _, client = start(guardrails=[GUARDRAIL])
    ask = {"knowledgeBaseId": KB, "guardrailConfiguration": GUARDED}

    masked = client.retrieve(**ask, retrievalQuery={"text": "salary"})
    blocked = client.retrieve(**ask, retrievalQuery={"text": "forbidden leave"})

    assert masked["guardrailAction"] == blocked["guardrailAction"] == "INTERVENED"
    assert masked["retrievalResults"][0]["content"]["text"] == PAY.replace("Ada", "{name}")
    assert [each["content"]["text"] for each in blocked["retrievalResults"]] == [GUARDRAIL.blocked_input]
    assert client.retrieve(**ask, retrievalQuery={"text": "leave"})["guardrailAction"] == "NONE"


def test_a_blocked_answer_has_no_citations(start: Start) -> None:
    """The documents were found, and are not shown."""
    _, client = start(guardrails=[GUARDRAIL])

    reply = _answer(client, "forbidden leave", generationConfiguration={"guardrailConfiguration": GUARDED})

    assert reply["guardrailAction"] == "INTERVENED"
    assert reply["output"]["text"] == GUARDRAIL.blocked_input
    assert reply["citations"] == []


def test_grounding_compares_the_answer_with_what_was_found(start: Start) -> None:
    """The passages are the grounding source."""
    guardrail = FakeGuardrail("abc123def456", grounding={"GROUNDING": 0.5})
    fake, client = start(guardrails=[guardrail])
    guarded: dict[str, Any] = {"generationConfiguration": {"guardrailConfiguration": GUARDED}}
    fake.reply("Unicorns gallop quietly.")

    assert _answer(client, "days of leave", **guarded)["guardrailAction"] == "INTERVENED"
    assert _answer(client, "days of leave", **guarded)["guardrailAction"] == "NONE"


def test_text_in_the_request_is_searched(start: Start) -> None:
    """External sources need no knowledge base."""
    _, client = start(knowledge_bases=[])
    content = {"identifier": "leave.txt", "contentType": "text/plain", "data": LEAVE.encode()}
    sources = [{"sourceType": "BYTE_CONTENT", "byteContent": content}]
    configuration = {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": {"modelArn": MODEL, "sources": sources}}

    reply = client.retrieve_and_generate(input={"text": "days leave"}, retrieveAndGenerateConfiguration=configuration)

    assert reply["output"]["text"] == LEAVE
    assert [each["content"]["text"] for each in reply["citations"][0]["retrievedReferences"]] == [LEAVE]


def test_rerank_orders_by_the_same_score(start: Start) -> None:
    """The best first, with the index and the document of the request."""
    _, client = start()
    texts = [{"type": "TEXT", "textDocument": {"text": text}} for text in (PAY, LEAVE, SICK)]
    ask = {
        "queries": [{"type": "TEXT", "textQuery": {"text": "days of leave"}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": text} for text in texts],
    }
    model = {"modelConfiguration": {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"}}

    def order(**more: Any) -> list[tuple[int, float]]:
        how = {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {**model, **more}}
        return [(each["index"], each["relevanceScore"]) for each in client.rerank(**ask, rerankingConfiguration=how)["results"]]

    assert order() == [(1, 1.0), (2, pytest.approx(0.666667)), (0, pytest.approx(0.333333))]
    assert order(numberOfResults=1) == [(1, 1.0)]


def test_knowledge_bases_are_listed_and_described(start: Start) -> None:
    """With the name that they were given."""
    _, client = start("bedrock-agent", knowledge_bases=[FakeKnowledgeBase(KB, name="handbook"), FakeKnowledgeBase("EMPTY00001")])

    listed = client.list_knowledge_bases(maxResults=1)
    described = client.get_knowledge_base(knowledgeBaseId=KB)["knowledgeBase"]

    assert [each["name"] for each in listed["knowledgeBaseSummaries"]] == ["handbook"]
    assert client.list_knowledge_bases(nextToken=listed["nextToken"])["knowledgeBaseSummaries"][0]["name"] == "EMPTY00001"
    assert (described["name"], described["status"]) == ("handbook", "ACTIVE")
    assert described["knowledgeBaseArn"] == f"arn:aws:bedrock:us-east-1:123456789012:knowledge-base/{KB}"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_knowledge_base(knowledgeBaseId="UNKNOWN001")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FakeKnowledgeBase("short"), "not the ID of a knowledge base"),
        (lambda: FakeKnowledgeBase(KB, "text"), "expected a list of documents"),
        (lambda: FakeKnowledgeBase(KB, [" "]), "text: must be a string with at least one visible character"),
        (lambda: FakeDocument("text", "https://example.com"), "not an S3 URI"),
        (lambda: FakeDocument("text", metadata={"a": {"b": 1}}), "metadata.a: must be a string, a number"),  # type: ignore[dict-item]
    ],
)
def test_an_invalid_knowledge_base_is_rejected(make: Callable[[], object], message: str) -> None:
    """When it is created."""
    with pytest.raises(ConfigurationError, match=message):
        make()
