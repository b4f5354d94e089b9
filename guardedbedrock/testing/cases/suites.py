"""
Suites: a file in which cases share policies and fixtures by name, written out into cases as an array holds them.

    {"policies": {"app": {"identity": ["policies/app.json"]}},
     "fixtures": {"hr": {"policies": "app", "request": {"principal": "arn:...", "resource": "arn:..."}}},
     "cases": [{"id": "reads", "use": "hr", "request": {"action": "s3:GetObject"}, "expect": {"decision": "allowed"}}]}

What a case writes itself wins over its fixtures, and a later fixture over an earlier one; objects are joined key by key, one
level deep. Where a policy document is expected, a text is a file, a glob or a folder, relative to the folder of the suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.language.documents import Object
from guardedbedrock.testing.cases import shapes
from guardedbedrock.testing.cases.finding import find
from guardedbedrock.testing.cases.parsing import parse_file
from guardedbedrock.testing.cases.reading import SHARED
from guardedbedrock.testing.cases.shapes import Place

if TYPE_CHECKING:
    from pathlib import Path

Fields: TypeAlias = Mapping[str, Any]

_BY_NAME: Final = shapes.object_of(shapes.object_of(shapes.anything))
_FIXTURES: Final = shapes.object_of(shapes.fields({}, dict.fromkeys(SHARED, shapes.anything)))
_SUITE: Final = shapes.fields({"cases": shapes.array_of(shapes.anything)}, {"policies": _BY_NAME, "fixtures": _FIXTURES})


class PolicyFile(Object):
    """A policy document that remembers its file."""

    file: str = ""


def write_out(data: Fields, path: Path) -> list[object]:
    """
    Write the cases of a suite out.

    Args:
        data: What the file says.
        path: The file.

    Raises:
        PolicySyntaxError: A policy file is no JSON.
        ConfigurationError: A field is stray, a name unknown, a policy file missing.
    """
    place = Place(str(path))
    shapes.check_json(data, place)
    _SUITE(data, place)
    return _Suite(data, path.parent).cases(place / "cases")


class _Suite:
    def __init__(self, data: Fields, folder: Path) -> None:
        self._data, self._folder = data, folder
        self._read: dict[str, list[PolicyFile]] = {}
        self._expanded: dict[str, Fields] = {}

    def cases(self, place: Place) -> list[object]:
        return [self._case(case, place / index) for index, case in enumerate(self._data["cases"])]

    def _case(self, case: object, place: Place) -> object:
        if not isinstance(case, Mapping):
            return case
        used = case.get("use", [])
        names = [used] if isinstance(used, str) else used
        shapes.array_of(shapes.name)(names, place / "use")
        fixtures = [_named(self._data.get("fixtures", {}), name, "fixture", place / "use") for name in names]
        own = {name: value for name, value in case.items() if name != "use"}
        return reduce(_join, (self._with_policies(layer, place) for layer in (*fixtures, own)))

    def _with_policies(self, fields: Fields, place: Place) -> Fields:
        given, where = fields.get("policies"), place / "policies"
        if isinstance(given, str):
            return {**fields, "policies": self._by_name(given, where)}
        return {**fields, "policies": self._expand(given, where)} if isinstance(given, Mapping) else fields

    def _by_name(self, name: str, place: Place) -> Fields:
        if name not in self._expanded:
            self._expanded[name] = self._expand(_named(self._data.get("policies", {}), name, "policies", place), place)
        return self._expanded[name]

    def _expand(self, policies: Fields, place: Place) -> Fields:
        arrays = ((kind, given) for kind, given in policies.items() if isinstance(given, list))
        return {**policies, **{kind: list(self._documents(given, place / kind)) for kind, given in arrays}}

    def _documents(self, given: list[Any], place: Place) -> Iterator[object]:
        for index, each in enumerate(given):
            if isinstance(each, str):
                yield from self._files(each, place / index)
            else:
                yield list(self._documents(each, place / index)) if isinstance(each, list) else each

    def _files(self, source: str, place: Place) -> list[PolicyFile]:
        if source not in self._read:
            try:
                self._read[source] = [_policy_file(path) for path in find([source], self._folder)]
            except OSError as error:
                place.fail(f"`{source}` can not be read: {error.strerror}")
        return self._read[source]


def _policy_file(path: Path) -> PolicyFile:
    data = parse_file(path)
    if not isinstance(data, Object):
        raise ConfigurationError(f"{path}: should be one policy document, an object")
    made = PolicyFile(data)
    made.file, made.repeated = str(path), data.repeated
    return made


def _join(first: Fields, second: Fields) -> Fields:
    both = (name for name in second if isinstance(first.get(name), Mapping) and isinstance(second[name], Mapping))
    return {**first, **second, **{name: {**first[name], **second[name]} for name in both}}


def _named(known: Mapping[str, Fields], name: str, what: str, place: Place) -> Fields:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        place.fail(f"the {what} `{name}` is not in the suite" + (f"; did you mean `{near[0]}`?" if near else ""))
    return known[name]
