"""
Every operation that the fake serves, over a real socket: the request is parsed correctly, and the response matches its shape.

The bytes are compared with the shape, because botocore's parser drops unknown members.
"""

from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeBedrock, FakeGuardrail, FakeInferenceProfile, FakeKnowledgeBase, prose
from guardedbedrock.testing.faults import Rechunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call: TypeAlias = tuple[str, str, dict[str, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MODEL_ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0"
MADE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/6b86b273ff34"
JOB = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/628b49d96dcd"
PROMPT = "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT0001"
MESSAGES = [{"role": "user", "content": [{"text": "hello"}, {"image": {"format": "png", "source": {"bytes": b"\x00\xff"}}}]}]
GUARDED = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}
TEXTS = {"name": "other", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "bedrock:ApplyGuardrail",
            "Resource": ARN,
        }
    ],
}
ENFORCED = {"guardrailInferenceConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}}
CHECKS = {"contentFilter": {"categories": [{"category": "VIOLENCE"}]}}
STARTED = {"modelId": "amazon.nova-reel-v1:0", "modelInput": {"a": [1, None, {"b": 0.5}]}, "clientRequestToken": "t1"}
OUTPUT = {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}}}

NAMED = {"jobName": "job"}
ROLE = "arn:aws:iam::123456789012:role/Jobs"
PLACES = {"inputConfig": {"s3Uri": "s3://bucket/in.jsonl"}, "outputConfig": {"s3Uri": "s3://bucket/out/"}}
BATCH = {
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}},
}
GUARDED_ID = {"guardrailId": "abc123def456", "guardrailVersion": "1"}
GENERATION: dict[str, Any] = {
    "type": "KNOWLEDGE_BASE",
    "knowledgeBaseConfiguration": {
        "knowledgeBaseId": "KB00000001",
        "modelArn": MODEL_ARN,
        "generationConfiguration": {"guardrailConfiguration": GUARDED_ID},
    },
}
EVALUATED: dict[str, Any] = {
    "evaluationConfig": {
        "automated": {
            "datasetMetricConfigs": [
                {"taskType": "QuestionAndAnswer", "dataset": {"name": "d"}, "metricNames": ["Builtin.Correctness"]}
            ]
        }
    },
    "inferenceConfig": {"ragConfigs": [{"knowledgeBaseConfig": {"retrieveAndGenerateConfig": GENERATION}}]},
    "outputDataConfig": {"s3Uri": "s3://bucket/out"},
}
AGENT = {"agentId": "AGENT6B86B"}
FLOW = {"flowIdentifier": "FLOW04B227"}
COLLABORATOR = {
    "agentDescriptor": {"aliasArn": "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT6B86B/ALIASD4735"},
    "collaboratorName": "other",
    "collaborationInstruction": "help",
}
NODE = {"prompt": {"sourceConfiguration": {"resource": {"promptArn": PROMPT}}, "guardrailConfiguration": GUARDED}}
DEFINITION = {"nodes": [{"name": "Prompt", "type": "Prompt", "configuration": NODE}]}
ASKED = {"sessionId": "session", "inputText": "hello a@example.com"}
INPUTS = [{"content": {"document": "hello"}, "nodeName": "Input", "nodeOutputName": "document"}]
RETRIEVED = {
    "knowledgeBaseId": "KB00000001",
    "retrievalQuery": {"text": "hello"},
    "guardrailConfiguration": GUARDED_ID,
}
AGENTIC = {
    "agenticRetrieveConfiguration": {},
    "messages": [{"role": "user", "content": {"text": "hello"}}],
    "retrievers": [{"configuration": {"knowledgeBase": {"knowledgeBaseId": "KB00000001"}}}],
    "policyConfiguration": {"bedrockGuardrailConfiguration": GUARDED_ID},
}
SQL = {"transformationConfiguration": {"mode": "TEXT_TO_SQL"}}
RERANKED = {
    "queries": [{"type": "TEXT", "textQuery": {"text": "hello"}}],
    "sources": [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}}],
    "rerankingConfiguration": {
        "type": "BEDROCK_RERANKING_MODEL",
        "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": f"{MODEL_ARN}"}},
    },
}

