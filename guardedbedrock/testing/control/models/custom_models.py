"""
Custom models and imported models, and the jobs that make them: customization, copy and import.

A job reads no data. The first Get returns it in progress, the next Get completed; only then its model exists.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import find, select, summaries
from guardedbedrock.testing.resources.models import find_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import Params

_IMPORTED_BASE: Final = "amazon.nova-lite-v1:0"
"""The base model of a model that was trained elsewhere; AWS reads it from the files of the model."""
_IN_PROGRESS: Final = "InProgress"
_COMPLETED: Final = "Completed"
_NEXT: Final = {_IN_PROGRESS: _COMPLETED, "Stopping": "Stopped"}
_SUMMARY: Final = (
    "modelArn",
    "modelName",
    "creationTime",
    "baseModelArn",
    "baseModelName",
    "customizationType",
    "ownerAccountId",
    "modelStatus",
)
_SHOWN_ONLY_IN_LISTS: Final = ("baseModelName", "ownerAccountId")
_IMPORTED_SUMMARY: Final = ("modelArn", "modelName", "creationTime", "instructSupported", "modelArchitecture")
_COPY_SHOWN: Final = (
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
_IMPORT_SUMMARY: Final = (
    "jobArn",
    "jobName",
    "status",
    "lastModifiedTime",
    "creationTime",
    "endTime",
    "importedModelArn",
    "importedModelName",
)
_CUSTOMIZATION_SUMMARY: Final = (
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


class CustomModels:
    """
    The custom models of an account.

    Args:
        place: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, place: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self.region, self.account = place
        self._tags, self._new_id = tags, new_id
        self._models: dict[str, Params] = {}

    def new_arn(self, base: str) -> str:
        """Return the ARN of a new model: ``base`` is the ID of its base model, or ``imported``."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:custom-model/{base}/{self._new_id()}"

    def check_name(self, name: str) -> None:
        """
        Check that no model has a name.

        Raises:
            ServiceError: ``ConflictException`` (400).
        """
        _check_name(self._models, "modelName", name)

    def add(self, arn: str, members: Params, tags: Iterable[Mapping[str, str]]) -> None:
        """Add a model with the members of its description."""
        self._models[arn] = {"modelArn": arn, "ownerAccountId": self.account, "creationTime": datetime.now(UTC), **members}
        self._tags.put(arn, tags)

    def create(self, params: Params) -> Params:
        """Import a model that was trained elsewhere. It is active after the first Get."""
        self.check_name(params["modelName"])
        arn = self.new_arn("imported")
        base = {"baseModelArn": _foundation_model(_IMPORTED_BASE, self.region), "baseModelName": _base_name(_IMPORTED_BASE)}
        self.add(
            arn,
            {"modelName": params["modelName"], **base, "customizationType": "IMPORTED", "modelStatus": "Creating"},
            params.get("modelTags", ()),
        )
        return {"modelArn": arn}

    def get(self, params: Params) -> Params:
        """Return a model. The next call returns it as active."""
        model = self.find(params["modelIdentifier"])
        shown = {name: value for name, value in model.items() if name not in _SHOWN_ONLY_IN_LISTS}
        model["modelStatus"] = "Active"
        return shown

    def list(self, params: Params) -> Params:
        """Return the models that match the filters."""
        equal = {"baseModelArnEquals": "baseModelArn", "foundationModelArnEquals": "baseModelArn", "modelStatus": "modelStatus"}
        found = [
            model
            for model in select(self._models.values(), params, name="modelName", time="creationTime")
            if all(model[member] == params[given] for given, member in equal.items() if given in params)
            and params.get("isOwned", True)
        ]
        return summaries("modelSummaries", found, _SUMMARY, params)

    def delete(self, params: Params) -> Params:
        """Delete a model."""
        arn = self.find(params["modelIdentifier"])["modelArn"]
        del self._models[arn]
        self._tags.remove(arn)
        return {}

    def find(self, identifier: str) -> Params:
        """Return a model by ARN, ID or name."""
        return find(self._models, identifier, name="modelName")


class CustomizationJobs:
    """
    The jobs that fine-tune a model.

    Args:
        models: The models that the jobs make.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, models: CustomModels, tags: TagStore, new_id: Callable[[], str]) -> None:
        self._models, self._tags, self._new_id = models, tags, new_id
        self._jobs: dict[str, Params] = {}
        self._model_tags: dict[str, list[Mapping[str, str]]] = {}

    def create(self, params: Params) -> Params:
        """
        Start a job.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown base model; ``ConflictException`` (400) for a name in use.
        """
        base = self._base(params["baseModelIdentifier"])
        _check_name(self._jobs, "jobName", params["jobName"])
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
            "status": _IN_PROGRESS,
            "creationTime": now,
            "lastModifiedTime": now,
        }
        self._model_tags[arn] = params.get("customModelTags", [])
        self._tags.put(arn, params.get("jobTags", ()))
        return {"jobArn": arn}

    def get(self, params: Params) -> Params:
        """Return a job. The next call returns its next status; a job that is completed has made its model."""
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        shown = dict(job)
        if _advance(job) == _COMPLETED and "outputModelArn" not in job:
            base = job["baseModelArn"].rpartition("/")[2]
            job["outputModelArn"] = arn = self._models.new_arn(base)
            own: Params = {
                name: job[name] for name in ("jobName", "jobArn", "customizationType", "baseModelArn", *_TRAINING) if name in job
            }
            status = {"modelName": job["outputModelName"], "baseModelName": _base_name(base), "modelStatus": "Active"}
            self._models.add(arn, {**own, **status}, self._model_tags[job["jobArn"]])
        return shown

    def list(self, params: Params) -> Params:
        """Return the jobs that match the filters."""
        found = [
            {**job, "customModelName": job["outputModelName"], **_renamed(job, "outputModelArn", "customModelArn")}
            for job in select(self._jobs.values(), params, name="jobName", time="creationTime")
        ]
        members = (*_CUSTOMIZATION_SUMMARY, "customModelName", "customModelArn")
        return summaries("modelCustomizationJobSummaries", found, members, params)

    def stop(self, params: Params) -> Params:
        """
        Stop a job.

        Raises:
            ServiceError: ``ConflictException`` (400) for a job that has ended.
        """
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        if job["status"] != _IN_PROGRESS:
            raise conflict(f"The job has the status {job['status']} and cannot be stopped.")
        job |= {"status": "Stopping", "lastModifiedTime": datetime.now(UTC)}
        return {}

    def _base(self, identifier: str) -> str:
        if ":custom-model/" in identifier:
            return str(self._models.find(identifier)["baseModelArn"])
        find_family(identifier, {})
        whole = identifier.startswith("arn:")
        return identifier if whole else _foundation_model(identifier, self._models.region)


