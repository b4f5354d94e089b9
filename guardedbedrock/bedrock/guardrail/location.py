"""
Guardrail locations: where an operation carries its guardrail, in its parameters and in the request that is sent.

A location is data. To add one, write a `GuardrailLocation` and set it in the row of the operation.
Source: Bedrock API Reference, "Converse", "InvokeModel" and "ApplyGuardrail".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.bedrock.parameters import Params, as_mapping, without_repeated_keys
from guardedbedrock.bedrock.request_paths import matches_template, path_segments

GuardrailRef: TypeAlias = tuple[str | None, str | None]
"""Identifier and version of a guardrail; None if missing or empty."""

Carrier: TypeAlias = Literal["headers", "body", "path"]
"""The part of the HTTP request that carries a guardrail."""

ModelRef: TypeAlias = str | None
"""The model that a structure's guardrail is chosen for; None if the parameters name none."""

ReplaceGuardrail: TypeAlias = Callable[[GuardrailRef, ModelRef], GuardrailRef]
"""Returns the guardrail that replaces that of a structure."""

Step: TypeAlias = tuple[str, bool]
"""A member of a structure and whether the path applies only if the member is present; ``[]`` means every item of a list."""

NO_GUARDRAIL: Final[GuardrailRef] = (None, None)
IDENTIFIER_HEADER: Final = "X-Amzn-Bedrock-GuardrailIdentifier"
VERSION_HEADER: Final = "X-Amzn-Bedrock-GuardrailVersion"
_APPLY: Final = ("guardrail", "{guardrailIdentifier}", "version", "{guardrailVersion}", "apply")


class Wire(NamedTuple):
    """
    A serialized request.

    Args:
        url: The URL with the percent-encoded path, as it is sent.
        headers: Names in any case.
        body: The bytes that are sent.
    """

    url: str
    headers: Mapping[str, Any]
    body: bytes | None


class _Structure(NamedTuple):
    """A path of a location: the steps to the owner of guardrail and model, and those from there to each of the two."""

    owner: tuple[Step, ...]
    guardrail: tuple[Step, ...]
    model: tuple[Step, ...]

    @classmethod
    def of(cls, guardrail: tuple[Step, ...], model: tuple[Step, ...]) -> _Structure:
        shared = 0
        while shared < min(len(guardrail), len(model)) and guardrail[shared] == model[shared]:
            shared += 1
        return cls(guardrail[:shared], guardrail[shared:], model[shared:])

    def read_model(self, owner: Any) -> ModelRef:
        found = next(_values_at(owner, self.model), None) if self.model else None
        return found if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True)
