"""
Convert Terraform's data source ``aws_iam_policy_document``, whose statements are blocks, to policies.

Source: documentation of the provider hashicorp/aws, "aws_iam_policy_document".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.governance.lint.locations import escape
from guardedbedrock.governance.lint.policy import UNRESOLVED
from guardedbedrock.governance.lint.template_values import list_of, mapping_of, placeholder
from guardedbedrock.iam import PolicyType

DOCUMENT: Final = "aws_iam_policy_document"
_ELEMENTS: Final = (
    ("sid", "Sid"),
    ("effect", "Effect"),
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
)
BEFORE: Final = ("source_json", "source_policy_documents")
AFTER: Final = ("override_policy_documents", "override_json")
_PRINCIPAL_BLOCKS: Final = (("principals", "Principal"), ("not_principals", "NotPrincipal"))
MERGED: Final = "it is merged from documents that this file does not hold"
_DYNAMIC: Final = "it has dynamic blocks"


@dataclass(frozen=True, slots=True)
class TerraformDocument:
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


def converted_document(block: Mapping[str, Any], pointer: str, merged: Any) -> TerraformDocument:
    """
    Convert a data source ``aws_iam_policy_document``, whose statements are blocks.

    Args:
        block: Its attributes, without references.
        pointer: Pointer to it.
        merged: Returns the `TerraformDocument` of a document to merge, from its value and its pointer.
    """
    if "dynamic" in block:
        return TerraformDocument(None, pointer, unread=_DYNAMIC)
    own: list[tuple[dict[str, Any], dict[str, str]]] = []
    for entry, location in blocks(block.get("statement"), f"{pointer}/statement"):
        if "dynamic" in entry:
            return TerraformDocument(None, pointer, unread=_DYNAMIC)
        own.append(_statement(entry, location))
    before, after = (
        [merged(value, f"{pointer}/{key}") for key in keys for value in list_of(block.get(key)) if value]
        for keys in (BEFORE, AFTER)
    )
    if any(text.unread or not isinstance(text.document, Mapping) for text in (*before, *after)):
        return TerraformDocument(None, pointer, unread=MERGED)
    statements = [one for text in before for one in _listed(text)] + own
    for override in (one for text in after for one in _listed(text)):
        sid = override[0].get("Sid")
        same = next((position for position, (one, _) in enumerate(statements) if sid and one.get("Sid") == sid), None)
        if same is None:
            statements.append(override)
        else:
            statements[same] = override
    moved = {f"/Statement/{index}{at}": to for index, (_, locations) in enumerate(statements) for at, to in locations.items()}
    version = block.get("version") or "2012-10-17"
    return TerraformDocument({"Version": version, "Statement": [one for one, _ in statements]}, pointer, moved)


def _listed(text: TerraformDocument) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return each statement of a merged document with its locations in the file."""
    found = []
    for index, statement in enumerate(list_of(text.document.get("Statement"))):
        prefix = f"/Statement/{index}"
        locations = {at.removeprefix(prefix): to for at, to in text.moved.items() if f"{at}/".startswith(f"{prefix}/")}
        found.append((statement, locations or {"": text.pointer}))
    return found


def _statement(block: Mapping[str, Any], location: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the statement of a block, and the location in the file of each pointer in the statement."""
    statement: dict[str, Any] = {"Effect": block.get("effect") or "Allow"}
    locations = {"": location}
    for key, element in _ELEMENTS:
        if block.get(key):
            statement[element] = _plain(block[key])
            locations[f"/{element}"] = f"{location}/{key}"
    for condition, at in blocks(block.get("condition"), f"{location}/condition"):
        operator, name = str(condition.get("test")), str(condition.get("variable"))
        values = statement.setdefault("Condition", {}).setdefault(operator, {}).setdefault(name, [])
        values += [placeholder(name, one) if UNRESOLVED in str(one) else one for one in _plain(list_of(condition.get("values")))]
        locations[f"/Condition/{escape(operator)}/{escape(name)}"] = at
    for key, element in _PRINCIPAL_BLOCKS:
        for principals, at in blocks(block.get(key), f"{location}/{key}"):
            kind, identifiers = str(principals.get("type")), list_of(principals.get("identifiers"))
            if kind == "*":
                statement[element] = "*"
            elif statement.get(element) != "*":
                statement.setdefault(element, {}).setdefault(kind, []).extend(identifiers)
            locations[f"/{element}"] = at
    return statement, locations


def _plain(value: Any) -> Any:
    """Return a value with policy variables as IAM writes them: the data source writes ``&{aws:username}``."""
    if isinstance(value, list):
        return [_plain(one) for one in value if one is not None]
    return value.replace("&{", "${") if isinstance(value, str) else value


def guess_type(document: Any) -> PolicyType:
    """Return the type of a document that no resource uses: resource-based if it names principals, else identity-based."""
    statements = list_of(mapping_of(document).get("Statement"))
    return "resource" if any("Principal" in mapping_of(one) for one in statements) else "identity"


def element_of(key: str) -> str:
    """Return the policy element that an attribute of the data source sets."""
    return dict(_ELEMENTS).get(key, key)


def blocks(entry: Any, pointer: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the blocks of an attribute: Terraform's JSON has an object for one block and an array for several."""
    if isinstance(entry, list):
        yield from ((mapping_of(one), f"{pointer}/{index}") for index, one in enumerate(entry))
    elif isinstance(entry, Mapping):
        yield entry, pointer
