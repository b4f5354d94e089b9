"""
The words that content filters and managed word lists find.

They are few and fixed, so that a test can rely on them. Bedrock itself finds far more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
"""Confidence or strength of a content filter."""

LEVELS: Final[tuple[Level, ...]] = ("NONE", "LOW", "MEDIUM", "HIGH")

Strengths: TypeAlias = Level | tuple[Level, Level]
"""Strength of a content filter: for prompts and responses, or one for each."""

CONTENT_WORDS: Final[Mapping[str, Mapping[Level, tuple[str, ...]]]] = {
    "HATE": {
        "HIGH": ("subhuman", "vermin"),
        "MEDIUM": ("inferior race", "go back where you came from"),
        "LOW": ("hate", "despise"),
    },
    "INSULTS": {"HIGH": ("moron", "you idiot"), "MEDIUM": ("idiot", "stupid"), "LOW": ("dumb", "silly")},
    "MISCONDUCT": {
        "HIGH": ("launder money", "steal credit cards", "counterfeit"),
        "MEDIUM": ("hack", "forge", "phishing"),
        "LOW": ("cheat", "sneak"),
    },
    "PROMPT_ATTACK": {
        "HIGH": ("ignore all previous instructions", "ignore your instructions", "ignore previous instructions", "jailbreak"),
        "MEDIUM": ("reveal your system prompt", "pretend you have no rules", "developer mode"),
        "LOW": ("disregard the above", "system prompt"),
    },
    "SEXUAL": {"HIGH": ("porn", "pornographic"), "MEDIUM": ("nude", "erotic"), "LOW": ("sexy", "sex")},
    "VIOLENCE": {"HIGH": ("kill", "murder", "bomb"), "MEDIUM": ("weapon", "stab", "shoot"), "LOW": ("fight", "punch")},
}
"""Category to confidence to the words that its filter reports with this confidence."""

MANAGED_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "PROFANITY": ("bastard", "bloody hell", "bollocks", "bugger", "crap", "damn", "goddamn"),
}
"""Name of a managed word list to its words."""


def strengths(given: Strengths) -> tuple[Level, Level]:
    """Return the strength for prompts and the strength for responses."""
    return (given, given) if isinstance(given, str) else given
