"""The layers that settings come from: code, the environment, a TOML file. Each layer can write the location of a key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from guardedbedrock._nearest import closest
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES
from guardedbedrock.iam.language.documents import repeated_key
from guardedbedrock.settings.policy_files import anchored
from guardedbedrock.settings.problems import Loc, WriteLocation, dotted, unknown
from guardedbedrock.settings.reader import parse_json, read_toml

PREFIX: Final = "GUARDEDBEDROCK_"
CONFIG: Final = "GUARDEDBEDROCK_CONFIG"
FILE: Final = "guardedbedrock.toml"
PYPROJECT: Final = "pyproject.toml"
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
MERGED: Final = ("policies", "context")
"""Tables whose keys may come from several layers; every other value comes from one layer as a whole."""
TOOL_TABLES: Final = ("lint", "guardrail_definitions")
"""Tables of a TOML file that only command-line tools read; each tool validates its table."""
RENAMED: Final = {"behind": "profiles"}
"""Former name of a setting to its current name."""

_NESTED: Final = "__"


@dataclass(frozen=True, slots=True)
class Layer:
    """
    The settings of one source.

    Args:
        data: Top-level keys, with absolute paths of policy files.
        write_location: Returns the location of a key, in words.
        name: The path of the file; ``""`` if the settings are not from a file.
    """

    data: Mapping[str, Any]
    write_location: WriteLocation
    name: str = ""

    def holds(self, loc: Loc) -> bool:
        """Return whether this layer has a top-level key or, for a merged table, a key of the table."""
        value = self.data.get(str(loc[0]), {})
        return loc[0] in self.data and (len(loc) == 1 or (isinstance(value, Mapping) and loc[1] in value))

    def check(self, known: Sequence[str]) -> None:
        """
        Reject an unknown top-level key, and a string that is not valid Unicode, such as a variable that is not UTF-8.

        Raises:
            ConfigurationError: The message has the location and, for an unknown key, the key that was probably meant.
        """
        for name, value in self.data.items():
            if _has_lone_surrogate(value):
                raise ConfigurationError(
                    f"{self.write_location((name,))}: has a character that is not valid Unicode; write it in UTF-8"
                )
            if name in RENAMED:
                raise ConfigurationError(f"{self.write_location((name,))}: was renamed; write `{RENAMED[name]}` instead")
            if name not in known:
                raise unknown(self.write_location((name,)), name, [*known, *TOOL_TABLES] if self.name else known)


def _has_lone_surrogate(value: Any) -> bool:
    """Return whether a string in a value cannot be encoded; the validation rejects a value that contains itself."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _LONE_SURROGATE.search(one):
            return True
        if isinstance(one, Mapping | list | tuple) and id(one) not in seen:
            seen.add(id(one))
            waiting += [*one, *one.values()] if isinstance(one, Mapping) else one
    return False


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Merge layers; the first one wins."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        for key, value in layer.data.items():
            below = merged.get(key) if key in MERGED else None
            merged[key] = _over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _over(below: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Override keys of a lower layer. As in IAM, keys ignore case: `aws:sourceIp` is `aws:SourceIp`."""
    given = {str(name).lower() for name in value}
    return {**{name: lower for name, lower in below.items() if str(name).lower() not in given}, **value}


def location_writer(layers: Sequence[Layer]) -> WriteLocation:
    """Return a function that writes the location of a key in the layer that the key comes from."""

    def write_location(loc: Loc) -> str:
        keys = (loc[:2], loc[:1]) if loc[0] in MERGED else (loc[:1],)
        layer_of_key = next((layer for key in keys for layer in layers if layer.holds(key)), None)
        return layer_of_key.write_location(loc) if layer_of_key else dotted(loc)

    return write_location


def _layer(given: Mapping[str, Any], base: Path, write_location: WriteLocation, name: str = "") -> Layer:
    """Create a layer, and resolve the paths of its policy files against a folder."""
    policies = {"policies": anchored(given["policies"], base)} if "policies" in given else {}
    return Layer({**given, **policies}, write_location, name)


def from_code(given: Mapping[str, Any], base: Path) -> Layer:
    """Create the layer of keyword arguments."""
    return _layer(given, base, lambda loc: f"keyword argument {dotted(loc)}")


def from_environment(environ: Mapping[str, str], fields: Collection[str], base: Path) -> Layer:
    """
    Create the layer of ``GUARDEDBEDROCK_*``. A value that starts like JSON is JSON, ``null`` is None, any other is a string.

    Args:
        environ: Environment variables.
        fields: Names of the settings.
        base: Folder that relative paths start from.

    Raises:
        ConfigurationError: A variable is unknown, or holds invalid JSON.
    """
    given = {name: text for name, text in environ.items() if name.upper().startswith(PREFIX) and name != CONFIG}
    _check_names(given, [PREFIX + name.upper() for name in fields])
    data: dict[str, Any] = {}
    for name, text in given.items():
        key, _, part = name.removeprefix(PREFIX).lower().partition(_NESTED)
        value = _decoded(text, f"environment variable {name}")
        data[key] = {**data.get(key, {}), part: value} if part else value
    return _layer(data, base, _variable_location(frozenset(given)))


def _check_names(given: Collection[str], fields: list[str]) -> None:
    whole = f"{PREFIX}POLICIES"
    parts = [f"{whole}{_NESTED}{kind.upper()}" for kind in POLICY_TYPES]
    for name in given:
        former = name.removeprefix(PREFIX).lower()
        if former in RENAMED:
            raise ConfigurationError(f"environment variable {name}: was renamed; set {PREFIX}{RENAMED[former].upper()} instead")
        if name not in fields and name not in parts:
            known = [one.removeprefix(PREFIX) for one in (*fields, CONFIG, *parts)]
            own = name.upper().removeprefix(PREFIX)
            # A key of a table, such as RETRY_ATTEMPTS, is like no setting; its beginning is.
            meant = own if closest(own, known) else own.partition("_")[0]
            raise unknown(f"environment variable {name}", meant, known, prefix=PREFIX)
    part = next((name for name in parts if name in given), None)
    if part and whole in given:
        raise ConfigurationError(f"environment variable {whole}: set together with {part}; keep one of them")


def _decoded(text: str, where: str) -> Any:
    if text.strip() == "null":
        return None
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    value = parse_json(text, where)
    key = repeated_key(value)
    if key is not None:
        raise ConfigurationError(f"{where}: has the key `{key}` twice; keep one")
    return value


def _variable_location(names: Collection[str]) -> WriteLocation:
    def write_location(loc: Loc) -> str:
        whole, part = (PREFIX + _NESTED.join(map(str, loc[:size])).upper() for size in (1, 2))
        variable = part if part in names else whole
        return f"environment variable {variable}" + (f": {dotted(loc)}" if len(loc) > 1 else "")

    return write_location


def from_file(path: str | Path | None, environ: Mapping[str, str], base: Path) -> Layer | None:
    """
    Create the layer of the TOML file; None if there is no file.

    The first of these files is read:

    1. the file that is given,
    2. the file that ``GUARDEDBEDROCK_CONFIG`` names,
    3. ``guardedbedrock.toml`` in the working directory,
    4. ``pyproject.toml`` in the working directory, if it has a table ``[tool.guardedbedrock]``.

    Raises:
        ConfigurationError: The file that was given or named does not exist or is not a path, or a file is not TOML.
    """
    if path is not None:
        if not isinstance(path, str | PathLike):
            raise ConfigurationError(f"configuration file: pass a path, not {type(path).__name__}")
        return _read(base / path, named=f"configuration file {base / path}")
    if CONFIG in environ:
        if not environ[CONFIG]:
            raise ConfigurationError(f"environment variable {CONFIG}: is empty; set it to the path of a file, or unset it")
        return _read(base / environ[CONFIG], named=f"environment variable {CONFIG}: {base / environ[CONFIG]}")
    layers = (_read(file) for file in default_files(base) if file.exists())
    return next((layer for layer in layers if layer), None)


def used_file(path: str | Path | None, environ: Mapping[str, str], base: Path) -> Path | None:
    """Return the TOML file that `from_file` reads; None if there is no file."""
    layer = from_file(path, environ, base)
    return Path(layer.name) if layer else None


def default_files(base: Path) -> tuple[Path, ...]:
    """Return the files to look for if no file is given, in order of precedence."""
    return (base / FILE, base / PYPROJECT)


def _read(path: Path, *, named: str = "") -> Layer | None:
    data = read_toml(path, what=named or None)
    if path.name != PYPROJECT:
        return _layer(_without_tools(data), path.parent, lambda loc: f"{path}: {dotted(loc)}", str(path))
    table = data.get("tool", {}).get("guardedbedrock") if isinstance(data.get("tool", {}), Mapping) else None
    if table is None and not named:
        return None
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: has no table [tool.guardedbedrock]; add it, or name another file")
    return _layer(_without_tools(table), path.parent, lambda loc: f"{path} [tool.guardedbedrock]: {dotted(loc)}", str(path))


def _without_tools(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in table.items() if key not in TOOL_TABLES}
