"""Read files and folders of policies, templates, plans, snapshots and configurations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from guardedbedrock._nearest import closest, suggest
from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.cloudformation.loops import LOOP
from guardedbedrock.governance.lint.cloudformation.templates import of_cloudformation
from guardedbedrock.governance.lint.locations import EmbeddedText, SourceText, escape
from guardedbedrock.governance.lint.policy import Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import grants_no_bedrock
from guardedbedrock.governance.lint.terraform.plan import of_plan
from guardedbedrock.governance.lint.terraform.tf_json import of_terraform
from guardedbedrock.iam import POLICY_TYPES, PolicyType
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.account.documents import DETAIL_KEYS, describe_damage, read_document
from guardedbedrock.iam.account.snapshot import SCHEMA
from guardedbedrock.settings.policy_files import by_type, find
from guardedbedrock.settings.problems import MisfitError
from guardedbedrock.settings.reader import LARGEST, LARGEST_YAML, read_text, read_toml

SUFFIXES: Final = (".json", ".yaml", ".yml", ".template")
_YAML: Final = (".yaml", ".yml")
_TOML: Final = ".toml"
_STATEMENT: Final = "Statement"
_CUTOFF: Final = 0.8
_POLICY_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""A date, as the version of the policy language. The `Version` of other JSON files is a number such as ``1.0.0``."""


def read_groups(paths: Iterable[str | Path], policy_type: PolicyType | None = None) -> Iterator[Group]:
    """
    Yield the policies of files and folders, in groups that apply to one principal.

    Args:
        paths: Files and folders. In a folder, all JSON and YAML files are read, and those without a policy are skipped. A
            policy with a misspelt `Statement` is not skipped.
        policy_type: Type of policies whose file does not say their type. Without it, a policy with a principal is
            resource-based, and every other policy is identity-based.

    Raises:
        ConfigurationError: A file cannot be read, has a policy with a misspelt `Statement`, or was named and holds no policy.
    """
    for path in map(_path, paths):
        if not path.is_dir():
            yield from _of_file(path, policy_type, named=True)
            continue
        files = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
        if not files:
            raise ConfigurationError(f"{path}: holds no JSON or YAML file; name the files to lint")
        for file in files:
            yield from _of_file(file, policy_type, named=False)


def _path(given: str | Path) -> Path:
    if not str(given):  # such as an unset variable of a shell, which would mean the working directory
        raise ConfigurationError("a path is empty; name the files to lint")
    return Path(given)


def _of_file(path: Path, policy_type: PolicyType | None, *, named: bool) -> Iterator[Group]:
    if path.suffix == _TOML:
        yield _of_configuration(path)
        return
    source = read_source(path)
    data = source.data
    reader = _reader(data, path)
    if reader is not None:
        yield from reader(source)
    elif isinstance(data, Mapping) and "Statement" in data:
        yield Group((_policy(source, "", data, policy_type),))
    elif _is_by_type(data):
        yield _by_type(source, data)
    elif isinstance(data, list) and data and all(isinstance(one, Mapping) and "Statement" in one for one in data):
        yield Group(tuple(_policy(source, f"/{index}", one, policy_type) for index, one in enumerate(data)))
    elif problem := _near_miss(data):
        raise ConfigurationError(f"{path}: {problem}")
    elif named:
        forms = "a policy, policies by type, a template, a Terraform plan, a snapshot or a configuration"
        raise ConfigurationError(f"{path}: holds no policy; name {forms}")


def _near_miss(data: Any) -> str | None:
    """Return what is wrong with an object, or with one of a list, that is meant to be a policy; None if nothing is wrong."""
    if isinstance(data, list):
        found = ((index, _near_miss(one)) for index, one in enumerate(data) if isinstance(one, Mapping))
        return next((f"the policy at /{index} {problem}" for index, problem in found if problem), None)
    if not isinstance(data, Mapping) or "Statement" in data:
        return None
    is_versioned = bool(_POLICY_VERSION.fullmatch(str(data.get("Version", ""))))
    for key, value in data.items():
        if closest(str(key), (_STATEMENT,), cutoff=_CUTOFF) and (is_versioned or _has_statements(value)):
            return f"has the key `{key}` and no `{_STATEMENT}`; {suggest(str(key), (_STATEMENT,))}"
    return f"has a `Version` and no `{_STATEMENT}`; add the statements" if is_versioned else None


