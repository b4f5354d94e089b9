"""How the strings of a question's requests match the patterns of policies, including patterns with policy variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys
from guardedbedrock.governance.proof.logic.formulas import (
    OPEN,
    RESOURCE,
    Formula,
    Matches,
    Present,
    Related,
    Shaped,
    Tri,
    UnknownString,
    conjoin,
    sure,
    tri_if,
)
from guardedbedrock.governance.proof.logic.keys import LOWER_CASE
from guardedbedrock.governance.proof.logic.string_search import relate
from guardedbedrock.iam.matching.arns import PARTS, bounded, split_tokens
from guardedbedrock.iam.matching.patterns import ANY, Tokens, compile_tokens, join
from guardedbedrock.iam.matching.variables import Template, Variable, fixed, variables_of


@dataclass(frozen=True, slots=True)
class RequestStrings:
    """
    What is known about the strings of a request: its resource and the values of its keys.

    Args:
        keys: How the keys are modelled.
        fixed: Keys with the value that they have in every request.
        lists: Keys with the several values that they have in every request.
        shapes: The shape of some strings, so that most patterns are decided without a solver.
        resource: The resource; None leaves it free.
    """

    keys: ComparedKeys
    fixed: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: Mapping[UnknownString, Shaped] = field(default_factory=dict)
    resource: str | None = None

    def at(self, resource: str | None, shaped: Shaped | None) -> RequestStrings:
        """
        Return the same strings with another resource.

        Args:
            resource: The resource; None leaves it free.
            shaped: The shape of a free resource; None if the resource is given, or if there can be none.
        """
        others = {string: shape for string, shape in self.shapes.items() if string != RESOURCE}
        return replace(self, resource=resource, shapes=others if shaped is None else {**others, RESOURCE: shaped})

    def matches(self, string: UnknownString, tokens: Tokens, *, fold: bool = False) -> Formula:
        """
        Return whether a string matches a pattern without variables.

        Args:
            string: The string to compare.
            tokens: The pattern.
            fold: Whether case is ignored; such a pattern has no wildcard and is in lower case.
        """
        if string == RESOURCE and self.resource is not None:
            return compile_tokens(tokens)(self.resource)
        if tokens == (ANY,):
            return True
        fold = fold and string.name not in LOWER_CASE
        shaped = self.shapes.get(string)
        relation = "some" if shaped is None or fold else relate(shaped, tokens)
        if relation != "some":
            return relation == "all"
        return Matches(string, tokens, fold)

    def matches_template(self, string: UnknownString, template: Template, head: Tokens) -> Tri:
        """
        Match a pattern with variables. A variable without a value matches nothing.

        Args:
            string: The string to compare.
            template: The pattern.
            head: The tokens before its first variable, if wildcards in it must not match colons.
        """
        names = [variable.key for variable in variables_of(template)]
        if any(key in self.keys.cells or key in self.lists or self.keys.slots.get(key, 1) != 1 for key in names):
            return OPEN
        rest = template[_first_variable(template) :] if head else template
        pieces = (*head, *(UnknownString(part.key) if isinstance(part, Variable) else part for part in rest))
        # The facts that do not compare strings with each other often decide alone.
        loose = self.matches(string, join(ANY if isinstance(piece, UnknownString) else piece for piece in pieces))
        return sure(conjoin((*map(Present, names), loose, Related(string, pieces))))

    def resolved(self, template: Template) -> Template:
        """Replace the variables whose value is the same in every request."""
        return tuple(
            self.fixed.get(part.key, part) if isinstance(part, Variable) and self.keys.slots.get(part.key) == 1 else part
            for part in template
        )

    def each_default(self, template: Template, read: Callable[[Template], Tri]) -> Tri:
        """Read a template with the value of each variable that has a default; where the key is absent, with the default."""
        for index, part in enumerate(template):
            if isinstance(part, Variable) and part.default is not None:
                with_value = (*template[:index], part._replace(default=None), *template[index + 1 :])
                default = (*template[:index], part.default, *template[index + 1 :])
                return tri_if(Present(part.key), self.each_default(with_value, read), self.each_default(default, read))
        return read(template)


def head_of(template: Template, *, segment_end_expands: bool = False) -> Tokens:
    """Return the tokens before the first variable, with bounded wildcards; none if a variable occurs before the fifth colon."""
    before = fixed(template[: _first_variable(template)])
    return bounded(before, segment_end_expands=segment_end_expands) if len(split_tokens(before)) == len(PARTS) else ()


def _first_variable(template: Template) -> int:
    return next(index for index, part in enumerate(template) if isinstance(part, Variable))
