"""
Write `docs/authorizations.md` from the table of operations: ``make docs``.

The prose is `docs/authorizations.in.md`; each ``<!-- name -->`` in it is replaced by what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS
from guardedbedrock.bedrock.authorization.authorizations import is_tagging_documented
from guardedbedrock.bedrock.authorization.callers import BEARERS, UNKNOWABLE, Caller
from guardedbedrock.bedrock.authorization.condition_keys import CARRIED
from guardedbedrock.bedrock.guardrail.location import IN_BODY, IN_HEADERS, IN_PATH, GuardrailLocation
from guardedbedrock.bedrock.operations import REVIEWED, SERVICES, TABLE, Ask, Operation
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN
from guardedbedrock.bedrock.resources.models import Resource, resources
from guardedbedrock.bedrock.resources.targets import everything, targets

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "authorizations.md"
PROSE: Final = HERE / "authorizations.in.md"

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
PLACES: Final[tuple[tuple[GuardrailLocation, str], ...]] = ((IN_BODY, "body"), (IN_HEADERS, "headers"), (IN_PATH, "path"))
HOW: Final = {"always": "", "given": " *if given*", "either": " *or on* `*`", "perhaps": " *perhaps*"}

WORDS: Final = {
    "any": "`*`",
    "arn": "`{}`",
    "base-model": "the model `{}` itself",
    "counted-model": "the foundation models of `{}`",
    "model": "the model `{}`",
    "role": "`{}`",
    "somewhere": "nobody knows what",
    "system-tool": "the system tool `{}`",
}
"""How a resource is written that is not one resource type."""


def page() -> str:
    """Give the whole page."""
    written = {service: "\n".join(operations(service)) for service in SERVICES}
    written["models"] = "\n".join(models())
    written["known"] = "\n".join(known())
    written["reviewed"] = REVIEWED
    written["times"] = code(sorted(TIME_KEYS))
    written["unknowable"] = code(sorted(UNKNOWABLE, key=str.lower))
    written["bearers"] = code(kind for kind in BEARERS if kind.isupper())
    return re.sub(r"<!-- ([\w-]+) -->", lambda found: written[found[1]], PROSE.read_text("utf-8"))


def code(names: Iterable[str]) -> str:
    """Write names as code, one after the other."""
    return ", ".join(f"`{name}`" for name in names)


def table(head: Iterable[str], *rows: Iterable[str]) -> Iterator[str]:
    """Write rows as a table."""
    names = tuple(head)
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def operations(service: str) -> Iterator[str]:
    """Write the table of a service."""
    head = ("operation", "asks", "condition keys", "tags", "remarks")
    guarded = ("operation", "model answers", "guardrail", *head[1:])
    rows = sorted((row for row in TABLE if row.service == service), key=lambda row: row.name)
    has_places = any(row.inference or row.place for row in rows)
    yield from table(guarded if has_places else head, *(cells(row, has_places=has_places) for row in rows))


def cells(row: Operation, *, has_places: bool) -> Iterator[str]:
    """Write the row of an operation."""
    yield row.name
    if has_places:
        yield "yes" if row.inference else ""
        yield next((name for place, name in PLACES if place is row.place), "none" if row.inference else "")
    yield "<br>".join(map(asked, row.asks))
    yield "<br>".join(keys(row))
    yield "<br>".join(tags(row))
    yield row.indirect_effects


def asked(ask: Ask) -> str:
    """Write what an action is asked on, and when."""
    loose = " *by name: any*" if ask.loose else ""
    return f"`{ask.full}` on {resource(ask)}{loose}{HOW[ask.when]}"


def resource(ask: Ask) -> str:
    """Write the resource of an action, with its parameters in braces."""
    name = f"{{{ask.named[-1]}}}" if ask.named else ""
    if ask.on in WORDS:
        return WORDS[ask.on].format(name)
    if ask.on == "inference-profile":
        return " or ".join(f"`{kind}/{name}`" for kind in ("inference-profile", "application-inference-profile"))
    if len(ask.named) > 1:
        given = {path: f"{{{path}}}" for path in ask.named}
        return f"`{short(targets(ask, given, ADA, NOTHING_KNOWN)[0].arn)}`"
    return f"`{short(everything(ask.on, ADA).arn)}`" if not name else f"`{ask.on}/{name}`"


def short(arn: str) -> str:
    """Give the sixth part of an ARN."""
    return arn.split(":", 5)[5]


def keys(row: Operation) -> Iterator[str]:
    """Write which condition keys the actions that are surely asked carry, and which parameters give them."""
    given, actions = dict(row.keys), {ask.full for ask in row.asks if ask.when != "perhaps"}
    for key in sorted({key for action in actions for key in CARRIED.get(action, ())}, key=str.lower):
        yield f"`{key}` from `{given[key]}`" if key in given else f"`{key}`"


def tags(row: Operation) -> Iterator[str]:
    """Write which parameters tag what."""
    how = "" if is_tagging_documented(row) else HOW["perhaps"]
    for path, resource_type in row.tags:
        yield f"`{path}`: `bedrock:TagResource` on `{short(everything(resource_type, ADA).arn)}`{how}"


def models() -> Iterator[str]:
    """Write what invoking a model of each kind is asked on."""
    rows = [(kind, f"`{name}`", "<br>".join(map(authorization, resources(name, ADA)))) for kind, name in MODELS.items()]
    yield from table(("kind", "`modelId`", "asked, in order"), *rows)


def authorization(one: Resource) -> str:
    """Write one authorization of a model: its action, its ARN, what it carries and what nobody knows of it."""
    said = [f"`{one.action or 'bedrock:InvokeModel'}` on `{one.arn}`"]
    said += ["*one of*"] if one.one_of else []
    said += ["*perhaps*"] if one.undocumented else []
    carried = [f"`{key}` = `{value}`" for key, value in one.context.items() if value is not None]
    said += [f"with {', '.join(carried)}"] if carried else []
    unknown = sorted(one.unknown, key=str.lower)
    return " ".join(said) + (f"; unknown: {code(unknown)}" if unknown else "")


def known() -> Iterator[str]:
    """Write the context keys that follow from who calls."""
    callers = {kind: Caller(arn, "us-east-1").known for kind, arn in CALLERS.items()}
    names = sorted({key for each in callers.values() for key in each}, key=str.lower)
    rows = [(f"`{key}`", *(f"`{each[key]}`" if key in each else "absent" for each in callers.values())) for key in names]
    yield from table(("key", *callers), *rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
