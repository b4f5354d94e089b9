"""
The snippets for Go and Java are syntactically valid, and the request that they describe is sent to the fake.

The SDKs for Go and Java are not installed here. Their classes and fields have the names of the service model, which botocore has
too: each name of a snippet is looked up there, and botocore sends the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import boto3
import botocore.session
import pytest
import tree_sitter_go
import tree_sitter_java
from botocore.model import ListShape, Shape, StructureShape
from harness.pages import DOCS, blocks
from tree_sitter import Language, Node, Parser

from guardedbedrock.testing import FakeBedrock, FakeGuardrail

GRAMMARS: Final = {"go": Language(tree_sitter_go.language()), "java": Language(tree_sitter_java.language())}
WRAPPERS: Final = {"go": "package page\nfunc run() {\n%s}\n", "java": "class Page { void run() {\n%s} }\n"}
SNIPPETS: Final = [
    (page.name, block.language, block.text)
    for page in sorted(DOCS.rglob("*.md"))
    for block in blocks(page.read_text("utf-8"))
    if block.language in GRAMMARS
]
SERVICE: Final = botocore.session.get_session().get_service_model("bedrock-runtime")
REQUEST: Final = SERVICE.operation_model("Converse").input_shape


def parse(language: str, text: str) -> Node:
    """Return the syntax tree of a snippet that is the body of a function."""
    return Parser(GRAMMARS[language]).parse((WRAPPERS[language] % text).encode()).root_node


def nodes(root: Node, kind: str) -> Iterator[Node]:
    """Yield the nodes of a kind, the outermost first."""
    if root.type == kind:
        yield root
    for child in root.children:
        yield from nodes(child, kind)


def text_of(node: Node | None) -> str:
    assert node is not None
    assert node.text is not None
    return node.text.decode()


def member(shape: Shape, name: str) -> tuple[str, Shape]:
    """Return the member of a structure whose name differs only in its first letter."""
    assert isinstance(shape, StructureShape)
    (found,) = [each for each in shape.members if each[0].lower() + each[1:] == name[0].lower() + name[1:]]
    return found, shape.members[found]


def enumerated(shape: Shape, constant: str) -> str:
    """Return the value of a constant: ``USER`` of Java, ``User`` of Go."""
    (found,) = [
        value for value in getattr(shape, "enum", ()) if value.replace("-", "").replace("_", "").lower() == constant.lower()
    ]
    return str(found)


def of_go(node: Node, shape: Shape) -> Any:
    """Convert an expression of Go to the value of a shape."""
    match node.type:
        case "literal_element" | "unary_expression":
            return of_go(node.named_children[0], shape)
        case "interpreted_string_literal":
            return text_of(node)[1:-1]
        case "call_expression":  # aws.String("...")
            assert text_of(node.child_by_field_name("function")) == "aws.String"
            return of_go(next(nodes(node, "interpreted_string_literal")), shape)
        case "selector_expression":  # types.ConversationRoleUser
            return enumerated(shape, text_of(node).removeprefix(f"types.{shape.name}"))
        case "composite_literal":
            return of_go_literal(node, shape)
        case "literal_value":  # an element of a slice, without its type
            return dict(of_pair(each, shape) for each in node.named_children)
        case _:
            pytest.fail(f"cannot convert {node.type}: {text_of(node)}")


def of_go_literal(node: Node, shape: Shape) -> Any:
    kind, body = text_of(node.child_by_field_name("type")), node.child_by_field_name("body")
    assert body is not None
    if isinstance(shape, ListShape):
        assert kind == f"[]types.{shape.member.name}"
        return [of_go(each, shape.member) for each in body.named_children]
    union = re.fullmatch(rf"types\.{shape.name}Member(\w+)", kind)
    if union:
        name, inner = member(shape, union[1])
        (pair,) = body.named_children
        assert text_of(pair.named_children[0]) == "Value"
        return {name: of_go(pair.named_children[1], inner)}
    assert kind in {f"types.{shape.name}", "bedrockruntime.ConverseInput"}
    return dict(of_pair(each, shape) for each in body.named_children)


def of_pair(node: Node, shape: Shape) -> tuple[str, Any]:
    key, value = node.named_children
    name, inner = member(shape, text_of(key))
    return name, of_go(value, inner)


def calls(node: Node) -> Iterator[tuple[str, list[Node]]]:
    """Yield the calls of a chain of Java, the first one first: ``A.builder().role(x)``."""
    receiver, arguments = node.child_by_field_name("object"), node.child_by_field_name("arguments")
    assert arguments is not None
    if receiver is not None and receiver.type == "method_invocation":
        yield from calls(receiver)
    yield text_of(node.child_by_field_name("name")), arguments.named_children


def of_java(node: Node, shape: Shape) -> Any:
    """Convert an expression of Java to the value of a shape."""
    match node.type:
        case "string_literal":
            return text_of(node)[1:-1]
        case "field_access":  # ConversationRole.USER
            return enumerated(shape, text_of(node).removeprefix(f"{shape.name}."))
        case "lambda_expression":  # request -> request.modelId(...)
            body = node.child_by_field_name("body")
            assert body is not None
            return of_java(body, shape)
        case "method_invocation":
            return of_chain(list(calls(node)), shape)
        case _:
            pytest.fail(f"cannot convert {node.type}: {text_of(node)}")


def of_chain(chain: list[tuple[str, list[Node]]], shape: Shape) -> dict[str, Any]:
    if len(chain) == 1 and chain[0][0].startswith("from"):  # ContentBlock.fromText("...")
        ((name, (argument,)),) = chain
        key, inner = member(shape, name.removeprefix("from"))
        return {key: of_java(argument, inner)}
    found = {}
    for name, arguments in chain:
        if name in {"builder", "build"}:
            assert arguments == []
            continue
        key, inner = member(shape, name)
        if isinstance(inner, ListShape):
            found[key] = [of_java(each, inner.member) for each in arguments]
        else:
            (argument,) = arguments
            found[key] = of_java(argument, inner)
    return found


def request(language: str, root: Node) -> dict[str, Any]:
    """Return the parameters of the only Converse call of a snippet."""
    assert isinstance(REQUEST, StructureShape)
    if language == "go":
        (call,) = [each for each in nodes(root, "call_expression") if text_of(each).startswith("client.Converse(")]
        converted: dict[str, Any] = of_go(next(nodes(call, "composite_literal")), REQUEST)
    else:
        (call,) = [each for each in nodes(root, "method_invocation") if text_of(each).startswith("client.converse(")]
        converted = of_java(next(nodes(call, "lambda_expression")), REQUEST)
    return converted


def test_the_page_of_the_fake_has_both_languages() -> None:
    assert [(page, language) for page, language, _ in SNIPPETS] == [("serve.md", "go"), ("serve.md", "java")]


@pytest.mark.parametrize(("language", "text"), [(language, text) for _, language, text in SNIPPETS])
def test_a_snippet_is_valid_and_its_request_is_guarded(language: str, text: str) -> None:
    root = parse(language, text)
    assert not root.has_error

    with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", version="1")]) as fake:
        client = boto3.Session().client("bedrock-runtime", **fake.client_kwargs())
        reply = client.converse(**request(language, root))
        client.close()
        assert set(re.findall(r"AWS_\w+", text)) <= fake.environment.keys()

    assert reply["output"]["message"]["content"][0]["text"] == "You said: hello"
    assert [one.guardrail for one in fake.requests] == [("abc123def456", "1")]


def snippet(language: str) -> str:
    (text,) = [each for _, name, each in SNIPPETS if name == language]
    return text


@pytest.mark.parametrize(("language", "end"), [("go", "})"), ("java", ";")])
def test_an_error_of_syntax_is_noticed(language: str, end: str) -> None:
    assert parse(language, snippet(language).rstrip().removesuffix(end)).has_error


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("go", "Messages:", "Message:"),
        ("go", "ConversationRoleUser", "ConversationRoleHuman"),
        ("go", "MemberText{", "MemberWords{"),
        ("java", ".modelId(", ".model("),
        ("java", "ConversationRole.USER", "ConversationRole.HUMAN"),
        ("java", "fromText(", "fromWords("),
    ],
)
def test_a_name_that_the_service_does_not_have_is_noticed(language: str, right: str, wrong: str) -> None:
    root = parse(language, snippet(language).replace(right, wrong))

    assert not root.has_error
    with pytest.raises(ValueError, match="not enough values to unpack"):
        request(language, root)
