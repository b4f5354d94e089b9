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
from guardedbedrock.governance.proof.logic.request_texts import RequestTexts, head_of
from guardedbedrock.governance.proof.policies import PlacedStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching.arns import bounded, complete
from guardedbedrock.iam.matching.patterns import Tokens, tokenize
from guardedbedrock.iam.matching.variables import Template, fixed, has_variables, parse_template, variables_in


def covers_resource(placed: PlacedStatement, texts: RequestTexts) -> Tri:
    """Return whether Resource or NotResource of a statement covers the resource of the request."""
    statement = placed.statement
    if "*" in statement.resources:
        return NO if statement.not_resource else YES
    has_version = placed.document.version == VARIABLES_SINCE
    covered = tri_or(_matches(pattern, texts, variables=has_version) for pattern in statement.resources)
    if not statement.not_resource:
        return covered
    if has_version and any("${" in pattern and _has_open_variable(pattern, texts) for pattern in statement.resources):
        # AWS does not document NotResource with a variable that has no value.
        return Tri(conjoin((negate(covered.may), *_have_values(statement.resources, texts))), negate(covered.must))
    return tri_not(covered)


def _has_open_variable(pattern: str, texts: RequestTexts) -> bool:
    return has_variables(texts.resolved(parse_template(pattern, tokenize)))


def _have_values(patterns: Iterable[str], texts: RequestTexts) -> Iterator[Formula]:
    """Yield the fact that a variable has a value, for each variable without a default."""
    for variable in variables_in(patterns):
        if variable.default is None and variable.key not in texts.fixed:
            yield Present(canonical_key(variable.key))


def _matches(pattern: str, texts: RequestTexts, *, variables: bool) -> Tri:
    if not variables or "${" not in pattern:
        return sure(texts.matches(RESOURCE, _resource_tokens(pattern)))
    template = parse_template(complete(pattern), tokenize)
    answer = texts.each_default(texts.resolved(template), partial(_matches_template, texts))
    # AWS does not document a variable before the fifth colon.
    return answer if not has_variables(template) or head_of(template) else Tri(must=False, may=answer.may)


def _matches_template(texts: RequestTexts, template: Template) -> Tri:
    if has_variables(template):
        return texts.matches_template(RESOURCE, template, head_of(template, segment_end_expands=True))
    return sure(texts.matches(RESOURCE, bounded(fixed(template), segment_end_expands=True)))


@lru_cache(maxsize=8192)  # keyed by pattern: each is compared with every type of resource
def _resource_tokens(pattern: str) -> Tokens:
    return bounded(tokenize(complete(pattern)), segment_end_expands=True)