def _has_statements(value: Any) -> bool:
    statements = value if isinstance(value, list) else [value]
    return all(isinstance(one, Mapping) and any(str(key).lower() == "effect" for key in one) for one in statements)


def read_source(path: Path) -> SourceText:
    """Read a JSON or YAML file; a ``.template`` file is JSON if it starts with a brace."""
    is_yaml = path.suffix in _YAML
    text = read_text(path, largest=LARGEST_YAML if is_yaml else LARGEST)
    return SourceText(
        text, path.as_posix(), is_yaml=is_yaml or (path.suffix == ".template" and not text.lstrip().startswith("{"))
    )


def _reader(data: Any, path: Path) -> Any:
    if not isinstance(data, Mapping):
        return None
    if data.get("schema") == SCHEMA or any(isinstance(data.get(key), list) for key in DETAIL_KEYS):
        return _of_account
    if "planned_values" in data or ("terraform_version" in data and "values" in data):
        return of_plan
    if path.name.endswith(".tf.json"):
        return of_terraform
    resources = data.get("Resources")
    is_template = isinstance(resources, Mapping) and any(
        name.startswith(LOOP) or (isinstance(one, Mapping) and "Type" in one) for name, one in resources.items()
    )
    return of_cloudformation if "AWSTemplateFormatVersion" in data or is_template else None


def _is_by_type(data: Any) -> bool:
    return isinstance(data, Mapping) and bool(data) and set(data) <= set(POLICY_TYPES)


def _policy(source: SourceText, pointer: str, data: Mapping[str, Any], policy_type: PolicyType | None) -> LintedPolicy:
    return LintedPolicy(source, pointer, data, policy_type or _guess(data))


def _guess(data: Mapping[str, Any]) -> PolicyType:
    statements = data["Statement"] if isinstance(data["Statement"], list) else [data["Statement"]]
    return "resource" if any(isinstance(one, Mapping) and "Principal" in one for one in statements) else "identity"


def _by_type(source: SourceText, data: Mapping[str, Any]) -> Group:
    policies: list[LintedPolicy] = []
    for kind, given in data.items():
        for level, index, document, pointer in _leveled(given, f"/{kind}"):
            name = f"{source.name} {kind}[{index}]"
            policies.append(LintedPolicy(source, pointer, document, kind, name=name, level=level))  # type: ignore[arg-type]
    return Group(tuple(policies), is_complete=True)


def _leveled(given: Any, pointer: str) -> Iterator[tuple[int, int, Any, str]]:
    """Yield level, position, document and pointer of documents that are given as one document, a list, or lists by level."""
    if not isinstance(given, list):
        yield 0, 0, given, pointer
        return
    for index, one in enumerate(given):
        if isinstance(one, list):
            yield from ((index, position, document, f"{pointer}/{index}/{position}") for position, document in enumerate(one))
        else:
            yield 0, index, one, f"{pointer}/{index}"


# -- accounts -----------------------------------------------------------------------------------------------------------


def _of_account(source: SourceText) -> list[Group]:
    """
    Return the policies of each principal of a snapshot or a dump.

    Raises:
        ConfigurationError: An entry does not have the format of a snapshot or of a dump.
    """
    try:
        return list(_of_principals(source))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{source.name}: {describe_damage(source.data, error)}; take a new snapshot or dump") from None


