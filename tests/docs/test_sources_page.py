"""docs/sources.md: its examples run on the snapshot of the page, and its policies are valid."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock import iam
from guardedbedrock.iam.account.snapshot import SCHEMA, write_snapshot

PAGE: Final = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
OBJECTS: Final[list[dict[str, Any]]] = [
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]


def test_examples_of_accounts_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One example for each policy type, in one namespace."""
    (snapshot,) = [each for each in OBJECTS if each.get("schema") == SCHEMA]
    write_snapshot(snapshot, tmp_path / "account.json")
    monkeypatch.chdir(tmp_path)
    examples = "".join(re.findall(r"^```python\n(>>> .*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    parsed = doctest.DocTestParser().get_doctest(examples, {}, "sources.md", "docs/sources.md", 0)
    printed: list[str] = []

    failures, tried = doctest.DocTestRunner().run(parsed, out=printed.append)

    assert failures == 0, "".join(printed)
    assert tried == examples.count(">>> ")
    for kind in ("identity", "boundary", "resource"):
        assert f'.documents["{kind}"]' in examples
    for kind in ("scp", "rcp"):
        assert f'.levels["{kind}"]' in examples


def test_minimal_policies_of_the_page_are_policies() -> None:
    """Their actions exist."""
    policies = [each for each in OBJECTS if "Statement" in each]

    assert len(policies) == 2
    for policy in policies:
        assert list(iam.findings(policy)) == []
