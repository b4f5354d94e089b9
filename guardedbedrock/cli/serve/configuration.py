"""
The configuration of ``guardedbedrock serve``, in TOML, YAML or JSON.

It lists guardrails, policies, scripted replies, denials and faults. Guardrails, policies, principal and vocabulary have the
format of ``guardedbedrock.toml``. ``docs/serve.md`` describes every field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.bedrock import VOCABULARIES
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES
from guardedbedrock.settings.policy_files import read_policies_in
from guardedbedrock.settings.reader import read_toml
from guardedbedrock.settings.settings import Settings
from guardedbedrock.sources.names import ACCOUNT, policy_source
from guardedbedrock.testing import (
    DENIALS,
    FakeDocument,
    FakeEnforcement,
    FakeGuardrail,
    FakeInferenceProfile,
    FakeKnowledgeBase,
    ToolUse,
    faults,
)
from guardedbedrock.testing.cases import shapes
from guardedbedrock.testing.cases.files import parse_file, with_floats
from guardedbedrock.testing.cases.shapes import Location
from guardedbedrock.testing.fake_state import FakeConfig
from guardedbedrock.testing.operation_names import OPERATIONS, unknown_operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing import FakeBedrock
    from guardedbedrock.testing.cases.shapes import Shape
    from guardedbedrock.testing.runtime import ScriptedReply

FAULTS: Final[Mapping[str, type]] = {
    name: fault
    for name in faults.__all__
    if dataclasses.is_dataclass(fault := getattr(faults, name)) and isinstance(fault, type) and issubclass(fault, faults.Fault)
}
"""The faults that a configuration can name."""


def _operation(value: object, location: Location) -> None:
    shapes.text(value, location)
    if value not in OPERATIONS:
        location.fail(unknown_operation(value))


def _version(value: object, location: Location) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        shapes.name(value, location)


_TEXTS: Final = shapes.array_of(shapes.text)
_GUARD_ONLY: Final = ("profile", "models")
"""Fields of a guardrail in ``guardedbedrock.toml`` that only a guard reads."""

_GUARDRAIL: Final = shapes.fields(
    {},
    {
        "id": shapes.name,
        "arn": shapes.name,
        "version": _version,
        "name": shapes.text,
        "denied_words": _TEXTS,
        "denied_topics": shapes.object_of(_TEXTS),
        "pii": shapes.object_of(shapes.text),
        "regexes": shapes.object_of(shapes.anything),
        "content": shapes.object_of(shapes.anything),
        "managed_words": _TEXTS,
        "grounding": shapes.object_of(shapes.anything),
        "detect_only": _TEXTS,
        "blocked_input": shapes.text,
        "blocked_output": shapes.text,
        "tags": shapes.object_of(shapes.text),
        **dict.fromkeys(_GUARD_ONLY, shapes.anything),
    },
)
_PROFILE: Final = shapes.fields(
    {"id": shapes.name, "models": _TEXTS}, {"name": shapes.text, "kind": shapes.text, "tags": shapes.object_of(shapes.text)}
)
_DOCUMENT_FIELDS: Final = shapes.fields(
    {"text": shapes.text}, {"uri": shapes.name, "metadata": shapes.object_of(shapes.anything)}
)


def _document(value: object, location: Location) -> None:
    if not isinstance(value, str):
        _DOCUMENT_FIELDS(value, location)


_KNOWLEDGE_BASE: Final = shapes.fields({"id": shapes.name, "documents": shapes.array_of(_document)}, {"name": shapes.text})
_ENFORCED: Final = shapes.fields(
    {"version": _version},
    {
        "guardrail": shapes.name,
        "arn": shapes.name,
        "name": shapes.text,
        "tags": shapes.object_of(shapes.text),
        **dict.fromkeys(_GUARD_ONLY, shapes.anything),
        "system": shapes.text,
        "messages": shapes.text,
        "included_models": _TEXTS,
        "excluded_models": _TEXTS,
        "origin": shapes.text,
    },
)
_SCHEDULE: Final[Mapping[str, Shape]] = {"operation": _operation, "times": shapes.anything}
_REPLY: Final = shapes.fields(
    {}, {"text": shapes.text, "tool": shapes.name, "input": shapes.object_of(shapes.anything), "model": shapes.name, **_SCHEDULE}
)
_DENIAL: Final = shapes.fields({"by": shapes.one_of((*POLICY_TYPES, *DENIALS))}, {**_SCHEDULE, "action": shapes.name})
_SHARED: Final = ("principal", "vocabulary", "policies", "guardrails", "enforced")
"""Settings of a guard that the server also reads. It ignores the others, so that one file can configure both."""

_SHAPE: Final = shapes.fields(
    {},
    {
        "region": shapes.name,
        "regions": _TEXTS,
        "account": shapes.name,
        "principal": shapes.name,
        "vocabulary": shapes.one_of(VOCABULARIES),
        "seed": shapes.anything,
        "keep": shapes.anything,
        "keep_bytes": shapes.anything,
        "hosts": shapes.array_of(shapes.name),
        "invocation_logs": shapes.name,
        "policies": shapes.anything,
        "guardrails": shapes.array_of(_GUARDRAIL),
        "inference_profiles": shapes.array_of(_PROFILE),
        "knowledge_bases": shapes.array_of(_KNOWLEDGE_BASE),
        "enforced": shapes.array_of(_ENFORCED),
        "replies": shapes.array_of(_REPLY),
        "denials": shapes.array_of(_DENIAL),
        "faults": shapes.array_of(shapes.object_of(shapes.anything)),
        **{name: shapes.anything for name in Settings.model_fields if name not in _SHARED},
    },
)
_UNCHANGED: Final = ("region", "regions", "account", "principal", "vocabulary", "hosts")
_CHECKED: Final = ("region", "regions", "account", "principal")
_NUMBER_FIELDS: Final = ("seed", "keep", "keep_bytes")
_DEFAULTS: Final = {"keep": 1000, "keep_bytes": 64 * 1024 * 1024}
_CALLER: Final = "caller"
_DATA_SUFFIXES: Final = (".json", ".yaml", ".yml")
"""Suffixes of JSON and YAML files. Any other file is TOML, as for `guardedbedrock check`."""
_CODE_ONLY: Final = frozenset({"clock"})
"""Fields of faults that a file cannot express."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}


