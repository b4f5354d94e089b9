"""Where settings come from: code, the environment, a TOML file; each a layer that can say where a key stands in it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import BaseSettings, EnvSettingsSource

from guardedbedrock.config_problems import Loc, Places, dotted, unknown
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES, PolicySyntaxError
from guardedbedrock.iam.documents import load_json
from guardedbedrock.policy_files import anchored

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX: Final = "GUARDEDBEDROCK_"
CONFIG: Final = "GUARDEDBEDROCK_CONFIG"
FILE: Final = "guardedbedrock.toml"
PYPROJECT: Final = "pyproject.toml"
_MERGED: Final = ("policies", "context")
"""Tables whose keys may come from several layers; every other value comes from one layer as a whole."""


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
            if name not in known:
                raise unknown(self.place((name,)), name, known)


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Join layers, the first one winning."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        for key, value in layer.data.items():
            below = merged.get(key)
            both = key in _MERGED and isinstance(value, Mapping) and isinstance(below, Mapping)
            merged[key] = {**below, **value} if both and below is not None else value
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
    Take ``GUARDEDBEDROCK_*``; a value that starts like JSON is JSON, ``null`` is None.

    Raises:
        ConfigurationError: A variable is unknown, or holds broken JSON.
    """
    names = {name.lower(): name for name in environ if name.upper().startswith(PREFIX) and name.upper() != CONFIG}
    known = list(_variables(settings))
    for name in names.values():
        if name.upper() not in known:
            raise unknown(f"environment variable {name}", name.upper(), known)
        _decoded(environ[name], name)
    source = _Environment(settings)
    source.env_vars = {lower: None if environ[name] is None else environ[name] for lower, name in names.items()}
    return Layer(_anchored(source(), base), _variable_place(names))


class _Environment(EnvSettingsSource):
    """The environment, with one reading of JSON that keeps sight of repeated keys, and of plain text where a list may be one text."""

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        return _decoded(value, field_name) if field is None or isinstance(value, str) else value


def _variables(settings: type[BaseSettings]) -> Iterator[str]:
    for name in settings.model_fields:
        yield PREFIX + name.upper()
    for kind in POLICY_TYPES:
        yield f"{PREFIX}POLICIES__{kind.upper()}"


def _decoded(text: str, name: str) -> Any:
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        return load_json(text)
    except PolicySyntaxError as error:
        raise ConfigurationError(f"environment variable {name} {error.problem}") from None


def _variable_place(names: Mapping[str, str]) -> Places:
    def place(loc: Loc) -> str:
        nested = PREFIX.lower() + "__".join(map(str, loc[:2])).lower()
        variable = names.get(nested) or names.get(PREFIX.lower() + str(loc[0]), PREFIX + str(loc[0]).upper())
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
        raise ConfigurationError(f"{path}: is no TOML: {_lower(str(error))}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{what} can not be read ({error.strerror}): looked for `{path}`; correct the path") from None
    label = str(path)
    if path.name == PYPROJECT:
        label += " [tool.guardedbedrock]"
        data = _table(data)
        if data is None:
            return _absent(path) if named else None
    return Layer(_anchored(data, path.parent), lambda loc: f"{label}: `{dotted(loc)}`")


def _anchored(given: Mapping[str, Any], base: Path) -> dict[str, Any]:
    return {key: anchored(value, base) if key == "policies" else value for key, value in given.items()}
