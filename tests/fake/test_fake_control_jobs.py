"""Batch jobs, evaluation jobs, prompt routers, marketplace endpoints and Provisioned Throughput keep their state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MODEL_ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
SONNET_ARN = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-20250514-v1:0"
ROLE = "arn:aws:iam::123456789012:role/Jobs"
BATCH = {
    "modelId": MODEL,
    "roleArn": ROLE,
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in.jsonl"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
}
METRICS = {"taskType": "Summarization", "dataset": {"name": "Builtin.Gigaword"}, "metricNames": ["Builtin.Accuracy"]}
EVALUATION = {
    "roleArn": ROLE,
    "evaluationConfig": {"automated": {"datasetMetricConfigs": [METRICS]}},
    "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": MODEL_ARN}}]},
    "outputDataConfig": {"s3Uri": "s3://bucket/evaluation/"},
}
ROUTER = {
    "promptRouterName": "mine",
    "models": [{"modelArn": MODEL_ARN}, {"modelArn": SONNET_ARN}],
    "fallbackModel": {"modelArn": MODEL_ARN},
    "routingCriteria": {"responseQualityDifference": 10.0},
}
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/gemma/1.0.0"
CONFIG = {"sageMaker": {"initialInstanceCount": 1, "instanceType": "ml.g5.2xlarge", "executionRole": ROLE}}


@pytest.fixture
def control(manage: Callable[..., Any]) -> Any:
    """A client for the control plane of a new fake."""
    return manage()[1]


def _code(caught: Any) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_batch_job_is_completed_after_some_polls(control: Any) -> None:
    """As programs poll it."""
    arn = control.create_model_invocation_job(jobName="nightly", **BATCH, tags=[{"key": "team", "value": "hr"}])["jobArn"]

    polled = [control.get_model_invocation_job(jobIdentifier=arn) for _ in range(4)]

    assert [job["status"] for job in polled] == ["Submitted", "InProgress", "Completed", "Completed"]
    assert polled[0]["inputDataConfig"] == BATCH["inputDataConfig"]
    assert "endTime" not in polled[1]
    assert polled[2]["endTime"] >= polled[2]["submitTime"]
    assert control.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "team", "value": "hr"}]


def test_batch_jobs_are_listed_by_name_and_status(control: Any) -> None:
    """The newest first by default."""
    for name in ("daily-a", "daily-b", "weekly"):
        control.create_model_invocation_job(jobName=name, **BATCH)
    control.stop_model_invocation_job(jobIdentifier=control.list_model_invocation_jobs()["invocationJobSummaries"][0]["jobArn"])

    def names(**filters: Any) -> list[str]:
        return [job["jobName"] for job in control.list_model_invocation_jobs(**filters)["invocationJobSummaries"]]

    assert names() == ["weekly", "daily-b", "daily-a"]
    assert names(nameContains="daily", sortOrder="Ascending") == ["daily-a", "daily-b"]
    assert names(statusEquals="Stopping") == ["weekly"]
    assert names(submitTimeBefore=0) == []
    assert len(names(maxResults=1)) == 1


def test_the_same_name_or_an_unknown_model_is_rejected(control: Any) -> None:
    """No job is created."""
    control.create_model_invocation_job(jobName="nightly", **BATCH)

    with pytest.raises(ClientError) as used:
        control.create_model_invocation_job(jobName="nightly", **BATCH)
    with pytest.raises(ClientError, match=r"The provided model identifier is invalid\."):
        control.create_model_invocation_job(jobName="other", **{**BATCH, "modelId": "unknown.model-v1"})
    with pytest.raises(ClientError) as missing:
        control.get_model_invocation_job(jobIdentifier="000000000000")

    assert _code(used) == "ConflictException"
    assert _code(missing) == "ResourceNotFoundException"
    assert len(control.list_model_invocation_jobs()["invocationJobSummaries"]) == 1


def test_an_evaluation_job_ends_and_is_deleted(control: Any) -> None:
    """A job in progress cannot be deleted."""
    arn = control.create_evaluation_job(jobName="quality", **EVALUATION)["jobArn"]
    (listed,) = control.list_evaluation_jobs()["jobSummaries"]
    early = control.batch_delete_evaluation_job(jobIdentifiers=[arn])

    statuses = [control.get_evaluation_job(jobIdentifier=arn)["status"] for _ in range(2)]
    late = control.batch_delete_evaluation_job(jobIdentifiers=[arn])

    assert listed["evaluationTaskTypes"] == ["Summarization"]
    assert listed["modelIdentifiers"] == [MODEL_ARN]
    assert (listed["jobType"], listed["applicationType"]) == ("Automated", "ModelEvaluation")
    assert early["errors"][0]["code"] == "ConflictException"
    assert statuses == ["InProgress", "Completed"]
    assert late["evaluationJobs"] == [{"jobIdentifier": arn, "jobStatus": "Deleting"}]
    assert "jobSummaries" not in control.list_evaluation_jobs()


def test_prompt_routers_are_listed_by_type(control: Any) -> None:
    """The default routers of AWS exist and cannot be deleted."""
    arn = control.create_prompt_router(**ROUTER)["promptRouterArn"]
    defaults = control.list_prompt_routers(type="default")["promptRouterSummaries"]

    with pytest.raises(ClientError) as caught:
        control.delete_prompt_router(promptRouterArn=defaults[0]["promptRouterArn"])
    assert control.get_prompt_router(promptRouterArn=arn)["models"] == ROUTER["models"]
    assert [one["promptRouterArn"] for one in control.list_prompt_routers(type="custom")["promptRouterSummaries"]] == [arn]
    control.delete_prompt_router(promptRouterArn=arn)

    assert _code(caught) == "ValidationException"
    assert len(defaults) == 2
    assert control.list_prompt_routers(type="custom")["promptRouterSummaries"] == []


def test_a_call_to_a_prompt_router_is_answered_in_the_format_of_its_model(manage: Callable[..., Any]) -> None:
    """And Converse accepts it."""
    _, control, client = manage()
    arn = control.create_prompt_router(**ROUTER)["promptRouterArn"]

    reply = client.converse(modelId=arn, messages=[{"role": "user", "content": [{"text": "hello"}]}])

    assert reply["output"]["message"]["content"] == [{"text": "You said: hello"}]


def test_a_marketplace_endpoint_is_created_changed_and_deleted(control: Any) -> None:
    """The list has only the members of a summary."""
    endpoint = control.create_marketplace_model_endpoint(endpointName="g", modelSourceIdentifier=HUB, endpointConfig=CONFIG)
    arn = endpoint["marketplaceModelEndpoint"]["endpointArn"]
    larger = {"sageMaker": {**CONFIG["sageMaker"], "initialInstanceCount": 3}}

    control.update_marketplace_model_endpoint(endpointArn=arn, endpointConfig=larger)
    with pytest.raises(ClientError) as used:
        control.create_marketplace_model_endpoint(endpointName="g", modelSourceIdentifier=HUB, endpointConfig=CONFIG)

    assert control.get_marketplace_model_endpoint(endpointArn=arn)["marketplaceModelEndpoint"]["endpointConfig"] == larger
    assert [one["endpointArn"] for one in control.list_marketplace_model_endpoints()["marketplaceModelEndpoints"]] == [arn]
    assert _code(used) == "ConflictException"
    control.delete_marketplace_model_endpoint(endpointArn=arn)
    assert control.list_marketplace_model_endpoints()["marketplaceModelEndpoints"] == []


def test_provisioned_throughput_is_in_service_after_one_poll(control: Any) -> None:
    """It can be found by name, changed and deleted."""
    arn = control.create_provisioned_model_throughput(provisionedModelName="fast", modelId=MODEL, modelUnits=2)
    arn = arn["provisionedModelArn"]

    statuses = [control.get_provisioned_model_throughput(provisionedModelId="fast")["status"] for _ in range(2)]
    control.update_provisioned_model_throughput(
        provisionedModelId=arn, desiredProvisionedModelName="faster", desiredModelId=SONNET_ARN
    )
    updating = control.get_provisioned_model_throughput(provisionedModelId="faster")
    updated = control.get_provisioned_model_throughput(provisionedModelId="faster")
    control.delete_provisioned_model_throughput(provisionedModelId=arn)

    assert statuses == ["Creating", "InService"]
    assert (updating["status"], updating["modelArn"], updating["desiredModelArn"]) == ("Updating", MODEL_ARN, SONNET_ARN)
    assert (updated["status"], updated["modelArn"]) == ("InService", SONNET_ARN)
    assert control.list_provisioned_model_throughputs()["provisionedModelSummaries"] == []


def test_a_commitment_prevents_deletion(control: Any) -> None:
    """Until it ends."""
    control.create_provisioned_model_throughput(
        provisionedModelName="fast", modelId=MODEL, modelUnits=1, commitmentDuration="OneMonth"
    )

    with pytest.raises(ClientError) as caught:
        control.delete_provisioned_model_throughput(provisionedModelId="fast")

    assert _code(caught) == "ConflictException"
