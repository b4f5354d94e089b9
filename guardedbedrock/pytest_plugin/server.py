"""The fake Bedrock of the fixtures: it has a guard with the same policies, and a method for each scenario."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.guard import Guard
from guardedbedrock.pytest_plugin.scenarios import Scenario, ScenarioDenial, describe
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock, FakeEnforcement
from guardedbedrock.testing.denials.assertions import assert_denied
from guardedbedrock.testing.denials.catalogue import denial
from guardedbedrock.testing.denials.mutable_policies import MutablePolicies, actions_of
from guardedbedrock.testing.faults import TOO_MANY, BreakStream, Deny, Fail, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.pytest_plugin.marker import FixtureSetup
    from guardedbedrock.testing.resources.guardrail import AssessmentSource
    from guardedbedrock.testing.runtime import ScriptedReply

DenialSide: TypeAlias = Literal["both", "here", "aws"]
"""The side that denies: ``here`` (the guard in this process), ``aws`` (the server in the role of AWS), or ``both``."""

NO_AWS_FILES: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
PROXY_VARIABLES: Final = ("all_proxy", "http_proxy", "https_proxy")
_CONFLICTING_VARIABLES: Final = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_USE_FIPS_ENDPOINT",
)

_RCP_UNSURE: Final = (
    'by="rcp" with where="here": AWS does not list Bedrock among the services that RCPs apply to, so the guard sends such calls '
    'to AWS; set rcp_applies=True in the marker of the test, or use where="aws"'
)


class BedrockServer(FakeBedrock):
    """
    A `FakeBedrock` with a guard that has the same policies.

    Each scenario lasts until the test ends. A test fails if no request reached one of its scenarios; every method that adds a
    scenario accepts ``optional=True``, which allows this.
    """

    setup: FixtureSetup
    _here: MutablePolicies
    _aws: MutablePolicies
    _guard: Guard
    _scenarios: tuple[Scenario, ...] = ()

    assert_denied = staticmethod(assert_denied)

    def begin(self, setup: FixtureSetup) -> None:
        """
        Configure the server and the guard for one test, and discard all earlier state.

        Raises:
            ConfigurationError: `Guard` or `FakeBedrock` rejects a keyword of the marker.
        """
        self.setup, self._scenarios = setup, ()
        self._here, self._aws = MutablePolicies(setup.policies), MutablePolicies(setup.policies)
        options = {"retry": RetryPolicy(sleep=lambda _: None), **setup.guard}
        self._guard = Guard(
            guardrails=setup.approved,
            policies=self._here,
            principal=setup.principal,
            vocabulary=setup.vocabulary,
            enforced=setup.enforced,
            **options,
        )
        self.configure(
            guardrails=setup.fakes,
            policies=self._aws,
            principal=setup.principal,
            region=setup.region,
            vocabulary=setup.vocabulary,
            enforced=[_enforcement(one) for one in setup.enforced],
            **setup.server,
        )

    @property
    def guard(self) -> Guard:
        """The guard of the test; its retries do not wait."""
        return self._guard

    @property
    def secure(self) -> bool:
        """Whether the server uses HTTPS."""
        return self.setup.tls

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that connect any AWS SDK to the server, whatever the configuration of the machine."""
        return {**super().environment, **NO_AWS_FILES, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    @property
    def conflicting_variables(self) -> tuple[str, ...]:
        """Environment variables that must be removed because they would redirect clients."""
        return _CONFLICTING_VARIABLES

    def reset(self) -> None:
        """Clear requests, scenarios and jobs; policies and resources that were created over ``bedrock`` stay."""
        super().reset()
        self._scenarios = ()
        self._here.clear()
        self._aws.clear()

    def unreached_scenarios(self) -> str:
        """Return a message that lists the scenarios that no request reached, and the requests; ``""`` if each was reached."""
        missed = [scenario.description for scenario in self._scenarios if not (scenario.reached or scenario.optional)]
        if not missed:
            return ""
        lines = (
            "no request reached these scenarios:",
            *(f"  {description}" for description in missed),
            "requests that arrived:",
            repr(self.calls) or "  none",
            "Send a request that matches, remove the scenario, or set optional=True.",
        )
        return "\n".join(lines)

    def _add(self, scenario: Scenario) -> Scenario:
        self._scenarios = (*self._scenarios, scenario)
        return scenario

    def deny(  # type: ignore[override]  # a policy denies until the test ends, so there is no `times`
        self,
        operation: str,
        *,
        by: str = "identity",
        resource: str = "*",
        where: DenialSide = "both",
        optional: bool = False,
    ) -> None:
        """
        Deny an operation until the test ends, as a policy would: every operation with the same IAM action is denied too.

        Args:
            operation: Such as ``Converse``, or an action such as ``bedrock:InvokeModel``.
            by: A policy type such as ``scp``: its Deny matches; ``scp-implicit`` and the like: no Allow of that type matches;
                or another name of `DENIALS`, such as ``model-access``, which only AWS can answer.
            resource: The resource that is denied: an ID such as a model ID, or an ARN; ``*`` and ``?`` are wildcards.
            where: ``both``: the guard denies before sending, and the server denies a plain client; ``aws``: only the server
                denies, and the guard does not know the policy; ``here``: only the guard denies.
            optional: Whether the test passes if no request is denied.

        Raises:
            ConfigurationError: The operation or the denial is unknown, or `where` cannot deny in this way.
        """
        for keyword, given in {"operation": operation, "by": by, "resource": resource}.items():
            if not isinstance(given, str):
                raise ConfigurationError(f"deny: {keyword}: must be a string, not {given!r}")
        selected, actions, sides = denial(by), actions_of(operation), self._sides(where)
        if where == "here" and selected.policy_type == "rcp" and not self.setup.guard.get("rcp_applies"):
            raise ConfigurationError(_RCP_UNSURE)
        if self._aws in sides and not selected.regular and resource != "*":
            raise ConfigurationError(f"resource: `{selected.name}` denies every resource; remove `resource`")
        scenario = Scenario(describe("deny", operation, by=by, resource=None if resource == "*" else resource), optional)
        if self._here in sides and (selected.denies_by_policy or where == "here"):
            self._here.deny(ScenarioDenial(selected.policies(*actions, resource=resource), scenario))
        if self._aws in sides and selected.regular:
            self._aws.deny(ScenarioDenial(selected.policies(*actions, resource=resource), scenario))
        elif self._aws in sides:
            action, name = (operation, None) if ":" in operation else (None, operation)
            self._schedule((Deny(selected.name, action),), scenario, operation=name, times=None)
        self._add(scenario)

    def deny_guardrail(self, guardrail: str, *, by: str = "identity", where: DenialSide = "both", optional: bool = False) -> None:
        """
        Deny ``bedrock:ApplyGuardrail`` on a guardrail until the test ends, so that every call with it is denied.

        Args:
            guardrail: Its name, ID or ARN.
            by: As in `deny`.
            where: As in `deny`.
            optional: As in `deny`.

        Raises:
            ConfigurationError: The test has no such guardrail, or the denial is unknown.
        """
        known = (*self.setup.approved, *self.setup.enforced)
        found = next((one for one in known if guardrail in (one.name, one.id, one.arn)), None)
        if found is None:
            names = ", ".join(one.name for one in known)
            raise ConfigurationError(f"guardrail: the test has no guardrail `{guardrail}`; known guardrails are {names}")
        action = "bedrock:ApplyGuardrail" if self.setup.vocabulary == "aws" else "bedrock:InvokeModelWithGuardrail"
        self.deny(action, by=by, resource=found.arn, where=where, optional=optional)

    def _sides(self, where: DenialSide) -> tuple[MutablePolicies, ...]:
        sides: Mapping[DenialSide, tuple[MutablePolicies, ...]] = {
            "both": (self._here, self._aws),
            "here": (self._here,),
            "aws": (self._aws,),
        }
        if where not in sides:
            raise ConfigurationError(f"where: unknown value {where!r}; use one of {', '.join(sides)}")
        return sides[where]

    def throttle(
        self, times: int = 1, *, operation: str | None = None, retry_after: float | None = None, optional: bool = False
    ) -> None:
        """
        Answer the next requests with ``ThrottlingException`` (HTTP 429).

        Args:
            times: Number of requests; retries count.
            operation: Throttle only this operation.
            retry_after: Value of the ``Retry-After`` header, in seconds.
            optional: Whether the test passes if no request is throttled.
        """
        scenario = self._add(Scenario(describe("throttle", times=times, operation=operation), optional))
        fault = Fail(429, "ThrottlingException", TOO_MANY, retry_after)
        self._schedule((fault,), scenario, times=times, operation=operation)

    def intervene(
        self,
        text: str = "Sorry, the model cannot answer this question.",
        *,
        times: int | None = 1,
        source: AssessmentSource = "INPUT",
        operation: str | None = None,
        optional: bool = False,
    ) -> None:
        """
        Make the guardrail block the next guarded calls, whatever their content.

        Args:
            text: What the caller reads instead of the model's answer.
            times: Number of calls; None means every call.
            source: ``INPUT`` blocks the prompt, so that no model runs; ``OUTPUT`` blocks the model's answer.
            operation: Block only this operation.
            optional: Whether the test passes if no call is blocked.
        """
        if not isinstance(text, str):
            raise ConfigurationError(f"intervene: text: must be a string, not {text!r}")
        scenario = self._add(Scenario(describe("intervene", source=source, operation=operation), optional))
        self._state.runtime.interventions.add((text, source), times=times, operation=operation, on_take=scenario.reach)

    def script(self, replies: Iterable[ScriptedReply], *, operation: str | None = None, optional: bool = False) -> None:
        """
        Script the replies of the model, one for each call, instead of an echo of the prompt.

        Args:
            replies: Strings, or callables that accept the parameters of the call and return a string.
            operation: Use them only for this operation.
            optional: Whether the test passes if no call gets a reply.

        Raises:
            ConfigurationError: `replies` is a string, which would be scripted letter by letter.
        """
        if isinstance(replies, str):
            raise ConfigurationError(f"script: expected a list of replies, got a string; write [{replies!r}]")
        self.reply(*replies, operation=operation, optional=optional)

    def reply(
        self,
        *replies: ScriptedReply,
        times: int | None = 1,
        operation: str | None = None,
        model: str | None = None,
        optional: bool = False,
    ) -> None:
        """
        Script the replies of the model; see `FakeBedrock.reply`.

        Args:
            replies: Strings, or callables that accept the parameters of the call and return a string.
            times: How often each reply is used; None means for every further call.
            operation: Use them only for this operation.
            model: Use them only for this model, with ``*`` as a wildcard.
            optional: Whether the test passes if no call gets a reply.
        """
        # The description must not contain the text of a reply: it can be confidential, and test reports show the description.
        count = f"{len(replies)} scripted repl{'y' if len(replies) == 1 else 'ies'}"
        scenario = self._add(Scenario(f"{count}{f' for {operation}' if operation else ''}", optional))
        for reply in replies:
            self._state.runtime.model.script.add(reply, times=times, operation=operation, model=model, on_take=scenario.reach)

    def fault(
        self,
        *faults: Fault,
        operation: str | None = None,
        times: int | None = 1,
        chance: float = 1,
        model: str | None = None,
        optional: bool = False,
    ) -> None:
        """
        Schedule faults; see `FakeBedrock.fault`.

        Args:
            faults: All of them happen to the same request.
            operation: Only requests to this operation.
            times: Number of requests; None means every request.
            chance: Probability for each request, 0 to 1.
            model: Only calls of this model, with ``*`` as a wildcard.
            optional: Whether the test passes if the faults happen to no request.

        Raises:
            ConfigurationError: There is no fault, or the chance is not a probability.
        """
        description = f"fault({', '.join(type(fault).__name__ for fault in faults)})"
        scenario = Scenario(f"{description}{f' for {operation}' if operation else ''}", optional)
        self._schedule(faults, scenario, operation=operation, times=times, chance=chance, model=model)
        self._add(scenario)

    def _schedule(  # noqa: PLR0913 - one parameter for each part of a rule
        self,
        faults: tuple[Fault, ...],
        scenario: Scenario,
        *,
        operation: str | None,
        times: int | None,
        chance: float = 1,
        model: str | None = None,
    ) -> None:
        self._state.faults.add(faults, operation=operation, times=times, chance=chance, model=model, on_take=scenario.reach)

    def break_stream(
        self,
        code: str = "throttlingException",
        *,
        after: int = 2,
        message: str = TOO_MANY,
        times: int = 1,
        optional: bool = False,
    ) -> None:
        """
        Break the next streams with an exception frame; see `FakeBedrock.break_stream`.

        Args:
            code: A member of the stream, in lower camel case; any other code is sent as an error frame.
            after: Number of events before the frame.
            message: Message of the frame.
            times: Number of streams.
            optional: Whether the test passes if no stream is requested.
        """
        self.fault(BreakStream(code, message, after), times=times, optional=optional)

    def fail_next(  # noqa: PLR0913 - each parameter is a property of the error
        self,
        status: int,
        code: str,
        message: str,
        *,
        times: int = 1,
        operation: str | None = None,
        retry_after: float | None = None,
        optional: bool = False,
    ) -> None:
        """
        Answer the next requests with an error; see `FakeBedrock.fail_next`.

        Args:
            status: HTTP status, such as 429.
            code: Error code, such as ``ThrottlingException``.
            message: Message of the error.
            times: Number of requests; retries count.
            operation: Only requests to this operation.
            retry_after: Value of the ``Retry-After`` header, in seconds.
            optional: Whether the test passes if no request gets the error.
        """
        self.fault(Fail(status, code, message, retry_after), times=times, operation=operation, optional=optional)

    def deny_next(self, message: str, *, times: int = 1, operation: str | None = None, optional: bool = False) -> None:
        """
        Deny the next requests with this message, in IAM's format; see `FakeBedrock.deny_next`.

        Args:
            message: The message.
            times: Number of requests; retries count.
            operation: Only requests to this operation.
            optional: Whether the test passes if no request is denied.
        """
        fault = Fail(403, "AccessDeniedException", message, by_iam=True)
        self.fault(fault, times=times, operation=operation, optional=optional)


def _enforcement(guardrail: Guardrail) -> FakeEnforcement:
    models = {name: found for name in ("included_models", "excluded_models") if (found := getattr(guardrail, name, ()))}
    return FakeEnforcement(guardrail.arn, guardrail.version, **models)
