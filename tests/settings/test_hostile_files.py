"""Hostile and damaged files end in one clear error within a second, in bounded memory, for every reader."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.cli.application.simulate import read_params
from guardedbedrock.cli.serve import configuration as serve
from guardedbedrock.governance.inputs import read_policy_input
from guardedbedrock.governance.lint.read import read_groups
from guardedbedrock.iam.account.account import Account
from guardedbedrock.settings import reader
from guardedbedrock.settings.policy_files import read_policies
from guardedbedrock.settings.settings import load
from guardedbedrock.testing import cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS: Final = 1.0
"""Seconds of processor time, which other processes of the machine do not affect."""
PEAK: Final = 100_000_000  # bytes

ALIASES: Final = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 60)
)

YAML: Final[dict[str, tuple[str, str]]] = {
    "alias bomb": (ALIASES, "more than 200,000 values with its YAML aliases expanded"),
    "merge bomb": (
        "a0: &a0 {k: v}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 60)),
        "more than 200,000",
    ),
    "list in itself": ("a: &a [*a]\n", "the YAML anchor `a` contains itself"),
    "table in itself": ("a: &a {b: {c: *a}}\n", "the YAML anchor `a` contains itself"),
    "deep lists": ("[" * 100_000, "nest"),
    "deep closed lists": ("[" * 900 + "]" * 900, "nested deeper than 100 levels"),
    "deep blocks": ("".join(f"{' ' * level}- \n" for level in range(1900)), "nested deeper than 100 levels"),
    "deep inline blocks": ("- " * 100_000 + "x", "nest"),
    "long number": ("a: " + "9" * 100_000, "a number has too many digits"),
    "long hexadecimal number": ("a: 0x" + "f" * 100_000, "a number has too many digits"),
    "long number in base 60": ("a: 1" + ":59" * 300_000, "a number has too many digits"),
    "many values": ("[" + "x," * 900_000 + "]", "more than 200,000 values"),
    "large file": ("# " + "x" * 3_000_000, "longer than 2,000,000 characters"),
    "a star without quotes": ("a:\n  Action: *\n", "`*` starts an alias in line 2, column 11; put a string that starts with `*`"),
    "an alias without an anchor": ("a:\n  Action: *x\n", "in line 2, column 11; put a string that starts with `*` in quotes"),
    "a tab": ("a:\n\tb: 1\n", "not valid YAML: a tab in line 2, column 1; indent with spaces"),
    "a tab after spaces": ("a:\n  b: 1\n \tc: 1\n", "a tab in line 3, column 2; indent with spaces"),
    "an unknown tag": ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
}
TOML: Final[dict[str, tuple[str, str]]] = {
    "long number": ("a = " + "9" * 100_000, "a number has too many digits"),
    "long hexadecimal number": ("a = 0x" + "f" * 100_000, "a number has too many digits"),
    "deep lists": ("a = " + "[" * 100_000, "nested deeper than 100 levels"),
    "deep closed lists": ("a = " + "[" * 300 + "]" * 300, "nested deeper than 100 levels"),
    "deep inline tables": ("a = " + "{a=" * 100_000, "nested deeper than 100 levels"),
    "a deep key": (".".join(["a"] * 100_000) + " = 1", "nested deeper than 100 levels"),
    "a deep quoted key": (" . ".join(['"a b"'] * 50_000) + " = 1", "nested deeper than 100 levels"),
    "a deep table": ("[" + ".".join(["a"] * 100_000) + "]", "nested deeper than 100 levels"),
    "large file": ("# " + "x" * 600_000, "larger than 500,000 bytes"),
    "not closed": ('a = "' + "x" * 400_000, "not valid TOML"),
}
JSON: Final[dict[str, tuple[str, str]]] = {
    "deep lists": ("[" * 100_000, "nested deeper than 100 levels"),
    "deep closed lists": ("[" * 100_000 + "]" * 100_000, "nested deeper than 100 levels"),
    "deep objects": ('{"a":' * 100_000, "nested deeper than 100 levels"),
    "lists that Python parses": ("[" * 500 + "]" * 500, "nested deeper than 100 levels"),
    "long number": ('{"a": ' + "9" * 100_000 + "}", "not valid JSON"),
    "many digits": ('{"a": ' + "1" * 5_000 + "}", "out of range"),
    "large exponent": ('{"a": 1e999999999}', "out of range"),
    "large file": ('["' + "x" * 11_000_000 + '"]', "larger than 10,000,000 bytes"),
    "a trailing comma in an object": ('{\n  "a": 1,\n}', "not valid JSON: trailing comma in line 2, column 9; remove it"),
    "a trailing comma in a list": ('{"a": [1, 2 ,\n\n ]}', "not valid JSON: trailing comma in line 1, column 13; remove it"),
}


def refusal(read: Callable[[], Any]) -> str:
    """Read a file that cannot be read, within the bounds, and return the message."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(ConfigurationError) as caught:
            read()
        seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert seconds < SECONDS * 4, "tracing memory takes three quarters of the time"
    assert peak < PEAK
    assert len(message) < 600
    assert "\n" not in message
    return message


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize(("content", "problem"), YAML.values(), ids=YAML)
def test_yaml_of_tests_and_of_the_server(content: str, problem: str, here: Path) -> None:
    path = file(here, "hostile.yaml", content)

    for read in (cases.load, serve.read):
        message = refusal(lambda read=read: read(path))  # type: ignore[misc]
        assert message.startswith(f"{path}: ")
        assert problem in message


