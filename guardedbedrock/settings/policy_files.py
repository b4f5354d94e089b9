"""
Policies from files, globs and inline documents.

A source that yields nothing is an error: a Deny must not vanish because a folder was renamed.
"""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from guardedbedrock.bedrock.resources.policies import check_attached
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam import POLICY_TYPES, PolicyDocument, PolicySet, PolicyType, parse
from guardedbedrock.iam.language.documents import Source
from guardedbedrock.settings.problems import Loc, MisfitError, Models, as_list, dotted, explain

LEVELED: Final = frozenset({"scp", "rcp"})
_MAY_BE_EMPTY: Final = frozenset({"identity", "resource"})
_POLICIES: Final = "list files, globs or policy documents"
_LEVELS: Final = 'write one list for each level, root first, as in [["root.json"], ["account.json"]]'
_WILD: Final = frozenset("*?[")


def _usable(item: Any) -> Any:
    """Let a document, JSON text or the name of something that is there pass."""
    if isinstance(item, Mapping | PolicyDocument):
        return item
    if not isinstance(item, str | Path):
        raise MisfitError(" should be a file, a glob or a policy document")
    if not _is_json(item):
        find(str(item))
    return str(item)


Item: TypeAlias = Annotated[str | Mapping[str, Any] | PolicyDocument, PlainValidator(_usable)]
"""A file or glob, JSON text, a JSON object, or a document that was read already."""

Listed: TypeAlias = Annotated[tuple[Item, ...] | None, BeforeValidator(as_list)]
Levels: TypeAlias = tuple[tuple[Item, ...], ...] | None


class PolicySources(BaseModel):
    """
    Where the policies of each type come from; the keys are those of `PolicySet`.

    A list or a single source without a key is the principal's identity-based policies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    identity: Listed = Field(default=None, description=_POLICIES)
    boundary: Listed = Field(default=None, description=_POLICIES)
    session: Listed = Field(default=None, description=_POLICIES)
    scp: Levels = Field(default=None, description=_LEVELS)
    rcp: Levels = Field(default=None, description=_LEVELS)
    endpoint: Listed = Field(default=None, description=_POLICIES)
    resource: Listed = Field(default=None, description=_POLICIES)

    @model_validator(mode="before")
    @classmethod
    def _by_type(cls, given: Any) -> Any:
        return given if isinstance(given, cls) else by_type(given)

    @model_validator(mode="after")
    def _in_play(self) -> Self:
        if not any(sources or (sources is not None and kind in _MAY_BE_EMPTY) for kind, sources in self):
            raise MisfitError(" names no policy, and would allow everything: fill in `identity`, or leave `policies` out")
        return self

    def read(self) -> PolicySet:
        """
        Read every file and compile the policies; each document bears the name of its file.

        Raises:
            PolicySyntaxError: A document can not be read as a policy, or AWS would not attach it to the guardrail it names.
            SourceError: A file can not be read.
            ConfigurationError: A file is gone.
        """
        given: dict[str, Any] = {}
        for kind in POLICY_TYPES:
            sources = getattr(self, kind)
            if kind in LEVELED and sources is not None:
                given[kind] = [_documents(level, kind, ("policies", kind, i)) for i, level in enumerate(sources)]
            elif sources is not None:
                given[kind] = _documents(sources, kind, ("policies", kind))
        return PolicySet(**given)


def read_policies(
    sources: Mapping[str, Any] | Sequence[Any] | PolicyDocument | PolicySet | str | Path, *, base: Path
) -> PolicySet:
    """
    Read policies that code names.

    Args:
        sources: A mapping with the keywords of `PolicySet`; a list or a single source is identity-based policies. A text that
            starts with ``{`` is JSON, every other text a file or glob; a `PolicySet` is given back.
        base: Folder that relative names start from.

    Raises:
        PolicySyntaxError: A document can not be read as a policy, or AWS would not attach it to the guardrail it names.
        ConfigurationError: A key is unknown, a file is missing, a glob matches nothing.
    """
    if isinstance(sources, PolicySet):
        return sources
    try:
        checked = PolicySources.model_validate(anchored(sources, base))
    except ValidationError as error:
        models: Models = {"": PolicySources, "policies": PolicySources}
        raise explain(error, lambda loc: f"`{dotted(loc)}`", models, under=("policies",)) from None
    return checked.read()


def by_type(given: Any) -> Any:
    """Bring sources without a key under ``identity``; a mapping with a Statement is a document, not keys."""
    sources = isinstance(given, Mapping) and "Statement" not in given
    return given if sources or given is None else {"identity": given}


def anchored(given: Any, base: Path) -> Any:
    """
    Make every relative name absolute, and put sources without a key under theirs, so that sources can be joined key by key.

    Args:
        given: Sources as configured, of whatever shape; what has the wrong one is left as it is.
        base: Folder that relative names start from.
    """
    if given is None or isinstance(given, PolicySet | PolicySources):
        return given
    return {kind: _anchored(value, base) for kind, value in by_type(given).items()}


def _anchored(value: Any, base: Path) -> Any:
    if isinstance(value, list | tuple):
        return [_anchored(each, base) for each in value]
    if not isinstance(value, str | Path) or _is_json(value):
        return value
    literal = _WILD.isdisjoint(str(value)) or _exists(base / value)
    return str(base / value if literal else Path(glob.escape(str(base))) / value)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_json(item: str | Path) -> bool:
    return isinstance(item, str) and item.lstrip().startswith("{")


def find(pattern: str) -> list[Path]:
    """
    Find the files of a name or glob, sorted; ``**`` goes through folders, and a file that bears the very name wins over the glob.

    Raises:
        MisfitError: There is none, or the name is a folder's.
    """
    try:
        return _found(pattern)
    except OSError as error:
        raise MisfitError(f": `{pattern}` can not be read ({error.strerror}): correct the path or its permissions") from None


def _found(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        raise MisfitError(f": `{path}` is a folder: name a file in it, or a glob such as `{path / '*.json'}`")
    if path.exists():
        return [path]
    matches = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = sorted(match for match in matches if not match.is_dir())
    if not files:
        what = "there is no file" if _WILD.isdisjoint(pattern) else "no file matches"
        raise MisfitError(f": {what} `{pattern}`: correct the path, or put the file there")
    return files


def _documents(items: Sequence[Any], kind: PolicyType, loc: Loc) -> list[PolicyDocument]:
    documents: list[PolicyDocument] = []
    for index, item in enumerate(items):
        key = dotted((*loc, index))
        if isinstance(item, str) and not _is_json(item):
            documents += [_document(_text(path, key), kind, str(path)) for path in _files(item, key)]
        else:
            documents.append(_document(item, kind, key))
    return documents


def _document(source: Source, kind: PolicyType, name: str) -> PolicyDocument:
    if kind == "resource":
        check_attached(source, name=name)
    return parse(source, kind, name=name)


def _files(pattern: str, key: str) -> list[Path]:
    try:
        return find(pattern)
    except MisfitError as error:
        raise ConfigurationError(f"`{key}`{error}") from None


def _text(path: Path, key: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"`{key}`: `{path}` is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise SourceError(f"`{key}`: `{path}` can not be read ({error.strerror}): correct the file or its permissions") from None