class GuardrailLocation:
    """
    Where an operation carries its guardrail.

        GuardrailLocation("body", ("guardrailConfig",))
        GuardrailLocation("body", ("collaborators[].guardrailConfiguration", "guardrailConfiguration"))
        GuardrailLocation(
            "body",
            ("definition.nodes[].configuration.prompt?.guardrailConfiguration",),
            repeats_in="definition.nodes[].configuration.loop?",
        )

    Args:
        carrier: The part of the HTTP request.
        paths: Paths of the structures that hold identifier and version. ``""`` is the top level. In ``a.b``, missing
            members are created; ``a?.b`` applies only if the caller passes ``a``; ``a[].b`` applies to every item of ``a``.
        identifier: Member with the identifier.
        version: Member with the version.
        accepts_arn: The identifier may be an ARN; otherwise it must be the ID.
        models: For each of `paths` the path of the model that answers there. It begins like its path and is not empty.
        repeats_in: Path of structures to which `paths` apply again, at every depth.

    Attributes:
        members: The parameters at the top level that hold the guardrail.
    """

    carrier: Carrier
    paths: tuple[str, ...] = ("",)
    identifier: str = "guardrailIdentifier"
    version: str = "guardrailVersion"
    accepts_arn: bool = True
    models: tuple[str, ...] = ()
    repeats_in: str = ""
    members: frozenset[str] = field(init=False, repr=False, compare=False)
    _structures: tuple[_Structure, ...] = field(init=False, repr=False, compare=False)
    _repeats: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    _member: str | None = field(init=False, repr=False, compare=False)
    """The only path, if it is one member or the top level: the location of every model call of `bedrock-runtime`."""

    def __post_init__(self) -> None:
        steps = tuple(_steps(path) for path in self.paths)
        heads = {path[0][0] for path in steps if path}
        own = set() if all(steps) else {self.identifier, self.version}
        models = (_steps(model) for model in self.models or ("",) * len(steps))
        object.__setattr__(self, "members", frozenset(heads | own))
        object.__setattr__(self, "_structures", tuple(_Structure.of(*pair) for pair in zip(steps, models, strict=True)))
        object.__setattr__(self, "_repeats", _steps(self.repeats_in))
        is_single = len(self.paths) == 1 and not self.repeats_in and not self.models
        is_one_member = is_single and not set("?.[") & set(self.paths[0])
        object.__setattr__(self, "_member", self.paths[0] if is_one_member else None)

    @property
    def is_in_presigned_url(self) -> bool:
        """Whether a presigned URL contains the guardrail; AWS signs headers and path into one, but no body."""
        return self.carrier != "body"

    def read(self, params: Params) -> GuardrailRef:
        """Read the guardrail of the first structure that can hold one."""
        return next(iter(self.read_all(params)), NO_GUARDRAIL)

    def read_all(self, params: Params) -> tuple[GuardrailRef, ...]:
        """Read the guardrail of every structure that can hold one, in the order of `paths`."""
        if self._member is not None:
            return (self._ref(as_mapping(params.get(self._member)) if self._member else params),)
        return tuple(ref for ref, _ in self.read_with_models(params))

    def read_with_models(self, params: Params) -> Iterator[tuple[GuardrailRef, ModelRef]]:
        """Read the guardrail of every structure as `read_all` does, each with the model that it is chosen for."""
        if self._member is not None:
            yield self.read_all(params)[0], None
            return
        for structure in self._structures:
            for owner in _values_at(params, structure.owner):
                model = structure.read_model(owner)
                for holder in _values_at(owner, structure.guardrail):
                    yield self._ref(as_mapping(holder)), model
        if self._repeats:
            for inner in _values_at(params, self._repeats):
                yield from self.read_with_models(inner)

    def put(self, params: Params, identifier: str, version: str) -> dict[str, Any]:
        """
        Return new parameters with this guardrail in every structure that can hold one, and everything else kept.

        An ARN is shortened to the ID where the location accepts only an ID.

        Raises:
            TypeError: A structure on the way is not a dict.
        """
        taken = identifier if self.accepts_arn else identifier.rpartition("/")[2]
        return self.change(params, lambda _ref, _model: (taken, version))

    def change(self, params: Params, change: ReplaceGuardrail) -> dict[str, Any]:
        """
        Return new parameters in which each structure holds what `change` returns for its guardrail and its model.

        Args:
            params: The parameters; they stay as they are.
            change: Called in the order of `read_with_models`.

        Raises:
            TypeError: A structure on the way is not a dict.
        """
        if self._member:
            holder = _structure(params.get(self._member))
            identifier, version = change(self._ref(holder), None)
            return {**params, self._member: {**holder, self.identifier: identifier, self.version: version}}
        changed: Any = dict(params)
        for structure in self._structures:
            changed = _changed_at(changed, structure.owner, partial(self._with_guardrail, structure, change))
        if self._repeats:
            changed = _changed_at(changed, self._repeats, lambda inner: self.change(_structure(inner), change))
        return dict(changed)

    def _with_guardrail(self, structure: _Structure, change: ReplaceGuardrail, owner: Any) -> Any:
        model = structure.read_model(owner)

        def named(holder: Any) -> dict[str, Any]:
            identifier, version = change(self._ref(as_mapping(holder)), model)
            return {**_structure(holder), self.identifier: identifier, self.version: version}

        return _changed_at(owner, structure.guardrail, named)

    @property
    def is_single(self) -> bool:
        """Whether one structure holds the guardrail, whatever the parameters are."""
        return self._member is not None

    def carries(self, wire: Wire, ref: GuardrailRef) -> bool:
        """Return whether a request carries this guardrail, and no other, read strictly."""
        return {*self.read_wire(wire)} == {ref}

    def read_wire(self, wire: Wire) -> tuple[GuardrailRef, ...]:
        """
        Read the guardrail of every structure from a request, strictly.

        The names are those of the API and not those of the client's service model, which can be changed.
        """
        if self.carrier == "headers":
            return ((header_of(wire.headers, IDENTIFIER_HEADER), header_of(wire.headers, VERSION_HEADER)),)
        if self.carrier == "path":
            path = path_segments(wire.url)[-len(_APPLY) :]
            return ((path[1], path[3]),) if matches_template(path, _APPLY) else ()
        return self.read_all(json_body(wire))

    def _ref(self, holder: Mapping[str, Any]) -> GuardrailRef:
        return holder.get(self.identifier) or None, holder.get(self.version) or None


def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for name in filter(None, path.split(".")):
        plain = name.removesuffix("[]").removesuffix("?")
        steps.append((plain, plain != name))
        if name.endswith("[]"):
            steps.append(("[]", True))
    return tuple(steps)