@pytest.mark.parametrize(("content", "problem"), TOML.values(), ids=TOML)
def test_toml_of_the_configuration_and_of_the_server(content: str, problem: str, here: Path) -> None:
    path = file(here, "hostile.toml", content)

    for read in (load, serve.read):
        message = refusal(lambda read=read: read(path))  # type: ignore[misc]
        assert str(path) in message
        assert problem in message


@pytest.mark.parametrize(("content", "problem"), JSON.values(), ids=JSON)
def test_json_of_tests_of_the_server_and_of_parameters(content: str, problem: str, here: Path) -> None:
    path = file(here, "hostile.json", content)

    for read in (cases.load, serve.read, lambda path: read_params(f"@{path}")):
        message = refusal(lambda read=read: read(path))  # type: ignore[misc]
        assert str(path) in message
        assert problem in message


@pytest.mark.parametrize("content", [text for text, _ in JSON.values()], ids=JSON)
def test_json_of_policies(content: str, here: Path) -> None:
    """The parser of policies rejects a nested document by its own rules."""
    path = file(here, "policy.json", content)

    assert str(path) in refusal(lambda: read_policies(str(path), base=here))


@pytest.mark.parametrize(
    "content",
    [text for name, (text, _) in JSON.items() if name != "large file"],
    ids=[name for name in JSON if name != "large file"],
)
def test_json_of_the_tools(content: str, here: Path) -> None:
    """Snapshots may be large, so their limit is larger."""
    path = file(here, "hostile.json", content)

    for read in (read_policy_input, Account.from_snapshot, lambda path: list(read_groups([path]))):
        assert refusal(lambda read=read: read(path)).startswith(f"{path}: ")  # type: ignore[misc]


@pytest.mark.parametrize("content", [text for text, _ in YAML.values()], ids=YAML)
def test_yaml_of_the_tools(content: str, here: Path) -> None:
    path = file(here, "hostile.yaml", content)

    assert refusal(lambda: list(read_groups([path]))).startswith(f"{path}: ")


@pytest.mark.parametrize("read", [Account.from_snapshot, read_policy_input])
def test_a_device_is_no_snapshot(read: Callable[[str], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^/dev/zero: larger than 200,000,000 bytes"):
        read("/dev/zero")


@pytest.mark.parametrize("value", ["[" * 100_000, '{"a": ' * 5000, '"' + "x" * 11_000_000 + '"', "[1,]"])
def test_json_of_the_environment(value: str) -> None:
    message = refusal(lambda: load(environ={"GUARDEDBEDROCK_CONTEXT": value}))

    assert message.startswith("environment variable GUARDEDBEDROCK_CONTEXT: ")


def test_a_device_is_read_no_further_than_the_limit() -> None:
    """A path such as /dev/zero has no end."""
    assert refusal(lambda: load("/dev/zero")).endswith("larger than 500,000 bytes; split it or remove what is not needed")


def test_what_is_within_the_bounds_is_read(here: Path) -> None:
    """The bounds accept realistic files: text with many dots, a hundred levels, ten thousand values by aliases."""
    dotted = ".".join(["word"] * 90)
    toml = f"text = '{dotted}'\nlong = {'9' * 18}\n[a.b.c.d]\nlist = {'[' * 50}{']' * 50}\n"
    yaml = "base: &base {k: [1, 2, 3]}\n" + "".join(f"c{index}: *base\n" for index in range(2000))

    assert reader.parse_toml(toml, "a.toml")["text"] == dotted
    assert len(reader.parse_yaml(yaml, "a.yaml")) == 2001
    assert reader.parse_json("[" * 99 + "]" * 99, "a.json")
    assert reader.read_text(file(here, "bom.json", "\ufeff{}")) == "{}"


def test_the_pytest_marker_reads_a_hostile_configuration(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("hostile.toml").write_text("a = " + "9" * 100_000, "utf-8")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.guardedbedrock(config="hostile.toml")
        def test_it(guardedbedrock_client):
            pass
        """
    )

    pytester.runpytest_subprocess("-q").stdout.fnmatch_lines(
        ["*ConfigurationError: *hostile.toml: not valid TOML: a number has too*"]
    )
