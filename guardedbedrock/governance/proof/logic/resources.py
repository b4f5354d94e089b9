"""Resource and NotResource of statements as formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from guardedbedrock.governance.proof.logic.compared_keys import canonical_key
from guardedbedrock.governance.proof.logic.formulas import (
    NO,
    RESOURCE,
    YES,
    Formula,
    Present,
    Tri,
    conjoin,
    negate,
    sure,
    tri_not,
    tri_or,
)
from guardedbedrock.governance.proof.logic.request_strings import RequestStrings, head_of
from guardedbedrock.governance.proof.policies import PlacedStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching.arns import bounded, complete
from guardedbedrock.iam.matching.patterns import Tokens, tokenize
from guardedbedrock.iam.matching.variables import Template, fixed, has_variables, parse_template, variables_in


def covers_resource(placed: PlacedStatement, strings: RequestStrings) -> Tri:
    """Return whether Resource or NotResource of a statement covers the resource of the request."""
    statement = placed.statement
    if "*" in statement.resources:
        return NO if statement.not_resource else YES
    has_version = placed.document.version == VARIABLES_SINCE
    covered = tri_or(_matches(pattern, strings, variables=has_version) for pattern in statement.resources)
    if not statement.not_resource:
        return covered
    if has_version and any("${" in pattern and _has_open_variable(pattern, strings) for pattern in statement.resources):
        # AWS does not document NotResource with a variable that has no value.
        return Tri(conjoin((negate(covered.may), *_have_values(statement.resources, strings))), negate(covered.must))
    return tri_not(covered)


def _has_open_variable(pattern: str, strings: RequestStrings) -> bool:
    return has_variables(strings.resolved(parse_template(pattern, tokenize)))


def _have_values(patterns: Iterable[str], strings: RequestStrings) -> Iterator[Formula]:
    """Yield the fact that a variable has a value, for each variable without a default."""
    for variable in variables_in(patterns):
        if variable.default is None and variable.key not in strings.fixed:
            yield Present(canonical_key(variable.key))


def _matches(pattern: str, strings: RequestStrings, *, variables: bool) -> Tri:
    if not variables or "${" not in pattern:
        return sure(strings.matches(RESOURCE, _resource_tokens(pattern)))
    template = parse_template(complete(pattern), tokenize)
    answer = strings.each_default(strings.resolved(template), partial(_matches_template, strings))
    # AWS does not document a variable before the fifth colon.
    return answer if not has_variables(template) or head_of(template) else Tri(must=False, may=answer.may)


def _matches_template(strings: RequestStrings, template: Template) -> Tri:
    if has_variables(template):
        return strings.matches_template(RESOURCE, template, head_of(template, segment_end_expands=True))
    return sure(strings.matches(RESOURCE, bounded(fixed(template), segment_end_expands=True)))


@lru_cache(maxsize=8192)  # keyed by pattern: each is compared with every type of resource
def _resource_tokens(pattern: str) -> Tokens:
    return bounded(tokenize(complete(pattern)), segment_end_expands=True)