EVALUATION_JOB = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/ef2d127de37b"
ROUTER = {
    "promptRouterName": "mine",
    "models": [{"modelArn": MODEL_ARN}],
    "fallbackModel": {"modelArn": MODEL_ARN},
    "routingCriteria": {"responseQualityDifference": 10.0},
}
ROUTER_ARN = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/e7f6c011776e"
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/gemma/1.0.0"
SAGEMAKER = {
    "endpointConfig": {"sageMaker": {"initialInstanceCount": 1, "instanceType": "ml.g5.2xlarge", "executionRole": ROLE}},
}
ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/gemma"

TITAN = "amazon.titan-text-express-v1"
TUNING: dict[str, Any] = {
    "roleArn": ROLE,
    "baseModelIdentifier": TITAN,
    "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://bucket/out/"},
    "hyperParameters": {"epochCount": "1"},
}
MODEL_SOURCE = {"s3DataSource": {"s3Uri": "s3://bucket/model/"}}
TUNED = f"arn:aws:bedrock:us-east-1:123456789012:custom-model/{TITAN}/19581e27de7c"
COPY_JOB = "arn:aws:bedrock:us-east-1:123456789012:model-copy-job/6b51d431df5d"
KB = "KB00000001"
GONE_AGENT = "AGENT79026"
GONE_FLOW = "FLOW02C624"
VARIANT = {"name": "first", "templateType": "TEXT", "templateConfiguration": {"text": {"text": "hello"}}}
STEP_ID = "11111111-1111-4111-8111-111111111111"
SESSION = {"sessionIdentifier": "7dbd06d0-2371-2b32-c096-4dcc971212a1"}
INVOCATION = {"invocationIdentifier": STEP_ID}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STEP = {"contentBlocks": [{"text": "hello"}, {"image": {"format": "png", "source": {"bytes": b"\x00\xff"}}}]}

