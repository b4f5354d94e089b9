"""
Find the policies of Terraform's ``*.tf.json`` files, of its plans and of its states.

A value that Terraform knows only later becomes a placeholder, which no rule judges. A policy without any text yet is kept as
unread, and rule GB104 names it.
Source: Terraform documentation, "JSON Configuration Syntax" and "JSON Output Format"; documentation of the provider
hashicorp/aws, "aws_iam_policy_document".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.locations import SourceText, escape
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import (
    ORGANIZATION_POLICIES,
    items_of,
    keep_repeated,
    list_of,
    loaded,
    mapping_of,
    placeholder,
    sample_guardrail,
)
from guardedbedrock.iam import PolicyType

_POLICIES: Final[Mapping[str, tuple[str, PolicyType]]] = {
    "aws_bedrock_resource_policy": ("policy", "resource"),
    "aws_iam_group_policy": ("policy", "identity"),
    "aws_iam_policy": ("policy", "identity"),
    "aws_iam_role_policy": ("policy", "identity"),
    "aws_iam_user_policy": ("policy", "identity"),
    "aws_organizations_policy": ("content", "scp"),
    "aws_ssoadmin_permission_set_inline_policy": ("inline_policy", "identity"),
    "aws_vpc_endpoint": ("policy", "endpoint"),
    "aws_vpc_endpoint_policy": ("policy", "endpoint"),
}
"""Type of a resource to the attribute that holds its policy."""
_PRINCIPALS: Final = ("aws_iam_role", "aws_iam_user", "aws_iam_group")
_HOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws_iam_group_policy": ("group",),
    "aws_iam_group_policy_attachment": ("group",),
    "aws_iam_policy_attachment": ("roles", "users", "groups"),
    "aws_iam_role_policy": ("role",),
    "aws_iam_role_policy_attachment": ("role",),
    "aws_iam_user_policy": ("user",),
    "aws_iam_user_policy_attachment": ("user",),
}
"""Type of a resource to the attributes that name the principals whose policy it is."""
_DOCUMENT: Final = "aws_iam_policy_document"
_ELEMENTS: Final = (
    ("sid", "Sid"),
    ("effect", "Effect"),
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
)
_BEFORE: Final = ("source_json", "source_policy_documents")
_AFTER: Final = ("override_policy_documents", "override_json")
_PRINCIPAL_BLOCKS: Final = (("principals", "Principal"), ("not_principals", "NotPrincipal"))
_WHOLE: Final = re.compile(r"\$\{\s*(?:jsonencode\(\s*)?((?:local|var)\.[\w-]+)\s*\)?\s*\}")
_OF_DOCUMENT: Final = re.compile(rf"\$\{{\s*data\.{_DOCUMENT}\.([\w-]+)(?:\[[^\]]*\])?\.(?:minified_)?json\s*\}}")
_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")
_ADDRESS: Final = re.compile(r"\b((?:data\.)?aws_\w+\.[\w-]+)")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_INSTANCE: Final = re.compile(r"(.*?)(data\.)?(\w+\.[\w-]+)(\[[^\]]*\])?")
_GRANTS_BEDROCK: Final = re.compile(r'"bedrock:', re.IGNORECASE)
_LATER: Final = "its text is known only after apply"
_EXPRESSION: Final = "its text is an expression that only Terraform evaluates"
_MERGED: Final = "it is merged from documents that this file does not hold"
_DYNAMIC: Final = "it has dynamic blocks"
_MAJOR_VERSIONS: Final = ("0", "1")


@dataclass(frozen=True, slots=True)
class _Resource:
    """
    A resource of a file.

    Args:
        kind: Its type.
        name: Its address, such as ``module.app.aws_iam_role.app[0]``.
        values: Its attributes.
        pointer: Pointer to `values`.
        unknown: Attributes whose value is known only after apply.
        references: Attribute to the addresses that its expression names, in the module of the resource.
    """

    kind: str
    name: str
    values: Mapping[str, Any]
    pointer: str
    unknown: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def named_by(self, other: _Resource, attribute: str) -> bool:
        """Return whether an attribute of a resource of the same module instance names this resource."""
        module, _, name, _ = _parts(self.name)
        return module == _parts(other.name)[0] and name in other.references.get(attribute, ())

    def has_key_of(self, other: _Resource) -> bool:
        """Return whether both resources have the same key of ``count`` or ``for_each``."""
        return _parts(self.name)[3] == _parts(other.name)[3]


@dataclass(frozen=True, slots=True)
class _Text:
    """
    A policy of a file.

    Args:
        document: The document; None if it cannot be read.
        pointer: Pointer to the document in the file.
        moved: See `LintedPolicy`.
        unread: Why it cannot be read.
    """

    document: Any
    pointer: str
    moved: Mapping[str, str] = field(default_factory=dict)
    unread: str = ""


def _parts(name: str) -> tuple[str, str, str, str]:
    """Return module instance, mode, address in the module and key of an address such as ``module.a["x"].aws_iam_role.b[0]``."""
    found = _INSTANCE.fullmatch(name)
    return (found[1], found[2] or "", f"{found[2] or ''}{found[3]}", found[4] or "") if found else ("", "", name, "")


# -- *.tf.json ------------------------------------------------------------------------------------------------------------


def of_terraform(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a ``*.tf.json`` file."""
    file = _Configuration(source.data)
    used: set[str] = set()

    def text_of(resource: _Resource, value: Any, pointer: str, attribute: str) -> _Text:
        del resource, attribute
        return file.text_of(value, pointer, used)

    yield from _groups(source, file.resources, text_of)
    trusts = {name for one in file.resources for name in _OF_DOCUMENT.findall(str(one.values.get("assume_role_policy")))}
    for name, (block, pointer) in file.documents.items():
        if name not in used | trusts | file.sources:
            text = file.converted(name, block, pointer)
            yield Group((_linted(source, text, _guess(text.document), f"data.{_DOCUMENT}.{name}"),))
    for (module,), _, pointer in _labelled(source.data.get("module"), "/module", 1):
        reason = "this file only names the module"
        yield Group((LintedPolicy(source, pointer, None, "identity", name=f"module.{module}", unread=reason),))


