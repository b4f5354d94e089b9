"""Which unknown values an indeterminate answer hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardedbedrock.iam.arns import PARTS
from guardedbedrock.iam.conditions import compile_line
from guardedbedrock.iam.context import UNKNOWN, lookup
from guardedbedrock.iam.documents import VARIABLES_SINCE
from guardedbedrock.iam.patterns import tokenize
from guardedbedrock.iam.requests import Request
from guardedbedrock.iam.statements import Compiled
from guardedbedrock.iam.variables import keys, template


def open_keys(statements: Iterable[Compiled], request: Request) -> tuple[str, ...]:
    """Name, sorted and as the policies spell them, the keys that leave a statement open."""
    found: dict[str, str] = {}
    for compiled in statements:
        if compiled.applies(request) is None:
            for key in _of_statement(compiled, request):
                found.setdefault(key.lower(), key)
    return tuple(sorted(found.values(), key=str.lower))


def _of_statement(compiled: Compiled, request: Request) -> Iterator[str]:
    variables = compiled.document.version == VARIABLES_SINCE
    for condition in compiled.statement.conditions:
        line = compile_line(condition, variables=variables)
        if line.test(request.facts) is None:
            yield from (
                condition.key if key == condition.key.lower() else key
                for key in line.reads
                if lookup(request.facts, key) is UNKNOWN
            )
    read = {key for pattern in compiled.statement.resources for key in keys(template(pattern, tokenize))} if variables else set()
    yield from (key for key in read if lookup(request.facts, key) is UNKNOWN)
    if compiled.test(request) is None and compiled.statement.resources != ("*",):
        yield from (f"resource:{PARTS[index]}" for index in request.blind)
