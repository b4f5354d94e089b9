"""
Write a policy document as canonical JSON: documents with the same meaning have the same text.

Elements have the order of the grammar. A list of one value is written as that value. A number or a Boolean is written as the
string that IAM compares.
Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from guardedbedrock.iam.language.documents import PolicyDocument, Statement
from guardedbedrock.iam.matching.conditions import Condition
from guardedbedrock.iam.matching.principals import PrincipalElement

_EVERYONE: Final = (("AWS", "*"),)
NOT_ALLOWED: Final = re.compile(r"[^\t\n\r\x20-\xff]")
"""
A character that the text of a policy may only contain escaped.

Source: IAM API Reference, CreatePolicy (the pattern of PolicyDocument).
"""


def write(document: PolicyDocument, *, indent: int | None = None) -> str:
    """
    Write a document as canonical JSON. Parsing the text as the same policy type returns an equal document.

    >>> from guardedbedrock import iam
    >>> print(write(iam.parse({"Statement": {"Resource": ["*"], "Action": "s3:*", "Effect": "Deny"}})))
    {"Version":"2008-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}

    Args:
        document: The document. Its name and ARN are not part of the text.
        indent: Spaces for each level; None for one line without white space.

    Raises:
        ValueError: JSON cannot express the document. This never happens for a document that `parse` returned.
    """
    text = dump(document, indent=indent)
    return NOT_ALLOWED.sub(lambda found: json.dumps(found[0])[1:-1], text)


def dump(document: PolicyDocument, *, indent: int | None = None) -> str:
    """Write canonical JSON like `write`, but escape no characters except those that JSON requires."""
    separators = (",", ":" if indent is None else ": ")
    return json.dumps(_object(document), indent=indent, separators=separators, ensure_ascii=False)


def _object(document: PolicyDocument) -> dict[str, Any]:
    """Return the JSON object. Version is always written, because few readers know what a missing Version means."""
    if not document.statements:
        raise ValueError("a document without statements cannot be written: a policy requires at least one statement")
    return {
        "Version": document.version,
        **({} if document.id is None else {"Id": document.id}),
        "Statement": [_statement(index, statement) for index, statement in enumerate(document.statements)],
    }


def _statement(index: int, statement: Statement) -> dict[str, Any]:
    body: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    body["Effect"] = statement.effect
    if statement.principal is not None:
        body["NotPrincipal" if statement.not_principal else "Principal"] = _principal(statement.principal)
    body["NotAction" if statement.not_action else "Action"] = _one_or_many(statement.actions)
    body["NotResource" if statement.not_resource else "Resource"] = _one_or_many(statement.resources)
    if statement.conditions:
        body["Condition"] = _conditions(index, statement.conditions)
    return body


def _principal(element: PrincipalElement) -> str | dict[str, Any]:
    if element == _EVERYONE:
        return "*"
    kinds: dict[str, tuple[str, ...]] = {} if element else {"AWS": ()}
    for kind, name in element:
        kinds[kind] = (*kinds.get(kind, ()), name)
    return {kind: _one_or_many(names) for kind, names in kinds.items()}


def _conditions(index: int, lines: tuple[Condition, ...]) -> dict[str, dict[str, Any]]:
    blocks: dict[str, dict[str, Any]] = {}
    for operator, key, values in lines:
        block = blocks.setdefault(operator, {})
        if key in block:
            # merged into one line, their values would be joined by OR instead of AND
            raise ValueError(f"statement {index} has two conditions `{operator}` on `{key}`; a JSON object cannot contain both")
        block[key] = _one_or_many(values)
    return blocks


def _one_or_many(texts: tuple[str, ...]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)
