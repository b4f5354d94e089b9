"""
Find the policies of the plans and states that ``terraform show -json`` prints.

Source: Terraform documentation, "JSON Output Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.locations import SourceText
from guardedbedrock.governance.lint.policy import Group
from guardedbedrock.governance.lint.template_values import items_of, list_of, loaded, mapping_of, placeholder
from guardedbedrock.governance.lint.terraform.documents import DOCUMENT, TerraformDocument, converted_document, element_of
from guardedbedrock.governance.lint.terraform.principals import ADDRESS, LATER, TerraformResource, groups_of, with_same_key

_INDEX: Final = re.compile(r"\[[^\]]*\]")
_MAJOR_VERSIONS: Final = ("0", "1")


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
        TerraformResource(
            DOCUMENT, address, mapping_of(_filled(change.get("after"), change.get("after_unknown"))), f"{pointer}/after"
        )
        for address, (change, pointer) in changes.items()
        if f"data.{DOCUMENT}." in address
    ]

    def text_of(resource: TerraformResource, value: Any, pointer: str, attribute: str) -> TerraformDocument:
        if isinstance(value, str):
            return TerraformDocument(loaded(value), pointer)
        named = with_same_key(resource, [one for one in documents if one.named_by(resource, attribute)])
        if len(named) != 1:
            return TerraformDocument(None, pointer, unread=LATER)
        return converted_document(
            named[0].values, named[0].pointer, lambda text, location: TerraformDocument(loaded(text), location)
        )

    yield from groups_of(source, resources, text_of)


def _planned(
    entry: Mapping[str, Any],
    pointer: str,
    changes: Mapping[str, tuple[Mapping[str, Any], str]],
    expressions: Mapping[str, Mapping[str, Any]],
) -> TerraformResource:
    kind = str(entry.get("type"))
    name = str(entry.get("address") or f"{kind}.{entry.get('name')}")
    unknown = mapping_of(changes.get(name, ({}, ""))[0].get("after_unknown"))
    references = {key: frozenset(_named_in(one)) for key, one in expressions.get(_INDEX.sub("", name), {}).items()}
    return TerraformResource(kind, name, mapping_of(entry.get("values")), f"{pointer}/values", unknown, references)


def _named_in(expression: Any) -> Iterator[str]:
    """Yield the addresses of resources that an expression of a configuration names."""
    if isinstance(expression, list):
        for one in expression:
            yield from _named_in(one)
    elif isinstance(expression, Mapping):
        for key, one in expression.items():
            if key == "references":
                yield from (found[1] for found in map(ADDRESS.match, map(str, list_of(one))) if found)
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
    """Return a planned value with placeholders for the parts that are known only after apply."""
    if unknown is True:
        return placeholder(element_of(key))
    if isinstance(unknown, Mapping):
        known = mapping_of(value)
        return {name: _filled(known.get(name), unknown.get(name), name) for name in {**known, **unknown}}
    if isinstance(unknown, list):
        items = list_of(value)
        if len(items) < len(unknown):  # a set, from which Terraform leaves out the unknown elements
            return items + [_filled(None, True, key)] * (len(unknown) - len(items))  # noqa: FBT003  # Terraform's value
        return [_filled(one, later, key) for one, later in zip(items, [*unknown, *[None] * len(items)], strict=False)]
    return value