def _of_principals(source: SourceText) -> Iterator[Group]:
    """Yield the policies of each principal. A dump has no policies of the organization, so its groups are not complete."""
    account = Account.from_snapshot(source.data)
    dump_pointers = dict(_dump_pointers(source.data)) if source.data.get("schema") != SCHEMA else {}
    made: dict[tuple[str, PolicyType], LintedPolicy] = {}
    crossing = tuple(one["arn"] for one in account.snapshot.get("guardrails") or () if one.get("profile"))

    def policy(pointer: str, document: Any, kind: PolicyType, name: str, level: int = 0) -> LintedPolicy:
        key = pointer, kind
        if key not in made:
            in_file = dump_pointers.get(pointer, pointer)
            content = read_document(document, name=name)
            made[key] = LintedPolicy(source, in_file, content, kind, name=name, level=level, cross_region=crossing)
        return made[key]

    def attached_policy(arn: str, kind: PolicyType, base: str) -> Iterator[LintedPolicy]:
        """Yield a managed policy. It is unread if the account data do not contain its text."""
        if managed.get(arn) is not None:
            yield policy(f"/managed_policies/{escape(arn)}", managed[arn], kind, arn)
        elif not grants_no_bedrock(arn):
            key = f"{base} {arn}", kind
            made.setdefault(key, LintedPolicy(source, base, None, kind, name=arn, unread="the account data do not hold its text"))
            yield made[key]

    snapshot = account.snapshot
    kinds: tuple[PolicyType, ...] = ("rcp",) if account.is_management_account else ("scp", "rcp")
    common = [
        policy(f"/{kind}/{number}/policies/{index}/document", one["document"], kind, one["name"], number)
        for kind in kinds
        for number, level in enumerate(snapshot.get(kind) or ())
        for index, one in enumerate(level["policies"])
    ]
    groups, managed = snapshot.get("groups") or {}, snapshot.get("managed_policies") or {}
    complete = not any(gap["section"] != "last_accessed" for gap in account.gaps)
    for arn, principal in account.principals.items():
        owners: list[tuple[str, Mapping[str, Any], Sequence[str]]] = [
            (f"/principals/{escape(arn)}", principal.inline, principal.managed)
        ]
        owners += [(f"/groups/{escape(one)}", groups[one]["inline"], groups[one]["managed"]) for one in principal.groups]
        policies = list(common)
        for base, inline, attached in owners:
            policies += [policy(f"{base}/inline/{escape(name)}", document, "identity", name) for name, document in inline.items()]
            policies += [found for one in attached for found in attached_policy(one, "identity", base)]
        if principal.boundary:
            policies += attached_policy(principal.boundary, "boundary", f"/principals/{escape(arn)}")
        yield Group(tuple(policies), principal=arn, is_complete=complete)


