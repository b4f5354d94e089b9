"""``guardedbedrock backstop``: print the IAM policy with which AWS denies unguarded model calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import guardedbedrock
from guardedbedrock import iam
from guardedbedrock.auditing import Audit
from guardedbedrock.cli.console import as_json, write_json

if TYPE_CHECKING:
    from guardedbedrock.bedrock.guardrail.backstop import ApiKeys


def command(config: str | None, api_keys: ApiKeys, *, allow_mantle: bool, deny_indirect: bool) -> int:
    """
    Print the backstop policy as JSON, and warn on stderr if it exceeds an AWS size limit, also that of an SCP.

    Returns:
        1 if the policy is too large for a managed policy, else 0.
    """
    guard = guardedbedrock.Guard.from_config(config, audit=Audit(()))
    policy = guard.backstop_policy(api_keys=api_keys, allow_mantle=allow_mantle, deny_indirect=deny_indirect)
    write_json(policy)
    findings = iam.findings(policy)
    for finding in findings:
        sys.stderr.write(f"guardedbedrock: {finding.message}\n")
    # AWS counts the white space of an SCP, and the AWS CLI sends it.
    for finding in () if findings else iam.findings(as_json(policy), "scp"):
        fix = "use `guardedbedrock generate scp`, which writes no white space, or approve fewer guardrails"
        sys.stderr.write(f"guardedbedrock: as an SCP: {finding.message}; {fix}\n")
    return 1 if findings else 0
