"""
A fake Bedrock for tests: a real HTTP server on loopback, true to the wire, with guardrails and IAM.

The fake reads and writes HTTP by the service model of the installed botocore, so its shapes are those of the client that talks
to it. It decides with `guardedbedrock.iam`, by the policies it is given, and denies with AWS's headers, body and sentence.
"""

from guardedbedrock.testing import cases
from guardedbedrock.testing.fake import FakeBedrock
from guardedbedrock.testing.guardrails import FakeGuardrail
from guardedbedrock.testing.records import ReceivedRequest

__all__ = ["FakeBedrock", "FakeGuardrail", "ReceivedRequest", "cases"]
