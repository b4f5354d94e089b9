"""
Conditions that are never met, because the authorization of the action never carries their key.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator

from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.iam import Decision
from guardedbedrock.iam.decision.explanation import ExplainedStatement


def dead_conditions(decision: Decision) -> Iterator[str]:
    """
    Explain which statements can never allow a denied request, or always deny it, because of a condition key.

    Args:
        decision: A decision that denies.
    """
    for group in decision.explain().groups:
        for statement in group.statements:
            yield from _explain(statement, decision)


def _explain(explained: ExplainedStatement, decision: Decision) -> Iterator[str]:
    action, statement = decision.request.action, explained.statement
    is_allow = statement.effect == "Allow"
    if is_allow is not (explained.applies is False):
        return
    tested = (one for one in explained.elements if one.element == "condition" and one.holds is not is_allow)
    keys = dict.fromkeys(one.request.name for one in tested if not carries(action, one.request.name))
    if keys:
        tests = f"its condition tests {', '.join(f'`{key}`' for key in keys)}, which this action never carries"
        yield f"{statement} {'can never allow' if is_allow else 'always denies'} `{action}`: {tests}"
