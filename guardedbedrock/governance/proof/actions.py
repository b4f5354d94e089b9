"""The actions that a question is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from guardedbedrock._nearest import closest
from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.errors.policy_mistakes import mistaken_prefix
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.logic.formulas import Matches, Repeat, Shaped, StringShape, UnknownString
from guardedbedrock.governance.proof.logic.string_search import Literals, SearchLimitError, find_string
from guardedbedrock.governance.proof.options import TIMEOUT
from guardedbedrock.governance.proof.policies import PlacedStatement, ProofPolicies
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern, tokenize

_OTHER: Final = "other-service:OtherAction"
"""An action of a service that no policy names."""
_ACTION: Final = UnknownString("action")
_WORD: Final = Repeat((("a", "z"), ("0", "9"), ("-", "-")), 1)
_ANY_ACTION: Final[StringShape] = (_WORD, ":", _WORD)
"""An action in lower case, as it is compared."""
_MOST_GROUPS: Final = 500
_WILD: Final = frozenset("*?")


class TooManyActionsError(Exception):
    """Policies tell more actions of other services apart than a question can try within its timeout."""


def actions_of(pattern: str, policies: Sequence[ProofPolicies] = (), timeout: float = TIMEOUT) -> Sequence[str]:
    """
    Return the actions that a pattern covers.

    These are the known actions, and one action of other services for each set that the policies treat alike.

    Args:
        pattern: The pattern, or an action.
        policies: The policies.
        timeout: How long to look for such sets, in seconds.

    Raises:
        ConfigurationError: The pattern covers no action that this version knows, or is not `SERVICE:NAME`.
        TooManyActionsError: The policies tell too many actions apart.
    """
    service, _, name = pattern.partition(":")
    if not (service and name) and pattern != "*":
        meant = closest(f"{reference.PREFIX}{pattern}", reference.actions(), cutoff=0.8)
        example = reference.actions()[meant].name if meant else "bedrock:InvokeModel"
        raise ConfigurationError(f"`{pattern}` is not an action; an action is SERVICE:NAME, such as {example}")
    if "*" not in pattern and "?" not in pattern:
        known = reference.actions().get(pattern.lower())
        # A misspelt action is allowed by no policy, so that "never" would be proved for it.
        if known is None and _is_bedrock(pattern):
            near = closest(pattern, reference.actions())
            advice = f"did you mean `{reference.actions()[near].name}`?" if near else "write it like bedrock:InvokeModel"
            raise ConfigurationError(f"this version knows no action `{pattern}`; {advice}")
        mistake = mistaken_prefix(pattern)
        if mistake:
            raise ConfigurationError(f"`{pattern}`: {mistake}")
        return (known.name if known else pattern,)
    matches = compile_pattern(pattern.lower())
    found = [action.name for name, action in reference.actions().items() if matches(name)]
    found += _of_other_services((pattern, *_patterns(policies)), matches, timeout)
    if not found:
        raise ConfigurationError(f"no action that this version knows matches `{pattern}`; name one action")
    return found


def covered_actions(placed: PlacedStatement, timeout: float) -> Sequence[str]:
    """Return the known actions that a statement covers, and one of other services for each of its patterns; see `actions_of`."""
    statement = placed.statement
    matchers = [compile_pattern(pattern.lower()) for pattern in statement.actions]

    def covers(name: str) -> bool:
        return any(matches(name) for matches in matchers) is not statement.not_action

    known = [action.name for name, action in reference.actions().items() if covers(name)]
    return [*known, *_of_other_services(statement.actions, covers, timeout)]


def distinguished_actions(old: ProofPolicies, new: ProofPolicies, timeout: float) -> Sequence[str]:
    """
    Return one action for each set of actions that the policies treat alike; see `actions_of`.

    Raises:
        TooManyActionsError: The policies tell too many actions of other services apart.
    """
    patterns = _patterns((old, new))
    matchers = [compile_pattern(pattern.lower()) for pattern in patterns]
    chosen: dict[object, str] = {}
    for name, known in reference.actions().items():
        chosen.setdefault((tuple(matches(name) for matches in matchers), known.types, known.keys), known.name)
    return [*chosen.values(), *_of_other_services(patterns, lambda _: True, timeout)]


def unknown_actions(*policies: ProofPolicies) -> Sequence[str]:
    """Return the patterns of Bedrock actions in policies that cover no action that this version knows."""
    named = sorted({pattern for pattern in _patterns(policies) if _is_bedrock(pattern)})
    return [one for one in named if not any(map(compile_pattern(one.lower()), reference.actions()))]


def _patterns(policies: Iterable[ProofPolicies]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(pattern for one in policies for placed in one.statements() for pattern in placed.statement.actions)
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """
    Actions of other services that the patterns so far cannot tell apart.

    Args:
        facts: Which of the patterns cover them.
        sample: One of them.
        service: Their service; ``""`` if they can be of several.
    """

    facts: Literals
    sample: str
    service: str = ""

    def split(self, pattern: str, matches: Matcher) -> Iterator[_Group]:
        """Yield the group of actions that a pattern covers and the group that it does not cover; empty groups are left out."""
        service = _service(pattern)
        if service and self.service not in ("", service):
            yield self  # the pattern covers none of them, so it does not divide the group
            return
        fact, is_covered = Matches(_ACTION, tokenize(pattern)), matches(self.sample)
        for covered in (is_covered, not is_covered):
            facts = (*self.facts, (fact, covered))
            sample = self.sample if covered is is_covered else find_string(facts)
            if sample is not None:
                yield _Group(facts, sample, service or self.service if covered else self.service)


def _of_other_services(patterns: Iterable[str], counts: Callable[[str], bool], timeout: float) -> list[str]:
    """
    Return an action of another service for each set of such actions that patterns cannot tell apart, if it counts.

    Raises:
        TooManyActionsError: There are too many such sets, or it takes longer than the timeout to find them.
    """
    deadline = monotonic() + timeout
    spelling = {pattern.lower(): pattern for pattern in patterns if not _is_bedrock(pattern)}
    start: Literals = ((Shaped(_ACTION, _ANY_ACTION), True), (Matches(_ACTION, tokenize(f"{reference.PREFIX}*")), False))
    groups = [_Group(start, _OTHER.lower())]
    try:
        for pattern in spelling:
            matches, found = compile_pattern(pattern), list[_Group]()
            for group in groups:
                found += group.split(pattern, matches)
                if monotonic() > deadline or len(found) > _MOST_GROUPS:
                    raise TooManyActionsError
            groups = found
    except SearchLimitError:
        raise TooManyActionsError from None
    samples = [group.sample for group in groups if counts(group.sample)]
    return [spelling.get(sample, _OTHER if sample == _OTHER.lower() else sample) for sample in samples]


def _service(pattern: str) -> str:
    """Return the service that a pattern names; ``""`` if the service has a wildcard."""
    service, colon, _ = pattern.partition(":")
    return service if colon and _WILD.isdisjoint(service) else ""


def _is_bedrock(action: str) -> bool:
    return action.lower().startswith(reference.PREFIX)
