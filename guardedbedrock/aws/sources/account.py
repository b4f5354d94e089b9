"""
Read an account: policies of its principals, its organization, its guardrails and inference profiles.

An API that may not be called is a gap, never an error: verdicts that could depend on it become `indeterminate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.aws.sources.bedrock_reader import BedrockReader
from guardedbedrock.aws.sources.calls import SourceCalls, new_session
from guardedbedrock.aws.sources.iam_reader import IamReader
from guardedbedrock.aws.sources.organization_reader import OrganizationReader
from guardedbedrock.core.clock import utc_now
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam.account.last_accessed import read_last_accessed
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION

CALLER: Final = "caller"
"""Denotes the owner of the credentials among the principals to read."""
_LAST_ACCESSED: Final = "iam:GenerateServiceLastAccessedDetails"
_ROOT: Final[Mapping[str, Any]] = {"kind": "root", "name": "root", "tags": {}, "inline": {}, "managed": []}
"""The root user of the account needs no policies, and SCPs limit it."""


class AccountReader:
    """
    Reads one account into a snapshot.

    Args:
        client: Returns a client for a service and a region, such as ``boto3.Session().client``; each client is made once.
        regions: Regions whose guardrails and profiles are read.
        now: Returns the current time.
    """

    @classmethod
    def of_session(cls, session: Any = None, regions: Sequence[str] = (), now: Callable[[], datetime] = utc_now) -> Self:
        """
        Make a reader with the credentials of a session.

        Args:
            session: A boto3 session; None makes one.
            regions: As for the class; the Region of the session unless given.
            now: As for the class.

        Raises:
            ConfigurationError: No Region is given, and the session has none.
        """
        session = new_session() if session is None else session
        regions = tuple(regions) or ((session.region_name,) if session.region_name else ())
        if not regions:
            raise ConfigurationError("no Region is known; set AWS_DEFAULT_REGION, or the Region of the profile")
        return cls(session.client, regions, now)

    def __init__(self, client: Callable[..., Any], regions: Sequence[str], now: Callable[[], datetime] = utc_now) -> None:
        self.regions = tuple(regions)
        self.now = now
        self._calls = SourceCalls(client, self.regions[0] if self.regions else None)
        self._organization = OrganizationReader(self._calls)

    def read(self, principals: Iterable[str] | None = None, *, last_accessed: bool = False) -> dict[str, Any]:
        """
        Read the account.

        Args:
            principals: ARNs of the users and roles to read, or of sessions of roles; ``"caller"`` is the owner of the
                credentials. None reads all of them.
            last_accessed: Also read when each of them last used Bedrock, which takes IAM seconds to minutes.

        Returns:
            A snapshot, see `guardedbedrock.iam.account.snapshot`.

        Raises:
            SourceError: STS does not answer, so that not even the account is known.
        """
        calls = self._calls
        calls.gaps = []
        identity = self.identity()
        account, iam, organization = identity["Account"], IamReader(calls), self._organization
        wanted = None if principals is None else tuple(identity["Arn"] if one == CALLER else one for one in principals)
        sections = {
            **iam.read(wanted),
            **organization.read(account),
            **BedrockReader(calls).read(self.regions),
        }
        sections["principals"] |= {arn: _ROOT for arn in wanted or () if arn.endswith(":root")}
        if sections["organization"] is not None:
            sections["enforced_guardrails"] += organization.enforced_guardrails(account, self.regions)
        if last_accessed:
            sections["last_accessed"] = self._last_accessed(sections["principals"])
        if not any(gap["section"] in ("scp", "rcp") for gap in calls.gaps):
            # Documents are kept only until all have been read: a throttled reader continues where it stopped.
            organization.forget()
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "account": account,
            "partition": identity["Arn"].split(":")[1],
            "time": self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "regions": list(self.regions),
            "caller": identity["Arn"],
            **sections,
            "gaps": calls.gaps,
        }

    def _last_accessed(self, principals: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the reports of IAM. A report that is not ready is a gap."""
        arns = [arn for arn, one in principals.items() if one["kind"] in ("user", "role")]
        read = partial(read_last_accessed, self._calls.client("iam"), arns)
        found: dict[str, Any] | None = self._calls.attempt("last_accessed", _LAST_ACCESSED, read)
        if found is None:
            return {}
        for arn in arns:
            if arn not in found:
                self._calls.add_gap("last_accessed", _LAST_ACCESSED, "the report is not ready", principal=arn)
        return found

    def read_guardrails(self) -> dict[str, Any]:
        """Return a snapshot that has no sections but ``guardrails`` and ``gaps``."""
        self._calls.gaps = []
        guardrails = BedrockReader(self._calls).guardrails(self.regions)
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "account": "",
            "time": "",
            "guardrails": guardrails,
            "gaps": self._calls.gaps,
        }

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
