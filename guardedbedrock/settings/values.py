"""The kinds of value that a setting may have, each with its check."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, PlainValidator

from guardedbedrock.bedrock import OPERATIONS, Guardrail
from guardedbedrock.bedrock.authorization.condition_keys import is_of_one_call
from guardedbedrock.bedrock.guardrail.approved import DRAFT, is_version
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.engine.context import text_of
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.problems import MisfitError, nearest

CALLER: Final = "caller"
"""The principal that STS names for the credentials in use."""

UNGUARDED: Final = tuple(sorted(name for name, row in OPERATIONS.items() if row.inference and row.place is None))
"""Operations that can not carry a guardrail, and go without one only where the configuration names them."""

ARN_MEND: Final = "write `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID`, without the version"
PROFILE_MEND: Final = "write the ID or the ARN of a guardrail profile, such as `us.guardrail.v1:0`, or leave it out"
DRAFT_MEND: Final = (
    "DRAFT, which changes under running applications whenever somebody edits the guardrail: pin a number such as "
    '"1", or set allow_draft = true where that is wanted'
)
MODELS_MEND: Final = 'write patterns such as ["anthropic.*"], or leave it out for every model'
VERSION_MEND: Final = 'pin a number such as "1"'
PRINCIPAL_MEND: Final = 'write an ARN such as `arn:aws:iam::ACCOUNT:role/NAME`, or "caller" to ask STS'
_ACCOUNT_DIGITS: Final = 12


def fitting(check: Callable[[], object], *loc: int | str) -> None:
    """
    Run a check that knows nothing of places.

    Args:
        check: Raises `ConfigurationError` when it is not content.
        loc: Where what it checks stands.

    Raises:
        MisfitError: With what the check said.
    """
    try:
        check()
    except ConfigurationError as error:
        raise MisfitError(f": {error}", *loc) from None


def _arn(arn: str) -> str:
    fitting(lambda: Guardrail(arn, DRAFT))
    return arn


def _version(given: Any) -> str:
    version = str(given) if isinstance(given, int) else given
    if not is_version(version):
        raise MisfitError(f" is no guardrail version: {VERSION_MEND}")
    return str(version)


def _profile(given: str) -> str:
    name = given.rpartition("guardrail-profile/")[2]
    if given and not ("." in name and "/" not in name and (name == given or given.startswith("arn:"))):
        raise MisfitError(f" is no guardrail profile: {PROFILE_MEND}")
    return given


def _models(given: Any) -> tuple[str, ...]:
    models = (given,) if isinstance(given, str) else given
    if not isinstance(models, list | tuple) or not models or not all(isinstance(one, str) and one for one in models):
        raise MisfitError(" should be a list of model IDs or ARNs, at least one")
    return tuple(models)


def _patterns(given: Any) -> tuple[str, ...]:
    patterns = (given,) if isinstance(given, str) else given
    if not isinstance(patterns, list | tuple) or not all(isinstance(one, str) and one for one in patterns):
        raise MisfitError(f" should be a list of model patterns: {MODELS_MEND}")
    return tuple(patterns)


def _principal(given: str) -> str:
    principal = identify(given)
    account = principal.account.isdecimal() and len(principal.account) == _ACCOUNT_DIGITS
    if given != CALLER and not (account and principal.kind != "other"):
        raise MisfitError(f" is no ARN of a user, role, session or root: {PRINCIPAL_MEND}")
    return given


def _unguarded(name: str) -> str:
    if name in UNGUARDED:
        return name
    if name in OPERATIONS:
        raise MisfitError(f": `{name}` needs no exception; only {' and '.join(UNGUARDED)} can not carry a guardrail")
    raise MisfitError(f": `{name}` is no operation: {nearest(name, UNGUARDED)}")


def _context_key(key: str) -> str:
    prefix, _, name = key.partition(":")
    if not (prefix and name):
        raise MisfitError(" is no context key: write it with its prefix, such as `aws:PrincipalOrgID`")
    if is_of_one_call(key):
        raise MisfitError(" is what each call gives by itself: leave it out")
    return key


def _context_value(given: Any) -> str | tuple[str, ...]:
    values = given if isinstance(given, list | tuple) else [given]
    if not all(isinstance(value, str | bool | int | float) for value in values):
        raise MisfitError(' should be a text or a list of texts: write "o-1234567890", or ["a", "b"]')
    texts = tuple(text_of(value) for value in values)
    return texts if values is given else texts[0]


GuardrailArn: TypeAlias = Annotated[str, AfterValidator(_arn)]
GuardrailVersion: TypeAlias = Annotated[str, PlainValidator(_version)]
GuardrailProfile: TypeAlias = Annotated[str, AfterValidator(_profile)]
ModelPatterns: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_patterns)]
ModelList: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_models)]
PrincipalName: TypeAlias = Annotated[str, AfterValidator(_principal)]
UnguardedOperation: TypeAlias = Annotated[str, AfterValidator(_unguarded)]
ContextKey: TypeAlias = Annotated[str, AfterValidator(_context_key)]
ContextValue: TypeAlias = Annotated[str | tuple[str, ...], PlainValidator(_context_value)]