@dataclass(frozen=True, slots=True)
class ServeConfiguration:
    """
    The configuration of a fake Bedrock.

    Args:
        options: Keywords of `BedrockWithPage`.
        scripted: Replies, denials and faults, each as a method name of the fake, its arguments and its keywords.
    """

    options: dict[str, Any] = field(default_factory=lambda: dict(_DEFAULTS))
    scripted: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = ()

    def apply_to(self, fake: FakeBedrock) -> None:
        """Script the replies, denials and faults on a fake."""
        for method, arguments, keywords in self.scripted:
            getattr(fake, method)(*arguments, **keywords)


def read(path: Path) -> ServeConfiguration:
    """
    Read a configuration.

    Raises:
        PolicySyntaxError: A policy is invalid.
        ConfigurationError: The file cannot be read, or a field is invalid; the message gives its location.
    """
    data: Any = parse_file(path) if path.suffix in _DATA_SUFFIXES else read_toml(path)
    location = Location(str(path))
    shapes.check_json(data, location)
    data = with_floats(data)
    _refuse_sources(data, location)
    _SHAPE(data, location)
    return ServeConfiguration(_options(data, location, path), tuple(_scripted(data, location)))


def _refuse_sources(data: Any, location: Location) -> None:
    """Reject what a guard reads from an account, a snapshot or a bucket: the server reads files only."""
    if not isinstance(data, Mapping):
        return
    guardrails = data.get("guardrails")
    if policy_source(data.get("policies"), Path()) is not None:
        (location / "policies").fail("is a source that only a guard reads; write the policies themselves, in [policies]")
    if isinstance(guardrails, Mapping):
        (location / "guardrails").fail(
            "must be a list of tables; write each guardrail in [[guardrails]] (one table selects guardrails of an account "
            "by their tags, which only a guard reads)"
        )
    if guardrails == ACCOUNT:
        (location / "guardrails").fail("is a source that only a guard reads; write the guardrails themselves, in [[guardrails]]")


