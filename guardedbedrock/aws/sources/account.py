"""
Read an account: policies of its principals, its organization, its guardrails and inference profiles.

What may not be read is a gap with the name of the API, never an error: verdicts that could depend on it become `indeterminate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.aws.sources.bedrock_reader import BedrockReader
from guardedbedrock.aws.sources.calls import SourceCalls
from guardedbedrock.aws.sources.iam_reader import IamReader
from guardedbedrock.aws.sources.organization_reader import OrganizationReader
from guardedbedrock.core.clock import utc_now
from guardedbedrock.errors import SourceError
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION


class AccountReader:
    """
    Reads one account into a snapshot.

    Args:
        client: Returns a client for a service and a region, such as ``boto3.Session().client``; each client is made once.
        regions: Regions whose guardrails and profiles are read.
        now: Returns the current time.
    """

    def __init__(self, client: Callable[..., Any], regions: Sequence[str], now: Callable[[], datetime] = utc_now) -> None:
        self.regions = tuple(regions)
        self._now = now
        self._calls = SourceCalls(client, self.regions[0] if self.regions else None)

    def read(self, principals: Iterable[str] | None = None) -> dict[str, Any]:
        """
        Read the account.

        Args:
            principals: ARNs of the users and roles to read; None reads all of them.

        Returns:
            A snapshot, see `guardedbedrock.iam.account.snapshot`.

        Raises:
            SourceError: STS does not answer, so that not even the account is known.
        """
        calls = self._calls
        calls.gaps = []
        identity = self.identity()
        account, iam, organization = identity["Account"], IamReader(calls), OrganizationReader(calls)
        sections = {
            **iam.read(None if principals is None else tuple(principals)),
            **organization.read(account),
            **BedrockReader(calls).read(self.regions),
        }
        sections["enforced_guardrails"] += organization.enforced_guardrails(account, self.regions)
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "account": account,
            "partition": identity["Arn"].split(":")[1],
            "time": self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "regions": list(self.regions),
            "caller": identity["Arn"],
            **sections,
            "gaps": calls.gaps,
        }

    def read_guardrails(self) -> dict[str, Any]:
        """Return only the sections ``guardrails`` and ``gaps``."""
        self._calls.gaps = []
        guardrails = BedrockReader(self._calls).guardrails(self.regions)
        return {"guardrails": guardrails, "gaps": self._calls.gaps}

    def identity(self) -> Mapping[str, str]:
        """
        Return the answer of STS `GetCallerIdentity`.

        Raises:
            SourceError: STS does not answer.
        """
        try:
            answer: Mapping[str, str] = self._calls.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise SourceError(f"sts:GetCallerIdentity failed: {error}; check the credentials") from error
        return answer

    def role_arn(self, session_arn: str) -> str | None:
        """
        Return the ARN of the role of a session, with its path; None if IAM does not answer.

        Args:
            session_arn: ``arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION``.
        """
        name = session_arn.split(":", 5)[5].split("/")[1]
        try:
            return str(self._calls.client("iam").get_role(RoleName=name)["Role"]["Arn"])
        except (BotoCoreError, ClientError):
            return None
