"""
Policies as formulas that mean exactly what the engine means.

Each statement becomes a three-valued answer (`Tri`); the composition of policy types follows the engine's evaluation.
Parts that cannot be expressed become an open answer, which can make a proof `unknown` and never wrong.
Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Final, TypeAlias

from guardedbedrock.governance.proof.logic.cells import Cells, Kind, cells_for, same_bytes
from guardedbedrock.governance.proof.logic.formulas import (
    NO,
    OPEN,
    RESOURCE,
    YES,
    Formula,
    InCells,
    Matches,
    Present,
    Related,
    Shaped,
    Single,
    Text,
    Tri,
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
from guardedbedrock.governance.proof.logic.keys import ARNS, LOWER_CASE, TIME, TIMES, TYPED, is_multivalued
from guardedbedrock.governance.proof.logic.texts import relate
from guardedbedrock.governance.proof.policies import Placed, ProofPolicies
from guardedbedrock.iam.engine.gaps import ALTERNATIVES, Gap
from guardedbedrock.iam.engine.reach import RCP_SERVICES
from guardedbedrock.iam.language.documents import VARIABLES_SINCE, PolicyType
from guardedbedrock.iam.matching.arns import PARTS, bounded, complete, split_tokens
from guardedbedrock.iam.matching.conditions import Condition, Form, compile_line, parse_operator
from guardedbedrock.iam.matching.context import normalize
from guardedbedrock.iam.matching.operators import OPERATORS, Operator
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    Matcher,
    Tokens,
    compile_pattern,
    compile_tokens,
    join,
    tokenize,
)
from guardedbedrock.iam.matching.principals import Grant, excepted, grant, identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.variables import (
    Template,
    Variable,
    fixed,
    has_variables,
    parse_template,
    variables_in,
    variables_of,
)

Groups: TypeAlias = Listed[tuple[PolicyType, Listed[Placed]]]
"""Statements that count together: those of a policy type, or of one level of it."""

MOST_SLOTS: Final = 64
"""Values of a multivalued key that are modelled. A policy set that needs more gets open answers for that key."""

_AN_ARN: Final[Tokens] = join(("arn:", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":", ANY))
_TYPES: Final[Mapping[str, Kind]] = {"Numeric": "number", "Date": "date", "IpAddress": "address", "NotIpAddress": "address"}
_OWN_RULES: Final = ("kms:", "sts:")
"""Services for which the engine has rules of their own, such as mandatory resource-based policies: their answers stay open."""
_LIKE: Final = frozenset({"StringLike", "StringNotLike"})
_EXACT: Final = frozenset({"StringEquals", "StringNotEquals"})
_FOLDED: Final = frozenset({"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "Bool"})
_ARN: Final = frozenset({"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"})


@dataclass(slots=True)
class Vocabulary:
    """
    The keys of a question: how each is modelled.

    Args:
        cells: Keys that are numbers, dates or addresses, with their cells.
        slots: How many values each key of texts has at most.
        spelling: Each key as a policy spells it.
    """

    cells: dict[str, Cells] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    spelling: dict[str, str] = field(default_factory=dict)


def canonical_key(key: str) -> str:
    """Return the name under which a key is modelled: lower case, and one name for both spellings of the time."""
    lower = key.lower()
    return TIME if lower in TIMES else lower


def vocabulary_of(placed: Iterable[Placed], also: Iterable[tuple[str, str | None]] = ()) -> Vocabulary:
    """
    Collect the keys that statements read.

    Args:
        placed: The statements.
        also: Further keys that a question fixes, with their values.
    """
    usage = _Usage()
    for one in placed:
        usage.add(one)
    for name, value in also:
        usage.fix(name, value)
    return usage.vocabulary()


@dataclass(slots=True)
class _Usage:
    """How statements use keys."""

    spelling: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, set[Kind | None]] = field(default_factory=dict)
    bounds: dict[str, list[str]] = field(default_factory=dict)
    quantified: dict[str, set[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)

    def add(self, placed: Placed) -> None:
        texts = list(placed.statement.resources)
        for condition in placed.statement.conditions:
            parsed = parse_operator(condition.operator)
            if parsed is None:
                continue
            quantifier, operator, _ = parsed
            key = self._note(condition.key)
            if operator.name != "Null":
                kind = kind_of(operator.name)
                self.kinds.setdefault(key, set()).add(kind)
                self.bounds.setdefault(key, []).extend(condition.values if kind else ())
            if quantifier:
                # Each different condition may need a value that no other one needs.
                self.quantified.setdefault(key, set()).add((condition.operator, condition.values))
            texts += condition.values if operator.variables else ()
        if placed.document.version == VARIABLES_SINCE:
            for variable in variables_in(texts):
                self.kinds.setdefault(self._note(variable.spelling), set()).add(None)

    def fix(self, name: str, value: str | None) -> None:
        key = self._note(name)
        if value is not None:
            self.bounds.setdefault(key, []).append(value)

    def _note(self, spelling: str) -> str:
        key = canonical_key(spelling)
        self.spelling.setdefault(key, spelling)
        return key

    def vocabulary(self) -> Vocabulary:
        found = Vocabulary(spelling=self.spelling)
        for key in self.spelling:
            kinds = self.kinds.get(key, set())
            kind = next(iter(kinds)) if len(kinds) == 1 else None
            if kind is not None:
                found.cells[key] = cells_for(kind, self.bounds.get(key, ()), typed=key in TYPED)
            else:
                slots = min(len(self.quantified.get(key, ())) + 1, MOST_SLOTS + 1)
                found.slots[key] = slots if is_multivalued(key) else 1
        return found


def kind_of(operator: str) -> Kind | None:
    """Return which cells an operator compares; None if it compares texts."""
    return next((kind for start, kind in _TYPES.items() if operator.startswith(start)), None)


@dataclass(frozen=True, slots=True)
class Encoder:
    """
    Encodes statements and policies.

    Args:
        vocabulary: How keys are modelled.
        action: The action in lower case.
        resource: The resource; None leaves it free.
        foreign: Whether the resource belongs to another account than the principal.
        fixed: Keys with the value that they have in every request.
        lists: Keys with the several values that they have in every request.
        shapes: The shape of some texts, so that most patterns are decided without a solver.
    """

    vocabulary: Vocabulary
    action: str
    resource: str | None = None
    foreign: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: Mapping[Text, Shaped] = field(default_factory=dict)
    _groups: dict[object, Groups] = field(default_factory=dict, repr=False)
    _conditions: dict[object, Tri] = field(default_factory=dict, repr=False)
    _resources: dict[object, Tri] = field(default_factory=dict, repr=False)

    def at(self, action: str, resource: str | None, shaped: Shaped | None, *, foreign: bool) -> Encoder:
        """
        Return the encoder for another action and resource. What it knows of statements is shared.

        Args:
            action: The action.
            resource: The resource; None leaves it free.
            shaped: The shape of a free resource, if it has one.
            foreign: Whether the resource belongs to another account than the principal.
        """
        others = {text: shape for text, shape in self.shapes.items() if text != RESOURCE}
        shapes = others if shaped is None else {**others, RESOURCE: shaped}
        return replace(self, action=action.lower(), resource=resource, foreign=foreign, shapes=shapes)

    # -- composition, as in the engine's plan -----------------------------------------------------------------------

    def allowed(self, policies: ProofPolicies) -> Tri:
        """
        Return whether a request is allowed.

        INVARIANT: `must` implies that the engine decides ``allowed``, and ``allowed`` implies `may`.
        """
        if self.action.startswith(_OWN_RULES):
            return OPEN
        groups = [(kind, group) for kind, group in self._groups_of_action(policies) if not self._is_exempt(kind, policies)]
        permitted = self._permitted(groups, policies)
        # A policy that could not be read may allow or deny. A known Deny still denies, a known gate must still allow.
        gaps = [gap for gap in policies.gaps if self._concerns(gap)]
        if not {gap.policy_type for gap in gaps}.isdisjoint(ALTERNATIVES):
            permitted = Tri(permitted.must, may=True)
        if permitted.may is False:
            return NO
        gates = [self._any_of(group, "Allow", policies) for kind, group in groups if kind in ("scp", "endpoint")]
        denied = tri_or(self._deny(kind, self._any_of(group, "Deny", policies), policies) for kind, group in groups)
        answer = tri_and((permitted, *gates, tri_not(denied)))
        return Tri(must=False, may=answer.may) if gaps else answer

    def _concerns(self, gap: Gap) -> bool:
        """Return whether the unread policies may concern the resource."""
        if self.resource is not None:
            return gap.concerns(Request("", self.action, self.resource))
        if not gap.resource:
            return True
        shaped = self.shapes.get(RESOURCE)
        return shaped is None or relate(shaped, tokenize(gap.resource)) != "none"

    def _groups_of_action(self, policies: ProofPolicies) -> Groups:
        """Return the groups of statements, of those that cover the action."""
        known = id(policies), self.action
        if known not in self._groups:
            groups = ((kind, [one for one in group if self.covers_action(one)]) for kind, group in policies.groups())
            self._groups[known] = tuple(groups)
        return self._groups[known]

    def _permitted(self, groups: Groups, policies: ProofPolicies) -> Tri:
        """Return whether the policies of the caller and of the resource allow the request."""
        principal = identify(policies.principal)
        own: dict[PolicyType, Tri] = {}
        grants: list[tuple[Grant, Tri]] | None = None
        for kind, group in groups:
            if kind in ("identity", "boundary", "session"):
                own[kind] = YES if principal.kind == "root" else self._any_of(group, "Allow", policies)
            elif kind == "resource":
                allows = [one for one in group if one.statement.effect == "Allow"]
                grants = [(self._grant(one, policies), self.statement(one, policies)) for one in allows]
        if policies.session is not None and not policies.session and principal.kind == "federated-user":
            own["session"] = NO
        return self._caller(own, grants)

    def _any_of(self, group: Listed[Placed], effect: str, policies: ProofPolicies) -> Tri:
        return tri_or(self.statement(one, policies) for one in group if one.statement.effect == effect)

    def _is_exempt(self, kind: PolicyType, policies: ProofPolicies) -> bool:
        """Return whether the policies of a type do not apply, as in the engine."""
        if kind not in ("scp", "rcp"):
            return False
        principal = identify(policies.principal)
        if principal.is_service_linked_by(self.fixed.get("aws:principalarn")):
            return True
        if kind == "rcp":
            return (
                policies.management_account is not None and policies.management_account == principal.account and not self.foreign
            )
        return not principal.account or principal.account == policies.management_account

    def _deny(self, kind: PolicyType, answer: Tri, policies: ProofPolicies) -> Tri:
        # Only for the services on AWS's list is it certain that an RCP applies.
        is_certain = policies.rcp_applies or self.action.partition(":")[0] in RCP_SERVICES
        return answer if kind != "rcp" or is_certain else Tri(must=False, may=answer.may)

    def _caller(self, own: Mapping[PolicyType, Tri], grants: list[tuple[Grant, Tri]] | None) -> Tri:
        mine = tri_and(own.values())
        if grants is None:
            # Without a resource-based policy, access to another account's resource is not granted.
            return NO if self.foreign else mine
        if self.foreign:
            return tri_and((mine, tri_or(answer for _, answer in grants)))
        return tri_or((mine, *(tri_and((answer, self._through(kind, own))) for kind, answer in grants)))

    def _through(self, kind: Grant, own: Mapping[PolicyType, Tri]) -> Tri:
        if kind in (Grant.EXACT, Grant.UNDOCUMENTED):
            return YES
        boundary, session = own.get("boundary", YES), own.get("session", YES)
        if kind is Grant.OPEN:
            return Tri(session.must, may=True)
        return tri_and((boundary, session)) if kind in (Grant.ROLE, Grant.PERHAPS) else NO

    # -- one statement ----------------------------------------------------------------------------------------------

    def statement(self, placed: Placed, policies: ProofPolicies) -> Tri:
        """Return whether a statement applies to the request."""
        granted = self._grant(placed, policies)
        if granted is Grant.NONE or not self.covers_action(placed):
            return NO
        resource = self.resource_of(placed)
        answer = resource if resource.may is False else tri_and((resource, self.conditions_of(placed)))
        return Tri(must=False, may=answer.may) if granted in (Grant.PERHAPS, Grant.UNDOCUMENTED) else answer

    def _grant(self, placed: Placed, policies: ProofPolicies) -> Grant:
        statement, principal = placed.statement, identify(policies.principal)
        if statement.principal is None:
            return Grant.OPEN
        if not statement.not_principal:
            return grant(statement.principal, principal)
        if statement.effect == "Deny" and policies.boundary and principal.kind in ("user", "role", "assumed-role"):
            return Grant.OPEN
        is_excepted = excepted(statement.principal, principal)
        if is_excepted:
            return Grant.NONE
        if is_excepted is None and principal.kind == "federated-user" and statement.effect == "Deny":
            return Grant.PERHAPS
        return Grant.UNDOCUMENTED if is_excepted is None or statement.effect == "Allow" else Grant.OPEN

    def covers_action(self, placed: Placed) -> bool:
        """Return whether Action or NotAction covers the action."""
        statement = placed.statement
        return any(_action_matcher(pattern)(self.action) for pattern in statement.actions) is not statement.not_action

    def resource_of(self, placed: Placed) -> Tri:
        """Return whether Resource or NotResource covers the resource."""
        known = id(placed.statement), placed.document.version, self.shapes.get(RESOURCE, self.resource)
        if known not in self._resources:
            self._resources[known] = self._covered_resource(placed)
        return self._resources[known]

    def _covered_resource(self, placed: Placed) -> Tri:
        statement = placed.statement
        if "*" in statement.resources:
            return NO if statement.not_resource else YES
        has_version = placed.document.version == VARIABLES_SINCE
        covered = tri_or(self._resource(pattern, variables=has_version) for pattern in statement.resources)
        if not statement.not_resource:
            return covered
        if has_version and any("${" in pattern and self._has_open_variable(pattern) for pattern in statement.resources):
            # AWS does not document NotResource with a variable that has no value.
            return Tri(conjoin((negate(covered.may), *self._have_values(statement.resources))), negate(covered.must))
        return tri_not(covered)

    def _have_values(self, patterns: Iterable[str]) -> Iterator[Formula]:
        """Yield that each variable without a default has a value."""
        for variable in variables_in(patterns):
            if variable.default is None and variable.key not in self.fixed:
                yield Present(canonical_key(variable.key))

    def _resource(self, pattern: str, *, variables: bool) -> Tri:
        if not variables or "${" not in pattern:
            return sure(self._text(RESOURCE, _resource_tokens(pattern)))
        template = parse_template(complete(pattern), tokenize)
        answer = self._each_default(self._resolved(template), self._resource_template)
        # AWS does not document a variable before the fifth colon.
        return answer if not has_variables(template) or _head(template) else Tri(must=False, may=answer.may)

    def _resource_template(self, template: Template) -> Tri:
        if has_variables(template):
            return self._template(RESOURCE, template, _head(template, segment_end_expands=True))
        return sure(self._text(RESOURCE, bounded(fixed(template), segment_end_expands=True)))

    def conditions_of(self, placed: Placed) -> Tri:
        """Return whether every condition holds."""
        known = id(placed.statement), placed.document.version
        if known not in self._conditions:
            has_version = placed.document.version == VARIABLES_SINCE
            lines = placed.statement.conditions
            self._conditions[known] = tri_and(self.condition(one, variables=has_version) for one in lines)
        return self._conditions[known]

    def condition(self, condition: Condition, *, variables: bool) -> Tri:
        """Return whether one line of a condition block holds."""
        parsed = parse_operator(condition.operator)
        if parsed is None:
            return OPEN
        quantifier, operator, if_exists = parsed
        key = canonical_key(condition.key)
        if key in self.lists:
            return self._listed(condition, self.lists[key], variables=variables)
        if operator.name == "Null":
            return self._null(key, condition.values)
        absent = {"": operator.negated, "ForAllValues": True, "ForAnyValue": False}[quantifier] or if_exists
        form = Form(quantifier, operator.negated, absent)
        # AWS does not document ForAnyValue...IfExists for an absent key.
        missing = OPEN if quantifier == "ForAnyValue" and if_exists else sure(absent)
        present = self._present(key, form, partial(self._value, condition, operator, variables=variables), missing)
        return tri_if(Present(key), present, missing)

    def _listed(self, condition: Condition, texts: tuple[str, ...], *, variables: bool) -> Tri:
        """Let the engine decide about a key with known values."""
        line = compile_line(condition, variables=variables)
        if len(line.reads) > 1:
            return OPEN
        answer = line.test(normalize({condition.key: texts}))
        return OPEN if answer is None else sure(answer)

    def _null(self, key: str, values: Listed[str]) -> Tri:
        wanted = {value.lower() for value in values}
        absent, present = "true" in wanted, "false" in wanted
        return sure(disjoin((conjoin((Present(key), present)), conjoin((negate(Present(key)), absent)))))

    def _present(self, key: str, form: Form, value: Callable[[Text], Tri], missing: Tri) -> Tri:
        """Return the answer for a key that is present; `missing` is the answer for an absent one."""
        if key in self.vocabulary.cells:
            one = value(Text(key))
            one = tri_not(one) if form.negated else one
            if not form.quantifier:
                return one
            cells = self.vocabulary.cells[key]
            return tri_if(self._cells(key, cells, lambda sample: not sample), self._empty_set(form, missing), one)
        slots = self.vocabulary.slots.get(key, 1)
        if slots > MOST_SLOTS:
            return OPEN
        answers = [value(Text(key, slot)) for slot in range(slots)]
        each = [tri_not(answer) for answer in answers] if form.negated else answers
        if not form.quantifier:
            # AWS does not document a list of values under an operator without a set prefix.
            return each[0] if slots == 1 else tri_if(Single(key), each[0], OPEN)
        used = [self._is_used(key, slot) for slot in range(slots)]
        if form.quantifier == "ForAnyValue":
            some = tri_or(tri_and((sure(there), one)) for there, one in zip(used, each, strict=True))
        else:
            some = tri_and(tri_or((sure(negate(there)), one)) for there, one in zip(used, each, strict=True))
        # A set whose only value is the empty text counts as an empty set.
        alone = conjoin((Matches(Text(key), ()), *(negate(there) for there in used[1:])))
        return tri_if(alone, self._empty_set(form, missing), some)

    def _empty_set(self, form: Form, missing: Tri) -> Tri:
        return YES if form.quantifier == "ForAllValues" else missing

    def _is_used(self, key: str, slot: int) -> Formula:
        return True if slot == 0 else conjoin((negate(Single(key)), Used(key, slot)))

    def _value(self, condition: Condition, operator: Operator, text: Text, *, variables: bool) -> Tri:
        """Return whether one value of the key matches one of the policy values."""
        kind = kind_of(operator.name)
        if kind is not None:
            cells = self.vocabulary.cells.get(text.name)
            if cells is None or cells.kind != kind:
                return OPEN
            positive = OPERATORS[_positive(operator.name)]
            matches = positive.compile([(value,) if value else () for value in condition.values])
            # A policy value in a form that AWS does not document matches no cell for sure, and no cell surely not.
            return Tri(
                self._cells(text.name, cells, lambda sample: matches(sample) is True),
                self._cells(text.name, cells, lambda sample: matches(sample) is not False),
            )
        if text.name in self.vocabulary.cells:
            return OPEN
        with_variables = variables and operator.variables
        templates = [
            self._resolved(parse_template(value, operator.tokenizer)) if with_variables else operator.tokenizer(value)
            for value in condition.values
        ]
        read = partial(self._policy_value, operator, text)
        return tri_or(self._each_default(template, read) for template in templates)

    def _cells(self, key: str, cells: Cells, matches: Callable[[str], bool]) -> Formula:
        chosen = cells.where(matches)
        if len(chosen) == len(cells.samples):
            return True
        return InCells(key, chosen) if chosen else False

    def _policy_value(self, operator: Operator, text: Text, template: Template) -> Tri:
        name = operator.name
        if name in _ARN:
            return self._arn(template, text)
        if name in _LIKE or name in _EXACT:
            return self._template(text, template, ()) if has_variables(template) else sure(self._text(text, fixed(template)))
        if name in _FOLDED:
            if has_variables(template):
                return OPEN
            lower = tuple(token.lower() if isinstance(token, str) else token for token in fixed(template))
            return sure(self._text(text, lower, fold=True))
        if name == "BinaryEquals":
            encodings = same_bytes("".join(token for token in fixed(template) if isinstance(token, str)))
            return sure(disjoin(self._text(text, (one,) if one else ()) for one in encodings))
        return OPEN

    def _arn(self, template: Template, text: Text) -> Tri:
        """Compare part by part. For a value that is not an ARN, and for a pattern with fewer parts, AWS documents no rule."""
        is_arn = True if text.name in ARNS else self._text(text, _AN_ARN)
        if has_variables(template):
            head = _head(template)
            answer = self._template(text, template, head)
            matched = conjoin((is_arn, answer.must)) if head else False
            return Tri(matched, disjoin((answer.may, negate(is_arn))))
        tokens = fixed(template)
        if tokens == (ANY,):
            return Tri(is_arn, may=True)
        if len(split_tokens(tokens)) != len(PARTS):
            return Tri(must=False, may=disjoin((negate(is_arn), self._text(text, tokens))))
        matched = conjoin((is_arn, self._text(text, bounded(tokens, segment_end_expands=False))))
        return Tri(matched, disjoin((matched, negate(is_arn))))

    def _resolved(self, template: Template) -> Template:
        """Replace the variables whose value is the same in every request."""
        return tuple(
            self.fixed.get(part.key, part) if isinstance(part, Variable) and self.vocabulary.slots.get(part.key) == 1 else part
            for part in template
        )

    def _has_open_variable(self, pattern: str) -> bool:
        return has_variables(self._resolved(parse_template(pattern, tokenize)))

    # -- texts ------------------------------------------------------------------------------------------------------

    def _text(self, text: Text, tokens: Tokens, *, fold: bool = False) -> Formula:
        if text == RESOURCE and self.resource is not None:
            return compile_tokens(tokens)(self.resource)
        if tokens == (ANY,):
            return True
        fold = fold and text.name not in LOWER_CASE
        shaped = self.shapes.get(text)
        relation = "some" if shaped is None or fold else relate(shaped, tokens)
        if relation != "some":
            return relation == "all"
        return Matches(text, tokens, fold)

    def _each_default(self, template: Template, read: Callable[[Template], Tri]) -> Tri:
        """Read a template with the value of each variable that has a default, and with the default where the key is absent."""
        for place, part in enumerate(template):
            if isinstance(part, Variable) and part.default is not None:
                given = (*template[:place], part._replace(default=None), *template[place + 1 :])
                default = (*template[:place], part.default, *template[place + 1 :])
                return tri_if(Present(part.key), self._each_default(given, read), self._each_default(default, read))
        return read(template)

    def _template(self, text: Text, template: Template, head: Tokens) -> Tri:
        """
        Match a pattern with variables. A variable without a value matches nothing.

        Args:
            text: The text.
            template: The pattern.
            head: The tokens before its first variable, if wildcards in it must not match colons.
        """
        keys = [variable.key for variable in variables_of(template)]
        if any(key in self.vocabulary.cells or key in self.lists or self.vocabulary.slots.get(key, 1) != 1 for key in keys):
            return OPEN
        rest = template[_first_variable(template) :] if head else template
        pieces = (*head, *(Text(part.key) if isinstance(part, Variable) else part for part in rest))
        # The facts that do not compare texts with each other often decide alone.
        loose = self._text(text, join(ANY if isinstance(piece, Text) else piece for piece in pieces))
        return sure(conjoin((*map(Present, keys), loose, Related(text, pieces))))


def _head(template: Template, *, segment_end_expands: bool = False) -> Tokens:
    """Return the tokens before the first variable, with bounded wildcards; none if a variable occurs before the fifth colon."""
    before = fixed(template[: _first_variable(template)])
    return bounded(before, segment_end_expands=segment_end_expands) if len(split_tokens(before)) == len(PARTS) else ()


def _first_variable(template: Template) -> int:
    return next(place for place, part in enumerate(template) if isinstance(part, Variable))


@lru_cache(maxsize=4096)  # keyed by pattern: every action of a question is compared with the same patterns
def _action_matcher(pattern: str) -> Matcher:
    return compile_pattern(pattern.lower())


@lru_cache(maxsize=8192)  # keyed by pattern: each is compared with every type of resource
def _resource_tokens(pattern: str) -> Tokens:
    return bounded(tokenize(complete(pattern)), segment_end_expands=True)


def _positive(name: str) -> str:
    """Return the operator whose negation `name` is, or `name`."""
    return name.replace("Not", "", 1) if name.startswith(("Not", "NumericNot", "DateNot")) else name
