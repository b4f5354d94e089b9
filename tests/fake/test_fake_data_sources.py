"""Knowledge bases that a client creates: data sources, documents that can be found, and ingestion jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeBedrock, FakeDocument, FakeKnowledgeBase

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE: Final = "arn:aws:iam::123456789012:role/Knowledge"
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
VECTORS: Final = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": MODEL}}


def _note(identifier: str, text: str, **attributes: Any) -> dict[str, Any]:
    kinds = {str: "STRING", float: "NUMBER", bool: "BOOLEAN", list: "STRING_LIST"}
    members = {str: "stringValue", float: "numberValue", bool: "booleanValue", list: "stringListValue"}
    inline = [
        {"key": key, "value": {"type": kinds[type(value)], members[type(value)]: value}} for key, value in attributes.items()
    ]
    content = {
        "dataSourceType": "CUSTOM",
        "custom": {
            "customDocumentIdentifier": {"id": identifier},
            "sourceType": "IN_LINE",
            "inlineContent": {"type": "TEXT", "textContent": {"data": text}},
        },
    }
    return {"content": content, **({"metadata": {"type": "IN_LINE_ATTRIBUTE", "inlineAttributes": inline}} if inline else {})}


def _named(identifier: str) -> dict[str, Any]:
    return {"dataSourceType": "CUSTOM", "custom": {"id": identifier}}


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    with FakeBedrock() as running:
        yield running


@pytest.fixture
def client(fake: FakeBedrock) -> Any:
    return boto3.client("bedrock-agent", **fake.client_kwargs())


@pytest.fixture
def runtime(fake: FakeBedrock) -> Any:
    return boto3.client("bedrock-agent-runtime", **fake.client_kwargs())


@pytest.fixture
def source(client: Any) -> dict[str, str]:
    """The IDs of a new knowledge base and its data source."""
    base = client.create_knowledge_base(name="notes", roleArn=ROLE, knowledgeBaseConfiguration=VECTORS)["knowledgeBase"]
    key = {"knowledgeBaseId": base["knowledgeBaseId"]}
    made = client.create_data_source(**key, name="mine", dataSourceConfiguration={"type": "CUSTOM"})["dataSource"]
    return {**key, "dataSourceId": made["dataSourceId"]}


def _found(runtime: Any, source: dict[str, str], query: str, **search: Any) -> list[dict[str, Any]]:
    configuration = {"retrievalConfiguration": {"vectorSearchConfiguration": search}} if search else {}
    reply = runtime.retrieve(knowledgeBaseId=source["knowledgeBaseId"], retrievalQuery={"text": query}, **configuration)
    return list(reply["retrievalResults"])


def test_an_ingested_document_is_found_replaced_and_deleted(client: Any, runtime: Any, source: dict[str, str]) -> None:
    client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Twelve days of leave."), _note("pay", "Paid.")])

    (found,) = _found(runtime, source, "leave")
    assert found["content"] == {"type": "TEXT", "text": "Twelve days of leave."}
    assert found["location"] == {"type": "CUSTOM", "customDocumentLocation": {"id": "leave"}}

    client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Thirty days of leave.")])
    assert [each["content"]["text"] for each in _found(runtime, source, "leave")] == ["Thirty days of leave."]

    client.delete_knowledge_base_documents(**source, documentIdentifiers=[_named("leave")])
    assert _found(runtime, source, "leave") == []
    listed = client.list_knowledge_base_documents(**source)["documentDetails"]
    assert [each["identifier"]["custom"]["id"] for each in listed] == ["pay"]


def test_an_answer_cites_an_ingested_document(client: Any, runtime: Any, source: dict[str, str]) -> None:
    client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Twelve days of leave.")])
    configuration = {"knowledgeBaseId": source["knowledgeBaseId"], "modelArn": MODEL}

    reply = runtime.retrieve_and_generate(
        input={"text": "How much leave?"},
        retrieveAndGenerateConfiguration={"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": configuration},
    )

    assert reply["output"]["text"] == "Twelve days of leave."
    (reference,) = reply["citations"][0]["retrievedReferences"]
    assert reference["location"]["customDocumentLocation"] == {"id": "leave"}


def test_attributes_of_a_document_are_filtered(client: Any, runtime: Any, source: dict[str, str]) -> None:
    notes = [
        _note("a", "leave a", year=2026.0, team="hr", public=True, tags=["x", "y"]),
        _note("b", "leave b", year=2024.0, team="it", public=False, tags=["z"]),
    ]
    client.ingest_knowledge_base_documents(**source, documents=notes)

    for condition in (
        {"greaterThan": {"key": "year", "value": 2025}},
        {"equals": {"key": "team", "value": "hr"}},
        {"equals": {"key": "public", "value": True}},
        {"listContains": {"key": "tags", "value": "x"}},
    ):
        assert [each["content"]["text"] for each in _found(runtime, source, "leave", filter=condition)] == ["leave a"]
    (found,) = _found(runtime, source, "a")
    assert found["metadata"] == {"year": 2026.0, "team": "hr", "public": True, "tags": ["x", "y"]}


def test_the_status_of_documents(client: Any, source: dict[str, str]) -> None:
    """Text in the request is indexed. An S3 object is not read, and its status says so. An unknown document is not found."""
    s3_object = {"content": {"dataSourceType": "S3", "s3": {"s3Location": {"uri": "s3://bucket/a.txt"}}}}
    ingested = client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Leave."), s3_object])

    identifiers = [_named("leave"), {"dataSourceType": "S3", "s3": {"uri": "s3://bucket/a.txt"}}, _named("other")]
    read = client.get_knowledge_base_documents(**source, documentIdentifiers=identifiers)["documentDetails"]

    assert [each["status"] for each in ingested["documentDetails"]] == ["STARTING", "STARTING"]
    assert [each["status"] for each in read] == ["INDEXED", "FAILED", "NOT_FOUND"]
    assert read[1]["statusReason"] == "The fake Bedrock reads no S3 objects."


def test_an_ingestion_job_runs_to_its_end(client: Any, source: dict[str, str]) -> None:
    """Programs poll it with Get. The first job indexes the documents of the data source."""
    client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Leave."), _note("pay", "Pay.")])
    statistics = []
    for _ in range(2):
        job = client.start_ingestion_job(**source)["ingestionJob"]
        key = {**source, "ingestionJobId": job["ingestionJobId"]}
        seen = [client.get_ingestion_job(**key)["ingestionJob"] for _ in range(4)]
        assert [each["status"] for each in seen] == ["STARTING", "IN_PROGRESS", "COMPLETE", "COMPLETE"]
        statistics.append(seen[-1]["statistics"])

    assert [(each["numberOfDocumentsScanned"], each["numberOfNewDocumentsIndexed"]) for each in statistics] == [(2, 2), (2, 0)]
    with pytest.raises(ClientError, match=r"ConflictException.*COMPLETE"):
        client.stop_ingestion_job(**key)


def test_ingestion_jobs_are_filtered_and_sorted(client: Any, source: dict[str, str]) -> None:
    first, second = (client.start_ingestion_job(**source)["ingestionJob"]["ingestionJobId"] for _ in range(2))
    client.stop_ingestion_job(**source, ingestionJobId=first)

    def listed(**wanted: Any) -> list[str]:
        return [job["ingestionJobId"] for job in client.list_ingestion_jobs(**source, **wanted)["ingestionJobSummaries"]]

    assert listed() == [second, first]
    assert listed(sortBy={"attribute": "STARTED_AT", "order": "ASCENDING"}) == [first, second]
    assert listed(filters=[{"attribute": "STATUS", "operator": "EQ", "values": ["STOPPING"]}]) == [first]


def test_a_configured_knowledge_base_has_a_data_source_with_its_documents() -> None:
    documents: list[FakeDocument | str] = ["Leave.", FakeDocument("Pay.", "s3://hr/pay.txt")]
    with FakeBedrock(knowledge_bases=[FakeKnowledgeBase("HANDBOOK01", documents)]) as fake:
        client = boto3.client("bedrock-agent", **fake.client_kwargs())
        (source,) = client.list_data_sources(knowledgeBaseId="HANDBOOK01")["dataSourceSummaries"]
        key = {name: source[name] for name in ("knowledgeBaseId", "dataSourceId")}

        found = client.list_knowledge_base_documents(**key)["documentDetails"]

        uris = [each["identifier"]["s3"]["uri"] for each in found]
        assert uris == ["s3://knowledge-base/HANDBOOK01/1.txt", "s3://hr/pay.txt"]
        client.ingest_knowledge_base_documents(**key, documents=[_note("new", "Overtime.")])
        runtime = boto3.client("bedrock-agent-runtime", **fake.client_kwargs())
        assert len(_found(runtime, key, "leave pay overtime")) == 3


def test_a_knowledge_base_is_changed_and_deleted(client: Any, runtime: Any, source: dict[str, str]) -> None:
    """Its data sources go with it, and a request that uses it is not found, even if it was the only one."""
    key = {"knowledgeBaseId": source["knowledgeBaseId"]}
    changed = client.update_knowledge_base(
        **key, name="renamed", description="new", roleArn=ROLE, knowledgeBaseConfiguration=VECTORS
    )["knowledgeBase"]

    assert (changed["name"], changed["description"]) == ("renamed", "new")
    assert client.list_knowledge_bases()["knowledgeBaseSummaries"][0]["description"] == "new"
    assert client.delete_knowledge_base(**key)["status"] == "DELETING"
    for call, params in (
        (client.get_knowledge_base, key),
        (client.list_data_sources, key),
        (client.get_data_source, source),
        (client.list_knowledge_base_documents, source),
        (runtime.retrieve, {**key, "retrievalQuery": {"text": "leave"}}),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(**params)


def test_a_data_source_is_deleted_with_its_documents(client: Any, runtime: Any, source: dict[str, str]) -> None:
    client.ingest_knowledge_base_documents(**source, documents=[_note("leave", "Leave.")])
    job = client.start_ingestion_job(**source)["ingestionJob"]["ingestionJobId"]

    client.delete_data_source(**source)

    assert _found(runtime, source, "leave") == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_ingestion_job(**source, ingestionJobId=job)
