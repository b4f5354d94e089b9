"""The fake Bedrock as tests have it: with a guard beside it, and what is to happen in one line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.guard import Guard
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock, FakeEnforcement
from guardedbedrock.testing.denials import denial
from guardedbedrock.testing.denied import assert_denied
from guardedbedrock.testing.denying import DenyingPolicies, actions_of
from guardedbedrock.testing.faults import TOO_MANY, Deny, Fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.pytest_plugin.settings import Settings
    from guardedbedrock.testing.assessment import Source
    from guardedbedrock.testing.denial import Denial
    from guardedbedrock.testing.runtime import Reply

Where: TypeAlias = Literal["both", "here", "aws"]
"""Whose policies say it: those of the guard in this process, those of AWS, whose part the server plays, or both."""

NOWHERE: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
IN_THE_WAY: Final = ("all_proxy", "http_proxy", "https_proxy")
_AWS_IN_THE_WAY: Final = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_USE_FIPS_ENDPOINT",
)

_UNSURE: Final = (
    'by="rcp": AWS does not list Bedrock among the services that RCPs reach, so the guard lets such calls go on to AWS; '
    "mark the test with rcp_applies=True, or leave where out"
)


class BedrockServer(FakeBedrock):
    """A `FakeBedrock` with a guard that knows the same policies, and scenarios in one line; each lasts until the test ends."""

    settings: Settings
    _here: DenyingPolicies
    _aws: DenyingPolicies
    _guard: Guard | None = None

    assert_denied = staticmethod(assert_denied)

    def begin(self, settings: Settings) -> None:
        """Become what a test asks for, and forget everything."""
        self.settings = settings
        self._here, self._aws = DenyingPolicies(settings.policies), DenyingPolicies(settings.policies)
        self._guard = None
        self.configure(
            guardrails=settings.fakes,
            policies=self._aws,
            principal=settings.principal,
            region=settings.region,
            vocabulary=settings.vocabulary,
            enforced=[FakeEnforcement(one.arn, one.version) for one in settings.enforced],
            **settings.server,
        )

    @property
    def guard(self) -> Guard:
        """The guard of the test, made when it is first asked for; its retries do not wait."""
        if self._guard is None:
            options = {"retry": RetryPolicy(sleep=lambda _: None), **self.settings.guard}
            self._guard = Guard(
                guardrails=self.settings.approved,
                policies=self._here,
                principal=self.settings.principal,
                vocabulary=self.settings.vocabulary,
                enforced=self.settings.enforced,
                **options,
            )
        return self._guard

    @property
    def secure(self) -> bool:
        """Whether the server speaks HTTPS."""
        return self.settings.tls

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which any AWS SDK talks to the server, whatever the machine is set up with."""
        return {**super().environment, **NOWHERE, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """Environment variables that would lead clients elsewhere."""
        return _AWS_IN_THE_WAY

    def reset(self) -> None:
        """Forget requests, replies, faults, jobs and denials; policies stay, and whatever clients made over ``bedrock``."""
        super().reset()
        self._here.clear()
        self._aws.clear()

    def deny(  # type: ignore[override]  # from now on is what a policy does
        self,
        operation: str,
        *,
        by: str = "identity",
        resource: str = "*",
        where: Where = "both",
    ) -> None:
        """
        Deny an operation from now on, as a policy would: every other operation that asks the same action is denied too.

        Args:
            operation: Such as ``Converse``, or an action such as ``bedrock:InvokeModel``.
            by: A policy type, such as "scp", whose Deny matches; ``scp-implicit`` and the like, because none of that type allows
                it; or any other name of `DENIALS`, such as ``model-access``, which comes from AWS only.
            resource: What to deny it on: an ID such as that of a model, or an ARN; ``*`` and ``?`` are wildcards.
            where: ``both``, so that a guarded client is denied before sending and a plain one by the server; ``aws``, so that the
                guard does not see it coming; ``here``, so that the guard denies what AWS would allow.

        Raises:
            ConfigurationError: There is no such operation or denial, or it can not come from there.
        """
        named, actions, sides = denial(by), actions_of(operation), self._sides(where)
        if where == "here" and named.policy_type == "rcp" and not self.settings.guard.get("rcp_applies"):
            raise ConfigurationError(_UNSURE)
        for side in sides:
            if side is self._here and (named.denies_by_policy or where == "here"):
                side.deny(named.policies(*actions, resource=resource))
            elif side is self._aws:
                self._deny_by_aws(named, operation, actions, resource)

    def _deny_by_aws(self, named: Denial, operation: str, actions: tuple[str, ...], resource: str) -> None:
        if named.regular:
            self._aws.deny(named.policies(*actions, resource=resource))
        elif resource != "*":
            raise ConfigurationError(f"resource: `{named.name}` is denied on everything; leave it out")
        else:
            is_action = ":" in operation
            self.fault(Deny(named.name, operation if is_action else None), operation=None if is_action else operation, times=None)

    def deny_guardrail(self, guardrail: str, *, by: str = "identity", where: Where = "both") -> None:
        """
        Deny ``bedrock:ApplyGuardrail`` on a guardrail from now on, so that no call with it passes.

        Args:
            guardrail: Its name, ID or ARN.
            by: As in `deny`.
            where: As in `deny`.

        Raises:
            ConfigurationError: The test has no such guardrail, or there is no such denial.
        """
        there = (*self.settings.approved, *self.settings.enforced)
        found = next((one for one in there if guardrail in (one.name, one.id, one.arn)), None)
        if found is None:
            names = ", ".join(one.name for one in there)
            raise ConfigurationError(f"the test has no guardrail `{guardrail}`; there is {names}")
        action = "bedrock:ApplyGuardrail" if self.settings.vocabulary == "aws" else "bedrock:InvokeModelWithGuardrail"
        self.deny(action, by=by, resource=found.arn, where=where)

    def _sides(self, where: Where) -> Iterable[DenyingPolicies]:
        sides: Mapping[Where, tuple[DenyingPolicies, ...]] = {
            "both": (self._here, self._aws),
            "here": (self._here,),
            "aws": (self._aws,),
        }
        if where not in sides:
            raise ConfigurationError(f"where: {where!r} is none of {', '.join(sides)}")
        return sides[where]

    def throttle(self, times: int = 1, *, operation: str | None = None, retry_after: float | None = None) -> None:
        """
        Answer the next requests with ``ThrottlingException`` (429).

        Args:
            times: How many requests; retries count.
            operation: The only operation it happens to.
            retry_after: Pause to ask the caller for, in s.
        """
        self.fault(Fail(429, "ThrottlingException", TOO_MANY, retry_after), times=times, operation=operation)

    def intervene(
        self,
        text: str = "Sorry, the model cannot answer this question.",
        *,
        times: int | None = 1,
        source: Source = "INPUT",
        operation: str | None = None,
    ) -> None:
        """
        Let the guardrail of the next guarded calls block, whatever is said.

        Args:
            text: What the caller reads in place of an answer.
            times: How many calls; None means from then on.
            source: Whether it blocks the prompt (``INPUT``), so that no model is asked, or the answer (``OUTPUT``).
            operation: The only operation it happens to.
        """
        self._world.runtime.interventions.add((text, source), times=times, operation=operation)

    def script(self, replies: Iterable[Reply], *, operation: str | None = None) -> None:
        """
        Say these replies, one a call, in place of echoes.

        Args:
            replies: Texts, or callables from the parameters of the call to a text.
            operation: The only operation they are for.
        """
        self.reply(*replies, operation=operation)