RUNTIME_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    (
        "ApplyGuardrail",
        {**GUARDED, "source": "INPUT", "content": [{"text": {"text": "a@example.com"}}], "outputScope": "FULL"},
    ),
    ("Converse", {"modelId": PROFILE, "messages": MESSAGES, "guardrailConfig": {**GUARDED, "trace": "enabled_full"}}),
    ("ConverseStream", {"modelId": MODEL, "messages": MESSAGES, "guardrailConfig": {**GUARDED, "trace": "enabled"}}),
    ("CountTokens", {"modelId": MODEL, "input": {"converse": {"messages": MESSAGES}}}),
    ("InvokeGuardrailChecks", {"messages": [{"role": "user", "content": [{"text": "kill"}]}], "checks": CHECKS}),
    (
        "InvokeModel",
        {"modelId": MODEL_ARN, "body": b'{"messages": [{"role": "user", "content": "hello"}]}', **GUARDED, "trace": "ENABLED"},
    ),
    (
        "InvokeModelWithResponseStream",
        {"modelId": MODEL, "body": b'{"messages": [{"role": "user", "content": "hello"}]}', **GUARDED, "trace": "ENABLED"},
    ),
    ("StartAsyncInvoke", {**STARTED, **OUTPUT, "tags": [{"key": "a", "value": "b"}]}),
    ("GetAsyncInvoke", {"invocationArn": JOB}),
    ("ListAsyncInvokes", {"statusEquals": "Completed", "sortOrder": "Ascending"}),
]
RUNTIME: list[Call] = [("bedrock-runtime", name, params) for name, params in RUNTIME_PARAMETERS]
CONTROL_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("CreateInferenceProfile", {"inferenceProfileName": "mine", "modelSource": {"copyFrom": PROFILE}}),
    ("GetInferenceProfile", {"inferenceProfileIdentifier": MADE}),
    ("ListInferenceProfiles", {"typeEquals": "APPLICATION", "maxResults": 5}),
    ("TagResource", {"resourceARN": MADE, "tags": [{"key": "team", "value": "hr"}]}),
    ("ListTagsForResource", {"resourceARN": MADE}),
    ("UntagResource", {"resourceARN": MADE, "tagKeys": ["team"]}),
    ("DeleteInferenceProfile", {"inferenceProfileIdentifier": MADE}),
    ("CreateGuardrail", {**TEXTS, "wordPolicyConfig": {"wordsConfig": [{"text": "salary"}]}}),
    ("UpdateGuardrail", {**TEXTS, "guardrailIdentifier": "d4735e3a265e", "description": "new"}),
    ("CreateGuardrailVersion", {"guardrailIdentifier": "d4735e3a265e", "description": "first"}),
    ("GetGuardrail", {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}),
    ("ListGuardrails", {"guardrailIdentifier": "abc123def456", "maxResults": 9}),
    ("PutResourcePolicy", {"resourceArn": ARN, "resourcePolicy": json.dumps(POLICY)}),
    ("GetResourcePolicy", {"resourceArn": ARN}),
    ("DeleteResourcePolicy", {"resourceArn": ARN}),
    ("PutEnforcedGuardrailConfiguration", ENFORCED),
    ("ListEnforcedGuardrailsConfiguration", {}),
    ("DeleteEnforcedGuardrailConfiguration", {"configId": "4e07408562be"}),
    ("DeleteGuardrail", {"guardrailIdentifier": "d4735e3a265e"}),
    ("ListFoundationModels", {"byProvider": "anthropic", "byOutputModality": "TEXT"}),
    ("GetFoundationModel", {"modelIdentifier": MODEL}),
    ("GetFoundationModelAvailability", {"modelId": MODEL}),
    ("PutModelInvocationLoggingConfiguration", {"loggingConfig": {"textDataDeliveryEnabled": True}}),
    ("GetModelInvocationLoggingConfiguration", {}),
    ("DeleteModelInvocationLoggingConfiguration", {}),
    ("CreateModelInvocationJob", {"jobName": "nightly", "modelId": MODEL, "roleArn": ROLE, **BATCH}),
    ("GetModelInvocationJob", {"jobIdentifier": "4b227777d4dd"}),
    ("ListModelInvocationJobs", {"nameContains": "night", "sortOrder": "Ascending"}),
    ("StopModelInvocationJob", {"jobIdentifier": "4b227777d4dd"}),
    ("CreateEvaluationJob", {"jobName": "quality", "roleArn": ROLE, **EVALUATED}),
    ("ListEvaluationJobs", {"applicationTypeEquals": "RagEvaluation"}),
    ("StopEvaluationJob", {"jobIdentifier": EVALUATION_JOB}),
    ("GetEvaluationJob", {"jobIdentifier": EVALUATION_JOB}),
    ("BatchDeleteEvaluationJob", {"jobIdentifiers": [EVALUATION_JOB]}),
    ("CreatePromptRouter", ROUTER),
    ("GetPromptRouter", {"promptRouterArn": ROUTER_ARN}),
    ("ListPromptRouters", {}),
    ("DeletePromptRouter", {"promptRouterArn": ROUTER_ARN}),
    ("CreateProvisionedModelThroughput", {"provisionedModelName": "fast", "modelId": MODEL, "modelUnits": 2}),
    ("GetProvisionedModelThroughput", {"provisionedModelId": "fast"}),
    ("ListProvisionedModelThroughputs", {"statusEquals": "InService"}),
    ("UpdateProvisionedModelThroughput", {"provisionedModelId": "fast", "desiredProvisionedModelName": "faster"}),
    ("DeleteProvisionedModelThroughput", {"provisionedModelId": "faster"}),
    ("CreateMarketplaceModelEndpoint", {"endpointName": "gemma", "modelSourceIdentifier": HUB, **SAGEMAKER}),
    ("GetMarketplaceModelEndpoint", {"endpointArn": ENDPOINT}),
    ("ListMarketplaceModelEndpoints", {"modelSourceEquals": HUB}),
    ("UpdateMarketplaceModelEndpoint", {"endpointArn": ENDPOINT, **SAGEMAKER}),
    ("DeregisterMarketplaceModelEndpoint", {"endpointArn": ENDPOINT}),
    ("RegisterMarketplaceModelEndpoint", {"endpointIdentifier": ENDPOINT, "modelSourceIdentifier": HUB}),
    ("DeleteMarketplaceModelEndpoint", {"endpointArn": ENDPOINT}),
    ("CreateModelCustomizationJob", {"jobName": "tune", "customModelName": "tuned", **TUNING}),
    ("GetModelCustomizationJob", {"jobIdentifier": "tune"}),
    ("GetModelCustomizationJob", {"jobIdentifier": "tune"}),
    ("ListModelCustomizationJobs", {"statusEquals": "Completed"}),
    ("CreateModelCustomizationJob", {"jobName": "other", "customModelName": "unused", **TUNING}),
    ("StopModelCustomizationJob", {"jobIdentifier": "other"}),
    ("GetCustomModel", {"modelIdentifier": "tuned"}),
    ("CreateCustomModel", {"modelName": "mine", "roleArn": ROLE, "modelSourceConfig": MODEL_SOURCE}),
    ("ListCustomModels", {"nameContains": "mine", "isOwned": True}),
    ("CreateModelCopyJob", {"sourceModelArn": TUNED, "targetModelName": "copy"}),
    ("GetModelCopyJob", {"jobArn": COPY_JOB}),
    ("ListModelCopyJobs", {"targetModelNameContains": "cop"}),
    ("DeleteCustomModel", {"modelIdentifier": "mine"}),
    ("CreateModelImportJob", {"jobName": "load", "importedModelName": "llama", "roleArn": ROLE, "modelDataSource": MODEL_SOURCE}),
    ("GetModelImportJob", {"jobIdentifier": "load"}),
    ("GetModelImportJob", {"jobIdentifier": "load"}),
    ("ListModelImportJobs", {"sortOrder": "Ascending"}),
    ("GetImportedModel", {"modelIdentifier": "llama"}),
    ("ListImportedModels", {"nameContains": "lla"}),
    ("DeleteImportedModel", {"modelIdentifier": "llama"}),
    # Last: the IDs above count what was created before, and an older botocore does not have this operation.
    ("CreateAdvancedPromptOptimizationJob", {**NAMED, "modelConfigurations": [{"modelId": MODEL}], **PLACES}),
]
CONTROL: list[Call] = [("bedrock", name, params) for name, params in CONTROL_PARAMETERS]
GROUP = {"actionGroupId": "ACTIO19581"}
MADE_KB = "KNOWL4A44D"
INGESTION = "INGES6B51D"
DRAFT_AGENT = {**AGENT, "agentVersion": "DRAFT"}
FUNCTIONS = {
    "actionGroupExecutor": {"customControl": "RETURN_CONTROL"},
    "functionSchema": {"functions": [{"name": "days_left", "parameters": {"employee": {"type": "string", "required": True}}}]},
}
MADE_KB_ARN = f"arn:aws:bedrock:us-east-1:123456789012:knowledge-base/{MADE_KB}"
VECTORS = {
    "knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": MODEL_ARN}},
    "storageConfiguration": {"type": "S3_VECTORS", "s3VectorsConfiguration": {"indexName": "notes"}},
}
CUSTOM_SOURCE = {"dataSourceConfiguration": {"type": "CUSTOM"}}
SOURCE = {"knowledgeBaseId": MADE_KB, "dataSourceId": "DATAS4FC82"}
NOTE_ID = {"dataSourceType": "CUSTOM", "custom": {"id": "first"}}
UNKNOWN_NOTE = {"dataSourceType": "CUSTOM", "custom": {"id": "unknown"}}
NOTE = {
    "content": {
        "dataSourceType": "CUSTOM",
        "custom": {
            "customDocumentIdentifier": {"id": "first"},
            "sourceType": "IN_LINE",
            "inlineContent": {"type": "BYTE", "byteContent": {"mimeType": "text/plain", "data": b"\xc3\xa9t\xc3\xa9"}},
        },
    },
    "metadata": {
        "type": "IN_LINE_ATTRIBUTE",
        "inlineAttributes": [{"key": "year", "value": {"type": "NUMBER", "numberValue": 2026.0}}],
    },
}
S3_OBJECT = {"dataSourceType": "S3", "s3": {"s3Location": {"uri": "s3://bucket/a.txt"}}}
S3_OBJECT_ID = {"dataSourceType": "S3", "s3": {"uri": "s3://bucket/a.txt"}}
AGENTS_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("CreateAgent", {"agentName": "hr", "foundationModel": MODEL, "guardrailConfiguration": GUARDED}),
    ("UpdateAgent", {**AGENT, "agentName": "hr", "foundationModel": MODEL, "agentResourceRoleArn": ROLE}),
    ("GetAgent", AGENT),
    ("CreateAgentAlias", {**AGENT, "agentAliasName": "live"}),
    ("GetAgentAlias", {**AGENT, "agentAliasId": "ALIASD4735"}),
    ("GetAgentVersion", {**AGENT, "agentVersion": "1"}),
    ("AssociateAgentCollaborator", {**AGENT, "agentVersion": "DRAFT", **COLLABORATOR}),
    ("ListAgentCollaborators", {**AGENT, "agentVersion": "DRAFT"}),
    ("CreateFlow", {"name": "f", "executionRoleArn": ROLE, "definition": DEFINITION}),
    ("UpdateFlow", {**FLOW, "name": "f", "executionRoleArn": ROLE, "definition": DEFINITION}),
    ("GetFlow", FLOW),
    ("CreateFlowVersion", FLOW),
    ("GetFlowVersion", {**FLOW, "flowVersion": "1"}),
    ("CreateFlowAlias", {**FLOW, "name": "live", "routingConfiguration": [{"flowVersion": "1"}]}),
    ("GetFlowAlias", {**FLOW, "aliasIdentifier": "ALIASEF2D1"}),
    ("GetKnowledgeBase", {"knowledgeBaseId": KB}),
    ("ListKnowledgeBases", {"maxResults": 5}),
    ("CreatePrompt", {"name": "greeting", "variants": [VARIANT], "defaultVariant": "first"}),
    ("UpdatePrompt", {"promptIdentifier": "PROMPE7F6C", "name": "greeting", "variants": [VARIANT]}),
    ("CreatePromptVersion", {"promptIdentifier": "PROMPE7F6C", "description": "first"}),
    ("GetPrompt", {"promptIdentifier": "PROMPE7F6C", "promptVersion": "1"}),
    ("ListPrompts", {"promptIdentifier": "PROMPE7F6C"}),
    ("DeletePrompt", {"promptIdentifier": "PROMPE7F6C", "promptVersion": "1"}),
    ("PrepareAgent", AGENT),
    ("ListAgents", {"maxResults": 5}),
    ("ListAgentVersions", AGENT),
    ("ListAgentAliases", AGENT),
    ("UpdateAgentAlias", {**AGENT, "agentAliasId": "ALIASD4735", "agentAliasName": "current"}),
    ("PrepareFlow", FLOW),
    ("ListFlows", {"maxResults": 5}),
    ("ListFlowVersions", FLOW),
    ("ListFlowAliases", FLOW),
    ("UpdateFlowAlias", {**FLOW, "aliasIdentifier": "ALIASEF2D1", "name": "now", "routingConfiguration": [{"flowVersion": "1"}]}),
    ("CreateFlowVersion", FLOW),
    ("DeleteFlowVersion", {**FLOW, "flowVersion": "2", "skipResourceInUseCheck": True}),
    ("CreateAgent", {"agentName": "gone", "foundationModel": MODEL}),
    ("DeleteAgentAlias", {"agentId": GONE_AGENT, "agentAliasId": "TSTALIASID"}),
    ("DeleteAgent", {"agentId": GONE_AGENT}),
    ("CreateFlow", {"name": "gone", "executionRoleArn": ROLE, "definition": DEFINITION}),
    ("DeleteFlowAlias", {"flowIdentifier": GONE_FLOW, "aliasIdentifier": "TSTALIASID"}),
    ("DeleteFlow", {"flowIdentifier": GONE_FLOW}),
    ("CreateAgentActionGroup", {**DRAFT_AGENT, "actionGroupName": "leave", "actionGroupState": "DISABLED", **FUNCTIONS}),
    ("GetAgentActionGroup", {**DRAFT_AGENT, **GROUP}),
    ("ListAgentActionGroups", {**DRAFT_AGENT, "maxResults": 5}),
    ("UpdateAgentActionGroup", {**DRAFT_AGENT, **GROUP, "actionGroupName": "absence"}),
    ("DeleteAgentActionGroup", {**DRAFT_AGENT, **GROUP}),
    ("AssociateAgentKnowledgeBase", {**DRAFT_AGENT, "knowledgeBaseId": KB, "description": "the handbook"}),
    ("GetAgentKnowledgeBase", {**DRAFT_AGENT, "knowledgeBaseId": KB}),
    ("ListAgentKnowledgeBases", DRAFT_AGENT),
    ("UpdateAgentKnowledgeBase", {**DRAFT_AGENT, "knowledgeBaseId": KB, "knowledgeBaseState": "DISABLED"}),
    ("DisassociateAgentKnowledgeBase", {**DRAFT_AGENT, "knowledgeBaseId": KB}),
    ("GetAgentCollaborator", {**DRAFT_AGENT, "collaboratorId": "COLLA4E074"}),
    ("UpdateAgentCollaborator", {**DRAFT_AGENT, "collaboratorId": "COLLA4E074", **COLLABORATOR}),
    ("DisassociateAgentCollaborator", {**DRAFT_AGENT, "collaboratorId": "COLLA4E074"}),
    ("DeleteAgentVersion", {**AGENT, "agentVersion": "1", "skipResourceInUseCheck": True}),
    ("ValidateFlowDefinition", {"definition": DEFINITION}),
    ("CreateKnowledgeBase", {"name": "made", "roleArn": ROLE, **VECTORS, "tags": {"team": "hr"}}),
    ("UpdateKnowledgeBase", {"knowledgeBaseId": MADE_KB, "name": "renamed", "roleArn": ROLE, **VECTORS}),
    ("CreateDataSource", {"knowledgeBaseId": MADE_KB, "name": "notes", **CUSTOM_SOURCE}),
    ("GetDataSource", SOURCE),
    ("ListDataSources", {"knowledgeBaseId": MADE_KB}),
    ("UpdateDataSource", {**SOURCE, "name": "files", **CUSTOM_SOURCE}),
    ("IngestKnowledgeBaseDocuments", {**SOURCE, "documents": [NOTE, {"content": S3_OBJECT}]}),
    ("GetKnowledgeBaseDocuments", {**SOURCE, "documentIdentifiers": [NOTE_ID, S3_OBJECT_ID, UNKNOWN_NOTE]}),
    ("ListKnowledgeBaseDocuments", SOURCE),
    ("StartIngestionJob", {**SOURCE, "description": "nightly"}),
    ("GetIngestionJob", {**SOURCE, "ingestionJobId": INGESTION}),
    ("ListIngestionJobs", {**SOURCE, "filters": [{"attribute": "STATUS", "operator": "EQ", "values": ["IN_PROGRESS"]}]}),
    ("StopIngestionJob", {**SOURCE, "ingestionJobId": INGESTION}),
    ("DeleteKnowledgeBaseDocuments", {**SOURCE, "documentIdentifiers": [NOTE_ID]}),
    ("DeleteDataSource", SOURCE),
    ("TagResource", {"resourceArn": MADE_KB_ARN, "tags": {"stage": "test"}}),
    ("ListTagsForResource", {"resourceArn": MADE_KB_ARN}),
    ("UntagResource", {"resourceArn": MADE_KB_ARN, "tagKeys": ["team", "stage"]}),
    ("DeleteKnowledgeBase", {"knowledgeBaseId": MADE_KB}),
]
AGENTS: list[Call] = [("bedrock-agent", name, params) for name, params in AGENTS_PARAMETERS]
FLOW_ALIAS = {**FLOW, "flowAliasIdentifier": "ALIASEF2D1"}
EXECUTION = {**FLOW_ALIAS, "executionIdentifier": "first"}
SESSION_ARN = "arn:aws:bedrock:us-east-1:123456789012:session/7dbd06d0-2371-2b32-c096-4dcc971212a1"
AGENT_RUNTIME_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("InvokeAgent", {**AGENT, "agentAliasId": "TSTALIASID", **ASKED, "enableTrace": True}),
    ("InvokeInlineAgent", {**ASKED, "foundationModel": MODEL, "instruction": "i" * 40, "guardrailConfiguration": GUARDED}),
    ("InvokeFlow", {**FLOW, "flowAliasIdentifier": "TSTALIASID", "inputs": INPUTS}),
    ("StartFlowExecution", {**FLOW_ALIAS, "inputs": INPUTS, "flowExecutionName": "first"}),
    ("GetFlowExecution", EXECUTION),
    ("ListFlowExecutions", {**FLOW, "maxResults": 5}),
    ("ListFlowExecutionEvents", {**EXECUTION, "eventType": "Flow"}),
    ("ListFlowExecutionEvents", {**EXECUTION, "eventType": "Node"}),
    ("GetExecutionFlowSnapshot", EXECUTION),
    ("StartFlowExecution", {**FLOW_ALIAS, "inputs": INPUTS, "flowExecutionName": "second"}),
    ("StopFlowExecution", {**FLOW_ALIAS, "executionIdentifier": "second"}),
    (
        "Retrieve",
        {"knowledgeBaseId": "KB00000001", "retrievalQuery": {"text": "hello"}, "guardrailConfiguration": GUARDED_ID},
    ),
    ("RetrieveAndGenerate", {"input": {"text": "hello"}, "retrieveAndGenerateConfiguration": GENERATION}),
    ("RetrieveAndGenerateStream", {"input": {"text": "hello"}, "retrieveAndGenerateConfiguration": GENERATION}),
    ("AgenticRetrieveStream", AGENTIC),
    ("GenerateQuery", {"queryGenerationInput": {"text": "hello", "type": "TEXT"}, **SQL}),
    ("OptimizePrompt", {"input": {"textPrompt": {"text": "hello"}}, "targetModelId": MODEL}),
    ("Rerank", RERANKED),
    ("CreateSession", {"sessionMetadata": {"a": "b"}}),
    ("GetSession", SESSION),
    ("ListSessions", {"maxResults": 5}),
    ("UpdateSession", {**SESSION, "sessionMetadata": {"c": "d"}}),
    ("CreateInvocation", {**SESSION, "invocationId": STEP_ID, "description": "first"}),
    ("ListInvocations", SESSION),
    ("PutInvocationStep", {**SESSION, **INVOCATION, "invocationStepId": STEP_ID, "invocationStepTime": AT, "payload": STEP}),
    ("GetInvocationStep", {**SESSION, **INVOCATION, "invocationStepId": STEP_ID}),
    ("ListInvocationSteps", {**SESSION, **INVOCATION}),
    ("TagResource", {"resourceArn": SESSION_ARN, "tags": {"team": "hr"}}),
    ("ListTagsForResource", {"resourceArn": SESSION_ARN}),
    ("UntagResource", {"resourceArn": SESSION_ARN, "tagKeys": ["team"]}),
    ("EndSession", SESSION),
    ("DeleteSession", SESSION),
]
AGENT_RUNTIME: list[Call] = [("bedrock-agent-runtime", name, params) for name, params in AGENT_RUNTIME_PARAMETERS]