class _Configuration:
    """The blocks of a ``*.tf.json`` file, and the values of its locals and of the defaults of its variables."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.named: dict[str, tuple[Any, str]] = {}
        for block, pointer in _blocks(data.get("locals"), "/locals"):
            self.named |= {f"local.{name}": (value, f"{pointer}/{escape(name)}") for name, value in block.items()}
        for (name,), block, pointer in _labelled(data.get("variable"), "/variable", 1):
            if "default" in block:
                self.named[f"var.{name}"] = (block["default"], f"{pointer}/default")
        self.resources = [
            _Resource(kind, f"{kind}.{name}", block, pointer, references=_references(block))
            for (kind, name), block, pointer in _labelled(data.get("resource"), "/resource", 2)
        ]
        self.documents = {
            name: (block, pointer)
            for (kind, name), block, pointer in _labelled(data.get("data"), "/data", 2)
            if kind == _DOCUMENT
        }
        self.sources = {
            name
            for block, _ in self.documents.values()
            for key in (*_BEFORE, *_AFTER)
            for name in _OF_DOCUMENT.findall(str(block.get(key)))
        }

    def follow(self, value: Any, pointer: str) -> tuple[Any, str]:
        """Return what a reference to a local value or to a variable with a default names; another value stays as it is."""
        for _ in range(len(self.named) + 1):
            found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
            if found is None or found[1] not in self.named:
                break
            value, pointer = self.named[found[1]]
        return value, pointer

    def text_of(self, value: Any, pointer: str, used: set[str]) -> _Text:
        """Return the policy that an attribute holds; `used` collects the names of data sources."""
        value, pointer = self.follow(value, pointer)
        if not isinstance(value, str):
            return _Text(self.resolved(value), pointer)
        named = _OF_DOCUMENT.fullmatch(value)
        if named is not None and named[1] in self.documents:
            used.add(named[1])
            return self.converted(named[1], *self.documents[named[1]])
        document = loaded(value)
        if isinstance(document, str) and "${" in document:
            return _Text(None, pointer, unread=_EXPRESSION)
        return _Text(self.resolved(document), pointer)

    def converted(self, name: str, block: Mapping[str, Any], pointer: str, outer: tuple[str, ...] = ()) -> _Text:
        """Return the policy of a data source, with the documents that it merges."""
        if name in outer:
            return _Text(None, pointer, unread=_MERGED)

        def merged(value: Any, place: str) -> _Text:
            named = _OF_DOCUMENT.fullmatch(value) if isinstance(value, str) else None
            if named is not None and named[1] in self.documents:
                return self.converted(named[1], *self.documents[named[1]], (*outer, name))
            return self.text_of(value, place, set())

        return _converted(self.resolved(block), pointer, merged)

    def resolved(self, value: Any, element: str = "") -> Any:
        """Replace references: to a guardrail by a sample guardrail, to a known value by it, every other one by a placeholder."""
        if isinstance(value, str):
            followed, _ = self.follow(value, "")
            if not isinstance(followed, str):
                return self.resolved(followed, element)
            return _placed(_REFERENCE.sub(self._reference, followed.replace("$${", "\0")), element)
        if isinstance(value, list):
            spread = [self.resolved(one, element) for one in value]
            return [one for item in spread for one in (item if isinstance(item, list) else [item])]
        if isinstance(value, Mapping):
            return keep_repeated(value, {key: self.resolved(one, _element(key)) for key, one in value.items()})
        return value

    def _reference(self, found: re.Match[str]) -> str:
        parts = found[1].strip().split(".")
        if parts[0] == "data" and parts[1:2] == [_DOCUMENT]:
            return found[0]  # a document to merge
        if parts[0] == "aws_bedrock_guardrail" and parts[-1] in ("guardrail_arn", "arn"):
            return sample_guardrail(parts[1])
        if parts[0] in ("aws_bedrock_guardrail_version", "aws_bedrock_guardrail") and parts[-1] == "version":
            return "1"
        value, _ = self.named.get(found[1].strip(), (None, ""))
        is_literal = isinstance(value, str | int) and not isinstance(value, bool) and "${" not in str(value)
        return str(value) if is_literal else UNRESOLVED


def _element(key: str) -> str:
    """Return the element of a policy that an attribute of a data source is."""
    return dict(_ELEMENTS).get(key, key)


def _placed(text: str, element: str) -> str:
    """Return a text without references; one that needs more than a lookup becomes a placeholder."""
    is_later = UNRESOLVED in text or "%{" in text or ("${" in text and not _OF_DOCUMENT.fullmatch(text))
    return (placeholder(element, UNRESOLVED if "{" in text else text) if is_later else text).replace("\0", "${")


def _references(block: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {key: frozenset(_ADDRESS.findall(str(value))) for key, value in block.items() if "${" in str(value)}


def _labelled(value: Any, pointer: str, depth: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], str]]:
    """Yield labels, body and pointer of blocks. Each level can be an object, or an array of objects."""
    for block, place in _blocks(value, pointer):
        if depth == 0:
            yield (), block, place
            continue
        for label, inner in block.items():
            for labels, body, at in _labelled(inner, f"{place}/{escape(label)}", depth - 1):
                yield (label, *labels), body, at


# -- data sources ---------------------------------------------------------------------------------------------------------


def _converted(block: Mapping[str, Any], pointer: str, merged: Any) -> _Text:
    """
    Convert a data source ``aws_iam_policy_document``, whose statements are blocks.

    Args:
        block: Its attributes, without references.
        pointer: Pointer to it.
        merged: Returns the `_Text` of a document to merge and of its pointer.
    """
    if "dynamic" in block:
        return _Text(None, pointer, unread=_DYNAMIC)
    own: list[tuple[dict[str, Any], dict[str, str]]] = []
    for entry, place in _blocks(block.get("statement"), f"{pointer}/statement"):
        if "dynamic" in entry:
            return _Text(None, pointer, unread=_DYNAMIC)
        own.append(_statement(entry, place))
    before, after = (
        [merged(value, f"{pointer}/{key}") for key in keys for value in list_of(block.get(key)) if value]
        for keys in (_BEFORE, _AFTER)
    )
    if any(text.unread or not isinstance(text.document, Mapping) for text in (*before, *after)):
        return _Text(None, pointer, unread=_MERGED)
    statements = [one for text in before for one in _listed(text)] + own
    for override in (one for text in after for one in _listed(text)):
        sid = override[0].get("Sid")
        same = next((place for place, (one, _) in enumerate(statements) if sid and one.get("Sid") == sid), None)
        if same is None:
            statements.append(override)
        else:
            statements[same] = override
    moved = {f"/Statement/{index}{at}": to for index, (_, places) in enumerate(statements) for at, to in places.items()}
    version = block.get("version") or "2012-10-17"
    return _Text({"Version": version, "Statement": [one for one, _ in statements]}, pointer, moved)


def _listed(text: _Text) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return each statement of a merged document with its places in the file."""
    found = []
    for index, statement in enumerate(list_of(text.document.get("Statement"))):
        prefix = f"/Statement/{index}"
        places = {at.removeprefix(prefix): to for at, to in text.moved.items() if f"{at}/".startswith(f"{prefix}/")}
        found.append((statement, places or {"": text.pointer}))
    return found


