"""The operations on data sources, ingestion jobs and documents of knowledge bases. The fake reads no S3 objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.resources.knowledge_base import FakeDocument, IndexedDocument, s3_location
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from guardedbedrock.testing.resources.knowledge_base import FakeKnowledgeBase, MetadataValue
    from guardedbedrock.testing.wire import ApiParams

_STORED: Final = (
    *("name", "description", "dataSourceConfiguration", "dataDeletionPolicy", "serverSideEncryptionConfiguration"),
    "vectorIngestionConfiguration",
)
_SUMMARY: Final = ("knowledgeBaseId", "dataSourceId", "name", "status", "description", "updatedAt")
_GIVEN: Final = {"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::knowledge-base"}}
_NEXT: Final = {"STARTING": "IN_PROGRESS", "IN_PROGRESS": "COMPLETE", "STOPPING": "STOPPED"}
_ENDED: Final = ("COMPLETE", "STOPPED")
_NOT_READ: Final = "The fake Bedrock reads no S3 objects."
_VALUES: Final = ("stringValue", "numberValue", "booleanValue", "stringListValue")

_Key = tuple[str, str]
"""IDs of a knowledge base and a data source."""


@dataclass(frozen=True, slots=True)
class _Document:
    identifier: ApiParams
    updated: datetime
    indexed: IndexedDocument | None

    def details(self, key: _Key, status: str = "") -> ApiParams:
        failed = {} if self.indexed else {"statusReason": _NOT_READ}
        current = "INDEXED" if self.indexed else "FAILED"
        return {**_details(key, self.identifier, status or current), **({} if status else failed), "updatedAt": self.updated}


class DataSources:
    """
    The data sources of all knowledge bases, with their ingestion jobs and documents.

    A search finds an ingested document immediately. Each Get advances an ingestion job by one status.

    Args:
        check_base: Raises ``ResourceNotFoundException`` if the knowledge base of a request does not exist.
        new_id: Returns a new ID that begins with a prefix.
    """

    def __init__(self, check_base: Callable[[ApiParams], object], new_id: Callable[[str], str]) -> None:
        self._check_base, self._new_id = check_base, new_id
        self._sources: dict[_Key, ApiParams] = {}
        self._documents: dict[_Key, dict[str, _Document]] = {}
        self._jobs: dict[tuple[str, str, str], ApiParams] = {}

    def add_given(self, base: FakeKnowledgeBase) -> None:
        """Add a data source with the documents that the fake was configured with."""
        key, now = (base.identifier, _given_id(base.identifier)), datetime.now(UTC)
        self._add(key, {"name": "documents", "dataSourceConfiguration": _GIVEN})
        for number, document in enumerate(base.documents, 1):
            given = document if isinstance(document, FakeDocument) else FakeDocument(document)
            uri = given.uri or f"s3://knowledge-base/{base.identifier}/{number}.txt"
            identifier = {"dataSourceType": "S3", "s3": {"uri": uri}}
            indexed = IndexedDocument(given.text, s3_location(uri), given.metadata)
            self._documents[key][f"{number} {uri}"] = _Document(identifier, now, indexed)

    def indexed(self, base: str) -> Iterator[IndexedDocument]:
        """Yield the documents of a knowledge base that a search can find."""
        for key, documents in self._documents.items():
            if key[0] == base:
                yield from (each.indexed for each in documents.values() if each.indexed is not None)

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create a data source.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._check_name(params)
        key = params["knowledgeBaseId"], self._new_id("DATAS")
        self._add(key, params)
        return {"dataSource": self._sources[key]}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a data source."""
        return {"dataSource": self._sources[self._key(params)]}

    def list(self, params: ApiParams) -> ApiParams:
        """Return the data sources of a knowledge base."""
        found = self._of_base(params).values()
        shown = [{name: each[name] for name in _SUMMARY if name in each} for each in found]
        return page("dataSourceSummaries", shown, params)

    def update(self, params: ApiParams) -> ApiParams:
        """
        Change the members that are given.

        Raises:
            ServiceError: As `create`.
        """
        key = self._key(params)
        self._check_name(params, key)
        self._sources[key] |= {**_stored(params), "updatedAt": datetime.now(UTC)}
        return {"dataSource": self._sources[key]}

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete a data source with its documents and jobs."""
        key = self._key(params)
        self._remove(key)
        return {"knowledgeBaseId": key[0], "dataSourceId": key[1], "status": "DELETING"}

    def remove_all(self, base: str) -> None:
        """Remove the data sources of a deleted knowledge base."""
        for key in [key for key in self._sources if key[0] == base]:
            self._remove(key)

    def start_job(self, params: ApiParams) -> ApiParams:
        """Start an ingestion job."""
        base, source = self._key(params)
        identifier, now = self._new_id("INGES"), datetime.now(UTC)
        described = {"description": params["description"]} if "description" in params else {}
        self._jobs[base, source, identifier] = {
            "knowledgeBaseId": base,
            "dataSourceId": source,
            "ingestionJobId": identifier,
            **described,
            "status": "STARTING",
            "statistics": _statistics(0, 0),
            "startedAt": now,
            "updatedAt": now,
        }
        return {"ingestionJob": self._jobs[base, source, identifier]}

    def get_job(self, params: ApiParams) -> ApiParams:
        """Return an ingestion job. The next call returns its next status."""
        job = self._job(params)
        shown = dict(job)
        if job["status"] in _NEXT:
            job |= {"status": _NEXT[job["status"]], "updatedAt": datetime.now(UTC)}
        if job["status"] == "COMPLETE" and shown["status"] != "COMPLETE":
            job["statistics"] = self._scanned(job)
        return {"ingestionJob": shown}

    def list_jobs(self, params: ApiParams) -> ApiParams:
        """Return the ingestion jobs of a data source, the latest first by default."""
        key = self._key(params)
        found = [job for at, job in self._jobs.items() if at[:2] == key]
        for condition in params.get("filters", ()):
            found = [job for job in found if job["status"] in condition["values"]]
        order = params.get("sortBy", {"attribute": "STARTED_AT", "order": "DESCENDING"})
        member = {"STATUS": "status", "STARTED_AT": "startedAt"}[order["attribute"]]
        found.sort(key=lambda job: job[member], reverse=order["order"] == "DESCENDING")
        return page("ingestionJobSummaries", found, params)

    def stop_job(self, params: ApiParams) -> ApiParams:
        """
        Stop an ingestion job.

        Raises:
            ServiceError: ``ConflictException`` (409) for a job that has ended.
        """
        job = self._job(params)
        if job["status"] in _ENDED:
            raise conflict(f"The ingestion job has the status {job['status']} and cannot be stopped.")
        job |= {"status": "STOPPING", "updatedAt": datetime.now(UTC)}
        return {"ingestionJob": job}

    def ingest(self, params: ApiParams) -> ApiParams:
        """Add or replace documents. A search finds only documents whose content is in the request."""
        key, now = self._key(params), datetime.now(UTC)
        added = []
        for given in params["documents"]:
            identifier = _identifier(given["content"])
            document = _Document(identifier, now, _read(given, identifier))
            self._documents[key][_name(identifier)] = document
            added.append(document.details(key, "STARTING"))
        return {"documentDetails": added}

    def get_documents(self, params: ApiParams) -> ApiParams:
        """Return the status of documents. The status of an unknown document is ``NOT_FOUND``."""
        key = self._key(params)
        return {"documentDetails": [self._shown(key, each) for each in params["documentIdentifiers"]]}

    def list_documents(self, params: ApiParams) -> ApiParams:
        """Return the documents of a data source."""
        key = self._key(params)
        return page("documentDetails", [document.details(key) for document in self._documents[key].values()], params)

    def delete_documents(self, params: ApiParams) -> ApiParams:
        """Delete documents."""
        key = self._key(params)
        shown = [self._shown(key, each, "DELETING") for each in params["documentIdentifiers"]]
        deleted = [_name(each) for each in params["documentIdentifiers"]]
        kept = {name: each for name, each in self._documents[key].items() if _name(each.identifier) not in deleted}
        self._documents[key] = kept
        return {"documentDetails": shown}

    def _shown(self, key: _Key, identifier: ApiParams, status: str = "") -> ApiParams:
        found = next((each for each in self._documents[key].values() if each.identifier == identifier), None)
        return found.details(key, status) if found else _details(key, identifier, "NOT_FOUND")

    def _add(self, key: _Key, params: ApiParams) -> None:
        now = datetime.now(UTC)
        self._sources[key] = {
            "dataDeletionPolicy": "DELETE",
            **_stored(params),
            "knowledgeBaseId": key[0],
            "dataSourceId": key[1],
            "status": "AVAILABLE",
            "createdAt": now,
            "updatedAt": now,
        }
        self._documents[key] = {}

    def _remove(self, key: _Key) -> None:
        del self._sources[key], self._documents[key]
        self._jobs = {at: job for at, job in self._jobs.items() if at[:2] != key}

    def _scanned(self, job: ApiParams) -> dict[str, int]:
        key = job["knowledgeBaseId"], job["dataSourceId"]
        completed = [each for at, each in self._jobs.items() if at[:2] == key and each["status"] == "COMPLETE"]
        count = len(self._documents[key])
        return _statistics(count, count if completed == [job] else 0)

    def _check_name(self, params: ApiParams, own: _Key | None = None) -> None:
        if any(each["name"] == params["name"] for key, each in self._of_base(params).items() if key != own):
            raise conflict(f"A data source with the name {params['name']} already exists in the knowledge base.")

    def _of_base(self, params: ApiParams) -> dict[_Key, ApiParams]:
        self._check_base(params)
        return {key: each for key, each in self._sources.items() if key[0] == params["knowledgeBaseId"]}

    def _key(self, params: ApiParams) -> _Key:
        self._check_base(params)
        key = params["knowledgeBaseId"], params["dataSourceId"]
        if key not in self._sources:
            raise not_found(f"Data source with id {key[1]} does not exist in knowledge base {key[0]}.")
        return key

    def _job(self, params: ApiParams) -> ApiParams:
        key = *self._key(params), params["ingestionJobId"]
        if key not in self._jobs:
            raise not_found(f"Ingestion job with id {key[2]} does not exist.")
        return self._jobs[key]


def _given_id(base: str) -> str:
    return sha256(base.encode()).hexdigest()[:10].upper()


def _stored(params: ApiParams) -> ApiParams:
    return {name: params[name] for name in _STORED if name in params}


def _statistics(scanned: int, new: int) -> dict[str, int]:
    return {
        "numberOfDocumentsScanned": scanned,
        "numberOfMetadataDocumentsScanned": 0,
        "numberOfNewDocumentsIndexed": new,
        "numberOfModifiedDocumentsIndexed": 0,
        "numberOfMetadataDocumentsModified": 0,
        "numberOfDocumentsDeleted": 0,
        "numberOfDocumentsFailed": 0,
    }


def _details(key: _Key, identifier: ApiParams, status: str) -> ApiParams:
    return {"knowledgeBaseId": key[0], "dataSourceId": key[1], "status": status, "identifier": identifier}


def _identifier(content: ApiParams) -> ApiParams:
    """Return the identifier of a document that is ingested."""
    if "custom" in content:
        return {"dataSourceType": "CUSTOM", "custom": {"id": content["custom"]["customDocumentIdentifier"]["id"]}}
    return {"dataSourceType": "S3", "s3": {"uri": content.get("s3", {}).get("s3Location", {}).get("uri", "")}}


def _name(identifier: ApiParams) -> str:
    return str(identifier.get("custom", {}).get("id") or identifier.get("s3", {}).get("uri"))


def _read(given: ApiParams, identifier: ApiParams) -> IndexedDocument | None:
    """Return a document whose text is in the request."""
    inline = given["content"].get("custom", {}).get("inlineContent", {})
    if "textContent" in inline:
        text = inline["textContent"]["data"]
    elif "byteContent" in inline:
        text = inline["byteContent"]["data"].decode(errors="replace")
    else:
        return None
    location = {"type": "CUSTOM", "customDocumentLocation": {"id": identifier["custom"]["id"]}}
    return IndexedDocument(text, location, _metadata(given.get("metadata", {})))


def _metadata(given: ApiParams) -> Mapping[str, MetadataValue]:
    attributes = given.get("inlineAttributes", ())
    return {each["key"]: next(each["value"][name] for name in _VALUES if name in each["value"]) for each in attributes}
