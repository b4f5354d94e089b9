"""What docs/frameworks.md says of the framework whose environment this is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from frameworks import page
from frameworks.rig import DENIED_MODEL, MODEL, POLICY, denial, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from guardedbedrock.testing import FakeBedrock

FRAMEWORK = os.environ["FRAMEWORK"]
SNIPPETS = page.snippets(FRAMEWORK)


@pytest.fixture(name="run")
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeBedrock) -> Iterator[Callable[[page.Snippet, str], None]]:
    """Run snippets where the page's guardedbedrock.toml lies, against a model; what one installs is gone after it."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "hr-bot.json").write_text(json.dumps(POLICY))
    (tmp_path / "guardedbedrock.toml").write_text(page.settings())
    monkeypatch.chdir(tmp_path)
    shown: dict[str, Any] = {"__name__": "shown"}

    def run(snippet: page.Snippet, model: str) -> None:
        assert MODEL in snippet.code
        if snippet.says:
            fake.reply(snippet.says, times=None)
        exec(compile(snippet.code.replace(MODEL, model), "docs/frameworks.md", "exec"), shown)  # noqa: S102  # the page's own

    yield run
    if "guard" in shown:
        shown["guard"].uninstall()


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_what_the_page_shows_sends_the_guardrail(fake: FakeBedrock, run: Any, snippet: page.Snippet) -> None:
    run(snippet, MODEL)

    assert guarded(fake) != []


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_denial_surfaces_as_the_table_says(fake: FakeBedrock, run: Any, snippet: page.Snippet) -> None:
    with pytest.raises(Exception) as denied:  # noqa: PT011  # which it is, the table says
        run(snippet, DENIED_MODEL)

    surfaces = type(denied.value).__name__
    told = (
        surfaces if surfaces == type(denial(denied.value)).__name__ else f"{surfaces} from {type(denial(denied.value)).__name__}"
    )
    assert told == page.rows()[FRAMEWORK].denial
    assert guarded(fake) == []
