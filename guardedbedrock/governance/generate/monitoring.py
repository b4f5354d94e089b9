"""
Generate alarms for denied calls and changed guardrails, and the configuration of model invocation logging.

Source: CloudWatch Logs User Guide, "Filter pattern syntax"; Bedrock User Guide, "Monitor Amazon Bedrock API calls using
CloudTrail", "Monitor model invocation using CloudWatch Logs and Amazon S3".
"""

from __future__ import annotations

import json
import shlex
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.artifact import Artifact
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.governance.replay.reading.events import DENIAL_CODES

CODES: Final = tuple(sorted(DENIAL_CODES))
SOURCES: Final = ("bedrock.amazonaws.com", "bedrock-mantle.amazonaws.com")
CHANGES: Final = (
    "CreateGuardrail",
    "CreateGuardrailVersion",
    "DeleteEnforcedGuardrailConfiguration",
    "DeleteGuardrail",
    "DeleteModelInvocationLoggingConfiguration",
    "DeleteResourcePolicy",
    "PutEnforcedGuardrailConfiguration",
    "PutModelInvocationLoggingConfiguration",
    "PutResourcePolicy",
    "UpdateGuardrail",
)
_NAMESPACE: Final = "Bedrock/Guardrails"
_METRIC: Final = "DeniedCalls"
_TOPIC: Final = "BedrockAlarmTopic"


def filter_pattern() -> str:
    """Return the metric filter's pattern: calls to Bedrock that were denied."""
    codes = " || ".join(f'($.errorCode = "{code}")' for code in CODES)
    sources = " || ".join(f'($.eventSource = "{source}")' for source in SOURCES)
    return f"{{ ({sources}) && ({codes}) }}"


def event_pattern() -> dict[str, Any]:
    """Return the pattern of the EventBridge rule: changes of guardrails, of their enforcement and of invocation logging."""
    return {
        "source": ["aws.bedrock"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": [SOURCES[0]], "eventName": list(CHANGES)},
    }


def alarm(inputs: Inputs) -> Artifact:  # noqa: ARG001  # the alarm is the same for every configuration
    """Return a metric filter, an alarm, a topic with a subscription, and a rule for changed guardrails."""
    topic = {"Ref": _TOPIC}
    resources = {
        _TOPIC: {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "TopicKey"}}},
        "BedrockAlarmSubscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": topic, "Protocol": "email", "Endpoint": {"Ref": "Email"}},
        },
        "BedrockAlarmTopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [topic],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Publish",
                            "Effect": "Allow",
                            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                            "Action": "sns:Publish",
                            "Resource": topic,
                            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                        }
                    ],
                },
            },
        },
        "BedrockDenials": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "TrailLogGroup"},
                "FilterPattern": filter_pattern(),
                "MetricTransformations": [
                    {"MetricNamespace": _NAMESPACE, "MetricName": _METRIC, "MetricValue": "1", "DefaultValue": 0}
                ],
            },
        },
        "BedrockDenialAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": "Calls to Bedrock were denied.",
                "Namespace": _NAMESPACE,
                "MetricName": _METRIC,
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": {"Ref": "Denials"},
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [topic],
            },
        },
        "GuardrailChanges": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Description": "A guardrail, its enforcement or invocation logging was changed.",
                "EventPattern": event_pattern(),
                "Targets": [{"Id": "topic", "Arn": topic}],
            },
        },
    }
    parameters = {
        "Email": {"Type": "String", "Description": "Address that receives the alarms."},
        "TrailLogGroup": {"Type": "String", "Description": "Log group that CloudTrail writes to."},
        "Denials": {"Type": "Number", "Default": 0, "Description": "Denials in five minutes to tolerate."},
        "TopicKey": {"Type": "String", "Description": "KMS key of the topic whose policy admits CloudWatch and EventBridge."},
    }
    return Artifact(
        "alarm", {"filterPattern": filter_pattern(), "eventPattern": event_pattern()}, resources, _alarm_blocks(), parameters
    )


