"""The jobs that copy a custom model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.listing import find, select, summaries
from guardedbedrock.testing.control.models.model_jobs import COMPLETED, IN_PROGRESS, advance

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.control.models.custom_models import CustomModels
    from guardedbedrock.testing.wire import ApiParams

_SHOWN: Final = (
    "jobArn",
    "status",
    "creationTime",
    "targetModelArn",
    "targetModelName",
    "targetModelTags",
    "sourceAccountId",
    "sourceModelArn",
    "sourceModelName",
)


class CopyJobs:
    """
    The jobs that copy a custom model of this account and region under another name.

    Args:
        models: The custom models.
        new_id: Returns a new ID.
    """

    def __init__(self, models: CustomModels, new_id: Callable[[], str]) -> None:
        self._models, self._new_id = models, new_id
        self._jobs: dict[str, ApiParams] = {}
        self._sources: dict[str, ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Start a job.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404) for an unknown model; ``ConflictException`` (400) for a name in use.
        """
        source = self._models.find(params["sourceModelArn"])
        self._models.check_name(params["targetModelName"])
        arn = f"arn:aws:bedrock:{self._models.region}:{self._models.account}:model-copy-job/{self._new_id()}"
        self._sources[arn] = dict(source)
        self._jobs[arn] = {
            "jobArn": arn,
            "status": IN_PROGRESS,
            "creationTime": datetime.now(UTC),
            "targetModelArn": self._models.new_arn(source["modelArn"].split("/")[-2]),
            "targetModelName": params["targetModelName"],
            "targetModelTags": params.get("targetModelTags", []),
            "sourceAccountId": self._models.account,
            "sourceModelArn": source["modelArn"],
            "sourceModelName": source["modelName"],
        }
        return {"jobArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a job. The next call returns it as completed, with its model."""
        job = find(self._jobs, params["jobArn"])
        shown = {name: job[name] for name in _SHOWN}
        if job["status"] == IN_PROGRESS and advance(job) == COMPLETED:
            source = {
                name: value for name, value in self._sources[job["jobArn"]].items() if name not in {"modelArn", "creationTime"}
            }
            self._models.add(job["targetModelArn"], {**source, "modelName": job["targetModelName"]}, job["targetModelTags"])
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return the jobs that match the filters."""
        equal = {"sourceAccountEquals": "sourceAccountId", "sourceModelArnEquals": "sourceModelArn"}
        named = {**params, "nameContains": params.get("targetModelNameContains", "")}
        found = [
            job
            for job in select(self._jobs.values(), named, name="targetModelName", time="creationTime")
            if all(job[member] == params[given] for given, member in equal.items() if given in params)
        ]
        return summaries("modelCopyJobSummaries", found, _SHOWN, params)
