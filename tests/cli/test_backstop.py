"""``guardedbedrock backstop``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock import Guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GUARDRAIL: Final = '[[guardrails]]\narn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/many{}"\nversion = "1"\n'


@pytest.fixture(name="config")
def write_config(tmp_path: Path) -> Callable[[int], str]:
    """Write a configuration with this number of approved guardrails."""

    def write(number: int) -> str:
        path = tmp_path / "guardedbedrock.toml"
        path.write_text("".join(GUARDRAIL.format(f"{index:08}") for index in range(number)) or 'mode = "off"\n', "utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        (
            ("--api-keys", "short-term", "--allow-mantle", "--deny-indirect"),
            {"api_keys": "short-term", "allow_mantle": True, "deny_indirect": True},
        ),
    ],
)
def test_backstop_prints_the_policy_of_the_guard(
    cli: Callable[..., Any], config: Callable[[int], str], arguments: tuple[str, ...], options: dict[str, Any]
) -> None:
    path = config(2)

    code, out, err = cli("backstop", "--config", path, *arguments)

    assert (code, err) == (0, "")
    assert json.loads(out) == Guard.from_config(path, listeners=()).backstop_policy(**options)


def test_a_policy_that_exceeds_the_size_limit_is_a_finding(cli: Callable[..., Any], config: Callable[[int], str]) -> None:
    code, out, err = cli("backstop", "--config", config(90))

    assert code == 1
    assert "exceed the limit of 6,144 for a managed policy" in err
    assert json.loads(out)["Version"] == "2012-10-17"


def test_a_policy_that_only_fits_a_managed_policy_says_so(cli: Callable[..., Any], config: Callable[[int], str]) -> None:
    code, out, err = cli("backstop", "--config", config(60))

    assert code == 0
    assert f"as an SCP: {len(out):,} characters with white space exceed the limit of 5,120" in err


def test_a_configuration_without_guardrails_is_invalid_input(cli: Callable[..., Any], config: Callable[[int], str]) -> None:
    code, out, err = cli("backstop", "--config", config(0))

    assert (code, out) == (2, "")
    assert err.startswith("guardedbedrock: no guardrail is approved")
