"""Batch inference jobs and evaluation jobs. A job reads and writes no files; each Get advances it by one status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import find, select, summaries
from guardedbedrock.testing.resources.models import find_family
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_NEXT: Final = {"Submitted": "InProgress", "InProgress": "Completed", "Stopping": "Stopped"}
_ENDED: Final = ("Completed", "Stopped")
_HOURS: Final = 24
_BATCH_COPIED: Final = (
    "jobName",
    "modelId",
    "roleArn",
    "clientRequestToken",
    "inputDataConfig",
    "outputDataConfig",
    "vpcConfig",
    "modelInvocationType",
)
_EVALUATION_COPIED: Final = (
    "jobName",
    "jobDescription",
    "roleArn",
    "customerEncryptionKeyId",
    "evaluationConfig",
    "inferenceConfig",
    "outputDataConfig",
)
_EVALUATION_SUMMARY: Final = ("jobArn", "jobName", "status", "creationTime", "jobType", "applicationType")


class BatchJobs:
    """
    The operations on model invocation jobs.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
        resolved_models: Returns the models of each inference profile, by ARN.
    """

    def __init__(
        self,
        region_account: tuple[str, str],
        tags: TagStore,
        new_id: Callable[[], str],
        resolved_models: Callable[[], Mapping[str, tuple[str, ...]]],
    ) -> None:
        self._prefix = f"arn:aws:bedrock:{region_account[0]}:{region_account[1]}:model-invocation-job/"
        self._tags, self._new_id, self._resolved_models = tags, new_id, resolved_models
        self._jobs: dict[str, ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Submit a job.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown model; ``ConflictException`` (400) for a name in use.
        """
        find_family(params["modelId"], self._resolved_models())
        _check_name(self._jobs, params["jobName"])
        arn, now = self._prefix + self._new_id(), datetime.now(UTC)
        hours = params.get("timeoutDurationInHours", _HOURS)
        self._jobs[arn] = {
            "jobArn": arn,
            "modelInvocationType": "InvokeModel",
            **{name: params[name] for name in _BATCH_COPIED if name in params},
            "status": "Submitted",
            "submitTime": now,
            "lastModifiedTime": now,
            "timeoutDurationInHours": hours,
            "jobExpirationTime": now + timedelta(hours=hours),
        }
        self._tags.put(arn, params.get("tags", ()))
        return {"jobArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a job. The next call returns its next status."""
        return _advance(find(self._jobs, params["jobIdentifier"]), "endTime")

    def list(self, params: ApiParams) -> ApiParams:
        """Return the jobs that match the filters."""
        found = select(self._jobs.values(), params, name="jobName", time="submitTime")
        return summaries("invocationJobSummaries", found, {name for job in found for name in job}, params)

    def stop(self, params: ApiParams) -> ApiParams:
        """Stop a job."""
        return _stop(find(self._jobs, params["jobIdentifier"]))


class EvaluationJobs:
    """
    The operations on evaluation jobs.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, region_account: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self._prefix = f"arn:aws:bedrock:{region_account[0]}:{region_account[1]}:evaluation-job/"
        self._tags, self._new_id = tags, new_id
        self._jobs: dict[str, ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Start a job.

        Raises:
            ServiceError: ``ConflictException`` (400) for a name in use.
        """
        _check_name(self._jobs, params["jobName"])
        arn, now = self._prefix + self._new_id(), datetime.now(UTC)
        self._jobs[arn] = {
            "jobArn": arn,
            **{name: params[name] for name in _EVALUATION_COPIED if name in params},
            "status": "InProgress",
            "jobType": "Human" if "human" in params["evaluationConfig"] else "Automated",
            "applicationType": params.get("applicationType", _application(params["inferenceConfig"])),
            "creationTime": now,
            "lastModifiedTime": now,
        }
        self._tags.put(arn, params.get("jobTags", ()))
        return {"jobArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a job. The next call returns its next status."""
        return _advance(find(self._jobs, params["jobIdentifier"]))

    def list(self, params: ApiParams) -> ApiParams:
        """Return the jobs that match the filters."""
        found = select(self._jobs.values(), params, name="jobName", time="creationTime")
        shown = [{**job, **_summary(job)} for job in found]
        if not found:
            return {}  # the service model requires at least one entry
        members = (*_EVALUATION_SUMMARY, "evaluationTaskTypes", "modelIdentifiers")
        return summaries("jobSummaries", shown, members, params)

    def stop(self, params: ApiParams) -> ApiParams:
        """Stop a job."""
        return _stop(find(self._jobs, params["jobIdentifier"]))

    def batch_delete(self, params: ApiParams) -> ApiParams:
        """Delete the jobs that have ended, and report the others as errors."""
        deleted, errors = [], []
        for identifier in params["jobIdentifiers"]:
            try:
                job = find(self._jobs, identifier)
                if job["status"] not in _ENDED:
                    raise conflict(f"The job {identifier} is {job['status']} and cannot be deleted.")
            except ServiceError as error:
                errors.append({"jobIdentifier": identifier, "code": error.code, "message": error.message})
                continue
            del self._jobs[job["jobArn"]]
            self._tags.remove(job["jobArn"])
            deleted.append({"jobIdentifier": job["jobArn"], "jobStatus": "Deleting"})
        return {"errors": errors, "evaluationJobs": deleted}


def _check_name(jobs: Mapping[str, ApiParams], name: str) -> None:
    if any(job["jobName"] == name for job in jobs.values()):
        raise conflict(f"The job name {name} is already in use.")


def _advance(job: ApiParams, end: str = "") -> ApiParams:
    shown = dict(job)
    if job["status"] in _NEXT:
        now = datetime.now(UTC)
        job |= {"status": _NEXT[job["status"]], "lastModifiedTime": now}
        if end and job["status"] in _ENDED:
            job[end] = now
    return shown


def _stop(job: ApiParams) -> ApiParams:
    if job["status"] in _ENDED:
        raise conflict(f"The job has the status {job['status']} and cannot be stopped.")
    job |= {"status": "Stopping", "lastModifiedTime": datetime.now(UTC)}
    return {}


def _application(config: ApiParams) -> str:
    return "RagEvaluation" if "ragConfigs" in config else "ModelEvaluation"


def _summary(job: ApiParams) -> ApiParams:
    config: Any = job["evaluationConfig"]
    metrics = (config.get("automated") or config.get("human")).get("datasetMetricConfigs", ())
    models = list(_model_identifiers(job["inferenceConfig"]))
    return {"evaluationTaskTypes": [one["taskType"] for one in metrics], **({"modelIdentifiers": models} if models else {})}


def _model_identifiers(config: ApiParams) -> Iterator[str]:
    for model in config.get("models", ()):
        if "bedrockModel" in model:
            yield model["bedrockModel"]["modelIdentifier"]