def _is_same(one: FakeGuardrail, other: FakeGuardrail) -> bool:
    """Return whether two entries are the same version of one guardrail. An ID names a guardrail of the server's account."""
    both_are_arns = one.identifier.startswith("arn:") and other.identifier.startswith("arn:")
    is_same = one.identifier == other.identifier if both_are_arns else one.id == other.id
    return is_same and one.version == other.version


def _options(data: Mapping[str, Any], location: Location, path: Path) -> dict[str, Any]:
    options: dict[str, Any] = {**_DEFAULTS, **{name: data[name] for name in _UNCHANGED if name in data}}
    if options.get("principal") == _CALLER:  # a guard asks STS; the server has no caller
        del options["principal"]
    _build(FakeConfig, {name: options[name] for name in _CHECKED if name in options}, location)
    options |= {name: _number(data[name], location / name) for name in _NUMBER_FIELDS if name in data}
    if "invocation_logs" in data:
        options["invocation_logs"] = path.parent / data["invocation_logs"]
    options["guardrails"] = [_guardrail(each, location / "guardrails" / i) for i, each in enumerate(data.get("guardrails", ()))]
    for index, one in enumerate(options["guardrails"]):
        if any(_is_same(one, other) for other in options["guardrails"][:index]):
            (location / "guardrails" / index).fail(f"duplicates version {one.version} of `{one.identifier}`; remove one")
    options["inference_profiles"] = [
        _build(FakeInferenceProfile, {"identifier": each["id"], **_without(each, "id")}, location / "inference_profiles" / i)
        for i, each in enumerate(data.get("inference_profiles", ()))
    ]
    options["knowledge_bases"] = [
        _knowledge_base(each, location / "knowledge_bases" / i) for i, each in enumerate(data.get("knowledge_bases", ()))
    ]
    options["enforced"] = [_enforcement(each, location / "enforced" / i) for i, each in enumerate(data.get("enforced", ()))]
    if "policies" in data:
        options["policies"] = read_policies_in(path, data["policies"])
    return options


