"""``guardedbedrock backstop``: the policy with which AWS refuses what goes round the guard."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import guardedbedrock
from guardedbedrock import iam
from guardedbedrock.cli.screen import write_json

if TYPE_CHECKING:
    from guardedbedrock.bedrock.guardrail.backstop import ApiKeys


def command(config: str | None, api_keys: ApiKeys, *, allow_mantle: bool, deny_indirect: bool) -> int:
    """Print the policy as JSON, and say on stderr where AWS would find it too large; 1 when it is."""
    guard = guardedbedrock.Guard.from_config(config)
    policy = guard.backstop_policy(api_keys=api_keys, allow_mantle=allow_mantle, deny_indirect=deny_indirect)
    write_json(policy)
    found = iam.findings(policy)
    for finding in found:
        sys.stderr.write(f"guardedbedrock: {finding.message}\n")
    return 1 if found else 0