class CopyJobs:
    """
    The jobs that copy a custom model of this account and region under another name.

    Args:
        models: The custom models.
        new_id: Returns a new ID.
    """

    def __init__(self, models: CustomModels, new_id: Callable[[], str]) -> None:
        self._models, self._new_id = models, new_id
        self._jobs: dict[str, Params] = {}
        self._sources: dict[str, Params] = {}

    def create(self, params: Params) -> Params:
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
            "status": _IN_PROGRESS,
            "creationTime": datetime.now(UTC),
            "targetModelArn": self._models.new_arn(source["modelArn"].split("/")[-2]),
            "targetModelName": params["targetModelName"],
            "targetModelTags": params.get("targetModelTags", []),
            "sourceAccountId": self._models.account,
            "sourceModelArn": source["modelArn"],
            "sourceModelName": source["modelName"],
        }
        return {"jobArn": arn}

    def get(self, params: Params) -> Params:
        """Return a job. The next call returns it as completed, with its model."""
        job = find(self._jobs, params["jobArn"])
        shown = {name: job[name] for name in _COPY_SHOWN}
        if job["status"] == _IN_PROGRESS and _advance(job) == _COMPLETED:
            source = {
                name: value for name, value in self._sources[job["jobArn"]].items() if name not in {"modelArn", "creationTime"}
            }
            self._models.add(job["targetModelArn"], {**source, "modelName": job["targetModelName"]}, job["targetModelTags"])
        return shown

    def list(self, params: Params) -> Params:
        """Return the jobs that match the filters."""
        equal = {"sourceAccountEquals": "sourceAccountId", "sourceModelArnEquals": "sourceModelArn"}
        named = {**params, "nameContains": params.get("targetModelNameContains", "")}
        found = [
            job
            for job in select(self._jobs.values(), named, name="targetModelName", time="creationTime")
            if all(job[member] == params[given] for given, member in equal.items() if given in params)
        ]
        return summaries("modelCopyJobSummaries", found, _COPY_SHOWN, params)


