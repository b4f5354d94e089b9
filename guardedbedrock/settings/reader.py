"""
Read TOML, JSON and YAML with bounds on size, depth and expansion.

A hostile or damaged file ends in a `ConfigurationError` within a second, and in bounded memory. Every file that the
configuration, the command line and the pytest marker read passes through here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.account.snapshot import read_at_most
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import load_json

LARGEST: Final = 10_000_000
"""Greatest size of a JSON file, in bytes; of JSON text from elsewhere, in characters."""
LARGEST_TOML: Final = 500_000
"""Greatest size of a TOML file, in bytes; of TOML text, in characters. `tomllib` reads about a megabyte a second."""
LARGEST_YAML: Final = 2_000_000
"""Greatest length of YAML text, in characters; PyYAML is slower than `tomllib`."""
DEEPEST: Final = 100
"""Greatest nesting of tables, lists and objects. Functions that walk over the parsed data recurse."""
_LARGEST_NUMBER: Final = 2**63
MOST_NODES: Final = 200_000
"""Greatest number of values in a YAML file, with every alias expanded."""

_LONGEST_NUMBER: Final = 1000
_QUOTE_STAR: Final = "put a string that starts with `*` in quotes"
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9a-fA-FxXoO_:.]*+")
"""A plain YAML scalar that PyYAML may convert to a number. The conversion of a number in base 60 takes quadratic time."""

_KEY: Final = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_KEY}[ \t]*+\.[ \t]*+){{{DEEPEST}}}")
"""A dotted key of so many parts that `tomllib` takes quadratic time and memory."""


@contextmanager
def in_file(file: Path) -> Iterator[None]:
    """Put a file before the message of every `ConfigurationError` of the block."""
    try:
        yield
    except PolicySyntaxError as error:
        raise PolicySyntaxError(error.problem, pointer=error.pointer, file=f"{file}: {error.file or 'policy'}") from None
    except ConfigurationError as error:
        raise type(error)(f"{file}: {error}") from None


def read_text(path: Path, *, largest: int = LARGEST, what: str | None = None) -> str:
    """
    Read a UTF-8 file, with or without a byte order mark.

    Args:
        path: The file.
        largest: Size in bytes at which the file is rejected.
        what: The name of the file in messages; its path unless given.

    Raises:
        ConfigurationError: The file cannot be read, is too large, or is not UTF-8.
    """
    name = what or str(path)
    try:
        data = read_at_most(path, largest + 1)
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read ({error.strerror}); correct the path or its permissions") from None
    except ValueError:  # a NUL byte, or a lone surrogate
        raise ConfigurationError(f"{name!a}: not a path of the file system; correct it") from None
    if len(data) > largest:
        raise ConfigurationError(f"{name}: larger than {largest:,} bytes; split it or remove what is not needed")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: not UTF-8 text; save it as UTF-8") from None


def read_toml(path: Path, *, what: str | None = None) -> dict[str, Any]:
    """
    Read a TOML file.

    Raises:
        ConfigurationError: The file cannot be read or is not TOML; the message gives line and column.
    """
    return parse_toml(read_text(path, largest=LARGEST_TOML, what=what), str(path))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """
    Parse TOML text.

    Args:
        text: At most `LARGEST_TOML` characters.
        name: The name of the text in messages.

    Raises:
        ConfigurationError: It is not TOML, or exceeds the bounds of this module.
    """
    if len(text) > LARGEST_TOML:
        raise ConfigurationError(f"{name}: longer than {LARGEST_TOML:,} characters; split it or remove what is not needed")
    if _DEEP_KEY.search(text):
        raise _too_deep(name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: not valid TOML: {_lower(error)}") from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError:  # of int(), for a number with thousands of digits
        raise ConfigurationError(f"{name}: not valid TOML: a number has too many digits") from None
    check_depth(data, name)
    if _has_large_number(data):  # written as hexadecimal, which int() does not limit; TOML has 64 bits
        raise ConfigurationError(f"{name}: not valid TOML: a number has too many digits")
    return data


def parse_json(text: str, name: str) -> Any:
    """
    Parse JSON text. An object remembers a key that it has twice.

    Args:
        text: At most `LARGEST` characters.
        name: The name of the text in messages.

    Raises:
        ConfigurationError: It is not JSON, or exceeds the bounds of this module.
    """
    if len(text) > LARGEST:
        raise ConfigurationError(f"{name}: longer than {LARGEST:,} characters; split it or remove what is not needed")
    try:
        data = load_json(text)
    except PolicySyntaxError as error:
        if "nested" in error.problem:
            raise _too_deep(name) from None
        raise ConfigurationError(f"{name}: not valid JSON: {error.problem.partition('JSON: ')[2] or error.problem}") from None
    check_depth(data, name)
    return data


def parse_yaml(text: str, name: str, loader: Callable[[], Any] | None = None) -> Any:
    """
    Parse YAML text with a safe loader.

    Args:
        text: At most `LARGEST_YAML` characters.
        name: The name of the text in messages.
        loader: Imports a safe loader class of PyYAML; the fastest one unless given.

    Raises:
        ConfigurationError: It is not YAML, exceeds the bounds of this module, or PyYAML is not installed.
    """
    try:
        yaml: Any = import_module("yaml")
    except ModuleNotFoundError:
        raise ConfigurationError(f"{name}: YAML needs PyYAML; pip install 'guardedbedrock[testing]'") from None
    if len(text) > LARGEST_YAML:
        raise ConfigurationError(f"{name}: longer than {LARGEST_YAML:,} characters; split it or remove what is not needed")
    safe = loader() if loader else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, Loader=safe), yaml.events, name)
        data: Any = yaml.load(text, safe)  # a safe loader
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError(f"{name}: not valid YAML: {_yaml_problem(error, text)}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise _too_deep(name) from None
    except (ValueError, OverflowError, TypeError):  # of a scalar: a number of thousands of digits, an impossible date
        raise ConfigurationError(f"{name}: not valid YAML: a value cannot be read") from None
    return data


def check_depth(data: object, name: str) -> None:
    """
    Reject values that are nested too deeply for the recursive walks over them.

    Raises:
        ConfigurationError: There are more than `DEEPEST` levels, or a value contains itself.
    """
    level: list[object] = [data]
    for _ in range(DEEPEST + 1):
        level = [child for value in level for child in _children(value) if isinstance(child, Mapping | list)]
        if not level:
            return
    raise _too_deep(name)


def _has_large_number(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) > _LARGEST_NUMBER
    return any(map(_has_large_number, _children(value)))


def _children(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _check_events(events: Iterable[Any], kinds: Any, name: str) -> None:
    """
    Reject nesting, self-references and alias bombs before anything is built.

    PyYAML builds an alias as another reference, so an alias bomb takes effect only when a function walks over the result.
    """
    sizes: dict[str, int] = {}
    open_anchors: list[str | None] = []
    counts = [0]
    for event in events:
        if isinstance(event, kinds.AliasEvent):
            if event.anchor in open_anchors:
                raise ConfigurationError(f"{name}: the YAML anchor `{event.anchor[:32]}` contains itself; write the value out")
            counts[-1] += sizes.get(event.anchor, 1)
        elif isinstance(event, kinds.ScalarEvent):
            if event.implicit[0] and len(event.value) > _LONGEST_NUMBER and _NUMBER.fullmatch(event.value):
                raise ConfigurationError(f"{name}: not valid YAML: a number has too many digits; put a string in quotes")
            counts[-1] += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, kinds.CollectionStartEvent):
            open_anchors.append(event.anchor)
            counts.append(1)
        elif isinstance(event, kinds.CollectionEndEvent):
            size, anchor = counts.pop(), open_anchors.pop()
            counts[-1] += size
            sizes |= {anchor: size} if anchor else {}
        if len(counts) > DEEPEST:
            raise _too_deep(name)
        if counts[-1] > MOST_NODES:
            raise ConfigurationError(f"{name}: has more than {MOST_NODES:,} values with its YAML aliases expanded; use fewer")


def _yaml_problem(error: Any, text: str) -> str:
    is_alias = error.context == "while scanning an alias"
    mark = error.context_mark if is_alias else error.problem_mark
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    if mark and "\t" in _line(text, mark.line)[: mark.column + 1]:
        return f"a tab{where}; indent with spaces"
    if is_alias:
        return f"`*` starts an alias{where}; {_QUOTE_STAR}"
    if "another document" in str(error.problem):
        return f"a second document starts{where}; write each document to a file"
    if str(error.problem).startswith("found undefined alias"):
        return f"{error.problem}{where}; {_QUOTE_STAR}"
    return f"{error.problem}{where}"


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if number < len(lines) else ""


def _too_deep(name: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: nested deeper than {DEEPEST} levels; flatten it")


def _lower(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]
