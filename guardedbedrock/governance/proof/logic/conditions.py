"""
The conditions of statements as formulas.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from guardedbedrock.governance.proof.logic.cells import Cells, same_bytes
from guardedbedrock.governance.proof.logic.compared_keys import MOST_SLOTS, canonical_key, kind_of
from guardedbedrock.governance.proof.logic.formulas import (
    OPEN,
    YES,
    Formula,
    InCells,
    Matches,
    Present,
    Single,
    Tri,
    UnknownString,
    Used,
    conjoin,
    disjoin,
    negate,
    sure,
    tri_and,
    tri_if,
    tri_not,
    tri_or,
)
from guardedbedrock.governance.proof.logic.keys import ARNS
from guardedbedrock.governance.proof.logic.request_strings import RequestStrings, head_of
from guardedbedrock.governance.proof.policies import PlacedStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching.arns import PARTS, bounded, split_tokens
from guardedbedrock.iam.matching.conditions import Condition, Form, compile_line, parse_operator
from guardedbedrock.iam.matching.context import normalize
from guardedbedrock.iam.matching.operators import OPERATORS, Operator
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, Tokens, join
from guardedbedrock.iam.matching.variables import Template, fixed, has_variables, parse_template

_AN_ARN: Final[Tokens] = join(("arn:", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY))
_LIKE: Final = frozenset({"StringLike", "StringNotLike"})
_EXACT: Final = frozenset({"StringEquals", "StringNotEquals"})
_FOLDED: Final = frozenset({"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "Bool"})
_ARN: Final = frozenset({"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"})


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    Encodes the conditions of statements. No condition reads the action or the resource.

    Args:
        strings: What is known about the values of keys.
    """

    strings: RequestStrings
    _known: dict[object, Tri] = field(default_factory=dict, repr=False)

    def hold(self, placed: PlacedStatement) -> Tri:
        """Return whether every condition of a statement holds."""
        # INVARIANT: the question keeps the statements as long as this object, so no id() is used twice.
        known = id(placed.statement), placed.document.version
        if known not in self._known:
            has_version = placed.document.version == VARIABLES_SINCE
            lines = placed.statement.conditions
            self._known[known] = tri_and(self._holds(one, variables=has_version) for one in lines)
        return self._known[known]

    def _holds(self, condition: Condition, *, variables: bool) -> Tri:
        """Return whether one line of a condition block holds."""
        parsed = parse_operator(condition.operator)
        if parsed is None:
            return OPEN
        quantifier, operator, if_exists = parsed
        key = canonical_key(condition.key)
        if key in self.strings.lists:
            return self._listed(condition, self.strings.lists[key], variables=variables)
        if operator.name == "Null":
            return self._null(key, condition.values)
        absent = {"": operator.negated, "ForAllValues": True, "ForAnyValue": False}[quantifier] or if_exists
        form = Form(quantifier, operator.negated, absent)
        # AWS does not document ForAnyValue...IfExists for an absent key.
        missing = OPEN if quantifier == "ForAnyValue" and if_exists else sure(absent)
        present = self._present(key, form, partial(self._value, condition, operator, variables=variables), missing)
        return tri_if(Present(key), present, missing)

    def _listed(self, condition: Condition, strings: tuple[str, ...], *, variables: bool) -> Tri:
        """Let the engine decide about a key with known values."""
        line = compile_line(condition, variables=variables)
        if len(line.reads) > 1:
            return OPEN
        answer = line.test(normalize({condition.key: strings}))
        return OPEN if answer is None else sure(answer)

    def _null(self, key: str, values: Sequence[str]) -> Tri:
        wanted = {value.lower() for value in values}
        absent, present = "true" in wanted, "false" in wanted
        return sure(disjoin((conjoin((Present(key), present)), conjoin((negate(Present(key)), absent)))))

    def _present(self, key: str, form: Form, value: Callable[[UnknownString], Tri], missing: Tri) -> Tri:
        """Return the answer for a key that is present; `missing` is the answer for an absent one."""
        if key in self.strings.keys.cells:
            one = value(UnknownString(key))
            one = tri_not(one) if form.negated else one
            if not form.quantifier:
                return one
            cells = self.strings.keys.cells[key]
            return tri_if(self._cells(key, cells, lambda sample: not sample), self._empty_set(form, missing), one)
        slots = self.strings.keys.slots.get(key, 1)
        if slots > MOST_SLOTS:
            return OPEN
        answers = [value(UnknownString(key, slot)) for slot in range(slots)]
        each = [tri_not(answer) for answer in answers] if form.negated else answers
        if not form.quantifier:
            # AWS does not document a list of values under an operator without a set prefix.
            return each[0] if slots == 1 else tri_if(Single(key), each[0], OPEN)
        used = [self._is_used(key, slot) for slot in range(slots)]
        if form.quantifier == "ForAnyValue":
            some = tri_or(tri_and((sure(there), one)) for there, one in zip(used, each, strict=True))
        else:
            some = tri_and(tri_or((sure(negate(there)), one)) for there, one in zip(used, each, strict=True))
        # A set whose only value is the empty string counts as an empty set.
        alone = conjoin((Matches(UnknownString(key), ()), *(negate(there) for there in used[1:])))
        return tri_if(alone, self._empty_set(form, missing), some)

    def _empty_set(self, form: Form, missing: Tri) -> Tri:
        return YES if form.quantifier == "ForAllValues" else missing

    def _is_used(self, key: str, slot: int) -> Formula:
        return True if slot == 0 else conjoin((negate(Single(key)), Used(key, slot)))

    def _value(self, condition: Condition, operator: Operator, string: UnknownString, *, variables: bool) -> Tri:
        """Return whether one value of the key matches one of the policy values."""
        kind = kind_of(operator.name)
        if kind is not None:
            cells = self.strings.keys.cells.get(string.name)
            if cells is None or cells.kind != kind:
                return OPEN
            positive = OPERATORS[_positive(operator.name)]
            matches = positive.compile([(value,) if value else () for value in condition.values])
            # If AWS does not document the form of a policy value, it is not certain for any cell whether it matches.
            return Tri(
                self._cells(string.name, cells, lambda sample: matches(sample) is True),
                self._cells(string.name, cells, lambda sample: matches(sample) is not False),
            )
        if string.name in self.strings.keys.cells:
            return OPEN
        with_variables = variables and operator.variables
        templates = [
            self.strings.resolved(parse_template(value, operator.tokenizer)) if with_variables else operator.tokenizer(value)
            for value in condition.values
        ]
        read = partial(self._policy_value, operator, string)
        return tri_or(self.strings.each_default(template, read) for template in templates)

    def _cells(self, key: str, cells: Cells, matches: Callable[[str], bool]) -> Formula:
        chosen = cells.where(matches)
        if len(chosen) == len(cells.samples):
            return True
        return InCells(key, chosen) if chosen else False

    def _policy_value(self, operator: Operator, string: UnknownString, template: Template) -> Tri:
        name = operator.name
        if name in _ARN:
            return self._arn(template, string)
        if name in _LIKE or name in _EXACT:
            if has_variables(template):
                return self.strings.matches_template(string, template, ())
            return sure(self.strings.matches(string, fixed(template)))
        if name in _FOLDED:
            if has_variables(template):
                return OPEN
            lower = tuple(token.lower() if isinstance(token, str) else token for token in fixed(template))
            return sure(self.strings.matches(string, lower, fold=True))
        if name == "BinaryEquals":
            encodings = same_bytes("".join(token for token in fixed(template) if isinstance(token, str)))
            return sure(disjoin(self.strings.matches(string, (one,) if one else ()) for one in encodings))
        return OPEN

    def _arn(self, template: Template, string: UnknownString) -> Tri:
        """Compare part by part. For a value that is not an ARN, and for a pattern with fewer parts, AWS documents no rule."""
        is_arn = True if string.name in ARNS else self.strings.matches(string, _AN_ARN)
        if has_variables(template):
            head = head_of(template)
            answer = self.strings.matches_template(string, template, head)
            matched = conjoin((is_arn, answer.must)) if head else False
            return Tri(matched, disjoin((answer.may, negate(is_arn))))
        tokens = fixed(template)
        if tokens == (ANY,):
            return Tri(is_arn, may=True)
        if len(split_tokens(tokens)) != len(PARTS):
            return Tri(must=False, may=disjoin((negate(is_arn), self.strings.matches(string, tokens))))
        matched = conjoin((is_arn, self.strings.matches(string, bounded(tokens, segment_end_expands=False))))
        return Tri(matched, disjoin((matched, negate(is_arn))))


def _positive(name: str) -> str:
    """Return the operator that `name` negates, or `name` itself."""
    return name.replace("Not", "", 1) if name.startswith(("Not", "NumericNot", "DateNot")) else name
