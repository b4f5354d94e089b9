"""
Generate `docs/authorizations.md` from the table of operations: ``make docs``.

The template is `docs/templates/authorizations.md`; each ``<!-- name -->`` in it is replaced by a generated table or list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS
from guardedbedrock.bedrock.authorization.authorizations import is_tagging_documented
from guardedbedrock.bedrock.authorization.condition_keys import CARRIED
from guardedbedrock.bedrock.caller import BEARERS, UNKNOWN_KEYS, Caller
from guardedbedrock.bedrock.operations import REVIEWED, SERVICES, TABLE, Operation, RequiredAction
from guardedbedrock.bedrock.resources.find_resources import any_of_type, find_resources
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN
from guardedbedrock.bedrock.resources.models import Resource, resources

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "authorizations.md"
TEMPLATE: Final = HERE / "templates" / "authorizations.md"

ADA: Final = Caller("arn:aws:iam::111122223333:user/ada", "us-east-1")
CALLERS: Final[Mapping[str, str]] = {
    "user": "arn:aws:iam::111122223333:user/ada",
    "role session": "arn:aws:sts::111122223333:assumed-role/Chat/ada",
    "federated user": "arn:aws:sts::111122223333:federated-user/ada",
    "root": "arn:aws:iam::111122223333:root",
}
OWN: Final = "arn:aws:bedrock:us-east-1:111122223333:"
MODELS: Final[Mapping[str, str]] = {
    "foundation model": "amazon.nova-lite-v1:0",
    "geographic profile": "us.amazon.nova-lite-v1:0",
    "global profile": "global.anthropic.claude-sonnet-4-20250514-v1:0",
    "application profile": f"{OWN}application-inference-profile/abc",
    "provisioned throughput": f"{OWN}provisioned-model/abc",
    "imported model": f"{OWN}imported-model/abc",
    "deployment of a custom model": f"{OWN}custom-model-deployment/abc",
    "prompt router": f"{OWN}prompt-router/abc",
    "prompt": f"{OWN}prompt/ABCDEFGHIJ:1",
    "Marketplace endpoint": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/abc",
}
HOW: Final = {"always": "", "if-named": " *if named*", "either": " *or on* `*`", "undocumented": " *undocumented*"}

WORDS: Final = {
    "any": "`*`",
    "arn": "`{}`",
    "base-model": "the model `{}` itself",
    "counted-model": "the foundation models of `{}`",
    "model": "the model `{}`",
    "role": "`{}`",
    "unknown": "an unknown resource",
    "system-tool": "the system tool `{}`",
}
"""Text for a resource that has no single resource type."""


def page() -> str:
    """Return the text of the page."""
    written = {service: "\n".join(operations(service)) for service in SERVICES}
    written["models"] = "\n".join(models())
    written["known"] = "\n".join(known())
    written["reviewed"] = REVIEWED
    written["times"] = code(sorted(TIME_KEYS))
    written["unknowable"] = code(sorted(UNKNOWN_KEYS, key=str.lower))
    written["bearers"] = code(kind for kind in BEARERS if kind.isupper())
    return re.sub(r"<!-- ([\w-]+) -->", lambda found: written[found[1]], TEMPLATE.read_text("utf-8"))


def code(names: Iterable[str]) -> str:
    """Format names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def table(head: Iterable[str], *rows: Iterable[str]) -> Iterator[str]:
    """Format rows as a table."""
    names = tuple(head)
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def operations(service: str) -> Iterator[str]:
    """Format the table of a service."""
    head = ("operation", "authorizations", "condition keys", "tags", "remarks")
    guarded = ("operation", "inference", "guardrail", *head[1:])
    rows = sorted((row for row in TABLE if row.service == service), key=lambda row: row.name)
    has_locations = any(row.inference or row.location for row in rows)
    yield from table(guarded if has_locations else head, *(cells(row, has_locations=has_locations) for row in rows))