def _values_at(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """Yield every value at a path: None for a member that is missing, nothing for a conditional member that is missing."""
    if not steps:
        yield value
        return
    (name, only_if_present), rest = steps[0], steps[1:]
    if name == "[]":
        for item in value if isinstance(value, list | tuple) else ():
            yield from _values_at(item, rest)
    elif not only_if_present or as_mapping(value).get(name) is not None:
        yield from _values_at(as_mapping(value).get(name), rest)


def _changed_at(value: Any, steps: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    """Return a copy with the values at a path changed; missing members are created unless they are conditional."""
    if not steps:
        return change(value)
    (name, only_if_present), rest = steps[0], steps[1:]
    if name == "[]":
        return [_changed_at(item, rest, change) for item in value] if isinstance(value, list | tuple) else value
    holder = _structure(value)
    if only_if_present and holder.get(name) is None:
        return value
    changed = _changed_at(holder.get(name), rest, change)
    return value if changed is None else {**holder, name: changed}


def _structure(value: Any) -> dict[str, Any]:
    """Return a structure of boto3 parameters. Anything but a dict is rejected, as botocore rejects it, and never replaced."""
    if value is None or isinstance(value, dict):
        return value or {}
    raise TypeError(f"a structure must be a dict, not `{type(value).__name__}`")


def read_json_object(wire: Wire) -> dict[str, Any] | None:
    """Read a body that is one JSON object; None if it is anything else, or if two parsers could read it differently."""
    if type(wire.body) is not bytes:  # a bytearray or a stream could change after it was read
        return None
    try:
        body = json.loads(str(wire.body, "utf-8"), object_pairs_hook=without_repeated_keys)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def json_body(wire: Wire) -> dict[str, Any]:
    """Read a body as `read_json_object` does; empty if it cannot be read."""
    return read_json_object(wire) or {}


def body_model(wire: Wire) -> str | None:
    """Read the model of a body, where StartAsyncInvoke carries it."""
    model = json_body(wire).get("modelId")
    return model if isinstance(model, str) else None


def header_of(headers: Any, name: str) -> str | None:
    """Read a header; None if it is missing or repeated, because either of two values may be sent."""
    values = headers.get_all(name, ()) if hasattr(headers, "get_all") else [headers.get(name)]
    value = values[0] if len(values) == 1 else None
    if type(value) is bytes:
        value = value.decode("utf-8", "replace")
    return value if type(value) is str and value else None


IN_BODY: Final = GuardrailLocation("body", ("guardrailConfig",))
IN_HEADERS: Final = GuardrailLocation("headers")
IN_PATH: Final = GuardrailLocation("path")

_CONFIGURATION: Final = "guardrailConfiguration"
_GENERATION: Final = f"generationConfiguration.{_CONFIGURATION}"
_NODE: Final = "definition.nodes[].configuration"


def _generation(prefix: str) -> GuardrailLocation:
    """Return the location in the configuration of RetrieveAndGenerate: AWS uses only the part that the caller passes."""
    parts = tuple(f"{prefix}.{kind}?" for kind in ("knowledgeBaseConfiguration", "externalSourcesConfiguration"))
    return GuardrailLocation(
        "body",
        tuple(f"{part}.{_GENERATION}" for part in parts),
        identifier="guardrailId",
        accepts_arn=False,
        models=tuple(f"{part}.modelArn" for part in parts),
    )


OF_GENERATION: Final = _generation("retrieveAndGenerateConfiguration")
OF_EVALUATION: Final = _generation("inferenceConfig.ragConfigs[].knowledgeBaseConfig?.retrieveAndGenerateConfig?")
OF_RETRIEVAL: Final = GuardrailLocation("body", (_CONFIGURATION,), identifier="guardrailId", accepts_arn=False)
OF_AGENTIC_RETRIEVAL: Final = GuardrailLocation(
    "body",
    ("policyConfiguration.bedrockGuardrailConfiguration",),
    identifier="guardrailId",
    accepts_arn=False,
    models=(
        "agenticRetrieveConfiguration.foundationModelConfiguration.bedrockFoundationModelConfiguration.modelConfiguration.modelArn",
    ),
)
OF_AGENT: Final = GuardrailLocation("body", (_CONFIGURATION,), models=("foundationModel",))
OF_INLINE_AGENT: Final = GuardrailLocation(
    "body",
    (_CONFIGURATION, f"collaborators[].{_CONFIGURATION}"),
    models=("foundationModel", "collaborators[].foundationModel"),
)
OF_FLOW: Final = GuardrailLocation(
    "body",
    (f"{_NODE}.prompt?.{_CONFIGURATION}", f"{_NODE}.knowledgeBase?.{_CONFIGURATION}"),
    models=(f"{_NODE}.prompt?.sourceConfiguration.inline.modelId", f"{_NODE}.knowledgeBase?.modelId"),
    repeats_in=f"{_NODE}.loop?",
)