CHAT_COMPLETIONS = {"ChatCompletions", "ChatCompletionsStream"}
"""Operations that boto3 does not have; test_chat_completions.py calls them."""

KNOWN: list[Call] = [
    call for call in (*RUNTIME, *CONTROL, *AGENTS, *AGENT_RUNTIME) if call[1] in service_model(call[0]).operation_names
]
"""The calls of operations that the installed botocore has."""


SERVICES = ("bedrock-runtime", "bedrock", "bedrock-agent", "bedrock-agent-runtime")
GENERATED = frozenset({"contentType", "accept", "clientRequestToken", "clientToken"})
"""Parameters that botocore adds."""


def _served() -> FakeBedrock:
    pii = FakeGuardrail("abc123def456", pii={"EMAIL": "anonymize"}, content={"HATE": "LOW"}, denied_topics={"a": ("b",)})
    profile, base = FakeInferenceProfile(PROFILE, (MODEL_ARN,)), FakeKnowledgeBase(KB, ["hello there"])
    return FakeBedrock(guardrails=[pii], inference_profiles=[profile], knowledge_bases=[base])


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """A fake with a guardrail and a profile."""
    with _served() as running:
        yield running


def _clients(aws: boto3.Session, fake: FakeBedrock) -> dict[str, Any]:
    return {name: aws.client(name, **fake.client_kwargs()) for name in SERVICES}


