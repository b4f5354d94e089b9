"""
The parts of reports that several commands write: the SARIF log, the escapes of GitHub annotations and of XML, the hint for JUnit.

Sources: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub Docs, "Workflow commands for GitHub
Actions"; W3C, "Extensible Markup Language (XML) 1.0", Characters.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import guardedbedrock

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
"""The escapes in the message of an annotation."""
IN_PROPERTY: Final = {**IN_MESSAGE, **str.maketrans({":": "%3A", ",": "%2C"})}
"""The escapes in a property of an annotation, such as its file."""
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NO_JUNIT: Final = "JUnit reports need junitparser: pip install 'guardedbedrock[cli]'"


def sarif_log(rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a SARIF log with one run of guardedbedrock."""
    driver = {"name": "guardedbedrock", "version": guardedbedrock.__version__, "rules": rules}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def uri_of(file: str) -> str:
    """Return the path of a file as SARIF writes it."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix().encode("utf-8", "surrogateescape"))


def text_in_xml(text: str) -> str:
    """Replace each character that XML does not allow with U+FFFD."""
    return _NOT_IN_XML.sub("\ufffd", text)
