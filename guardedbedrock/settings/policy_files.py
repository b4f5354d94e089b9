"""
Policies from files, globs and inline documents.

A source that yields nothing is an error: a Deny must not vanish because a folder was renamed.
"""

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationError, model_validator

from guardedbedrock.bedrock.resources.resource_policies import check_attached
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam import POLICY_TYPES, PolicyDocument, PolicySet, PolicyType, parse
from guardedbedrock.iam.language.documents import Source
from guardedbedrock.settings.entry import setting
from guardedbedrock.settings.problems import Loc, MisfitError, Models, as_list, dotted, explain
from guardedbedrock.settings.reader import in_file, read_text
from guardedbedrock.sources.names import policy_source

LEVELED: Final = frozenset({"scp", "rcp"})
_MAY_BE_EMPTY: Final = frozenset({"identity", "resource"})
_POLICIES_FIX: Final = "list files, globs or policy documents"
_LEVELS_FIX: Final = 'write one list for each level, root first, as in [["root.json"], ["account.json"]]'
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The files of a name or glob, found once, when the configuration is validated."""

    paths: tuple[Path, ...]


def _usable(item: Any) -> Any:
    """Accept a document or JSON text, and find the files of a name or glob."""
    if isinstance(item, Mapping | PolicyDocument | PolicyFiles):
        return item
    if not isinstance(item, str | Path):
        raise MisfitError(f"must be a file, a glob or a policy document; {_POLICIES_FIX}")
    return item if _is_json(item) else PolicyFiles(find(str(item)))


PolicyFile: TypeAlias = Annotated[str | Mapping[str, Any] | PolicyDocument | PolicyFiles, PlainValidator(_usable)]
"""The files of a name or glob, JSON text, a JSON object, or a parsed document."""

Listed: TypeAlias = Annotated[tuple[PolicyFile, ...] | None, BeforeValidator(as_list)]
LevelFiles: TypeAlias = tuple[tuple[PolicyFile, ...], ...] | None


class PolicyTable(BaseModel):
    """
    Where the policies of each type come from; the keys are those of `PolicySet`.

    A list or a single source without a key is the principal's identity-based policies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    identity: Listed = setting(None, "Identity-based policies of the principal.", _POLICIES_FIX)
    boundary: Listed = setting(None, "The permissions boundary of the principal.", _POLICIES_FIX)
    session: Listed = setting(None, "Session policies of the role session.", _POLICIES_FIX)
    scp: LevelFiles = setting(
        None, "Service control policies: one list for each level of the organization, root first.", _LEVELS_FIX
    )
    rcp: LevelFiles = setting(
        None, "Resource control policies: one list for each level of the organization, root first.", _LEVELS_FIX
    )
    endpoint: Listed = setting(None, "The policy of the VPC endpoint that the calls pass through.", _POLICIES_FIX)
    resource: Listed = setting(
        None, "Resource-based policies of guardrails. `[]` says that the guardrails have none.", _POLICIES_FIX
    )

    @model_validator(mode="before")
    @classmethod
    def _by_type(cls, given: Any) -> Any:
        return given if isinstance(given, cls) else by_type(given) or {}

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not any(sources or (sources is not None and kind in _MAY_BE_EMPTY) for kind, sources in self):
            raise MisfitError("names no policy, which would allow everything; fill in `identity`, or remove `policies`")
        return self

    def read(self) -> PolicySet:
        """
        Read every file and compile the policies. The name of a document is that of its file.

        Raises:
            PolicySyntaxError: A document is not a policy, or AWS would not attach it to the guardrail that it names.
            SourceError: A file cannot be read.
        """
        given: dict[str, Any] = {}
        for kind in POLICY_TYPES:
            sources = getattr(self, kind)
            if kind in LEVELED and sources is not None:
                given[kind] = [list(_documents(level, kind, ("policies", kind, i))) for i, level in enumerate(sources)]
            elif sources is not None:
                given[kind] = list(_documents(sources, kind, ("policies", kind)))
        return PolicySet(**given)