def _scripted(data: Mapping[str, Any], location: Location) -> Iterable[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    for index, each in enumerate(data.get("replies", ())):
        yield "reply", (_reply(each, location / "replies" / index),), _schedule(each, location / "replies" / index)
    for index, each in enumerate(data.get("denials", ())):
        _build(faults.Deny, {name: each[name] for name in ("by", "action") if name in each}, location / "denials" / index)
        yield "deny", (), {**each, **_schedule(each, location / "denials" / index)}
    for index, each in enumerate(data.get("faults", ())):
        yield "fault", *_fault(each, location / "faults" / index)


def _reply(given: Mapping[str, Any], location: Location) -> ScriptedReply:
    if not {"text", "tool"} & given.keys() or ("input" in given and "tool" not in given):
        location.fail("must have `text`, or `tool` with `input`, or both")
    if "tool" not in given:
        return str(given["text"])
    use = ToolUse(given["tool"], given.get("input", {}))
    return (given["text"], use) if "text" in given else use


def _fault(given: Mapping[str, Any], location: Location) -> tuple[tuple[Any, ...], dict[str, Any]]:
    when = {name: given[name] for name in ("operation", "times", "chance", "model") if name in given}
    if "model" in when:
        shapes.name(when["model"], location / "model")
    if "operation" in when:
        _operation(when["operation"], location / "operation")
    if "chance" in when and (isinstance(when["chance"], bool) or not isinstance(when["chance"], int | float)):
        (location / "chance").fail("must be a number from 0 to 1")
    if "chance" in when and not 0 <= when["chance"] <= 1:
        (location / "chance").fail("must be a number from 0 to 1")
    if "kind" not in given:
        location.fail(f"the field `kind` is missing; set it to one of {', '.join(FAULTS)}")
    shapes.one_of(FAULTS)(given["kind"], location / "kind")
    kind = FAULTS[given["kind"]]
    known = [one for one in dataclasses.fields(kind) if one.init and one.name not in _CODE_ONLY]
    needed = {one.name: _shape_of(one) for one in known if one.default is one.default_factory is dataclasses.MISSING}
    others = {one.name: _shape_of(one) for one in known if one.name not in needed}
    own = _without(given, "kind", *when)
    shapes.fields(needed, others)(own, location)
    return (_build(kind, own, location),), {**when, **_schedule(when, location)}


def _shape_of(fault_field: dataclasses.Field[Any]) -> Shape:
    """Return the check for a field of a fault from its annotation."""
    annotation, _, optional = str(fault_field.type).partition(" | ")
    expected = _TYPES.get(annotation, (str,))

    def check(value: object, location: Location) -> None:
        is_bool = isinstance(value, bool)
        if (value is None and optional) or (isinstance(value, expected) and is_bool == (annotation == "bool")):
            return
        location.fail(f"expected {' or '.join(one.__name__ for one in expected)}, got {type(value).__name__}")

    return check


def _schedule(given: Mapping[str, Any], location: Location) -> dict[str, Any]:
    """Read the operation, the model and the number of times; ``always`` means until the server stops."""
    selected = {name: given[name] for name in ("operation", "model") if name in given}
    if "times" not in given:
        return selected
    times = given["times"]
    return {**selected, "times": None if times == "always" else _number(times, location / "times", least=1)}


def _number(given: object, location: Location, *, least: int = 0) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        location.fail(f"must be an integer of at least {least}" + (', or "always"' if location.pointer.endswith("times") else ""))
    return given


def _guardrail(given: Mapping[str, Any], location: Location) -> FakeGuardrail:
    if ("id" in given) == ("arn" in given):
        location.fail("must have either `id` or `arn`, and not both")
    if not given.get("arn", "arn:").startswith("arn:"):
        (location / "arn").fail("must be an ARN; write a short ID into `id`")
    own = _without(given, "id", "arn", *_GUARD_ONLY)
    if "version" in own:
        own["version"] = str(own["version"])
    paired = {name: {key: _tuple(value) for key, value in own.get(name, {}).items()} for name in ("regexes", "content")}
    listed = {name: tuple(own.get(name, ())) for name in ("denied_words", "managed_words")}
    own |= {**paired, **listed, "detect_only": frozenset(own.get("detect_only", ()))}
    return _build(FakeGuardrail, {"identifier": given.get("id") or given["arn"], **own}, location)  # type: ignore[no-any-return]


def _knowledge_base(given: Mapping[str, Any], location: Location) -> FakeKnowledgeBase:
    documents = [
        _build(FakeDocument, {"text": each} if isinstance(each, str) else each, location / "documents" / i)
        for i, each in enumerate(given["documents"])
    ]
    own = {"identifier": given["id"], **_without(given, "id", "documents"), "documents": documents}
    return _build(FakeKnowledgeBase, own, location)  # type: ignore[no-any-return]


def _enforcement(given: Mapping[str, Any], location: Location) -> FakeEnforcement:
    if ("guardrail" in given) == ("arn" in given):
        location.fail("must have either `guardrail` or `arn`, and not both")
    own = {name: _tuple(value) for name, value in _without(given, "arn", "name", "tags", *_GUARD_ONLY).items()}
    keywords = {"guardrail": given.get("arn"), **own, "version": str(given["version"])}
    return _build(FakeEnforcement, keywords, location)  # type: ignore[no-any-return]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _build(kind: type, keywords: Mapping[str, Any], location: Location) -> Any:
    try:
        return kind(**keywords)
    except ConfigurationError as error:
        location.fail(error)
    except (TypeError, ValueError, AttributeError):
        location.fail(f"a value has a type that {kind.__name__} does not accept")


def _without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}
