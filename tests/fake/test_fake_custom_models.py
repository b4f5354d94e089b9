"""Custom models, imported models, and the jobs that create them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

ROLE = "arn:aws:iam::123456789012:role/Jobs"
TITAN = "amazon.titan-text-express-v1"
BASE = f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN}"
SOURCE = {"s3DataSource": {"s3Uri": "s3://bucket/model/"}}
TUNING: dict[str, Any] = {
    "roleArn": ROLE,
    "baseModelIdentifier": TITAN,
    "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://bucket/out/"},
    "hyperParameters": {"epochCount": "1"},
}


@pytest.fixture
def client(aws: boto3.Session) -> Iterator[Any]:
    """A client for the control plane."""
    with FakeBedrock() as fake:
        made = aws.client("bedrock", **fake.client_kwargs())
        yield made
        made.close()


def _tuned(client: Any, name: str = "tuned") -> dict[str, Any]:
    job = client.create_model_customization_job(
        jobName=f"{name}-job", customModelName=name, **TUNING, customModelTags=[{"key": "team", "value": "hr"}]
    )["jobArn"]
    statuses = [client.get_model_customization_job(jobIdentifier=job)["status"] for _ in range(3)]
    assert statuses == ["InProgress", "Completed", "Completed"]
    return dict(client.get_model_customization_job(jobIdentifier=f"{name}-job"))


def test_a_customization_job_creates_a_model_when_it_is_completed(client: Any) -> None:
    """The model has the data of its job, and its tags."""
    client.create_model_customization_job(jobName="running", customModelName="later", **TUNING)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_custom_model(modelIdentifier="later")

    job = _tuned(client)
    model = client.get_custom_model(modelIdentifier=job["outputModelArn"])

    assert f":custom-model/{TITAN}/" in job["outputModelArn"]
    assert (job["baseModelArn"], job["outputModelName"], job["customizationType"]) == (BASE, "tuned", "FINE_TUNING")
    assert (model["modelName"], model["jobArn"], model["modelStatus"]) == ("tuned", job["jobArn"], "Active")
    assert model["hyperParameters"] == {"epochCount": "1"}
    assert client.list_tags_for_resource(resourceARN=job["outputModelArn"])["tags"] == [{"key": "team", "value": "hr"}]
    listed = client.list_model_customization_jobs(statusEquals="Completed")["modelCustomizationJobSummaries"]
    assert [(each["jobName"], each["customModelArn"]) for each in listed] == [("tuned-job", job["outputModelArn"])]


def test_a_stopped_job_creates_no_model(client: Any) -> None:
    """And cannot be stopped again."""
    client.create_model_customization_job(jobName="job", customModelName="never", **TUNING)
    client.stop_model_customization_job(jobIdentifier="job")

    statuses = [client.get_model_customization_job(jobIdentifier="job")["status"] for _ in range(3)]

    assert statuses == ["Stopping", "Stopped", "Stopped"]
    assert client.list_custom_models()["modelSummaries"] == []
    with pytest.raises(client.exceptions.ConflictException, match="status Stopped"):
        client.stop_model_customization_job(jobIdentifier="job")


def test_custom_models_are_listed_filtered_and_deleted(client: Any) -> None:
    """A model that was trained elsewhere is active after the first Get."""
    _tuned(client)
    mine = client.create_custom_model(modelName="mine", modelSourceConfig=SOURCE)["modelArn"]

    def names(**filters: Any) -> list[str]:
        return [each["modelName"] for each in client.list_custom_models(**filters)["modelSummaries"]]

    assert names() == ["mine", "tuned"]
    assert names(sortOrder="Ascending") == ["tuned", "mine"]
    assert names(nameContains="un") == names(foundationModelArnEquals=BASE) == names(modelStatus="Active") == ["tuned"]
    assert names(isOwned=False) == []
    assert [client.get_custom_model(modelIdentifier=mine)["modelStatus"] for _ in range(2)] == ["Creating", "Active"]
    with pytest.raises(client.exceptions.ConflictException, match="mine is already in use"):
        client.create_custom_model(modelName="mine", modelSourceConfig=SOURCE)
    client.delete_custom_model(modelIdentifier="mine")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_custom_model(modelIdentifier=mine)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(resourceARN=mine)


def test_a_copy_job_copies_a_model(client: Any) -> None:
    """The copy exists when the job is completed, also if the source was deleted."""
    source = _tuned(client)["outputModelArn"]
    job = client.create_model_copy_job(sourceModelArn=source, targetModelName="copy")["jobArn"]
    assert client.get_model_copy_job(jobArn=job)["status"] == "InProgress"
    client.delete_custom_model(modelIdentifier=source)

    done = client.get_model_copy_job(jobArn=job)

    assert (done["status"], done["sourceModelName"], done["sourceAccountId"]) == ("Completed", "tuned", "123456789012")
    assert client.get_custom_model(modelIdentifier="copy")["modelArn"] == done["targetModelArn"] != source
    listed = client.list_model_copy_jobs(sourceModelArnEquals=source, targetModelNameContains="cop")["modelCopyJobSummaries"]
    assert [each["jobArn"] for each in listed] == [job]
    assert client.list_model_copy_jobs(targetModelNameContains="other")["modelCopyJobSummaries"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.create_model_copy_job(sourceModelArn=source, targetModelName="again")


def test_an_import_job_creates_a_model(client: Any) -> None:
    """By name and by ARN."""
    job = client.create_model_import_job(jobName="load", importedModelName="llama", roleArn=ROLE, modelDataSource=SOURCE)[
        "jobArn"
    ]
    assert client.list_imported_models()["modelSummaries"] == []

    statuses = [client.get_model_import_job(jobIdentifier=each)["status"] for each in ("load", job)]
    arn = client.get_model_import_job(jobIdentifier=job)["importedModelArn"]

    assert statuses == ["InProgress", "Completed"]
    for identifier in ("llama", arn):
        model = client.get_imported_model(modelIdentifier=identifier)
        assert (model["modelArn"], model["jobArn"], model["modelDataSource"]) == (arn, job, SOURCE)
    assert client.list_model_import_jobs(nameContains="oa")["modelImportJobSummaries"][0]["importedModelArn"] == arn
    with pytest.raises(client.exceptions.ConflictException):
        client.create_model_import_job(jobName="load", importedModelName="x", roleArn=ROLE, modelDataSource=SOURCE)
    client.delete_imported_model(modelIdentifier="llama")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_imported_model(modelIdentifier=arn)


def test_an_unknown_base_model_is_invalid(client: Any) -> None:
    """As for a call of the model."""
    with pytest.raises(client.exceptions.ValidationException, match="model identifier is invalid"):
        client.create_model_customization_job(
            jobName="job", customModelName="model", **{**TUNING, "baseModelIdentifier": "unknown.model-v1"}
        )


def test_a_tuned_model_is_tuned_again(client: Any) -> None:
    """The base model is that of the tuned model."""
    first = _tuned(client)["outputModelArn"]
    client.create_model_customization_job(jobName="second", customModelName="two", **{**TUNING, "baseModelIdentifier": first})

    assert client.get_model_customization_job(jobIdentifier="second")["baseModelArn"] == BASE