def cells(row: Operation, *, has_locations: bool) -> Iterator[str]:
    """Format the row of an operation."""
    yield row.name
    if has_locations:
        yield "yes" if row.inference else ""
        yield row.location.carrier if row.location else "none" if row.inference else ""
    yield "<br>".join(map(format_action, row.required_actions))
    yield "<br>".join(keys(row))
    yield "<br>".join(tags(row))
    yield row.indirect_effects


def format_action(ask: RequiredAction) -> str:
    """Format an action, its resource and its mark."""
    loose = " *by name: any*" if ask.accepts_names else ""
    return f"`{ask.iam_action}` on {resource(ask)}{loose}{HOW[ask.when]}"


def resource(ask: RequiredAction) -> str:
    """Format the resource of an action, with its parameters in braces."""
    name = f"{{{ask.parameters[-1]}}}" if ask.parameters else ""
    if ask.resource_type in WORDS:
        return WORDS[ask.resource_type].format(name)
    if ask.resource_type == "inference-profile":
        return " or ".join(f"`{kind}/{name}`" for kind in ("inference-profile", "application-inference-profile"))
    if len(ask.parameters) > 1:
        given = {path: f"{{{path}}}" for path in ask.parameters}
        return f"`{short(find_resources(ask, given, ADA, NOTHING_KNOWN)[0].arn)}`"
    return f"`{short(any_of_type(ask.resource_type, ADA).arn)}`" if not name else f"`{ask.resource_type}/{name}`"


def short(arn: str) -> str:
    """Return the sixth part of an ARN."""
    return arn.split(":", 5)[5]


def keys(row: Operation) -> Iterator[str]:
    """Format the condition keys of the actions that AWS documents, with the parameters that set them."""
    given, actions = dict(row.keys), {ask.iam_action for ask in row.required_actions if ask.when != "undocumented"}
    for key in sorted({key for action in actions for key in CARRIED.get(action, ())}, key=str.lower):
        yield f"`{key}` from `{given[key]}`" if key in given else f"`{key}`"


def tags(row: Operation) -> Iterator[str]:
    """Format the parameters with tags, and the authorization that they require."""
    how = "" if is_tagging_documented(row) else HOW["undocumented"]
    for path, resource_type in row.tags:
        yield f"`{path}`: `bedrock:TagResource` on `{short(any_of_type(resource_type, ADA).arn)}`{how}"


def models() -> Iterator[str]:
    """Format the authorizations of invoking a model of each kind."""
    rows = [(kind, f"`{name}`", "<br>".join(map(authorization, resources(name, ADA)))) for kind, name in MODELS.items()]
    yield from table(("kind", "`modelId`", "authorizations, in order"), *rows)


def authorization(one: Resource) -> str:
    """Format one authorization of a model: action, ARN, context keys and unknown parts."""
    parts = [f"`{one.action or 'bedrock:InvokeModel'}` on `{one.arn}`"]
    parts += ["*one of*"] if one.one_of else []
    parts += ["*undocumented*"] if one.undocumented else []
    carried = [f"`{key}` = `{value}`" for key, value in one.context.items() if value is not None]
    parts += [f"with {', '.join(carried)}"] if carried else []
    unknown = sorted(one.unknown, key=str.lower)
    return " ".join(parts) + (f"; unknown: {code(unknown)}" if unknown else "")


def known() -> Iterator[str]:
    """Format the context keys that follow from the caller."""
    principals = {kind: Caller(arn, "us-east-1") for kind, arn in CALLERS.items()}
    callers = {
        kind: {**caller.known, **{key: "` or `".join(patterns) for key, patterns in caller.partly_known.items()}}
        for kind, caller in principals.items()
    }
    names = sorted({key for each in callers.values() for key in each}, key=str.lower)
    rows = [(f"`{key}`", *(f"`{each[key]}`" if key in each else "absent" for each in callers.values())) for key in names]
    yield from table(("key", *callers), *rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
