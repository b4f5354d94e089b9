"""
Suites: files whose cases share policies and fixtures by name.

    {"policies": {"app": {"identity": ["policies/app.json"]}},
     "fixtures": {"hr": {"policies": "app", "request": {"principal": "arn:...", "resource": "arn:..."}}},
     "cases": [{"id": "reads", "use": "hr", "request": {"action": "s3:GetObject"}, "expect": {"decision": "allowed"}}]}

Precedence of fields: 1. the case, 2. its fixtures, the last first. Objects are merged key by key, one level deep. A string
instead of a policy document is a file, a glob pattern or a folder, relative to the folder of the suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.language.documents import Object
from guardedbedrock.testing.cases import shapes
from guardedbedrock.testing.cases.files import find, parse_file
from guardedbedrock.testing.cases.reader import SHARED
from guardedbedrock.testing.cases.shapes import Location

if TYPE_CHECKING:
    from pathlib import Path

Fields: TypeAlias = Mapping[str, Any]

_BY_NAME: Final = shapes.object_of(shapes.object_of(shapes.anything))
_FIXTURES: Final = shapes.object_of(shapes.fields({}, dict.fromkeys(SHARED, shapes.anything)))
_SUITE: Final = shapes.fields({"cases": shapes.array_of(shapes.anything)}, {"policies": _BY_NAME, "fixtures": _FIXTURES})


class SuitePolicy(Object):
    """A policy document with its file."""

    file: str = ""


def expand(data: Fields, path: Path) -> list[object]:
    """
    Return the cases of a suite, with policies and fixtures filled in.

    Args:
        data: The content of the file.
        path: The file.

    Raises:
        PolicySyntaxError: A policy file is not JSON.
        ConfigurationError: A field or a name is unknown, or a policy file is missing.
    """
    location = Location(str(path))
    shapes.check_json(data, location)
    _SUITE(data, location)
    return _Suite(data, path).cases()


class _Suite:
    def __init__(self, data: Fields, path: Path) -> None:
        self._data, self._folder, self._location = data, path.parent, Location(str(path))
        self._read: dict[str, list[SuitePolicy]] = {}
        self._expanded: dict[str, Fields] = {}

    def cases(self) -> list[object]:
        # Policy sets and fixtures that no case uses are read too, so that their mistakes are found.
        for name in self._data.get("policies", {}):
            self._by_name(name, self._location)
        for name in self._data.get("fixtures", {}):
            self._fixture(name, self._location)
        return [self._case(case, self._location / "cases" / index) for index, case in enumerate(self._data["cases"])]

    def _case(self, case: object, location: Location) -> object:
        if not isinstance(case, Mapping):
            return case
        used = case.get("use", [])
        names = [used] if isinstance(used, str) else used
        shapes.array_of(shapes.name)(names, location / "use")
        layers = [self._fixture(name, location / "use") for name in names]
        own = {name: value for name, value in case.items() if name != "use"}
        return reduce(_merge, (*layers, self._with_policies(own, location)))

    def _fixture(self, name: str, location: Location) -> Fields:
        fixture = _named(self._data.get("fixtures", {}), name, "fixture", location)
        return self._with_policies(fixture, self._location / "fixtures" / name)

    def _with_policies(self, fields: Fields, location: Location) -> Fields:
        found = dict(fields)
        for key in ("policies", "before"):
            given, where = fields.get(key), location / key
            if isinstance(given, str):
                found[key] = self._by_name(given, where)
            elif isinstance(given, Mapping):
                found[key] = self._expand(given, where)
        return found

    def _by_name(self, name: str, location: Location) -> Fields:
        if name not in self._expanded:
            policies = _named(self._data.get("policies", {}), name, "policy set", location)
            self._expanded[name] = self._expand(policies, self._location / "policies" / name)
        return self._expanded[name]

    def _expand(self, policies: Fields, location: Location) -> Fields:
        arrays = ((kind, given) for kind, given in policies.items() if isinstance(given, list))
        return {**policies, **{kind: list(self._documents(given, location / kind)) for kind, given in arrays}}

    def _documents(self, given: list[Any], location: Location) -> Iterator[object]:
        for index, each in enumerate(given):
            if isinstance(each, str):
                yield from self._files(each, location / index)
            else:
                yield list(self._documents(each, location / index)) if isinstance(each, list) else each

    def _files(self, source: str, location: Location) -> list[SuitePolicy]:
        if source not in self._read:
            if not source:
                location.fail("must not be empty; write the path of a policy file")
            try:
                paths = list(find([source], self._folder))
            except ConfigurationError as error:
                location.fail(f"{error}; correct the path, which is relative to the folder of the suite")
            self._read[source] = [_policy_file(path) for path in paths]
        return self._read[source]


def _policy_file(path: Path) -> SuitePolicy:
    data = parse_file(path)
    if not isinstance(data, Object):
        raise ConfigurationError(f"{path}: expected one policy document, an object")
    document = SuitePolicy(data)
    document.file, document.repeated = str(path), data.repeated
    return document


def _merge(first: Fields, second: Fields) -> Fields:
    both = (name for name in second if isinstance(first.get(name), Mapping) and isinstance(second[name], Mapping))
    return {**first, **second, **{name: {**first[name], **second[name]} for name in both}}


def _named(known: Mapping[str, Fields], name: str, what: str, location: Location) -> Fields:
    if name not in known:
        listed = f"; known {what}s are {', '.join(known)}" if known else f"; the suite has no {what}"
        location.fail(f"unknown {what} `{name}`{shapes.suggestion(name, known) or listed}")
    return known[name]
