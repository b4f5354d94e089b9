"""The section of docs/frameworks.md about the framework of this environment."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from frameworks import page
from frameworks.helpers import DENIED_MODEL, MODEL, POLICY, denial, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from guardedbedrock.testing import FakeBedrock

FRAMEWORK = os.environ["FRAMEWORK"]
SNIPPETS = page.snippets(FRAMEWORK)


@pytest.fixture(name="run")
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeBedrock) -> Iterator[Callable[[page.Snippet, str], None]]:
    """Return a function that runs a snippet with a model, in a folder with the page's configuration."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "hr-bot.json").write_text(json.dumps(POLICY))
    (tmp_path / "guardedbedrock.toml").write_text(page.settings())
    monkeypatch.chdir(tmp_path)
    shown: dict[str, Any] = {"__name__": "shown"}

    def run(snippet: page.Snippet, model: str) -> None:
        assert MODEL in snippet.code
        if snippet.says:
            fake.reply(snippet.says, times=None)
        exec(compile(snippet.code.replace(MODEL, model), "docs/frameworks.md", "exec"), shown)  # noqa: S102  # code of the page

    yield run
    if "guard" in shown:
        shown["guard"].uninstall()


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_the_code_on_the_page_sends_the_guardrail(fake: FakeBedrock, run: Any, snippet: page.Snippet) -> None:
    run(snippet, MODEL)

    assert guarded(fake) != []


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_denial_surfaces_as_the_error_in_the_table(fake: FakeBedrock, run: Any, snippet: page.Snippet) -> None:
    with pytest.raises(Exception) as denied:  # noqa: PT011  # the table names the error
        run(snippet, DENIED_MODEL)

    surfaces = type(denied.value).__name__
    actual = (
        surfaces if surfaces == type(denial(denied.value)).__name__ else f"{surfaces} from {type(denial(denied.value)).__name__}"
    )
    assert actual == page.rows()[FRAMEWORK].denial
    assert [operation for operation in guarded(fake) if operation != "Retrieve"] == []  # its passages precede the model call