def _statement(block: Mapping[str, Any], place: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the statement of a block, and its places in the file by pointer in the statement."""
    statement: dict[str, Any] = {"Effect": block.get("effect") or "Allow"}
    places = {"": place}
    for key, element in _ELEMENTS:
        if block.get(key):
            statement[element] = _plain(block[key])
            places[f"/{element}"] = f"{place}/{key}"
    for condition, at in _blocks(block.get("condition"), f"{place}/condition"):
        operator, name = str(condition.get("test")), str(condition.get("variable"))
        values = statement.setdefault("Condition", {}).setdefault(operator, {}).setdefault(name, [])
        values += [placeholder(name, one) if UNRESOLVED in str(one) else one for one in _plain(list_of(condition.get("values")))]
        places[f"/Condition/{escape(operator)}/{escape(name)}"] = at
    for key, element in _PRINCIPAL_BLOCKS:
        for principals, at in _blocks(block.get(key), f"{place}/{key}"):
            kind, identifiers = str(principals.get("type")), list_of(principals.get("identifiers"))
            if kind == "*":
                statement[element] = "*"
            elif statement.get(element) != "*":
                statement.setdefault(element, {}).setdefault(kind, []).extend(identifiers)
            places[f"/{element}"] = at
    return statement, places


def _plain(value: Any) -> Any:
    """Return text with IAM's policy variables: the data source writes them as ``&{aws:username}``."""
    if isinstance(value, list):
        return [_plain(one) for one in value if one is not None]
    return value.replace("&{", "${") if isinstance(value, str) else value


def _guess(document: Any) -> PolicyType:
    statements = list_of(mapping_of(document).get("Statement"))
    return "resource" if any("Principal" in mapping_of(one) for one in statements) else "identity"


# -- plans and states -----------------------------------------------------------------------------------------------------


def of_plan(source: SourceText) -> Iterator[Group]:
    """
    Yield the policies of ``terraform show -json``, of a plan or of a state.

    Raises:
        ConfigurationError: The format has an unknown major version.
    """
    version = str(source.data.get("format_version", "1"))
    if version.split(".", maxsplit=1)[0] not in _MAJOR_VERSIONS:
        raise ConfigurationError(f"{source.name}: format version {version} is unknown; lint the output of Terraform 1")
    changes = {
        str(one.get("address")): (mapping_of(one.get("change")), f"/resource_changes/{index}/change")
        for index, one in enumerate(map(mapping_of, list_of(source.data.get("resource_changes"))))
    }
    expressions = dict(_expressions(mapping_of(mapping_of(source.data.get("configuration")).get("root_module")), ""))
    key = "planned_values" if "planned_values" in source.data else "values"
    resources = [
        _planned(entry, pointer, changes, expressions)
        for entry, pointer in _module_resources(mapping_of(source.data.get(key)).get("root_module"), f"/{key}/root_module")
        if entry.get("mode") != "data"
    ]
    documents = [
        _Resource(_DOCUMENT, address, mapping_of(_filled(change.get("after"), change.get("after_unknown"))), f"{pointer}/after")
        for address, (change, pointer) in changes.items()
        if f"data.{_DOCUMENT}." in address
    ]

    def text_of(resource: _Resource, value: Any, pointer: str, attribute: str) -> _Text:
        if isinstance(value, str):
            return _Text(loaded(value), pointer)
        named = _closest(resource, [one for one in documents if one.named_by(resource, attribute)])
        if len(named) != 1:
            return _Text(None, pointer, unread=_LATER)
        return _converted(named[0].values, named[0].pointer, lambda text, place: _Text(loaded(text), place))

    yield from _groups(source, resources, text_of)


def _planned(
    entry: Mapping[str, Any],
    pointer: str,
    changes: Mapping[str, tuple[Mapping[str, Any], str]],
    expressions: Mapping[str, Mapping[str, Any]],
) -> _Resource:
    kind = str(entry.get("type"))
    name = str(entry.get("address") or f"{kind}.{entry.get('name')}")
    unknown = mapping_of(changes.get(name, ({}, ""))[0].get("after_unknown"))
    references = {key: frozenset(_named_in(one)) for key, one in expressions.get(_INDEX.sub("", name), {}).items()}
    return _Resource(kind, name, mapping_of(entry.get("values")), f"{pointer}/values", unknown, references)


def _named_in(expression: Any) -> Iterator[str]:
    """Yield the addresses of resources that an expression of a configuration names."""
    if isinstance(expression, list):
        for one in expression:
            yield from _named_in(one)
    elif isinstance(expression, Mapping):
        for key, one in expression.items():
            if key == "references":
                yield from (found[1] for found in map(_ADDRESS.match, map(str, list_of(one))) if found)
            else:
                yield from _named_in(one)


def _expressions(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for resource in map(mapping_of, list_of(module.get("resources"))):
        yield f"{prefix}{resource.get('address')}", mapping_of(resource.get("expressions"))
    for name, call in items_of(module.get("module_calls")):
        yield from _expressions(mapping_of(mapping_of(call).get("module")), f"{prefix}module.{name}.")


def _module_resources(module: Any, pointer: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for index, resource in enumerate(list_of(mapping_of(module).get("resources"))):
        yield mapping_of(resource), f"{pointer}/resources/{index}"
    for index, child in enumerate(list_of(mapping_of(module).get("child_modules"))):
        yield from _module_resources(child, f"{pointer}/child_modules/{index}")


def _filled(value: Any, unknown: Any, key: str = "") -> Any:
    """Return a planned value with placeholders for what is known only after apply."""
    if unknown is True:
        return placeholder(_element(key))
    if isinstance(unknown, Mapping):
        known = mapping_of(value)
        return {name: _filled(known.get(name), unknown.get(name), name) for name in {**known, **unknown}}
    if isinstance(unknown, list):
        items = list_of(value)
        if len(items) < len(unknown):  # a set, from which Terraform leaves out the unknown elements
            return items + [_filled(None, True, key)] * (len(unknown) - len(items))  # noqa: FBT003  # Terraform's value
        return [_filled(one, later, key) for one, later in zip(items, [*unknown, *[None] * len(items)], strict=False)]
    return value


# -- both -----------------------------------------------------------------------------------------------------------------


def _groups(source: SourceText, resources: Sequence[_Resource], text_of: Any) -> Iterator[Group]:
    """
    Yield the policies of each principal together, and every other policy alone.

    Args:
        source: The file.
        resources: Its resources.
        text_of: Returns the `_Text` of a resource's attribute, from its value, pointer and name.
    """
    cross = any(one.kind == "aws_bedrock_guardrail" and one.values.get("cross_region_config") for one in resources)
    found = {one.name: list(_of_resource(source, one, text_of, cross=cross)) for one in resources}
    attached: dict[str, list[str]] = {}
    for resource in resources:
        holders = [one for key in _HOLDERS.get(resource.kind, ()) for one in _targets(resource, key, resources, _PRINCIPALS)]
        names = [one.name for one in _targets(resource, "policy_arn", resources, ("aws_iam_policy",))] or [resource.name]
        for holder in holders:
            attached.setdefault(holder.name, []).extend(name for name in names if found[name])
    placed = {name for names in attached.values() for name in names}
    for resource in resources:
        together = [*found[resource.name], *(one for name in attached.get(resource.name, ()) for one in found[name])]
        for boundary in _targets(resource, "permissions_boundary", resources, ("aws_iam_policy",)):
            together += [one.as_type("boundary") for one in found[boundary.name]]
        if together and resource.name not in placed:
            yield Group(tuple(together))


def _of_resource(source: SourceText, resource: _Resource, text_of: Any, *, cross: bool) -> Iterator[LintedPolicy]:
    if resource.kind == "aws_iam_role":
        yield from _inline(source, resource, text_of, cross=cross)
    elif resource.kind in _POLICIES:
        attribute, policy_type = _POLICIES[resource.kind]
        given = resource.values.get("type") or "SERVICE_CONTROL_POLICY"
        if resource.kind == "aws_organizations_policy" and given not in ORGANIZATION_POLICIES:
            return
        policy_type = ORGANIZATION_POLICIES[given] if resource.kind == "aws_organizations_policy" else policy_type
        if resource.values.get(attribute) or resource.unknown.get(attribute):
            text = text_of(resource, resource.values.get(attribute), f"{resource.pointer}/{attribute}", attribute)
            yield _linted(source, text, policy_type, resource.name, cross=cross)
    elif any(map(_holds_policy, resource.values.values())):
        reason = f"policies of `{resource.kind}` are not read"
        yield LintedPolicy(source, resource.pointer, None, "identity", name=resource.name, unread=reason)


def _inline(source: SourceText, role: _Resource, text_of: Any, *, cross: bool) -> Iterator[LintedPolicy]:
    """Yield the inline policies of a role."""
    for block, pointer in _blocks(role.values.get("inline_policy"), f"{role.pointer}/inline_policy"):
        if block.get("policy") or block.get("name"):
            text = text_of(role, block.get("policy"), f"{pointer}/policy", "inline_policy")
            yield _linted(source, text, "identity", role.name, cross=cross)
    if role.unknown.get("inline_policy") is True:
        yield LintedPolicy(source, role.pointer, None, "identity", name=role.name, unread=_LATER)


def _holds_policy(value: Any) -> bool:
    """Return whether a value holds the text of a policy with actions of Bedrock."""
    if isinstance(value, str):
        return "Statement" in value and _GRANTS_BEDROCK.search(value.replace("\\", "")) is not None
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(_holds_policy, children))


def _linted(source: SourceText, text: _Text, policy_type: PolicyType, name: str, *, cross: bool = False) -> LintedPolicy:
    unread = text.unread
    if not unread and UNRESOLVED in " ".join(_operators(text.document)):
        unread = _EXPRESSION
    return LintedPolicy(
        source,
        text.pointer,
        None if unread else text.document,
        policy_type,
        name=name,
        moved=text.moved,
        takes_cross_region=cross,
        unread=unread,
    )


def _operators(document: Any) -> Iterator[str]:
    """Yield the operators and the keys of all conditions."""
    for statement in list_of(mapping_of(document).get("Statement")):
        for operator, lines in items_of(mapping_of(statement).get("Condition")):
            yield operator
            yield from (str(key) for key in mapping_of(lines))


def _targets(resource: _Resource, attribute: str, resources: Sequence[_Resource], kinds: Sequence[str]) -> list[_Resource]:
    """Return the resources that an attribute names: by name or ARN if it is known, else by reference."""
    candidates = [one for one in resources if one.kind in kinds]
    given = [one for one in list_of(resource.values.get(attribute)) if isinstance(one, str) and "${" not in one]
    literal = [one for one in candidates if {one.values.get("name"), one.values.get("arn")} & set(given)]
    if literal:
        return literal
    return _closest(resource, [one for one in candidates if one.named_by(resource, attribute)])


def _closest(resource: _Resource, found: list[_Resource]) -> list[_Resource]:
    """Return the instances with the key of a resource; all instances if none has it."""
    return [one for one in found if one.has_key_of(resource)] or found


def _blocks(entry: Any, pointer: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the blocks of an attribute: Terraform's JSON has an object for one and an array for several."""
    if isinstance(entry, list):
        yield from ((mapping_of(one), f"{pointer}/{index}") for index, one in enumerate(entry))
    elif isinstance(entry, Mapping):
        yield entry, pointer
