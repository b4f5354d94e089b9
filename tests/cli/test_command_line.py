"""Behavior of all commands: exit codes, one line for invalid input, and no unnecessary imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import typer
from harness import casefiles

import guardedbedrock
from guardedbedrock.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

LOADED = """
import sys
from guardedbedrock.cli import main
code = main()
sys.stderr.write(" ".join(name for name in ("boto3", "botocore.session", "rich.table") if name in sys.modules))
sys.exit(code)
"""
WITHOUT = """
import sys
sys.modules[%r] = None
from guardedbedrock.cli import main
sys.exit(main())
"""


def test_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"guardedbedrock {guardedbedrock.__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["demo", "--help"], ["simulate", "--help"], ["test", "--help"]])
def test_help(cli: Cli, arguments: list[str]) -> None:
    code, out, err = cli(*arguments)

    assert (code, err) == (0, "")
    assert "Usage: guardedbedrock" in out


def test_a_warning_is_one_line_without_file_and_line() -> None:
    program = "import warnings; from guardedbedrock.cli import main; main(); warnings.warn('a\\nb')"
    done = subprocess.run([sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - a command of this test

    assert done.stderr == "guardedbedrock: warning: a b\n"


def options(command: Any) -> Iterator[tuple[str, str]]:
    """Yield each command with the help of each of its options."""
    for one in getattr(command, "commands", {}).values():
        yield from options(one)
    yield command.name, command.help or ""
    yield from ((command.name, getattr(parameter, "help", None) or "") for parameter in command.params)


def test_no_help_has_a_word_that_is_taken_for_markup() -> None:
    """``[policies]`` in a help text is not printed."""
    found = list(options(typer.main.get_command(app)))

    assert len(found) > 50
    assert [(name, text) for name, text in found if re.search(r"\[[a-z/]", text)] == []


def test_without_a_command_the_help_is_printed(cli: Cli) -> None:
    code, out, err = cli()

    assert (code, err) == (0, "")
    assert out == cli("--help").out
    for command in ("init", "check", "demo", "simulate", "backstop", "test", "serve"):
        assert f" {command} " in out


def test_tls_accepts_no_value(cli: Cli) -> None:
    assert "does not take a value" in cli("serve", "--tls=true").err


@pytest.mark.parametrize(("shell", "marker"), [("bash", "_guardedbedrock_completion()"), ("zsh", "#compdef guardedbedrock")])
def test_shell_completion(cli: Cli, shell: str, marker: str) -> None:
    script = cli(_GUARDEDBEDROCK_COMPLETE=f"source_{shell}").out
    completed = cli(_GUARDEDBEDROCK_COMPLETE="complete_bash", COMP_WORDS="guardedbedrock si", COMP_CWORD="1").out

    assert marker in script
    assert completed.split() == ["simulate"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["tset"], "`tset` is not a command of `guardedbedrock`; did you mean `test`?\n", id="unknown command"),
        pytest.param(["abc"], "; the known commands are init, check, demo, simulate, ", id="unlike every command"),
        pytest.param(["prove", "nevr"], "of `guardedbedrock prove`; did you mean `never`?\n", id="unknown question"),
        pytest.param(["snapshot", "-o", "x", "dif"], "`guardedbedrock snapshot`; did you mean `diff`?\n", id="snapshot command"),
        pytest.param(["guardrails", "lst"], "`guardedbedrock guardrails`; did you mean `list`?\n", id="guardrails command"),
        pytest.param(["generate", "invoke-polcy"], "is not a generator; did you mean `invoke-policy`?\n", id="generator"),
        pytest.param(["generate", "abc"], "the known generators are invoke-policy, manage-policy, ", id="unlike every generator"),
        pytest.param(["test"], "missing argument", id="no file"),
        pytest.param(["test", "--frmat", "json", "x"], "--frmat", id="unknown option"),
        pytest.param(["test", "--format", "xml", "x"], "invalid value for '--format': 'xml' is not one of", id="unknown format"),
        pytest.param(["simulate"], "--operation", id="no operation"),
        pytest.param(["demo", "x"], "x", id="stray argument"),
        pytest.param(["serve", "--port", "abc"], "'--port': must be a whole number\n", id="port"),
        pytest.param(["serve", "--port", "-1"], "'--port': must be at least 0\n", id="small port"),
        pytest.param(["serve", "--port", "65536"], "'--port': must be at most 65535\n", id="large port"),
        pytest.param(["report", "--timeout", "0"], "'--timeout': must be at least 0.1\n", id="timeout"),
        pytest.param(["report", "--timeout", "inf"], "'--timeout': must be at most 86400\n", id="infinite timeout"),
        pytest.param(["prove", "never", "x", "--timeout", "inf"], "'--timeout': must be at most 86400\n", id="infinite proof"),
        pytest.param(["prove", "unreachable", "--timeout", "1e300"], "'--timeout': must be at most 86400\n", id="long proof"),
        pytest.param(["prove", "unreachable", "--timeout", "nan"], "'--timeout': must be at most 86400\n", id="not a number"),
        pytest.param(["prove", "never", "x", "--timeout", "y"], "'--timeout': must be a number\n", id="no number"),
        pytest.param(["replay", "--policies", "x", "--workers", "0"], "'--workers': must be at least 1\n", id="workers"),
        pytest.param(["test", "none.json"], "none.json: no such file", id="no such file"),
    ],
)
def test_invalid_input_is_one_line_and_exit_code_2(cli: Cli, arguments: list[str], problem: str) -> None:
    code, out, err = cli(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("guardedbedrock: ")
    assert problem in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [["lint"], ["report"], ["prove", "never"]])
def test_help_names_the_table_of_the_configuration(cli: Cli, command: list[str]) -> None:
    """Rich would read ``[policies]`` as markup, and omit it."""
    out = " ".join(cli(*command, "--help", COLUMNS="200").out.split())

    assert ("the tables lint.suppressions" if command == ["lint"] else "the table policies") in out


@pytest.mark.parametrize("group", ["prove", "guardrails"])
def test_a_group_without_a_command_prints_its_help(cli: Cli, group: str) -> None:
    code, out, err = cli(group)

    assert (code, err) == (2, "guardedbedrock: missing command; name one of the commands above\n")
    assert f"Usage: guardedbedrock {group}" in out


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_extra_the_error_names_the_package_to_install(cli: Cli, module: str) -> None:
    code, out, err = cli("demo", script=WITHOUT % module)

    assert (code, out) == (2, "")
    assert err == "guardedbedrock: the command line needs more packages: pip install 'guardedbedrock[cli]'\n"


def test_another_missing_module_is_not_reported_as_a_missing_extra(cli: Cli) -> None:
    assert "ModuleNotFoundError" in cli("test", "x", script=WITHOUT % "guardedbedrock.errors").err


def test_the_test_command_imports_no_boto3(cli: Cli) -> None:
    code, out, err = cli("test", str(casefiles.CASES / "calls.json"), script=LOADED)

    assert (code, out, err) == (0, "20 passed, 0 failed\n", "")


def test_output_that_is_not_a_terminal_has_no_colours(cli: Cli) -> None:
    assert "\x1b" not in "".join(cli("demo")[1:])


@pytest.mark.parametrize(("environ", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_no_color_is_set(environ: dict[str, str], *, coloured: bool) -> None:
    terminal, other_end = os.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    script = "import sys; from guardedbedrock.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "test", str(casefiles.CASES / "calls.json")]

    subprocess.run(command, stdout=other_end, env=inherited | environ, check=True, timeout=60)  # noqa: S603 - a command of this test

    shown = os.read(terminal, 1000).decode()
    os.close(terminal)
    os.close(other_end)
    assert "20 passed, 0 failed" in shown
    assert ("\x1b[32m" in shown) is coloured


@pytest.mark.parametrize("files", [casefiles.CASES / "calls.json", casefiles.CASES / "iam.json"], ids=lambda path: path.name)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_closes_the_pipe_early_causes_no_error(files: Path, output: str) -> None:
    """As in ``guardedbedrock test ... --format json | head -1``, with output that is shorter or longer than a buffer."""
    script = "import sys; from guardedbedrock.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "test", str(files), "--format", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - a command of this test
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == b""


INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == %r:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from guardedbedrock.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "module",
    [
        *("guardedbedrock.cli.process", "guardedbedrock.cli.output", "rich", "guardedbedrock.cli.app", "typer"),
        *("guardedbedrock.errors", "guardedbedrock.cli.application.check", "pydantic", "boto3"),
    ],
)
def test_ctrl_c_during_an_import_is_exit_code_130_without_a_traceback(cli: Cli, module: str) -> None:
    code, out, err = cli("check", script=INTERRUPTED % module)

    assert (code, out, err.strip()) == (130, "", "")


def test_the_module_of_the_entry_point_imports_nothing_before_it_handles_ctrl_c() -> None:
    program = "import sys, guardedbedrock; before = {*sys.modules}; import guardedbedrock.cli; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - a command of this test

    assert done.stdout == "guardedbedrock.cli\n"
