"""Types of settings with checks that pydantic does not have."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticKnownError

from guardedbedrock._nearest import suggest
from guardedbedrock.bedrock import OPERATIONS, Guardrail
from guardedbedrock.bedrock.authorization.condition_keys import is_of_one_call
from guardedbedrock.bedrock.errors.policy_mistakes import meant_key, unknown_key
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT, is_version
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.matching.context import text_of
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.problems import MisfitError, as_list

CALLER: Final = "caller"
"""The principal that STS reports for the credentials in use."""

UNGUARDED: Final = tuple(sorted(name for name, row in OPERATIONS.items() if row.needs_guardrail and row.location is None))
"""Operations that cannot carry a guardrail. They are refused unless the configuration names them."""

ARN_FIX: Final = "set it to `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID`, without the version"
PROFILE_FIX: Final = "set it to the ID or ARN of a guardrail profile, such as `us.guardrail.v1:0`, or remove it"
DRAFT_PROBLEM: Final = (
    "DRAFT is not approved, because it changes whenever the guardrail is edited; set it to a published version such as "
    '"3", or set allow_draft = true'
)
MODELS_FIX: Final = 'set it to patterns such as ["anthropic.*"], or remove it to cover all models'
ENFORCED_MODELS_FIX: Final = 'set it to model IDs such as ["amazon.nova-lite-v1:0"], or remove it'
VERSION_FIX: Final = 'set it to a published version such as "3"'
PRINCIPAL_FIX: Final = 'set it to an ARN such as `arn:aws:iam::ACCOUNT:role/NAME`, or to "caller" to ask STS'
ROLE_ARN_FIX: Final = "set it to the ARN of the role with its path, such as `arn:aws:iam::ACCOUNT:role/PATH/NAME`"
_ACCOUNT_DIGITS: Final = 12


def check_at(check: Callable[[], object], *loc: int | str) -> None:
    """
    Run a check of another package, and add a location to its error.

    Args:
        check: Raises `ConfigurationError` for a wrong value.
        loc: The location of the value.

    Raises:
        MisfitError: The check failed.
    """
    try:
        check()
    except ConfigurationError as error:
        raise MisfitError(str(error), *loc) from None


def _arn(arn: str) -> str:
    check_at(lambda: Guardrail(arn, DRAFT))
    return arn


def _version(given: Any) -> str:
    version = str(given) if isinstance(given, int) else given
    if not is_version(version):
        raise MisfitError(f"not a guardrail version; {VERSION_FIX}")
    return str(version)


def _profile(given: str) -> str:
    name = given.rpartition("guardrail-profile/")[2]
    is_name = "." in name and "/" not in name
    is_whole = name == given or given.startswith("arn:")
    if given and not (is_name and is_whole):
        raise MisfitError(f"not a guardrail profile; {PROFILE_FIX}")
    return given


def _models(given: Any) -> tuple[str, ...]:
    models = as_list(given)
    if not models or not all(isinstance(one, str) and one for one in models):
        raise MisfitError("must be a list of model IDs or ARNs; name at least one model")
    return tuple(models)


def _enforced_models(given: Any) -> tuple[str, ...]:
    models = as_list(given)
    if models is None or not all(isinstance(one, str) and one for one in models):
        raise MisfitError(f"must be a list of model IDs; {ENFORCED_MODELS_FIX}")
    return tuple(models)


def _patterns(given: Any) -> tuple[str, ...]:
    patterns = as_list(given)
    if patterns is None or not all(isinstance(one, str) and one for one in patterns):
        raise MisfitError('must be a list of model patterns; set it to patterns such as ["anthropic.*"], or remove it')
    return tuple(patterns)


def _patterns_of_some_models(given: Any) -> tuple[str, ...]:
    patterns = _patterns(given)
    for pattern in patterns:
        if not any(character.isalnum() for character in pattern):
            raise MisfitError(f"`{pattern}` matches every model, so no call would get its guardrail; name models that take none")
    return patterns


def _some_patterns(given: Any) -> tuple[str, ...]:
    if patterns := _patterns(given):
        return patterns
    raise MisfitError(f"has no pattern, which would cover all models; {MODELS_FIX}")


def _whole(given: Any) -> Any:
    if isinstance(given, bool):  # Python's and pydantic's Booleans are numbers
        raise PydanticKnownError("int_type")
    return given


def _number(given: Any) -> Any:
    if isinstance(given, bool):
        raise PydanticKnownError("float_type")
    return given


def _switch(given: Any) -> Any:
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise PydanticKnownError("bool_type")
    return given


def _principal(given: str) -> str:
    if given != CALLER and not (_has_account(given) and identify(given).kind != "other"):
        raise MisfitError(f"not the ARN of a user, role, session or account root; {PRINCIPAL_FIX}")
    return given


def _role_arn(given: str) -> str:
    if not (_has_account(given) and identify(given).kind == "role"):
        raise MisfitError(f"not the ARN of a role; {ROLE_ARN_FIX}")
    return given


def _has_account(arn: str) -> bool:
    account = identify(arn).account
    return account.isdecimal() and len(account) == _ACCOUNT_DIGITS


def _unguarded(name: str) -> str:
    if name in UNGUARDED:
        return name
    if name in OPERATIONS:
        raise MisfitError(f"`{name}` needs no exception; only {', '.join(UNGUARDED)} cannot carry a guardrail")
    raise MisfitError(f"`{name}` is not an operation; {suggest(name, UNGUARDED, 'operations')}")


def _context_key(key: str) -> str:
    prefix, _, name = key.partition(":")
    if not (prefix and name):
        raise MisfitError("not a context key; write it with its prefix, such as `aws:PrincipalOrgID`")
    meant = meant_key(key)
    if is_of_one_call(meant or key):
        raise MisfitError("each call sets this key itself; remove it")
    if meant is not None:
        raise MisfitError(unknown_key(key, meant))
    return key


def _one_spelling(context: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
    spellings: dict[str, str] = {}
    for key in context:
        other = spellings.setdefault(key.lower(), key)
        if other != key:
            raise MisfitError(f"`{other}` and `{key}` are the same context key; keep one")
    return context


def _context_value(given: Any) -> str | tuple[str, ...]:
    values = given if isinstance(given, list | tuple) else [given]
    if not all(isinstance(value, str | bool | int | float) for value in values):
        raise MisfitError('must be a string or a list of strings; write "o-1234567890", or ["a", "b"]')
    strings = tuple(text_of(value) for value in values)
    return strings if values is given else strings[0]


GuardrailArn: TypeAlias = Annotated[str, AfterValidator(_arn)]
GuardrailVersion: TypeAlias = Annotated[str, PlainValidator(_version)]
GuardrailProfile: TypeAlias = Annotated[str, AfterValidator(_profile)]
ModelPatterns: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_patterns_of_some_models)]
GuardrailModels: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_some_patterns)]
PositiveInt: TypeAlias = Annotated[int, Field(gt=0), BeforeValidator(_whole)]
NonNegativeInt: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_whole)]
PositiveFloat: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
NonNegativeFloat: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
Switch: TypeAlias = Annotated[bool, BeforeValidator(_switch)]
EnforcedModels: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_enforced_models)]
ModelList: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_models)]
PrincipalName: TypeAlias = Annotated[str, AfterValidator(_principal)]
RoleArn: TypeAlias = Annotated[str, AfterValidator(_role_arn)]
UnguardedOperation: TypeAlias = Annotated[str, AfterValidator(_unguarded)]
ContextKey: TypeAlias = Annotated[str, AfterValidator(_context_key)]
ContextValue: TypeAlias = Annotated[str | tuple[str, ...], PlainValidator(_context_value)]
KnownContext: TypeAlias = Annotated[dict[ContextKey, ContextValue], AfterValidator(_one_spelling)]
