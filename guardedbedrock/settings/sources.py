"""Where settings come from: code, the environment, a TOML file; each a layer that can say where a key stands in it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import BaseSettings, EnvSettingsSource

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES, PolicySyntaxError
from guardedbedrock.iam.language.documents import Object, load_json
from guardedbedrock.settings.policy_files import anchored
from guardedbedrock.settings.problems import Loc, Places, dotted, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

PREFIX: Final = "GUARDEDBEDROCK_"
CONFIG: Final = "GUARDEDBEDROCK_CONFIG"
FILE: Final = "guardedbedrock.toml"
PYPROJECT: Final = "pyproject.toml"
_NESTED: Final = "__"
_MERGED: Final = ("policies", "context")
"""Tables whose keys may come from several layers; every other value comes from one layer as a whole."""


RENAMED: Final = {"behind": "profiles"}
"""Former name of a setting to its name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """
    What one place says.

    Args:
        data: Top-level keys, with policy files made absolute.
        place: Says where a key stands.
    """

    data: Mapping[str, Any]
    place: Places

    def holds(self, loc: Loc) -> bool:
        """Tell whether this layer gives a top-level key or, of a merged table, a key of it."""
        value = self.data.get(str(loc[0]), {})
        return loc[0] in self.data and (len(loc) == 1 or (isinstance(value, Mapping) and loc[1] in value))

    def check(self, known: Sequence[str]) -> None:
        """
        Refuse a top-level key that nobody knows.

        Raises:
            ConfigurationError: With the key that was meant.
        """
        for name in self.data:
            if name in RENAMED:
                raise ConfigurationError(f"{self.place((name,))} was renamed: write `{RENAMED[name]}` instead")
            if name not in known:
                raise unknown(self.place((name,)), name, known)


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Join layers, the first one winning."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        for key, value in layer.data.items():
            below = merged.get(key) if key in _MERGED else None
            merged[key] = {**below, **value} if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def places(layers: Sequence[Layer]) -> Places:
    """Make the function that says which layer gave a key, and where it stands there."""

    def place(loc: Loc) -> str:
        kept = (loc[:2], loc[:1]) if loc[0] in _MERGED else (loc[:1],)
        giver = next((layer for key in kept for layer in layers if layer.holds(key)), None)
        return giver.place(loc) if giver else f"`{dotted(loc)}`"

    return place


def from_code(given: Mapping[str, Any], base: Path) -> Layer:
    """Take keyword arguments."""
    return Layer(_anchored(given, base), lambda loc: f"keyword argument `{dotted(loc)}`")


def from_environment(environ: Mapping[str, str], settings: type[BaseSettings], base: Path) -> Layer:
    """
    Take ``GUARDEDBEDROCK_*``; a value that starts like JSON is JSON, ``null`` is None, all else is text.

    Raises:
        ConfigurationError: A variable is unknown, or holds broken JSON.
    """
    given = {name: text for name, text in environ.items() if name.upper().startswith(PREFIX) and name != CONFIG}
    _check_names(given, [PREFIX + name.upper() for name in settings.model_fields])
    read = {name: _decoded(text, f"environment variable {name}") for name, text in given.items()}
    source = _Environment(settings)
    source.env_vars = {name.lower(): given[name] for name, value in read.items() if value is not None or _NESTED in name}
    nulls = {name.removeprefix(PREFIX).lower(): None for name, value in read.items() if value is None and _NESTED not in name}
    return Layer(_anchored({**source(), **nulls}, base), _variable_place(frozenset(given)))


def _check_names(given: Collection[str], fields: list[str]) -> None:
    whole = f"{PREFIX}POLICIES"
    parts = [f"{whole}{_NESTED}{kind.upper()}" for kind in POLICY_TYPES]
    for name in given:
        former = name.removeprefix(PREFIX).lower()
        if former in RENAMED:
            raise ConfigurationError(f"environment variable {name} was renamed: set {PREFIX}{RENAMED[former].upper()} instead")
        if name not in fields and name not in parts:
            raise unknown(f"environment variable {name}", name.upper(), [*fields, CONFIG, *parts])
    part = next((name for name in parts if name in given), None)
    if part and whole in given:
        raise ConfigurationError(f"environment variable {whole} and {part} are both set: keep one of them")


class _Environment(EnvSettingsSource):
    """The environment, with one reading of JSON, and with plain text where a list may be one text."""

    def decode_complex_value(self, field_name: str, _field: FieldInfo, value: Any) -> Any:
        return _decoded(value, field_name)


def _decoded(text: str, where: str) -> Any:
    if text.strip() == "null":
        return None
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        value = load_json(text)
    except PolicySyntaxError as error:
        raise ConfigurationError(f"{where} {error.problem}; correct it there, or write plain text") from None
    key = _repeated(value)
    if key is not None:
        raise ConfigurationError(f"{where} has the key `{key}` twice: keep one")
    return value


def _repeated(value: Any) -> str | None:
    """Find a key that stands twice in one object, of which JSON would drop the first."""
    if isinstance(value, Object) and value.repeated is not None:
        return value.repeated
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((key for key in map(_repeated, children) if key is not None), None)


def _variable_place(names: Collection[str]) -> Places:
    def place(loc: Loc) -> str:
        whole, part = (PREFIX + _NESTED.join(map(str, loc[:size])).upper() for size in (1, 2))
        variable = part if part in names else whole
        return f"environment variable {variable}" + (f": `{dotted(loc)}`" if len(loc) > 1 else "")

    return place


def from_file(path: str | Path | None, environ: Mapping[str, str], base: Path) -> Layer | None:
    """
    Take the TOML file: the one named, else the environment's, else the working directory's, else none.

    Raises:
        ConfigurationError: A file that was named is not there, or a file is no TOML.
    """
    if path is not None:
        return _read(base / path, f"the configuration file `{path}`", named=True)
    if CONFIG in environ:
        return _read(base / environ[CONFIG], f"environment variable {CONFIG} names `{environ[CONFIG]}`, which", named=True)
    present = (base / name for name in (FILE, PYPROJECT) if (base / name).exists())
    layers = (_read(path, f"`{path}`", named=False) for path in present)
    return next((layer for layer in layers if layer), None)


def _read(path: Path, what: str, *, named: bool) -> Layer | None:
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is no TOML: {str(error).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{what} can not be read ({error.strerror}): looked for `{path}`; correct the path") from None
    if path.name != PYPROJECT:
        return _file_layer(data, path, str(path))
    tool = data.get("tool", {})
    if not named and "guardedbedrock" not in tool:
        return None
    if not isinstance(tool.get("guardedbedrock"), Mapping):
        raise ConfigurationError(f"{path}: has no table [tool.guardedbedrock]: add it, or name another file")
    return _file_layer(tool["guardedbedrock"], path, f"{path} [tool.guardedbedrock]")


def _file_layer(data: Mapping[str, Any], path: Path, label: str) -> Layer:
    return Layer(_anchored(data, path.parent), lambda loc: f"{label}: `{dotted(loc)}`")


def _anchored(given: Mapping[str, Any], base: Path) -> dict[str, Any]:
    return {key: anchored(value, base) if key == "policies" else value for key, value in given.items()}
