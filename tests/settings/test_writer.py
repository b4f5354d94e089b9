"""Errors of writing a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.settings.writer import writing


def test_an_error_names_the_file_the_reason_and_the_fix(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"^x\.json: cannot be written \(Is a directory\); correct the path or its permi"),
        writing(Path("x.json")),
    ):
        tmp_path.write_text("", "utf-8")


def test_an_error_without_a_number_keeps_its_text() -> None:
    with pytest.raises(ConfigurationError, match=r"^--out x: cannot be written \(failed to open\); "), writing("--out x"):
        raise OSError("failed to open")
