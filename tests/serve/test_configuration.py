"""The configuration of ``guardedbedrock serve``: it is valid, or an error names the location."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.cli.serve.configuration import FAULTS, ServeConfiguration, read
from guardedbedrock.cli.serve.page import BedrockWithPage
from guardedbedrock.testing import (
    DENIALS,
    FakeBedrock,
    FakeDocument,
    FakeEnforcement,
    FakeGuardrail,
    FakeKnowledgeBase,
    ToolUse,
    faults,
)

GUARDRAIL = '[[guardrails]]\nid = "abc1"\n'
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1"


def written(folder: Path, text: str, name: str = "serve.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense = 1", ": unknown field `nonsense`; known fields are region,"),
        ("polices = {}", ": unknown field `polices`; did you mean `policies`?"),
        ("x = ", ": not valid TOML: invalid value"),
        ('vocabulary = "azure"', " at /vocabulary: `azure` is not one of aws, invoke-with-guardrail"),
        (
            'policies = "account"',
            " at /policies: is a source that only a guard reads; write the policies themselves, in [policies]",
        ),
        ('policies = "snapshot:a.json"', " at /policies: is a source that only a guard reads"),
        (
            'guardrails = "account"',
            " at /guardrails: is a source that only a guard reads; write the guardrails themselves, in [[",
        ),
        (
            'guardrails = { team = "hr" }',
            " at /guardrails: must be a list of tables; write each guardrail in [[guardrails]] (one table",
        ),
        (
            '[guardrails]\narn = "x"',
            " at /guardrails: must be a list of tables; write each guardrail in [[guardrails]] (one table",
        ),
        ('[[guardrails]]\nname = "hr"', " at /guardrails/0: must have either `id` or `arn`"),
        (f'{GUARDRAIL}arn = "x"', " at /guardrails/0: must have either `id` or `arn`"),
        (f'{GUARDRAIL}versio = "1"', " at /guardrails/0: unknown field `versio`; did you mean `version`?"),
        (f"{GUARDRAIL}version = true", " at /guardrails/0/version: expected a string, got a Boolean"),
        (f'{GUARDRAIL}denied_words = "x"', " at /guardrails/0/denied_words: expected an array, got a string"),
        (f'{GUARDRAIL}pii = {{ SHOE = "block" }}', " at /guardrails/0: pii: 'SHOE' is "),
        (f'{GUARDRAIL}regexes = {{ x = "(" }}', " at /guardrails/0: regexes.x: not a regular expression: "),
        (f"{GUARDRAIL}regexes = {{ x = 3 }}", " at /guardrails/0: regexes.x: expected a pattern, or a pattern and `block`"),
        (
            f"{GUARDRAIL}content = {{ HATE = 3 }}",
            " at /guardrails/0: content.HATE: expected a strength, or one",
        ),
        (
            f'{GUARDRAIL}content = {{ HATE = ["LOW"] }}',
            " at /guardrails/0: content.HATE: expected a strength, or one",
        ),
        (
            f'{GUARDRAIL}grounding = {{ GROUNDING = "x" }}',
            " at /guardrails/0: grounding.GROUNDING: expected a number from 0 ",
        ),
        (
            f"{GUARDRAIL}grounding = {{ GROUNDING = 3 }}",
            " at /guardrails/0: grounding.GROUNDING: expected a number from 0 ",
        ),
        (
            f'{GUARDRAIL}denied_words = [""]',
            " at /guardrails/0: denied_words: '' is not a string with at ",
        ),
        ('[[inference_profiles]]\nid = "us.x"\nmodels = []', " at /inference_profiles/0: "),
        ('[[knowledge_bases]]\nid = "KB1"\ndocuments = []', " at /knowledge_bases/0: identifier: 'KB1' is not the ID of"),
        ('[[knowledge_bases]]\nid = "HANDBOOK01"\ndocuments = [""]', " at /knowledge_bases/0/documents/0: text: must be a"),
        (
            '[[knowledge_bases]]\nid = "HANDBOOK01"\ndocuments = [{ txt = "a" }]',
            " at /knowledge_bases/0/documents/0: unknown field `txt`; did you mean `text`?",
        ),
        (
            'policies = {identity = [{Statement = {Effect = "Alow", Action = "*", Resource = "*"}}]}',
            ": policies.identity[0] at /Statement/Effect: should be `Allow` or `Deny`",
        ),
        ('policies = "none.json"', ": policies.identity[0]: there is no file"),
        ('[[replies]]\ntext = "x"\ntimes = -1', ' at /replies/0/times: must be an integer of at least 1, or "always"'),
        ('[[replies]]\ntext = "x"\ntimes = "often"', ' at /replies/0/times: must be an integer of at least 1, or "always"'),
        ("[[replies]]\ntimes = 1", " at /replies/0: must have `text`, or `tool` with `input`, or both"),
        ('[[replies]]\ntext = "x"\ninput = {}', " at /replies/0: must have `text`, or `tool` with `input`, or both"),
        (f'{GUARDRAIL}content = {{ HATE = "HUGE" }}', " at /guardrails/0: content.HATE: 'HUGE' is unknown; known values are"),
        (f'{GUARDRAIL}managed_words = ["SLANG"]', " at /guardrails/0: managed_words: 'SLANG' is unknown; known values are"),
        ('[[enforced]]\nguardrail = "abc1"', " at /enforced/0: the field `version` is missing"),
        ('[[enforced]]\nguardrail = "abc1"\nversion = "1"\nsystem = "SOME"', " at /enforced/0: enforced: 'SOME' is neither"),
        ('[[denials]]\nby = "sco"', " at /denials/0/by: `sco` is not one of identity, boundary,"),
        ('[[faults]]\nkind = "Fall"', " at /faults/0/kind: `Fall` is not one of "),
        ("[[faults]]\nstatus = 500", " at /faults/0: the field `kind` is missing; set it to one of BadBody, "),
        ('[[faults]]\nkind = "Fail"\nstatus = 500', " at /faults/0: the field `code` is missing"),
        ('[[faults]]\nkind = "Latency"\nseconds = 1\nsecond = 2', " at /faults/0: unknown field `second`; did you mean"),
        (
            '[[faults]]\nkind = "Latency"\nseconds = -1',
            " at /faults/0: Latency: seconds: expected 0 to 31622400 seconds (a year), got -1",
        ),
        ('[[faults]]\nkind = "Latency"\nseconds = "long"', " at /faults/0/seconds: expected int or float, got str"),
        ('[[faults]]\nkind = "Fail"\nstatus = "500"\ncode = "X"', " at /faults/0/status: expected int, got str"),
        ('[[faults]]\nkind = "Fail"\nstatus = 500\ncode = 7', " at /faults/0/code: expected str, got int"),
        ('[[faults]]\nkind = "HangUp"\nreset = 1', " at /faults/0/reset: expected bool, got int"),
        ('[[faults]]\nkind = "HangUp"\nafter = true', " at /faults/0/after: expected int, got bool"),
        ('[[faults]]\nkind = "Throttle"\nrate = 1\nclock = "x"', " at /faults/0: unknown field `clock`"),
        ('[[faults]]\nkind = "Latency"\nseconds = 1\nchance = 2', " at /faults/0/chance: must be a number from 0 to 1"),
        ('[[faults]]\nkind = "Latency"\nseconds = 1\nchance = "x"', " at /faults/0/chance: must be a number from 0 to 1"),
        (
            '[[faults]]\nkind = "Latency"\nseconds = 1\noperation = "Convers"',
            " at /faults/0/operation: unknown operation `Convers`; did you mean `Converse`",
        ),
        ('[[denials]]\nby = "scp"\noperation = "X"', " at /denials/0/operation: unknown operation `X`; did you mean `Converse`"),
        ('[[enforced]]\nversion = "1"', " at /enforced/0: must have either `guardrail` or `arn`"),
        ('region = "mars"', ": region: 'mars' is not the name of a Region; write one such as us-east-1"),
        ('regions = ["us-east-1", "Mars"]', ": region: 'Mars' is not the name of a Region; write one such as us-east-1"),
        ('account = "42"', ": account: '42' is not the ID of an account; write its 12 digits"),
        ('principal = "me"', ": principal: 'me' is not the ARN of a user, role or session; write one such as arn:"),
        ('hosts = [""]', " at /hosts/0: must not be empty"),
        ('[[guardrails]]\narn = "abc1"', " at /guardrails/0/arn: must be an ARN; write a short ID into `id`"),
        ('[[guardrails]]\nid = "a b"', " at /guardrails/0: identifier: 'a b' is not the ID or the ARN of a guardrail"),
        (f"{GUARDRAIL}version = 0", " at /guardrails/0: version: '0' is not a version; write a number as a string"),
        (f'{GUARDRAIL}detect_only = ["EMAIL"]', " at /guardrails/0: detect_only: 'EMAIL' is unknown; the guardrail has no "),
        (f"{GUARDRAIL}{GUARDRAIL}", " at /guardrails/1: duplicates version 1 of `abc1`; remove one"),
        (f'{GUARDRAIL}[[guardrails]]\narn = "{ARN}"', f" at /guardrails/1: duplicates version 1 of `{ARN}`; remove one"),
        (
            '[[enforced]]\nguardrail = "abc1"\nversion = "DRAFT"',
            " at /enforced/0: enforced: version: 'DRAFT' is not a published version",
        ),
        ('[[enforced]]\nguardrail = "a"\nversion = "1"\norigin = "ME"', " at /enforced/0: enforced: origin: 'ME' is not one of"),
        ('[[denials]]\nby = "scp"\ntimes = 0', ' at /denials/0/times: must be an integer of at least 1, or "always"'),
        ('[[denials]]\nby = "scp"\naction = "bedrock:Invoke"', " at /denials/0: action: 'bedrock:Invoke' is not an action of"),
        *(
            (f'[[faults]]\nkind = "{kind}"\n{given}', f" at /faults/0: {kind}: {problem}")
            for kind, given, problem in (
                ("Fail", 'code = "X"\nstatus = 200', "status: expected a status from 300 to 599, got 200"),
                ("Fail", 'code = "X"\nstatus = 1000', "status: expected a status from 300 to 599, got 1000"),
                ("Fail", 'code = ""\nstatus = 500', "code: expected an error code such as ThrottlingException, got "),
                ("Fail", 'code = "X\\r\\nY: 1"\nstatus = 500', "code: expected an error code such as ThrottlingException, got "),
                ("Fail", 'code = "X"\nstatus = 500\nretry_after = -1', "retry_after: expected 0 or more seconds, got -1"),
                ("Fail", 'code = "X"\nstatus = 500\nretry_after = inf', "retry_after: expected 0 or more seconds, got inf"),
                ("Latency", "seconds = nan", "seconds: expected 0 to 31622400 seconds (a year), got nan"),
                ("Latency", "seconds = inf", "seconds: expected 0 to 31622400 seconds (a year), got inf"),
                ("Throttle", "rate = nan", "rate: expected 0 or more tokens per second, got nan"),
                ("TokenRate", "per_second = inf", "per_second: expected a finite number of at least 1e-06 events, got inf"),
                ("Stall", "seconds = inf", "seconds: expected 0 to 31622400 seconds (a year), got inf"),
                ("Stall", 'seconds = 1\npart = "tail"', "part: expected one of head, body, got 'tail'"),
                ("HangUp", "after = -1", "after: expected 0 or more bytes, got -1"),
                ("BadBody", "status = 99", "status: expected a status from 200 to 599, got 99"),
                ("BrokenFrame", 'part = "tail"', "part: expected one of prelude, message, got 'tail'"),
                ("Rechunk", "size = -1", "size: expected 0 or more bytes, got -1"),
                ("BreakStream", 'code = ""', "code: expected a member of the event stream, or another error code, got ''"),
                ("ClockSkew", "seconds = inf", "seconds: expected at most a year, got inf"),
            )
        ),
        ("keep_bytes = -1", " at /keep_bytes: must be an integer of at least 0"),
        ("x = " + "9" * 5000, ": not valid TOML: a number has too many digits"),
        ("x = " + "[" * 5000, ": nested"),
        ("seed = true", " at /seed: must be an integer of at least 0"),
    ],
)
def test_an_invalid_configuration_is_an_error_with_its_location(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}{problem}")


def test_a_file_without_a_suffix_is_toml(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, GUARDRAIL, "serve")).options["guardrails"]) == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    for name in ("serve.toml", "serve.yaml"):
        with pytest.raises(ConfigurationError, match="No such file or directory"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "serve.toml",
            'seed = 7\n[[guardrails]]\narn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1"\nversion = "2"\n',
        ),
        ("serve.yaml", "seed: 7\nguardrails: [{arn: 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1', version: '2'}]\n"),
        (
            "serve.json",
            '{"seed": 7, "guardrails": [{"arn": "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1", "version": "2"}]}',
        ),
    ],
)
def test_toml_yaml_and_json_are_equivalent(tmp_path: Path, name: str, text: str) -> None:
    options = read(written(tmp_path, text, name)).options

    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1"
    assert (options["seed"], options["keep"], options["guardrails"]) == (7, 1000, [FakeGuardrail(arn, "2")])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("serve.toml", '[[faults]]\nkind = "Latency"\nseconds = 0.2\nchance = 0.5'),
        ("serve.yaml", "faults: [{kind: Latency, seconds: 0.2, chance: 0.5}]"),
        ("serve.json", '{"faults": [{"kind": "Latency", "seconds": 0.2, "chance": 0.5}]}'),
    ],
)
def test_a_number_with_a_decimal_point_is_a_float_in_each_format(tmp_path: Path, name: str, text: str) -> None:
    ((method, arguments, keywords),) = read(written(tmp_path, text, name)).scripted

    assert (method, arguments) == ("fault", (faults.Latency(0.2),))
    assert [type(value) for value in keywords.values()] == [float]


def test_replies_denials_and_faults_are_scripted(tmp_path: Path) -> None:
    text = """
