"""The configuration of ``guardedbedrock serve``: it is valid, or an error names the location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.cli.serve.configuration import FAULTS, ServeConfiguration, read
from guardedbedrock.testing import FakeBedrock, FakeEnforcement, FakeGuardrail, ToolUse, faults

if TYPE_CHECKING:
    from pathlib import Path

GUARDRAIL = '[[guardrails]]\nid = "abc1"\n'


def written(folder: Path, text: str, name: str = "serve.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense = 1", ": the field `nonsense` is not known; known are region,"),
        ("polices = {}", ": the field `polices` is not known; did you mean `policies`?"),
        ("x = ", ": invalid TOML: invalid value"),
        ('vocabulary = "azure"', " at /vocabulary: `azure` is none of aws, invoke-with-guardrail"),
        ('[[guardrails]]\nname = "hr"', " at /guardrails/0: must have either `id` or `arn`"),
        (f'{GUARDRAIL}arn = "x"', " at /guardrails/0: must have either `id` or `arn`"),
        (f'{GUARDRAIL}versio = "1"', " at /guardrails/0: the field `versio` is not known; did you mean `version`?"),
        (f"{GUARDRAIL}version = 1", " at /guardrails/0/version: should be a string, not a number"),
        (f'{GUARDRAIL}denied_words = "x"', " at /guardrails/0/denied_words: should be an array, not a string"),
        (f'{GUARDRAIL}pii = {{ SHOE = "block" }}', " at /guardrails/0: pii: no pattern for SHOE"),
        (f'{GUARDRAIL}regexes = {{ x = "(" }}', " at /guardrails/0: regexes: x: "),
        (f"{GUARDRAIL}regexes = {{ x = 3 }}", " at /guardrails/0: a value has a type that FakeGuardrail does not accept"),
        ('[[inference_profiles]]\nid = "us.x"\nmodels = []', " at /inference_profiles/0: "),
        ('policies = "none.json"', ": policies.identity[0]: there is no file"),
        ('[[replies]]\ntext = "x"\ntimes = -1', ' at /replies/0/times: must be an integer of at least 0, or "always"'),
        ('[[replies]]\ntext = "x"\ntimes = "often"', ' at /replies/0/times: must be an integer of at least 0, or "always"'),
        ("[[replies]]\ntimes = 1", " at /replies/0: must have `text`, or `tool` with `input`, or both"),
        ('[[replies]]\ntext = "x"\ninput = {}', " at /replies/0: must have `text`, or `tool` with `input`, or both"),
        (f'{GUARDRAIL}content = {{ HATE = "HUGE" }}', " at /guardrails/0: content: 'HUGE' is not one of"),
        (f'{GUARDRAIL}managed_words = ["SLANG"]', " at /guardrails/0: managed_words: 'SLANG' is not one of"),
        ('[[enforced]]\nguardrail = "abc1"', " at /enforced/0: the field `version` is missing"),
        ('[[enforced]]\nguardrail = "abc1"\nversion = "1"\nsystem = "SOME"', " at /enforced/0: 'SOME' is neither"),
        ('[[denials]]\nby = "sco"', " at /denials/0/by: `sco` is none of identity, boundary,"),
        ('[[faults]]\nkind = "Fall"', " at /faults/0/kind: `Fall` is none of "),
        ("[[faults]]\nstatus = 500", " at /faults/0/kind: should be a string, not null"),
        ('[[faults]]\nkind = "Fail"\nstatus = 500', " at /faults/0: the field `code` is missing"),
        ('[[faults]]\nkind = "Latency"\nseconds = 1\nsecond = 2', " at /faults/0: the field `second` is not known; did you mean"),
        ('[[faults]]\nkind = "Latency"\nseconds = -1', " at /faults/0: Latency: seconds is not negative"),
        ('[[faults]]\nkind = "Latency"\nseconds = "long"', " at /faults/0: a value has a type that Latency does not accept"),
        ("seed = true", " at /seed: must be an integer of at least 0"),
    ],
)
def test_an_invalid_configuration_is_an_error_with_its_location(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}{problem}")


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


def test_every_fault_can_be_configured() -> None:
    listed: Any = faults.__doc__
    assert {name for name in FAULTS if name in listed} == set(FAULTS)
    assert {"Fail", "Deny", "Latency", "HangUp", "Stall", "Throttle"} <= set(FAULTS)


def test_without_a_file_the_fake_has_its_defaults() -> None:
    configuration = ServeConfiguration()
    fake = FakeBedrock(**configuration.options)
    configuration.apply_to(fake)

    assert (configuration.options, configuration.scripted, fake.region) == ({"keep": 1000}, (), "us-east-1")


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
    content = {"VIOLENCE": "LOW", "HATE": ("HIGH", "NONE")}

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
