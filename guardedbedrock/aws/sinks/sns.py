"""Publish alerts to Amazon SNS."""

from __future__ import annotations

import json
from typing import Any, Final

import boto3

_SUBJECT: Final = "Denied Amazon Bedrock calls"


class SnsPublisher:
    """
    Publishes alerts; the hook of a `DenialAlert`. Needs ``sns:Publish`` on the topic.

    Args:
        topic_arn: The topic.
        client: A client of ``sns``; default: one of boto3's default session in the region of the topic.
    """

    def __init__(self, topic_arn: str, *, client: Any = None) -> None:
        self._topic = topic_arn
        self._client = client

    def __call__(self, alert: Any) -> None:
        """Publish an alert: its sentence, and the latest record as JSON."""
        if self._client is None:
            self._client = boto3.client("sns", region_name=self._topic.split(":")[3])
        message = f"{alert.sentence}\n\n{json.dumps(dict(alert.latest), indent=2)}"
        self._client.publish(TopicArn=self._topic, Subject=_SUBJECT, Message=message)