[[replies]]
text = "Hi."
times = "always"
[[denials]]
operation = "Converse"
by = "scp"
times = 2
[[faults]]
kind = "Latency"
seconds = 0.2
spread = "uniform"
chance = 0.5
times = "always"
"""

    assert read(written(tmp_path, text)).scripted == (
        ("reply", ("Hi.",), {"times": None}),
        ("deny", (), {"operation": "Converse", "by": "scp", "times": 2}),
        ("fault", (faults.Latency(0.2, "uniform"),), {"times": None, "chance": 0.5}),
    )


@pytest.mark.parametrize("section", ["replies", "denials", "faults"])
@pytest.mark.parametrize(
    "operation", ["Retrieve", "RetrieveAndGenerate", "InvokeAgent", "CreateFlow", "ChatCompletions", "ChatCompletionsStream"]
)
def test_every_operation_of_the_server_can_be_configured(tmp_path: Path, section: str, operation: str) -> None:
    own = {"replies": 'text = "x"', "denials": 'by = "scp"', "faults": 'kind = "Latency"\nseconds = 0'}[section]
    configuration = read(written(tmp_path, f'[[{section}]]\n{own}\noperation = "{operation}"'))
    configuration.apply_to(FakeBedrock())

    assert configuration.scripted[0][2]["operation"] == operation


def test_every_fault_can_be_configured() -> None:
    listed: Any = faults.__doc__
    assert {name for name in FAULTS if name in listed} == set(FAULTS)
    assert {"Fail", "Deny", "Latency", "HangUp", "Stall", "Throttle"} <= set(FAULTS)


def test_the_page_documents_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")
    sections = {title: text for title, _, text in (part.partition("\n") for part in page.split("\n### "))}

    assert {name for name in DENIALS if f"| `{name}` |" in sections["`[[denials]]`"]} == set(DENIALS)
    for name, fault in FAULTS.items():
        _, _, entry = sections["`[[faults]]`"].partition(f"| `{name}` | | |")
        own = entry.partition("\n| `")[0]
        fields = {field.name for field in dataclasses.fields(fault) if field.init} - {"clock"}
        assert {field for field in fields if f"| | `{field}` |" in own} == fields
    for field in ("operation", "times", "chance", "kind"):
        assert f"| `{field}` |" in sections["`[[faults]]`"]
    for field in ("by", "operation", "action", "times"):
        assert f"| `{field}` |" in sections["`[[denials]]`"]


def test_the_example_of_the_page_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")
    configuration = read(written(tmp_path, page.partition("```toml\n")[2].partition("```")[0]))

    with BedrockWithPage(**configuration.options) as server:
        configuration.apply_to(server)
    assert [method for method, _, _ in configuration.scripted] == ["reply", "deny", "fault"]


def test_without_a_file_the_fake_has_its_defaults() -> None:
    configuration = ServeConfiguration()
    fake = FakeBedrock(**configuration.options)
    configuration.apply_to(fake)

    assert (configuration.options, configuration.scripted) == ({"keep": 1000, "keep_bytes": 64 * 1024 * 1024}, ())
    assert fake.region == "us-east-1"


CONFIGURED = """
[[guardrails]]
id = "abc1"
managed_words = ["PROFANITY"]
grounding = { GROUNDING = 0.5 }
detect_only = ["VIOLENCE"]

