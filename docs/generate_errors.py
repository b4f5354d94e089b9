"""
Generate `docs/errors.md` from the error classes, and from what its examples print: ``make docs``.

The prose is in `docs/templates/errors.md`; each ``<!-- name -->`` in it is replaced by a text of this script.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from generate import table

from guardedbedrock import errors

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "errors.md"
PROSE: Final = HERE / "templates" / "errors.md"

FIXES: Final[Mapping[str, str]] = {
    "GuardedBedrockError": "Catch it at the outermost level to handle everything that guardedbedrock raises.",
    "ConfigurationError": "Correct what the message names. Raised when a guard or client is created.",
    "PolicySyntaxError": "Correct the document at the JSON pointer. A policy with a syntax error is never skipped.",
    "SourceError": "Correct the path or the permissions, or try again: STS, for example, could not be reached.",
    "AccessDeniedError": "Catch it for every denial. Show `hint` to operators, not to users.",
    "PolicyDeniedError": "Ask the owner of the policies; the message names principal, action and resource.",
    "ExplicitDenyError": "Send a call to which the Deny statement does not apply. Another Allow statement has no effect.",
    "ImplicitDenyError": "Follow `hint`: it names the condition that failed, or what to allow.",
    "ModelAccessError": "Request access to the model in the Bedrock console, or correct the marketplace subscription.",
    "RefusedError": "Catch it for every refusal of the guard itself. Nothing was sent, and no policy needs to change.",
    "GuardrailNotApprovedError": 'Name an approved guardrail or none, approve it, or set `on_unapproved = "replace"`.',
    "UnguardableOperationError": "Use an operation that carries a guardrail, or follow the hint.",
    "PartlyGuardedError": "Remove what narrows the guardrail: `guardContent`, input tags, async streaming.",
    "GuardrailTamperedError": "Remove the event handler or patch that changes the request after it was authorized.",
    "PreflightUnavailableError": "Correct the credentials, or configure the missing context keys, policies or `profiles`.",
    "StreamInterruptedError": "Discard the partial answer and call again; a stream that has begun is not retried.",
    "GuardrailInterventionError": "Answer with `response`, which has the configured message of the guardrail.",
    "UnguardedReplyError": "Discard the reply and report it: AWS did not apply the guardrail that was sent.",
}
"""What a program or an operator should do, by class."""

NEW_ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "PolicySyntaxError": ("problem", "pointer", "file"),
    "AccessDeniedError": (
        "message",
        "operation_name",
        "principal",
        "action",
        "resource",
        "policy_type",
        "policy_arn",
        "simulated",
        "authorizations",
        "hint",
        "response",
        "request_id",
        "retry_attempts",
    ),
    "StreamInterruptedError": ("message", "operation_name", "response", "request_id", "retry_attempts"),
    "GuardrailInterventionError": ("operation_name", "response", "intervention", "request_id", "retry_attempts"),
    "UnguardedReplyError": ("operation_name", "response", "guardrail", "request_id", "retry_attempts"),
}
"""The attributes that a class has and its base has not."""


def page() -> str:
    """Return the whole page."""
    written = {"tree": tree(), "classes": "\n".join(classes())}
    prose = re.sub(r"<!-- (tree|classes) -->", lambda found: written[found[1]], PROSE.read_text("utf-8"))
    return re.sub(r"^(```python\n(.*?)^```\n\n```text\n)<!-- output -->\n", run, prose, flags=re.MULTILINE | re.DOTALL)


def tree() -> str:
    """Return the tree of the module's docstring."""
    lines = (errors.__doc__ or "").splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines if re.match(r" +\w+Error  ", line))


def classes() -> Iterator[str]:
    """Format the table of all classes, in the order of the tree."""
    names = re.findall(r"\w+Error", "\n".join(line.split()[0] for line in tree().splitlines()))
    rows = ((f"`{name}`", when(getattr(errors, name)), attributes(name), FIXES[name]) for name in names)
    yield from table(("class", "raised when", "attributes", "what to do"), *rows)


def when(cls: type[Exception]) -> str:
    """Return the first paragraph of the class docstring."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n", 1)[0].split()).replace("``", "`")


def attributes(name: str) -> str:
    """Format the attributes that a class adds to those of its base."""
    return ", ".join(f"`{each}`" for each in NEW_ATTRIBUTES[name]) if name in NEW_ATTRIBUTES else ""


def run(found: re.Match[str]) -> str:
    """Run an example, and write below it what it prints."""
    printed = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(printed):
        exec(found[2], names)  # noqa: S102  # our own page
    return f"{found[1]}{printed.getvalue()}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