class ImportedModels:
    """
    The models that import jobs make, and the jobs.

    Args:
        place: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, place: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self._prefix = f"arn:aws:bedrock:{place[0]}:{place[1]}:"
        self._tags, self._new_id = tags, new_id
        self._jobs: dict[str, Params] = {}
        self._models: dict[str, Params] = {}
        self._model_tags: dict[str, list[Mapping[str, str]]] = {}

    def create_job(self, params: Params) -> Params:
        """
        Start a job.

        Raises:
            ServiceError: ``ConflictException`` (400) for a name in use.
        """
        _check_name(self._jobs, "jobName", params["jobName"])
        _check_name(self._models, "modelName", params["importedModelName"])
        arn, now = f"{self._prefix}model-import-job/{self._new_id()}", datetime.now(UTC)
        copied = ("jobName", "importedModelName", "roleArn", "modelDataSource", "vpcConfig")
        state = {"jobArn": arn, "status": _IN_PROGRESS, "creationTime": now, "lastModifiedTime": now}
        self._jobs[arn] = {**{name: params[name] for name in copied if name in params}, **state}
        self._model_tags[arn] = params.get("importedModelTags", [])
        self._tags.put(arn, params.get("jobTags", ()))
        return {"jobArn": arn}

    def get_job(self, params: Params) -> Params:
        """Return a job. The next call returns it as completed, with its model."""
        job = find(self._jobs, params["jobIdentifier"], name="jobName")
        shown = dict(job)
        if _advance(job) == _COMPLETED and "importedModelArn" not in job:
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

    def list_jobs(self, params: Params) -> Params:
        """Return the jobs that match the filters."""
        found = select(self._jobs.values(), params, name="jobName", time="creationTime")
        return summaries("modelImportJobSummaries", found, _IMPORT_SUMMARY, params)

    def get(self, params: Params) -> Params:
        """Return a model."""
        return find(self._models, params["modelIdentifier"], name="modelName")

    def list(self, params: Params) -> Params:
        """Return the models that match the filters."""
        found = select(self._models.values(), params, name="modelName", time="creationTime")
        return summaries("modelSummaries", found, _IMPORTED_SUMMARY, params)

    def delete(self, params: Params) -> Params:
        """Delete a model."""
        arn = find(self._models, params["modelIdentifier"], name="modelName")["modelArn"]
        del self._models[arn]
        self._tags.remove(arn)
        return {}


def _check_name(entries: Mapping[str, Params], member: str, name: str) -> None:
    if any(entry[member] == name for entry in entries.values()):
        raise conflict(f"The name {name} is already in use.")


def _foundation_model(identifier: str, region: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{identifier}"


def _base_name(identifier: str) -> str:
    """Return the ID of a model as a list shows it, without the version after the colon."""
    return identifier.partition(":")[0]


def _advance(job: Params) -> str:
    """Give a job its next status, and return it."""
    if job["status"] in _NEXT:
        now = datetime.now(UTC)
        job |= {"status": _NEXT[job["status"]], "lastModifiedTime": now, "endTime": now}
    return str(job["status"])


def _renamed(entry: Params, name: str, other: str) -> Params:
    return {other: entry[name]} if name in entry else {}
