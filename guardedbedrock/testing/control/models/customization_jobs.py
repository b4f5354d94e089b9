"""The jobs that fine-tune a model. A job reads no data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import check_name, find, select, summaries
from guardedbedrock.testing.control.models.model_jobs import COMPLETED, IN_PROGRESS, advance
from guardedbedrock.testing.resources.models import find_family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.control.models.custom_models import CustomModels
    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_SUMMARY: Final = (
    "jobArn",
    "baseModelArn",
    "jobName",
    "status",
    "lastModifiedTime",
    "creationTime",
    "endTime",
    "customizationType",
)
_TRAINING: Final = ("hyperParameters", "trainingDataConfig", "validationDataConfig", "outputDataConfig", "customizationConfig")


class CustomizationJobs:
    """
    The jobs that fine-tune a model.

    Args:
        models: The models that the jobs create.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, models: CustomModels, tags: TagStore, new_id: Callable[[], str]) -> None:
        self._models, self._tags, self._new_id = models, tags, new_id
        self._jobs: dict[str, ApiParams] = {}
        self._model_tags: dict[str, list[Mapping[str, str]]] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Start a job.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown base model; ``ConflictException`` (400) for a name in use.
        """
        base = self._base(params["baseModelIdentifier"])
        check_name(self._jobs, "jobName", params["jobName"])
        self._models.check_name(params["customModelName"])
        identifier, now = base.rpartition("/")[2], datetime.now(UTC)
        arn = (
            f"arn:aws:bedrock:{self._models.region}:{self._models.account}:model-customization-job/{identifier}/{self._new_id()}"
        )
        copied = ("jobName", "roleArn", "clientRequestToken", "vpcConfig", *_TRAINING)
        self._jobs[arn] = {
            "jobArn": arn,
            **{name: params[name] for name in copied if name in params},
            "validationDataConfig": params.get("validationDataConfig", {"validators": []}),
            "outputModelName": params["customModelName"],
            "baseModelArn": base,
            "customizationType": params.get("customizationType", "FINE_TUNING"),
            "status": IN_PROGRESS,
            "creationTime": now,
            "lastModifiedTime": now,
        }
        self._model_tags[arn] = params.get("customModelTags", [])
        self._tags.put(arn, params.get("jobTags", ()))
        return {"jobArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a job. The next call returns its next status; a completed job has created its model."""
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        shown = dict(job)
        if advance(job) == COMPLETED and "outputModelArn" not in job:
            job["outputModelArn"] = arn = self._models.new_arn(job["baseModelArn"].rpartition("/")[2])
            own: ApiParams = {
                name: job[name] for name in ("jobName", "jobArn", "customizationType", "baseModelArn", *_TRAINING) if name in job
            }
            state = {"modelName": job["outputModelName"], "modelStatus": "Active"}
            self._models.add(arn, {**own, **state}, self._model_tags[job["jobArn"]])
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return the jobs that match the filters."""
        found = [
            {**job, "customModelName": job["outputModelName"], **_renamed(job, "outputModelArn", "customModelArn")}
            for job in select(self._jobs.values(), params, name="jobName", time="creationTime")
        ]
        members = (*_SUMMARY, "customModelName", "customModelArn")
        return summaries("modelCustomizationJobSummaries", found, members, params)

    def stop(self, params: ApiParams) -> ApiParams:
        """
        Stop a job.

        Raises:
            ServiceError: ``ConflictException`` (400) for a job that has ended.
        """
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        if job["status"] != IN_PROGRESS:
            raise conflict(f"The job has the status {job['status']} and cannot be stopped.")
        job |= {"status": "Stopping", "lastModifiedTime": datetime.now(UTC)}
        return {}

    def _base(self, identifier: str) -> str:
        if ":custom-model/" in identifier:
            return str(self._models.find(identifier)["baseModelArn"])
        find_family(identifier, {})
        is_arn = identifier.startswith("arn:")
        return identifier if is_arn else f"arn:aws:bedrock:{self._models.region}::foundation-model/{identifier}"


def _renamed(entry: ApiParams, name: str, other: str) -> ApiParams:
    return {other: entry[name]} if name in entry else {}