def read_policies(
    sources: Mapping[str, Any] | Sequence[Any] | PolicyDocument | PolicySet | str | Path, *, base: Path
) -> PolicySet:
    """
    Read policies that are given in code.

    Args:
        sources: A mapping with the keywords of `PolicySet`; a list or a single source is identity-based policies. A string that
            starts with ``{`` is JSON, every other string a file or glob. A `PolicySet` is returned unchanged.
        base: Folder that relative paths start from.

    Raises:
        PolicySyntaxError: A document is not a policy, or AWS would not attach it to the guardrail that it names.
        ConfigurationError: A key is unknown, a file is missing, or a glob matches nothing.
    """
    if isinstance(sources, PolicySet):
        return sources
    try:
        checked = PolicyTable.model_validate(anchored(sources, base))
    except ValidationError as error:
        models: Models = {"": PolicyTable, "policies": PolicyTable}
        raise explain(error, dotted, models, under=("policies",)) from None
    return checked.read()


def read_policies_in(file: Path, sources: Any) -> PolicySet:
    """
    Read policies that a file contains or names.

    Args:
        file: The file. Relative paths start from its folder, and messages begin with it.
        sources: The policies, as in `read_policies`.

    Raises:
        PolicySyntaxError: As in `read_policies`.
        ConfigurationError: As in `read_policies`.
    """
    with in_file(file):
        return read_policies(sources, base=file.parent)


def by_type(given: Any) -> Any:
    """Put sources without a key under ``identity``. A mapping with a Statement is a document, not a mapping of keys."""
    is_by_type = isinstance(given, Mapping) and "Statement" not in given
    return given if is_by_type or given is None else {"identity": given}


def anchored(given: Any, base: Path) -> Any:
    """
    Make every relative path absolute, and put sources without a key under `identity`, so that sources can be merged key by key.

    Args:
        given: Sources as configured. A value of the wrong type is left unchanged, for the validation to report.
        base: Folder that relative paths start from.
    """

    def absolute(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [absolute(each) for each in value]
        if not isinstance(value, str | Path) or _is_json(value):
            return value
        literal = _WILD.isdisjoint(str(value)) or _exists(base / value)
        return str(base / value if literal else Path(glob.escape(str(base))) / value)

    if given is None or isinstance(given, PolicySet | PolicyTable):
        return given
    source = policy_source(given, base)
    if source is not None:
        return source
    return {kind: absolute(value) for kind, value in by_type(given).items()}


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_json(item: str | Path) -> bool:
    return isinstance(item, str) and item.lstrip().startswith("{")


def find(pattern: str) -> tuple[Path, ...]:
    """
    Find the files of a name or glob, sorted. ``**`` matches folders; a file with exactly that name wins over the glob.

    Raises:
        MisfitError: There is no such file, or the name is that of a folder.
    """
    try:
        return _found(pattern)
    except OSError as error:
        raise MisfitError(f"`{pattern}` cannot be read ({error.strerror}); correct the path or its permissions") from None


def _found(pattern: str) -> tuple[Path, ...]:
    path = Path(pattern)
    if path.is_dir():
        raise MisfitError(f"`{path}` is a folder; name a file in it, or a glob such as `{path / '*.json'}`")
    if path.exists():
        return (path,)
    matches = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
    files = tuple(sorted(match for match in matches if not match.is_dir()))
    if not files:
        what = "there is no file" if _WILD.isdisjoint(pattern) else "no file matches"
        raise MisfitError(f"{what} `{pattern}`; correct the path, or create the file")
    return files


def _documents(items: Sequence[Any], kind: PolicyType, loc: Loc) -> Iterator[PolicyDocument]:
    for index, item in enumerate(items):
        key = dotted((*loc, index))
        if isinstance(item, PolicyFiles):
            for path in item.paths:
                yield _document(_text(path, key), kind, str(path))
        else:
            yield _document(item, kind, key)


def _document(source: Source, kind: PolicyType, name: str) -> PolicyDocument:
    return check_attached(source, name=name) if kind == "resource" else parse(source, kind, name=name)


def _text(path: Path, key: str) -> str:
    try:
        return read_text(path)
    except ConfigurationError as error:
        raise SourceError(f"{key}: {error}") from None