[guardrails.content]
VIOLENCE = "LOW"
HATE = ["HIGH", "NONE"]

[[enforced]]
guardrail = "abc1"
version = "1"
excluded_models = ["m"]

[[replies]]
text = "Let me look."
tool = "lookup"
input = { who = "Ada" }

[[faults]]
kind = "BadBody"
form = "html"
"""


def test_every_option_of_a_fake_can_be_configured(tmp_path: Path) -> None:
    """Guardrails with every policy, enforced guardrails, tool calls and faults."""
    configuration = read(written(tmp_path, CONFIGURED))
    content: dict[str, Any] = {"VIOLENCE": "LOW", "HATE": ("HIGH", "NONE")}

    assert configuration.options["guardrails"] == [
        FakeGuardrail(
            "abc1",
            content=content,
            managed_words=("PROFANITY",),
            grounding={"GROUNDING": 0.5},
            detect_only=frozenset({"VIOLENCE"}),
        )
    ]
    assert configuration.options["enforced"] == [FakeEnforcement("abc1", "1", excluded_models=("m",))]
    assert configuration.scripted[0][1] == (("Let me look.", ToolUse("lookup", {"who": "Ada"})),)
    assert configuration.scripted[1][1] == (faults.BadBody("html"),)
    with FakeBedrock(**configuration.options) as fake:
        configuration.apply_to(fake)


def test_the_configuration_of_a_guard_configures_the_server_too(tmp_path: Path) -> None:
    """One file serves both: the server ignores settings that only a guard reads."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1"
    text = f"""
mode = "report"
principal = "caller"
on_indeterminate = "refuse"

[[guardrails]]
arn = "{arn}"
version = 3
profile = "us.guardrail.v1:0"
models = ["anthropic.*"]

[[enforced]]
arn = "{arn}"
version = 2
name = "org"

[retry]
attempts = 2
"""

    options = read(written(tmp_path, text)).options

    assert options["guardrails"] == [FakeGuardrail(arn, "3")]
    assert options["enforced"] == [FakeEnforcement(arn, "2")]
    assert "principal" not in options
    with BedrockWithPage(**options):
        pass


def test_knowledge_bases_have_documents(tmp_path: Path) -> None:
    """A document is a text, or a table."""
    text = """
[[knowledge_bases]]
id = "HANDBOOK01"
name = "handbook"
documents = ["Twelve days of leave.", { text = "Sick leave.", uri = "s3://hr/sick.txt", metadata = { year = 2026 } }]
"""

    options = read(written(tmp_path, text)).options

    documents = [FakeDocument("Twelve days of leave."), FakeDocument("Sick leave.", "s3://hr/sick.txt", {"year": 2026})]
    assert options["knowledge_bases"] == [FakeKnowledgeBase("HANDBOOK01", documents, "handbook")]
