"""The generated pages about authorizations and observability."""

from __future__ import annotations

import json
import logging
import re
import runpy
from pathlib import Path
from typing import Any, Final

import pytest
import structlog

from guardedbedrock import Guard, Guardrail, GuardrailNotApprovedError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail, FilterPattern

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = (DOCS / "authorizations.md").read_text("utf-8")


def test_the_page_of_authorizations_is_current() -> None:
    """If this fails, run `make docs`."""
    written: str = runpy.run_path(str(DOCS / "generate.py"))["page"]()

    assert written.splitlines() == PAGE.splitlines()


def test_every_link_within_the_page_has_a_heading() -> None:
    """The anchors are those that GitHub generates."""
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}

    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings


OBSERVED: Final = (DOCS / "observability.md").read_text("utf-8")


def test_the_page_of_observability_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, run `make docs`."""
    monkeypatch.syspath_prepend(str(DOCS))
    written: str = runpy.run_path(str(DOCS / "generate_observability.py"))["page"]()

    assert written.splitlines() == OBSERVED.splitlines()


def test_the_filters_of_the_page_find_the_record_of_the_page() -> None:
    """The filters of the example match its record."""
    (record,) = [json.loads(found) for found in re.findall(r"```json\n(.+?)```", OBSERVED, re.DOTALL)]
    patterns = re.findall(r"--filter-pattern '([^']+)'", OBSERVED)

    assert [FilterPattern(pattern).matches(record) for pattern in patterns] == [True] * 3


def test_the_logging_setup_of_the_page_prints_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """This includes records of child loggers, which have no event."""
    example = re.search(r"```python\n(import logging.+?)```", OBSERVED, re.DOTALL)
    assert example is not None
    structlog.reset_defaults()  # other tests of this process may have configured it
    logger = logging.getLogger("guardedbedrock")
    before = logger.level, list(logger.handlers)
    try:
        exec(example[1], {})  # noqa: S102  # the page's own code
        guard = Guard(guardrails=[Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")])
        client = guard.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        with pytest.raises(GuardrailNotApprovedError):
            client.converse(modelId="a.b", messages=[], guardrailConfig={"guardrailIdentifier": "weak00000001"})
        logging.getLogger("guardedbedrock.core.events").warning("a listener failed")
    finally:
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("WARNING refused Converse: GuardrailNotApprovedError")
    assert first.endswith("[guardedbedrock.refused]")
    assert second == "WARNING a listener failed [-]"


def test_the_listener_of_the_page_counts_denials() -> None:
    """The example of "Write a listener" runs as it is printed."""
    source = OBSERVED[OBSERVED.index("## Write a listener") :]
    example = re.search(r"```python\n(.+?)```", source, re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(example[1], names)  # noqa: S102  # the page's own code

    ours = FakeGuardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")
    with FakeBedrock(guardrails=[ours]) as fake:
        client = names["guard"].client("bedrock-runtime", **fake.client_kwargs())
        call = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
        client.converse(**call)
        with pytest.raises(GuardrailNotApprovedError):
            client.converse(**call, guardrailConfig={"guardrailIdentifier": "weak00000001", "guardrailVersion": "1"})
        client.close()

    assert names["counter"].counts == {("Converse", "GuardrailNotApprovedError"): 1}
