"""The policies that are read, their names, and the sources that are rejected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from settings.samples import GUARDED, GUARDRAIL, ROLE, document, write

from guardedbedrock import iam
from guardedbedrock.errors import ConfigurationError, PolicySyntaxError, SourceError
from guardedbedrock.settings.settings import load, read_policies

if TYPE_CHECKING:
    from pathlib import Path


def names(policies: iam.PolicySet | None) -> list[tuple[str, str | None]]:
    assert policies is not None
    return [(kind, each.name) for kind, each in policies]


def test_policy_files_start_from_their_own_folder(here: Path) -> None:
    """Paths in a file start from its folder, others from the working directory. Globs are sorted, and ``**`` matches folders."""
    files = {
        f"etc/{name}": document(name.removesuffix(".json")[-1:]) for name in ("p/b.json", "p/a.json", "p/deep/c.json", "scp.json")
    }
    policies = "[policies]\nidentity = 'p/**/*.json'\nscp = [['scp.json'], ['p/a.json', 'p/b.json']]\n"
    write(here, {**files, "etc/guard.toml": f"principal = 'caller'\n{GUARDRAIL}{policies}", "edge.json": document("Edge")})

    settings = load("etc/guard.toml", environ={"GUARDEDBEDROCK_POLICIES__BOUNDARY": "edge.json"})

    etc = here / "etc"
    assert names(settings.policy_set()) == [
        *[("identity", str(etc / name)) for name in ("p/a.json", "p/b.json", "p/deep/c.json")],
        ("boundary", str(here / "edge.json")),
        *[("scp", str(etc / name)) for name in ("scp.json", "p/a.json", "p/b.json")],
    ]


def test_a_glob_is_sorted(here: Path) -> None:
    """The file system decides the order of a folder, so the policies are sorted."""
    write(here, {f"{name}.json": document("Any") for name in "hbgafcde"})

    assert [name for _, name in names(read_policies("*.json", base=here))] == [f"{here}/{name}.json" for name in "abcdefgh"]


def test_a_folder_may_bear_a_wildcard_in_its_name(here: Path) -> None:
    """Wildcards in the base folder are literal, and a file with exactly the given name wins over the glob."""
    write(here, {"[a]*/p/x.json": document("X"), "[a]*/p/y[1].json": document("Y"), "[a]*/p/y1.json": document("Z")})

    found = read_policies(["p/x*.json", "p/y[1].json"], base=here / "[a]*")

    assert [name for _, name in names(found)] == [str(here / "[a]*/p" / name) for name in ("x.json", "y[1].json")]


def test_the_levels_of_an_organization_stay_levels(here: Path) -> None:
    """A request passes only if every level allows it."""
    write(here, {"root.json": document("Root"), "leaf.json": document("Leaf", "s3:*")})
    request = iam.Request(ROLE, "bedrock:InvokeModel", "*")

    def outcome(scp: list[list[str]]) -> str:
        return read_policies({"identity": document("Id"), "scp": scp}, base=here).evaluate(request).outcome

    assert outcome([["root.json", "leaf.json"]]) == "allowed"
    assert outcome([["root.json"], ["leaf.json"]]) == "implicitDeny"


READY = iam.PolicySet(identity=[document("Ready")])

SOURCES: dict[str, tuple[Any, list[tuple[str, str | None]]]] = {
    "file": ("a.json", [("identity", "{here}/a.json")]),
    "files": (["a.json", "b.json"], [("identity", "{here}/a.json"), ("identity", "{here}/b.json")]),
    "document": (document("D"), [("identity", "policies.identity[0]")]),
    "documents": (
        ["*.json", document("D")],
        [*[("identity", f"{{here}}/{x}.json") for x in "ab"], ("identity", "policies.identity[1]")],
    ),
    "json": (json.dumps(document("D")), [("identity", "policies.identity[0]")]),
    "read-already": (iam.parse(document("D"), name="mine"), [("identity", "mine")]),
    "levels": ({"scp": [[], [document("Leaf")]]}, [("scp", "policies.scp[1][0]")]),
    "none-allowed": ({"identity": []}, []),
    "compiled": (READY, [("identity", "identity[0]")]),
}


@pytest.mark.parametrize(("sources", "expected"), SOURCES.values(), ids=SOURCES)
def test_policies_come_from_many_sources(sources: Any, expected: list[tuple[str, str]], here: Path) -> None:
    """A file is named by its path, a document by its key. Code and settings give the same result."""
    write(here, {"a.json": document("A"), "b.json": document("B")})
    wanted = [(kind, name.format(here=here)) for kind, name in expected]

    assert names(read_policies(sources, base=here)) == wanted
    assert names(load(environ=GUARDED, policies=sources, principal=ROLE).policy_set()) == wanted


def test_a_path_object_is_a_file(here: Path) -> None:
    """Absolute or relative."""
    write(here, {"sub/a.json": document("A")})

    assert names(read_policies({"session": here / "sub/a.json"}, base=here)) == [("session", f"{here}/sub/a.json")]


BAD_SOURCES: dict[str, tuple[Any, type[ConfigurationError], str]] = {
    "key": ({"identiy": []}, ConfigurationError, "policies.identiy: unknown key; did you mean `identity`?"),
    "file": (["no.json"], ConfigurationError, "policies.identity[0]: there is no file `{here}/no.json`"),
    "nothing": ({}, ConfigurationError, "policies: names no policy, which would allow everything"),
    "null": (None, ConfigurationError, "policies: names no policy, which would allow everything"),
    "syntax": ("broken.json", PolicySyntaxError, "{here}/broken.json: is not valid JSON: expecting value in line 1, column 15"),
    "wrapper": ("wrapped.json", PolicySyntaxError, "{here}/wrapped.json at /PolicyVersion: `PolicyVersion` is not an element"),
    "inline": ([{"Statement": 1}], PolicySyntaxError, "policies.identity[0] at /Statement: should be an array"),
    "latin": ("latin.json", SourceError, "policies.identity[0]: {here}/latin.json: not UTF-8 text; save it as UTF-8"),
    "dangling": (
        "dang*.json",
        SourceError,
        "policies.identity[0]: {here}/dangling.json: cannot be read (No such file or directory)",
    ),
}


@pytest.mark.parametrize(("sources", "kind", "sentence"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_bad_sources_are_refused(sources: Any, kind: type[ConfigurationError], sentence: str, here: Path) -> None:
    """A document that cannot be read is never skipped."""
    write(here, {"broken.json": '{"Statement": ', "wrapped.json": {"PolicyVersion": {"Document": document("W")}}})
    (here / "latin.json").write_bytes(b'{"Id": "\xe9"}')
    (here / "dangling.json").symlink_to(here / "gone.json")

    with pytest.raises(ConfigurationError) as caught:
        read_policies(sources, base=here)

    assert type(caught.value) is kind
    assert str(caught.value).startswith(sentence.format(here=here))


def test_a_byte_order_mark_does_no_harm(here: Path) -> None:
    """Editors on Windows write one."""
    (here / "bom.json").write_text(json.dumps(document("Bom")), "utf-8-sig")

    assert names(read_policies("bom.json", base=here)) == [("identity", f"{here}/bom.json")]


def test_a_file_that_goes_away_between_loading_and_reading_is_an_error(here: Path) -> None:
    """A missing file is an error in `read`, as in the validation."""
    write(here, {"a.json": document("A")})
    settings = load(environ=GUARDED, policies="a.json", principal=ROLE)
    (here / "a.json").unlink()

    with pytest.raises(SourceError, match=r"^policies.identity\[0\]: .*/a.json: cannot be read \(No such file"):
        settings.policy_set()
