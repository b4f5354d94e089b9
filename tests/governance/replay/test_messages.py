"""Messages about unreadable input name the place and the fix, without the text of a Python exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.distinct_calls.tuples import read_tuples
from guardedbedrock.governance.replay.reading.events import RecordError, seconds_of
from guardedbedrock.governance.replay.reading.projection import Projection
from guardedbedrock.settings.reader import parse_yaml
from guardedbedrock.testing.cases.files import find


def test_a_wrong_time_names_its_field() -> None:
    with pytest.raises(RecordError, match=r"the record has the `eventTime` `yesterday`; it must be a time such as 2026"):
        seconds_of("yesterday")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read (No such file or directory); correct the path or its permissions"),
        (b"\xff\xfe\x00", "not CSV in UTF-8; name a result of --athena-sql, or a .parquet file of --keep"),
    ],
)
def test_unreadable_tuples(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "calls.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        list(read_tuples([file], Projection(), []))
    assert str(raised.value) == f"{file}: {problem}"


def test_a_second_yaml_document() -> None:
    with pytest.raises(ConfigurationError, match=r"a second document starts in line 2, column 1; write each document to a file"):
        parse_yaml("a: 1\n---\nb: 2\n", "p.yaml")


def test_a_loop_of_symbolic_links(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "a.json")
    with pytest.raises(ConfigurationError, match=r"a\.json: a symbolic link that leads to no file; correct the link"):
        list(find([tmp_path / "a.json"]))
