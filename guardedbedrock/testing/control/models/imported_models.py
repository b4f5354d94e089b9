"""Imported models, and the import jobs that create them. A job reads no data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.listing import check_name, find, select, summaries
from guardedbedrock.testing.control.models.model_jobs import COMPLETED, IN_PROGRESS, advance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_JOB_SUMMARY: Final = (
    "jobArn",
    "jobName",
    "status",
    "lastModifiedTime",
    "creationTime",
    "endTime",
    "importedModelArn",
    "importedModelName",
)
_MODEL_SUMMARY: Final = ("modelArn", "modelName", "creationTime", "instructSupported", "modelArchitecture")


class ImportedModels:
    """
    The models that import jobs create, and the jobs.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, region_account: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self._prefix = f"arn:aws:bedrock:{region_account[0]}:{region_account[1]}:"
        self._tags, self._new_id = tags, new_id
        self._jobs: dict[str, ApiParams] = {}
        self._models: dict[str, ApiParams] = {}
        self._model_tags: dict[str, list[Mapping[str, str]]] = {}

    def create_job(self, params: ApiParams) -> ApiParams:
        """
        Start a job.

        Raises:
            ServiceError: ``ConflictException`` (400) for a name in use.
        """
        check_name(self._jobs, "jobName", params["jobName"])
        check_name(self._models, "modelName", params["importedModelName"])
        arn, now = f"{self._prefix}model-import-job/{self._new_id()}", datetime.now(UTC)
        copied = ("jobName", "importedModelName", "roleArn", "modelDataSource", "vpcConfig")
        state = {"jobArn": arn, "status": IN_PROGRESS, "creationTime": now, "lastModifiedTime": now}
        self._jobs[arn] = {**{name: params[name] for name in copied if name in params}, **state}
        self._model_tags[arn] = params.get("importedModelTags", [])
        self._tags.put(arn, params.get("jobTags", ()))
        return {"jobArn": arn}

    def get_job(self, params: ApiParams) -> ApiParams:
        """Return a job. The next call returns it as completed, with its model."""
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        shown = dict(job)
        if advance(job) == COMPLETED and "importedModelArn" not in job:
            job["importedModelArn"] = arn = f"{self._prefix}imported-model/{self._new_id()}"
            self._models[arn] = {
                "modelArn": arn,
                "modelName": job["importedModelName"],
                "jobName": job["jobName"],
                "jobArn": job["jobArn"],
                "modelDataSource": job["modelDataSource"],
                "creationTime": datetime.now(UTC),
                "modelArchitecture": "llama",
                "instructSupported": True,
            }
            self._tags.put(arn, self._model_tags[job["jobArn"]])
        return shown

    def list_jobs(self, params: ApiParams) -> ApiParams:
        """Return the jobs that match the filters."""
        found = select(self._jobs.values(), params, name="jobName", time="creationTime")
        return summaries("modelImportJobSummaries", found, _JOB_SUMMARY, params)

    def get(self, params: ApiParams) -> ApiParams:
        """Return a model."""
        return find(self._models, params["modelIdentifier"], name="modelName")

    def list(self, params: ApiParams) -> ApiParams:
        """Return the models that match the filters."""
        found = select(self._models.values(), params, name="modelName", time="creationTime")
        return summaries("modelSummaries", found, _MODEL_SUMMARY, params)

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete a model."""
        arn = find(self._models, params["modelIdentifier"], name="modelName")["modelArn"]
        del self._models[arn]
        self._tags.remove(arn)
        return {}
