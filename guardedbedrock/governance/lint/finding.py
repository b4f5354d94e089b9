"""The findings of the linter, and the definition of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.governance.lint.policy import Group, LintedPolicy

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    A problem that a rule found in a policy document.

    Args:
        policy: The policy.
        pointer: JSON pointer in the policy document.
        message: What is wrong, in one sentence.
        fix: How to fix it; ``""`` for the fix of the rule.
        severity: The severity; None for the severity of the rule.
    """

    policy: LintedPolicy
    pointer: str
    message: str
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A rule of the linter.

    Args:
        code: The issue code of IAM Access Analyzer if the meaning is the same, else ``GB`` and three digits.
        severity: The usual severity.
        title: The problem that the rule finds, in a few words.
        why: Why that matters.
        fix: How to fix it.
        source: Title of the page that documents the behaviour.
        check: Returns the problems in the policies of one principal.
        per_policy: Whether each policy is checked alone, without the other policies of the principal.
    """

    code: str
    severity: Severity
    title: str
    why: str
    fix: str
    source: str
    check: Callable[[Group], Iterable[Problem]]
    per_policy: bool = True


@dataclass(frozen=True, slots=True)
class LintFinding:
    """
    A problem with its location in a file.

    Args:
        rule: Code of the rule.
        severity: ``error``, ``warning`` or ``note``.
        file: Path as given.
        line: Line, from 1.
        column: Column, from 1.
        pointer: JSON pointer in the file.
        message: What is wrong.
        fix: How to fix it.
        source: Title of the page that documents the behaviour.
        sid: Sid of the statement; ``""`` if it has none.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    pointer: str
    message: str
    fix: str
    source: str
    sid: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the finding as JSON data."""
        names = ("rule", "severity", "file", "line", "column", "pointer", "message", "fix", "source")
        return {name: getattr(self, name) for name in names}