def test_every_implemented_operation_has_a_call() -> None:
    """A new operation needs a call in this module."""
    world = _served()._state

    assert {name for _, name, _ in RUNTIME} == set(world.runtime._operations) - CHAT_COMPLETIONS
    assert {name for _, name, _ in CONTROL} == set(world.control._operations)
    assert {name for _, name, _ in AGENTS} == set(world.agents._operations)
    assert {name for _, name, _ in AGENT_RUNTIME} == set(world.agent_runtime._operations)


def test_requests_and_responses_match_their_shapes(aws: boto3.Session, fake: FakeBedrock, conforms: Callable[..., None]) -> None:
    """The fake receives the parameters unchanged, and each response has only members of the service model."""
    bodies: list[tuple[Any, bytes]] = []

    def keep(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
        body = response_dict["body"]
        bodies.append((operation_model.output_shape, body if isinstance(body, bytes) else body.read()))

    clients = _clients(aws, fake)
    for service, name, params in KNOWN:
        clients[service].meta.events.register_first(f"before-parse.{service}.{name}", keep, unique_id=name)
        getattr(clients[service], xform_name(name))(**params)

        sent = fake.requests[-1]
        given = {key: value for key, value in sent.params.items() if key not in GENERATED}
        assert (sent.operation, given) == (name, {key: value for key, value in params.items() if key not in GENERATED})
    for client in clients.values():
        client.close()

    assert len(bodies) == len(KNOWN)
    for shape, body in bodies:
        _hold(shape, body, conforms)


def _hold(shape: Any, body: bytes, conforms: Callable[..., None]) -> None:
    payload = shape.serialization.get("payload")
    if not body and not shape.members:
        return  # HTTP 204
    if payload is None:
        conforms(shape, json.loads(body))
    elif shape.members[payload].serialization.get("eventstream"):
        events = shape.members[payload].members
        buffer = EventStreamBuffer()
        buffer.add_data(body)
        for event in buffer:
            conforms(events[event.headers[":event-type"]], json.loads(event.payload))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 61, 1000, 0])
