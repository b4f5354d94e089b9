"""The configuration of ``guardedbedrock serve``: read whole, or refused with the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.cli.serve.setup import FAULTS, Setup, read
from guardedbedrock.testing import FakeBedrock, FakeGuardrail, faults

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
        ("x = ", ": is no TOML: invalid value"),
        ('vocabulary = "azure"', " at /vocabulary: `azure` is none of aws, invoke-with-guardrail"),
        ('[[guardrails]]\nname = "hr"', " at /guardrails/0: needs an `id` or an `arn`, and not both"),
        (f'{GUARDRAIL}arn = "x"', " at /guardrails/0: needs an `id` or an `arn`, and not both"),
        (f'{GUARDRAIL}versio = "1"', " at /guardrails/0: the field `versio` is not known; did you mean `version`?"),
        (f"{GUARDRAIL}version = 1", " at /guardrails/0/version: should be a string, not a number"),
        (f'{GUARDRAIL}denied_words = "x"', " at /guardrails/0/denied_words: should be an array, not a string"),
        (f'{GUARDRAIL}pii = {{ SHOE = "block" }}', " at /guardrails/0: pii: no pattern for SHOE"),
        (f'{GUARDRAIL}regexes = {{ x = "(" }}', " at /guardrails/0: regexes: x: "),
        (f"{GUARDRAIL}regexes = {{ x = 3 }}", " at /guardrails/0: holds a value that FakeGuardrail does not take"),
        ('[[inference_profiles]]\nid = "us.x"\nmodels = []', " at /inference_profiles/0: "),
        ('policies = "none.json"', ": `policies.identity[0]`: there is no file"),
        ('[[replies]]\ntext = "x"\ntimes = -1', ' at /replies/0/times: should be a number, not below 0, or "always"'),
        ('[[replies]]\ntext = "x"\ntimes = "often"', ' at /replies/0/times: should be a number, not below 0, or "always"'),
        ("[[replies]]\ntimes = 1", " at /replies/0: the field `text` is missing"),
        ('[[denials]]\nby = "sco"', " at /denials/0/by: `sco` is none of identity, boundary,"),
        ('[[faults]]\nkind = "Fall"', " at /faults/0/kind: `Fall` is none of "),
        ("[[faults]]\nstatus = 500", " at /faults/0/kind: should be a string, not null"),
        ('[[faults]]\nkind = "Fail"\nstatus = 500', " at /faults/0: the field `code` is missing"),
        ('[[faults]]\nkind = "Latency"\nseconds = 1\nsecond = 2', " at /faults/0: the field `second` is not known; did you mean"),
        ('[[faults]]\nkind = "Latency"\nseconds = -1', " at /faults/0: Latency: seconds is not negative"),
        ('[[faults]]\nkind = "Latency"\nseconds = "long"', " at /faults/0: holds a value that Latency does not take"),
        ("seed = true", " at /seed: should be a number, not below 0"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_place(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}{problem}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("serve.toml", "serve.yaml"):
        with pytest.raises(ConfigurationError, match="can not be read: No such file or directory"):
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
def test_toml_yaml_and_json_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    options = read(written(tmp_path, text, name)).options

    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc1"
    assert (options["seed"], options["keep"], options["guardrails"]) == (7, 1000, [FakeGuardrail(arn, "2")])


def test_what_is_scripted(tmp_path: Path) -> None:
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


def test_every_fault_can_be_written() -> None:
    """All that the faults' own page lists."""
    listed: Any = faults.__doc__
    assert {name for name in FAULTS if name in listed} == set(FAULTS)
    assert {"Fail", "Deny", "Latency", "HangUp", "Stall", "Throttle"} <= set(FAULTS)


def test_without_a_file_there_is_an_ordinary_fake() -> None:
    setup = Setup()
    fake = FakeBedrock(**setup.options)
    setup.arrange(fake)

    assert (setup.options, setup.scripted, fake.region) == ({"keep": 1000}, (), "us-east-1")