def _alarm_blocks() -> dict[str, Any]:
    topic = "${aws_sns_topic.bedrock.arn}"
    statement = {
        "sid": "Publish",
        "actions": ["sns:Publish"],
        "resources": [topic],
        "principals": {"type": "Service", "identifiers": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
        "condition": {
            "test": "StringEquals",
            "variable": "aws:SourceAccount",
            "values": ["${data.aws_caller_identity.current.account_id}"],
        },
    }
    return {
        "variable": {
            "email": {"type": "string"},
            "trail_log_group": {"type": "string"},
            "denials": {"type": "number", "default": 0},
            "topic_key": {"type": "string"},
        },
        "data": {
            "aws_caller_identity": {"current": {}},
            "aws_iam_policy_document": {"bedrock_alarm": {"statement": statement}},
        },
        "resource": {
            "aws_sns_topic": {"bedrock": {"name": "bedrock-alarms", "kms_master_key_id": "${var.topic_key}"}},
            "aws_sns_topic_policy": {"bedrock": {"arn": topic, "policy": "${data.aws_iam_policy_document.bedrock_alarm.json}"}},
            "aws_sns_topic_subscription": {"bedrock": {"topic_arn": topic, "protocol": "email", "endpoint": "${var.email}"}},
            "aws_cloudwatch_log_metric_filter": {
                "bedrock": {
                    "name": "bedrock-denials",
                    "log_group_name": "${var.trail_log_group}",
                    "pattern": filter_pattern(),
                    "metric_transformation": {"namespace": _NAMESPACE, "name": _METRIC, "value": "1", "default_value": "0"},
                }
            },
            "aws_cloudwatch_metric_alarm": {
                "bedrock": {
                    "alarm_name": "bedrock-denials",
                    "namespace": _NAMESPACE,
                    "metric_name": _METRIC,
                    "statistic": "Sum",
                    "period": 300,
                    "evaluation_periods": 1,
                    "threshold": "${var.denials}",
                    "comparison_operator": "GreaterThanThreshold",
                    "treat_missing_data": "notBreaching",
                    "alarm_actions": [topic],
                }
            },
            "aws_cloudwatch_event_rule": {
                "bedrock": {"name": "bedrock-guardrail-changes", "event_pattern": json.dumps(event_pattern())}
            },
            "aws_cloudwatch_event_target": {"bedrock": {"rule": "${aws_cloudwatch_event_rule.bedrock.name}", "arn": topic}},
        },
    }


def invocation_logging(inputs: Inputs) -> Artifact:
    """
    Return the log group, the role and the configuration of model invocation logging.

    CloudFormation has no resource type for the configuration. The artifact has it as a file for
    ``aws bedrock put-model-invocation-logging-configuration``.
    """
    group, role = "/aws/bedrock/invocations", "BedrockInvocationLogging"
    arn = f"arn:{inputs.partition}:iam::{inputs.caller_account}:role/{role}"
    flags = {"textDataDeliveryEnabled": True, "imageDataDeliveryEnabled": False, "embeddingDataDeliveryEnabled": False}
    document = {"cloudWatchConfig": {"logGroupName": group, "roleArn": arn}, **flags}
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": inputs.caller_account}},
            }
        ],
    }
    stream = f"arn:{inputs.partition}:logs:*:{inputs.caller_account}:log-group:{group}:log-stream:aws/bedrock/modelinvocations"
    write = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": stream}],
    }
    resources = {
        "InvocationLogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"LogGroupName": group, "RetentionInDays": 365},
        },
        "InvocationLogRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": role,
                "AssumeRolePolicyDocument": trust,
                "Policies": [{"PolicyName": "write", "PolicyDocument": write}],
            },
        },
    }
    blocks = {
        "resource": {
            "aws_cloudwatch_log_group": {"bedrock": {"name": group, "retention_in_days": 365}},
            "aws_iam_role": {"bedrock": {"name": role, "assume_role_policy": json.dumps(trust)}},
            "aws_iam_role_policy": {
                "bedrock": {"name": "write", "role": "${aws_iam_role.bedrock.id}", "policy": json.dumps(write)}
            },
            "aws_bedrock_model_invocation_logging_configuration": {
                "bedrock": {
                    "depends_on": ["aws_iam_role_policy.bedrock"],
                    "logging_config": {
                        "text_data_delivery_enabled": True,
                        "image_data_delivery_enabled": False,
                        "embedding_data_delivery_enabled": False,
                        "cloudwatch_config": {
                            "log_group_name": "${aws_cloudwatch_log_group.bedrock.name}",
                            "role_arn": "${aws_iam_role.bedrock.arn}",
                        },
                    },
                }
            },
        }
    }
    text = (json.dumps(document, indent=2) + "\n").encode()
    return Artifact("invocation-logging", document, resources, blocks, files={"invocation-logging.configuration.json": text})


WORKFLOW: Final = """\
# Lints and tests the policies of a repository for every pull request.
name: bedrock policies
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
  security-events: write
jobs:
  policies:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install 'guardedbedrock[cli,testing,proof]=={version}'
      - run: |
          guardedbedrock check {config}
      - name: lint
        run: |
          guardedbedrock lint policies --config {config} --format sarif > lint.sarif
      - uses: github/codeql-action/upload-sarif@v3
        if: always()
        with:
          sarif_file: lint.sarif
      - name: policy tests
        run: guardedbedrock test policy-tests --format github
"""


def github_workflow(version: str, config: str) -> Artifact:
    """
    Return a workflow that lints and tests the policies of a repository.

    Args:
        version: The version of this package to install.
        config: Path of the configuration, quoted for the shell. YAML's block scalar accepts every character except a line break.

    Raises:
        ConfigurationError: The path has a line break.
    """
    if len(config.splitlines()) != 1:
        raise ConfigurationError("github-workflow: the path of the configuration has a line break; rename the file")
    text = WORKFLOW.replace("{version}", version).replace("{config}", shlex.quote(config))
    return Artifact("github-workflow", files={".github/workflows/bedrock-policies.yml": text.encode()})