def _dump_pointers(details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pointer of each policy in a snapshot, with its pointer in the dump of authorization details."""
    for section, kind, inline in (
        ("UserDetailList", "principals", "UserPolicyList"),
        ("RoleDetailList", "principals", "RolePolicyList"),
        ("GroupDetailList", "groups", "GroupPolicyList"),
    ):
        for index, entry in enumerate(details.get(section) or ()):
            for position, policy in enumerate(entry.get(inline) or ()):
                pointer = f"/{kind}/{escape(entry['Arn'])}/inline/{escape(policy['PolicyName'])}"
                yield pointer, f"/{section}/{index}/{inline}/{position}/PolicyDocument"
    for index, policy in enumerate(details.get("Policies") or ()):
        for position, version in enumerate(policy.get("PolicyVersionList") or ()):
            if version.get("IsDefaultVersion") or version.get("VersionId") == policy.get("DefaultVersionId"):
                yield f"/managed_policies/{escape(policy['Arn'])}", f"/Policies/{index}/PolicyVersionList/{position}/Document"


# -- configurations -----------------------------------------------------------------------------------------------------


def _of_configuration(path: Path) -> Group:
    """Return the policies that ``[policies]`` of a configuration names; they apply together."""
    table = configuration_table(path)
    given, guardrails = table.get("policies"), table.get("guardrails")
    if given is None:
        raise ConfigurationError(f"{path}: has no [policies]; add the policies to lint")
    listed = [one for one in guardrails if isinstance(one, Mapping)] if isinstance(guardrails, list) else []
    crossing = tuple(str(one["arn"]) for one in listed if one.get("profile") and "arn" in one)
    policies: list[LintedPolicy] = []
    for kind, sources in by_type(given).items():
        if kind not in POLICY_TYPES:
            advice = suggest(kind, POLICY_TYPES, "policy types")
            raise ConfigurationError(f"{path}: policies.{kind} is not a policy type; {advice}")
        for level, index, item, _ in _leveled(sources, ""):
            policies += _configured(path, kind, item, level, f"policies.{kind}[{index}]", crossing)
    return Group(
        tuple(policies),
        is_complete=True,
        unguarded_models=read_unguarded_models(path),
        unsupported_models=read_unsupported_models(path),
    )


def read_unguarded_models(path: Path) -> tuple[str, ...]:
    """Return ``models_without_guardrail`` of a configuration."""
    patterns = configuration_table(path).get("models_without_guardrail", [])
    if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        raise ConfigurationError(f'{path}: models_without_guardrail: must be an array of strings, such as ["acme.embed-*"]')
    return tuple(patterns)


def read_unsupported_models(path: Path) -> UnsupportedModels:
    """Return ``unsupported_models`` of a configuration."""
    value = configuration_table(path).get("unsupported_models", "send")
    if value not in ("send", "refuse"):
        raise ConfigurationError(f'{path}: unsupported_models: must be "send" or "refuse"')
    return "refuse" if value == "refuse" else "send"


def _configured(  # noqa: PLR0913, PLR0917  # each is a fact about the policy
    path: Path, kind: PolicyType, item: Any, level: int, location: str, crossing: tuple[str, ...]
) -> Iterator[LintedPolicy]:
    if isinstance(item, Mapping) or (isinstance(item, str) and item.lstrip().startswith("{")):
        source = _inside(path, item)
        document = read_document(item, name=location)
        yield LintedPolicy(source, "", document, kind, name=location, level=level, cross_region=crossing)
        return
    try:
        files = find(str(path.parent / str(item)))
    except MisfitError as error:
        raise ConfigurationError(f"{path}: {location}: {error}") from None
    for file in files:
        source = read_source(file)
        yield LintedPolicy(source, "", source.data, kind, level=level, cross_region=crossing)


def _inside(path: Path, item: Any) -> SourceText:
    """
    Return the source of a policy in a TOML file.

    The source starts at the JSON text of the policy. The location of a table is not known, so its source starts at the word
    ``policies``.
    """
    file = read_text(path)
    if isinstance(item, str) and item in file:
        return EmbeddedText(item, path.as_posix(), file, file.index(item))
    return EmbeddedText("{}", path.as_posix(), file, max(file.find("policies"), 0))


def configuration_table(path: Path) -> Mapping[str, Any]:
    """
    Return the table of the project in a TOML file: the whole file, or ``[tool.guardedbedrock]`` of ``pyproject.toml``.

    Raises:
        ConfigurationError: The file cannot be read or has no such table.
    """
    data = read_toml(path)
    if path.name != "pyproject.toml":
        return data
    table = (data.get("tool") or {}).get("guardedbedrock")
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: has no table [tool.guardedbedrock]; add it, or name another file")
    return table


def merge(groups: Iterable[Group]) -> Group:
    """Return one group with the policies of all groups."""
    listed = list(groups)
    every = tuple(dict.fromkeys(policy for group in listed for policy in group.policies))
    unguarded = tuple(dict.fromkeys(pattern for group in listed for pattern in group.unguarded_models))
    refuses = any(group.unsupported_models == "refuse" for group in listed)
    return Group(every, is_complete=True, unguarded_models=unguarded, unsupported_models="refuse" if refuses else "send")
