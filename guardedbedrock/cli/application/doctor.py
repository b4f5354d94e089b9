"""``guardedbedrock doctor``: what the guard knows, how old it is, and what it would do with a call."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import guardedbedrock
from guardedbedrock import Guard
from guardedbedrock.aws.creation.hooks import Hooks, read_hooks
from guardedbedrock.cli.application.inspected_guard import inspected_guard
from guardedbedrock.cli.console import write_json
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import ConfigurationError, RefusedError
from guardedbedrock.iam.account.account import describe_gap, gap_fix
from guardedbedrock.sources.live import LiveSource

EXIT_FINDINGS: Final = 1
_LIBRARIES: Final = ("boto3", "botocore", "aiobotocore", "pydantic", "tenacity", "opentelemetry-api", "structlog")
_MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"


def command(config: str | None, output: str) -> int:
    """
    Print identity, sources, ages, gaps, approved guardrails, hooks, library versions and one simulated call.

    Returns:
        0 if there is no finding, else 1.

    Raises:
        ConfigurationError: The configuration is invalid.
    """
    found = examine(inspected_guard(config))
    if output == "json":
        write_json(found)
    else:
        sys.stdout.write("\n".join(_lines(found)) + "\n")
    return EXIT_FINDINGS if found["findings"] else 0


def examine(guard: Guard) -> dict[str, Any]:
    """Examine a guard; ``findings`` has one sentence for everything that needs attention."""
    configured: Rules = guard._rules  # noqa: SLF001  # the rules without what the source has
    findings: list[str] = []
    identity = _identity(configured, findings)
    rules = guard.rules
    source = configured.source if isinstance(configured.source, LiveSource) else None
    if rules.unavailable:
        findings.append(f"unavailable: {rules.unavailable}")
    if not rules.approved and rules.mode != "off":
        findings.append("no guardrail is approved")
    if rules.mode != "enforce":
        findings.append(f'mode = "{rules.mode}": calls are not refused')
    return {
        "version": guardedbedrock.__version__,
        "identity": identity,
        "needsIdentity": configured.needs_principal,
        "mode": rules.mode,
        "source": _source(source, findings),
        "guardrails": [{"name": one.name, "arn": one.arn, "version": one.version} for one in rules.approved],
        "checksPolicies": rules.policies is not None,
        "simulated": _simulated(guard, rules, findings),
        "hooks": _hooks(read_hooks(), findings),
        "libraries": dict(_versions()),
        "findings": findings,
    }


def _identity(rules: Rules, findings: list[str]) -> str | None:
    if not rules.needs_principal:
        return None
    try:
        return rules.principal()
    except ConfigurationError as error:
        findings.append(str(error))
        return None


def _source(source: LiveSource | None, findings: list[str]) -> dict[str, Any] | None:
    if source is None:
        return None
    gaps = [] if source.account is None else [dict(gap) for gap in source.account.gaps]
    findings += [f"gap: {describe_gap(gap)}; {gap_fix(gap)}" for gap in gaps]
    taken = None if source.account is None else source.account.snapshot.get("time") or None
    return {"name": source.name, "ageSeconds": source.age, "taken": taken, "failure": source.failure or None, "gaps": gaps}


def _simulated(guard: Guard, rules: Rules, findings: list[str]) -> dict[str, Any] | None:
    if not rules.approved or rules.mode == "off":
        return None
    call = {"operation": "Converse", "modelId": _MODEL}
    try:
        verdict = guard.simulate("Converse", {"modelId": _MODEL, "messages": []})
    except RefusedError as error:
        return {**call, "decision": "refused", "reasons": [error.message]}
    if verdict.denied:
        findings.append(f"a call to {_MODEL} would be denied: {verdict.message}")
    return {**call, "decision": verdict.decision, "reasons": [*verdict.hangs_on, *verdict.reasons]}


def _hooks(hooks: Hooks, findings: list[str]) -> dict[str, Any]:
    """Report the hooks of the process that runs the command, which are not those of an application."""
    findings += [f"unguarded client in this process: {one}" for one in hooks.unguarded]
    return {
        "process": os.getpid(),
        "installed": hooks.installed,
        "strict": hooks.strict,
        "wrapped": list(hooks.wrapped),
        "unguardedClients": list(hooks.unguarded),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"guardedbedrock {found['version']}, mode {found['mode']}"
    yield f"identity: {found['identity'] or ('unknown' if found['needsIdentity'] else 'not needed')}"
    source = found["source"]
    if source:
        age = "never read" if source["ageSeconds"] is None else f"read {source['ageSeconds']:.0f} s ago"
        yield f"source: {source['name']}, {age}" + (f", taken {source['taken']}" if source["taken"] else "")
    yield from (f"guardrail: {one['name']} {one['arn']} version {one['version']}" for one in found["guardrails"])
    if found["simulated"]:
        yield f"simulated: {found['simulated']['operation']} of {found['simulated']['modelId']}: {found['simulated']['decision']}"
        yield from (f"  {reason}" for reason in found["simulated"]["reasons"])
    hooks = found["hooks"]
    strict = "on" if hooks["strict"] else "off"
    installed = f"{hooks['installed']} installed, strict {strict}" if hooks["installed"] else "none"
    yield f"guards of install() in this process, which are not those of your application: {installed}"
    yield from (f"  {one}" for one in hooks["wrapped"])
    yield "libraries: " + ", ".join(f"{name} {number}" for name, number in found["libraries"].items())
    yield from (f"finding: {finding}" for finding in found["findings"])
    if not found["findings"]:
        yield "healthy"
