"""The public names, and what importing them loads."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import guardedbedrock

MODULES = (
    "guardedbedrock",
    "guardedbedrock.bedrock",
    "guardedbedrock.errors",
    "guardedbedrock.events",
    "guardedbedrock.iam",
    "guardedbedrock.testing",
)
PACKAGE = Path(guardedbedrock.__file__).parent
HEAVY = ("boto3", "botocore", "structlog", "opentelemetry", "pydantic", "tenacity")
LOADED = "import json, sys; {program}; print(json.dumps([name for name in {heavy} if name in sys.modules]))"


def loaded_by(program: str) -> list[str]:
    """Return which of the heavy packages a program loads, run in a separate process."""
    source = LOADED.format(program=program, heavy=HEAVY)
    path = {"PATH": os.environ["PATH"]}
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=path, timeout=120, check=True)  # noqa: S603
    return list(json.loads(ran.stdout))


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_sorted_and_there(name: str) -> None:
    """`__all__` is sorted (constants, classes, the rest) without duplicates; every name exists and is listed by `dir`."""
    module = importlib.import_module(name)

    assert list(module.__all__) == sorted(
        set(module.__all__), key=lambda public: (not public.isupper(), public[0].islower(), public)
    )
    assert [public for public in module.__all__ if getattr(module, public, None) is None] == []
    assert set(module.__all__) <= set(dir(module))


def types_of(file: Path) -> Iterator[str]:
    """Yield the public classes and type aliases that a module defines."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and ast.unparse(node.annotation) == "TypeAlias"
        ):
            yield node.target.id


def test_no_two_types_have_the_same_name() -> None:
    files: dict[str, list[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        for name in types_of(file):
            if not name.startswith("_"):
                files.setdefault(name, []).append(str(file.relative_to(PACKAGE)))

    assert len(files) > 500
    assert {name: found for name, found in files.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", guardedbedrock.__all__)
def test_a_name_is_the_same_wherever_it_comes_from(name: str) -> None:
    """The package exports the same object as the module that defines it."""
    found = getattr(guardedbedrock, name)

    home = importlib.import_module(getattr(found, "__module__", found.__name__))
    assert getattr(home, name, home) is found
    assert getattr(guardedbedrock, name) is found


def test_every_error_can_be_imported_from_the_package() -> None:
    """An application that catches an error need not know the module of errors."""
    errors = {name for name in guardedbedrock.errors.__all__ if name.endswith("Error")}

    assert errors <= set(guardedbedrock.__all__)
    assert all(getattr(guardedbedrock, name) is getattr(guardedbedrock.errors, name) for name in errors)


@pytest.mark.parametrize("name", ["Nonsense", "bind", "fuse"])
def test_a_name_that_is_not_public_is_an_attribute_error(name: str) -> None:
    """Lazy loading raises the usual error, and hides names that are not public."""
    with pytest.raises(AttributeError, match=f"module 'guardedbedrock' has no attribute '{name}'"):
        getattr(guardedbedrock, name)


def test_dir_lists_the_public_names_only() -> None:
    """Completion in an editor or a shell shows what an application may use."""
    assert dir(guardedbedrock) == sorted([*guardedbedrock.__all__, "__version__"])


def test_the_version_is_that_of_the_distribution() -> None:
    """The version is read from the metadata of the distribution, so it is written once."""
    assert guardedbedrock.__version__ == metadata.version("guardedbedrock")
    assert "__version__" in dir(guardedbedrock)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import guardedbedrock", []),
        ("import guardedbedrock; guardedbedrock.__version__; dir(guardedbedrock)", []),
        ("import guardedbedrock.iam", []),
        ("from guardedbedrock import iam, Guardrail", []),
        ("from guardedbedrock import AccessDeniedError", ["botocore"]),
    ],
)
def test_an_import_loads_what_it_needs(program: str, expected: list[str]) -> None:
    """The package loads nothing heavy, the policy engine no botocore, the errors no boto3."""
    assert loaded_by(program) == expected


def test_a_guard_loads_every_heavy_package_but_structlog() -> None:
    """This shows that the test above can fail. Only the application imports structlog."""
    assert loaded_by("from guardedbedrock import Guard") == [name for name in HEAVY if name != "structlog"]


def test_star_imports_give_every_public_name() -> None:
    """`__all__` works with names that load late."""
    names: dict[str, object] = {}

    exec("from guardedbedrock import *", names)  # noqa: S102 - the statement under test

    assert set(guardedbedrock.__all__) <= set(names)


def test_no_other_type_has_the_name_of_a_public_type() -> None:
    """A reader who sees `Request` or `Verdict` in any module may take it for the public one."""
    modules = [importlib.import_module(module) for module in MODULES]
    public = {name for module in modules for name in module.__all__ if isinstance(getattr(module, name), type)}
    defined: dict[str, list[str]] = {name: [] for name in public}
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in _types(path):
            if name in public:
                defined[name].append(str(path.relative_to(PACKAGE)))

    assert len(public) > 60
    assert {name: files for name, files in defined.items() if len(files) != 1} == {}


def _types(path: Path) -> Iterator[str]:
    """Yield the names of the classes and type aliases that a module defines."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            yield ast.unparse(node.target)
