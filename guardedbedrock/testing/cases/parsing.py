"""From a file of JSON or YAML to what it says."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.language.documents import load_json
from guardedbedrock.testing.cases.finding import YAML

if TYPE_CHECKING:
    from pathlib import Path

_NO_YAML: Final = "is YAML, which needs PyYAML: pip install 'guardedbedrock[testing]'"


def parse_file(path: Path) -> object:
    """
    Read a file: YAML where its name says so, else JSON.

    Raises:
        PolicySyntaxError: It is no JSON; the message names line and column.
        ConfigurationError: It can not be read, or is no YAML.
    """
    text = _text(path)
    if path.suffix not in YAML:
        return load_json(text, file=str(path))
    try:
        parsed: object = import_module("guardedbedrock.testing.cases.as_yaml").load_yaml(text)
    except ModuleNotFoundError as error:
        if error.name != "yaml":
            raise
        raise ConfigurationError(f"{path}: {_NO_YAML}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return parsed


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: can not be read: {error.strerror}") from None