def test_streams_are_parsed_for_every_size_of_chunk(aws: boto3.Session, fake: FakeBedrock, size: int) -> None:
    """From single bytes to one piece; every event is the same."""
    client = _clients(aws, fake)["bedrock-runtime"]
    fake.reply(prose(20), times=None)
    call = {"modelId": MODEL, "messages": MESSAGES}

    with closing(client.converse_stream(**call)["stream"]) as stream:
        whole = list(stream)
    fake.fault(Rechunk(size), times=None)
    with closing(client.converse_stream(**call)["stream"]) as stream:
        cut = list(stream)
    with closing(client.invoke_model_with_response_stream(modelId=MODEL, body=b"{}")["body"]) as stream:
        chunks = list(stream)
    client.close()

    assert cut == whole
    assert json.loads(chunks[-1]["chunk"]["bytes"])["type"] == "message_stop"


MANY = 200


def test_two_hundred_streams_run_concurrently(aws: boto3.Session) -> None:
    """The fake responds only after all requests have arrived, and each client reads its own stream to the end."""
    together = threading.Barrier(MANY, timeout=60)

    def say(params: dict[str, Any]) -> str:
        together.wait()
        return f"I am {params['messages'][0]['content'][0]['text']}. " * 10

    with FakeBedrock() as fake:
        fake.reply(say, times=None)
        config = Config(max_pool_connections=MANY, retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=120)
        client = aws.client("bedrock-runtime", **fake.client_kwargs(), config=config)
        said: dict[str, str] = {}

        def ask(name: str) -> None:
            messages = [{"role": "user", "content": [{"text": name}]}]
            with closing(client.converse_stream(modelId=MODEL, messages=messages)["stream"]) as stream:
                deltas = [event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event]
            said[name] = "".join(deltas)

        threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(MANY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()

    assert said == {str(number): f"I am {number}. " * 10 for number in range(MANY)}
