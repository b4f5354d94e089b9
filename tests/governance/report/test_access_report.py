"""The access report: known answers of small accounts, grouping, JSON, CSV and the size of the page."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import random
import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.access import (
    ACCOUNT,
    ALLOW,
    APPLY,
    APPROVED,
    CALLS,
    KEY,
    MODEL,
    REGION,
    REQUIRE,
    guardrail_arn,
    large,
    principal,
    role,
    write,
)

from guardedbedrock.bedrock import authorizations, find_operation
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.governance.report.build import build
from guardedbedrock.governance.report.formats import COLUMNS, as_data, write_csv
from guardedbedrock.governance.report.page import LARGEST, write_page
from guardedbedrock.governance.report.placeholders import fill
from guardedbedrock.governance.report.records import OPERATIONS, AccessReport
from guardedbedrock.governance.report.scope_of_configuration import of_configuration
from guardedbedrock.governance.report.scope_of_snapshot import of_snapshot
from guardedbedrock.iam.account.snapshot import write_snapshot

if TYPE_CHECKING:
    from pathlib import Path

NASTY: Final = "</script><script>document.title='taken'</script><!-- \u2028"


def report_of(
    folder: Path, *principals: tuple[str, dict[str, Any]], models: tuple[str, ...] = (MODEL,), **sections: Any
) -> AccessReport:
    return build(of_snapshot(write(folder, *principals, **sections), models=models), proof=False)


def decisions(report: AccessReport, name: str) -> dict[str, list[str]]:
    """Return the decisions of a principal on the first model, by situation: one for each operation."""
    (row,) = [one for one in report.rows if role(name) in one.principals]
    return {
        situation.kind: [one.verdict.outcome for one in cells[0] or ()]
        for situation, cells in zip(report.situations, row.cells, strict=True)
    }


def test_a_principal_without_a_condition_may_call_with_every_guardrail_and_with_none(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("Open", ALLOW, APPLY))

    assert decisions(report, "Open") == {"none": ["allowed"] * 2, "other": ["allowed"] * 2, "approved": ["allowed"] * 2}
    assert (report.unguarded("allowed"), report.undecided) == (1, 0)


def test_a_required_guardrail_denies_calls_without_it_and_with_another(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("Guarded", ALLOW, APPLY, REQUIRE))

    denied = ["explicitDeny"] * 2
    assert decisions(report, "Guarded") == {"none": denied, "other": denied, "approved": ["allowed"] * 2}
    assert report.unguarded("allowed") == 0


def test_a_policy_that_forgets_streaming_shows_one_decision_for_each_operation(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("Leaky", ALLOW, APPLY, {**REQUIRE, "Action": CALLS[0]}))

    assert decisions(report, "Leaky")["none"] == ["explicitDeny", "allowed"]
    assert report.unguarded("allowed") == 1


def test_a_call_with_a_guardrail_needs_apply_guardrail(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("NoApply", ALLOW))

    assert decisions(report, "NoApply") == {
        "none": ["allowed"] * 2,
        "other": ["implicitDeny"] * 2,
        "approved": ["implicitDeny"] * 2,
    }
    answer = report.rows[0].cells[2][0]
    assert answer is not None
    assert (answer[0].action, answer[0].resource) == ("bedrock:ApplyGuardrail", "{guardrail ARN}")


def test_an_open_decision_names_the_keys_it_depends_on(tmp_path: Path) -> None:
    office = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
    }
    report = report_of(tmp_path, principal("Office", ALLOW, APPLY, office))

    assert decisions(report, "Office")["none"] == ["indeterminate"] * 2
    cell = report.rows[0].cells[0][0]
    assert cell is not None
    assert [one.verdict.depends_on for one in cell] == [("aws:SourceIp",)] * 2
    assert (report.unguarded("allowed"), report.undecided) == (0, 1)


def test_a_key_that_only_the_policy_names_is_unknown_and_not_absent(tmp_path: Path) -> None:
    statement = {**ALLOW, "Condition": {"StringEquals": {"saml:aud": "x"}}}
    report = report_of(tmp_path, principal("Saml", statement, APPLY))

    assert decisions(report, "Saml")["none"] == ["indeterminate"] * 2


def test_unreadable_enforced_guardrails_leave_every_allowed_call_open(tmp_path: Path) -> None:
    gap = {"section": "enforced_guardrails", "api": "bedrock:ListEnforcedGuardrailsConfiguration", "error": "AccessDenied"}
    report = report_of(tmp_path, principal("Open", ALLOW, APPLY), gaps=[gap])

    assert decisions(report, "Open")["none"] == ["indeterminate"] * 2
    assert report.scope.gaps == (
        "enforced guardrails could not be read: `bedrock:ListEnforcedGuardrailsConfiguration` returned AccessDenied",
    )


def test_principals_with_equal_policies_are_evaluated_once(tmp_path: Path) -> None:
    report = report_of(tmp_path, *(principal(f"App{number}", ALLOW, APPLY) for number in range(30)), principal("Other", APPLY))

    assert [len(one.principals) for one in report.scope.groups] == [30, 1]
    assert [len(row.principals) for row in report.rows] == [30, 1]


def test_equal_policies_that_read_the_principal_are_evaluated_for_each(tmp_path: Path) -> None:
    only = {**ALLOW, "Condition": {"ArnEquals": {"aws:PrincipalArn": role("First")}}}
    report = report_of(tmp_path, *(principal(name, only, APPLY) for name in ("First", "Second", "Third")))

    assert decisions(report, "First")["none"] == ["allowed"] * 2
    assert decisions(report, "Second")["none"] == ["implicitDeny"] * 2
    assert [len(one.principals) for one in report.scope.groups] == [1, 1, 1]
    assert [len(row.principals) for row in report.rows] == [1, 2]


def test_equal_policies_that_read_a_variable_are_evaluated_for_each(tmp_path: Path) -> None:
    own = {**ALLOW, "Resource": "arn:aws:bedrock:*::foundation-model/${aws:username}.m"}
    users = [principal(name, own, APPLY, kind="user") for name in ("ann", "bob")]
    report = report_of(tmp_path, *users, models=("ann.m",))

    found = {row.principals: [one.verdict.outcome for one in row.cells[0][0] or ()] for row in report.rows}
    assert found == {(role("ann", "user"),): ["allowed"] * 2, (role("bob", "user"),): ["implicitDeny"] * 2}


def test_rows_that_can_be_called_without_a_guardrail_come_first(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("A", ALLOW, APPLY, REQUIRE), principal("Z", ALLOW, APPLY))

    assert [row.principals[0] for row in report.rows] == [role("Z"), role("A")]


def test_every_reduction_gives_the_decisions_of_single_evaluations(tmp_path: Path) -> None:
    """Models and guardrails that policies cannot tell apart share an evaluation; the engine decides each alone here."""
    ids = ("hr0000000001", "hr0000000002", "fin000000003")
    guardrails = [
        {"arn": guardrail_arn(one), "name": one, "region": REGION, "version": "1", "tags": {"Team": one[:2]}} for one in ids
    ]
    models = ("acme.a-v1", "acme.b-v1", "ACME.A-v1", "other.c", "us.acme.a-v1", "eu.acme.a-v1")
    texts = ("*", "acme.*", "acme.?-v1", "*.c", "*a-v1")
    conditions: tuple[dict[str, Any], ...] = (
        {"StringLike": {KEY: "*:guardrail/hr*"}},
        {"ArnLike": {KEY: f"arn:aws:bedrock:*:*:guardrail/{ids[0]}:?"}},
        {"StringEqualsIgnoreCase": {KEY: f"{guardrail_arn(ids[2])}:1".upper()}},
        {"Null": {KEY: "true"}},
        {"ForAnyValue:StringEquals": {KEY: [f"{guardrail_arn(ids[1])}:1"]}},
    )
    tagged = {**APPLY, "Condition": {"StringEquals": {"aws:ResourceTag/Team": "hr"}}}
    people = [
        principal(
            f"P{number}",
            {**ALLOW, "Resource": [f"arn:aws:bedrock:*::foundation-model/{text}", "arn:aws:bedrock:*:*:inference-profile/*"]},
            {**ALLOW, "Sid": "Second", "Effect": effect, "Condition": condition},
            apply,
        )
        for number, (text, condition, effect, apply) in enumerate(
            (text, condition, effect, apply)
            for text in texts
            for condition in conditions
            for effect in ("Allow", "Deny")
            for apply in (APPLY, tagged)
        )
    ]
    scope = of_snapshot(write(tmp_path, *people, guardrails=guardrails), models=models)
    report = build(scope, proof=False)
    rows = {name: row for row in report.rows for name in row.principals}

    compared = set()
    for group in scope.groups:
        for index, situation in enumerate(report.situations):
            for number, model in enumerate(models):
                for position, name in enumerate(OPERATIONS):
                    operation = find_operation("bedrock-runtime", name)
                    params: dict[str, Any] = {"modelId": model}
                    if situation.guardrail is not None:
                        assert operation.location is not None
                        params = operation.location.put(params, situation.guardrail.arn, situation.guardrail.version)
                    required = authorizations(operation, params, group.caller(REGION), scope.inventory)
                    expected = required.outcome(tuple(map(group.policies.evaluate, required.requests)), ("rcp",))
                    cell = rows[group.principals[0]].cells[index][number]
                    assert cell is not None
                    assert cell[position].verdict.outcome == expected, (group.principals, situation, model)
                    compared.add(expected)
    assert compared == {"allowed", "implicitDeny", "explicitDeny", "indeterminate"}


def test_explanations_name_the_model_and_the_guardrail_of_their_cell(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("Guarded", ALLOW, APPLY, REQUIRE), models=(MODEL, "acme.b"))

    (row,) = report.rows
    index = [one.kind for one in report.situations].index("other")
    situation, cell = report.situations[index], row.cells[index][1]
    assert cell is not None
    assert situation.guardrail is not None
    text = fill(cell[0].summary, situation, report.scope.models[1])
    assert text == (
        f"statement `Require` denies this when `{KEY}` is not `{APPROVED}`; the request has `{situation.guardrail.key}`"
    )
    assert fill(cell[0].resource, situation, report.scope.models[1]).endswith("foundation-model/acme.b")


def test_models_come_from_policies_and_profiles_with_a_sample_for_each_pattern(tmp_path: Path) -> None:
    named = {**ALLOW, "Resource": ["arn:aws:bedrock:*::foundation-model/acme.one", "arn:aws:bedrock:*::foundation-model/acme.t*"]}
    profile = {
        "arn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.acme.two",
        "id": "us.acme.two",
        "region": REGION,
        "type": "SYSTEM_DEFINED",
        "models": [f"arn:aws:bedrock:{region}::foundation-model/acme.two" for region in ("us-east-1", "us-west-2")],
    }
    report = report_of(tmp_path, principal("App", named, APPLY), models=(), inference_profiles=[profile])

    labels = [one.label for one in report.scope.models]
    assert labels == ["acme.one", "acme.two", "us.acme.two", "acme.t*", "every other model"]
    assert [next(one.verdict.outcome for one in cell or ()) for cell in report.rows[0].cells[0]] == [
        "allowed",
        "allowed",
        "implicitDeny",  # the policy does not allow the profile itself
        "allowed",
        "implicitDeny",
    ]
    assert report.scope.models[2].routes == {REGION: ("us-east-1", "us-west-2")}


@pytest.mark.parametrize(
    ("resource", "sample", "outcome"),
    [
        ("foundation-model/*opus*", "sample.sampleopussample", "allowed"),
        ("foundation-model/anthropic*", "anthropic.sample", "allowed"),
        ("foundation-model/acme.t?", "acme.tx", "allowed"),
        ("inference-profile/us.*", "us.anthropic.sample", "implicitDeny"),  # no foundation model is allowed
        ("inference-profile/*claude*", "us.anthropic.sampleclaudesample", "implicitDeny"),
    ],
)
def test_the_sample_of_a_pattern_names_a_resource_of_its_type(tmp_path: Path, resource: str, sample: str, outcome: str) -> None:
    report = report_of(tmp_path, principal("App", {**ALLOW, "Resource": [f"arn:aws:bedrock:*:*:{resource}"]}, APPLY), models=())

    model = report.scope.models[0]
    assert (model.label, model.id) == (resource.partition("/")[2], sample)
    assert outcome in {one.verdict.outcome for one in report.rows[0].cells[0][0] or ()}


def test_a_pattern_of_two_resource_types_has_two_samples(tmp_path: Path) -> None:
    resources = [f"arn:aws:bedrock:*:*:{kind}/*claude*" for kind in ("foundation-model", "inference-profile")]
    report = report_of(tmp_path, principal("App", {**ALLOW, "Resource": resources}, APPLY), models=())

    assert [one.label for one in report.scope.models] == ["*claude*", "inference-profile/*claude*", "every other model"]


def test_a_profile_is_not_evaluated_in_a_region_that_does_not_have_it(tmp_path: Path) -> None:
    profile = {
        "arn": f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/eu.acme.two",
        "id": "eu.acme.two",
        "region": "eu-west-1",
        "type": "SYSTEM_DEFINED",
        "models": ["arn:aws:bedrock:eu-west-1::foundation-model/acme.two"],
    }
    sections = {"inference_profiles": [profile], "regions": [REGION, "eu-west-1"]}
    report = report_of(tmp_path, principal("App", ALLOW, APPLY), models=(), **sections)

    index = [one.label for one in report.scope.models].index("eu.acme.two")
    found = {
        (one.region, one.kind): cells[index] is None for one, cells in zip(report.situations, report.rows[0].cells, strict=True)
    }
    assert found == {
        (REGION, "none"): True,
        (REGION, "other"): True,
        (REGION, "approved"): True,
        ("eu-west-1", "none"): False,
        ("eu-west-1", "other"): False,
    }


def test_the_report_lists_who_can_change_which_guardrails(tmp_path: Path) -> None:
    manage = {"Effect": "Allow", "Action": ["bedrock:UpdateGuardrail", "bedrock:CreateGuardrail"], "Resource": "*"}
    report = report_of(tmp_path, principal("Admin", manage), principal("App", ALLOW, APPLY))

    found = {row.principals: [(one.action, one.outcome, one.guardrails) for one in row.changes] for row in report.rows}
    assert found == {
        (role("App"),): [],
        (role("Admin"),): [
            ("bedrock:CreateGuardrail", "allowed", ()),
            ("bedrock:UpdateGuardrail", "allowed", (guardrail_arn(),)),
        ],
    }


def test_a_change_of_one_guardrail_names_only_that_one(tmp_path: Path) -> None:
    ids = ("hr0000000001", "hr0000000002", "fin000000003")
    guardrails = [{"arn": guardrail_arn(one), "name": one, "region": REGION, "version": "1", "tags": {}} for one in ids]
    own = {"Effect": "Allow", "Action": "bedrock:DeleteGuardrail", "Resource": guardrail_arn(ids[1])}
    rest = {"Effect": "Allow", "Action": "bedrock:UpdateGuardrail", "Resource": "arn:aws:bedrock:*:*:guardrail/hr*"}
    report = report_of(tmp_path, principal("Owner", own, rest), guardrails=guardrails)

    assert [(one.action, one.guardrails) for one in report.rows[0].changes] == [
        ("bedrock:UpdateGuardrail", (guardrail_arn(ids[0]), guardrail_arn(ids[1]))),
        ("bedrock:DeleteGuardrail", (guardrail_arn(ids[1]),)),
    ]


def test_the_page_names_every_principal_that_can_change_guardrails(tmp_path: Path) -> None:
    manage = {"Effect": "Allow", "Action": "bedrock:UpdateGuardrail", "Resource": "*"}
    admins = [f"Admin{number}" for number in range(5)]
    page = write_page(report_of(tmp_path, *(principal(name, manage) for name in admins), principal("App", ALLOW, APPLY)))
    changes = page[page.index("Who can change guardrails") : page.index("Proofs</h2>")]

    assert f"<code>{role('Admin0')}</code> and 4 more" in changes
    assert [name for name in admins if f"<code>{role(name)}</code>" not in changes] == []
    assert role("App") not in changes


def test_a_report_without_proofs_gives_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = build(of_snapshot(write(tmp_path, principal("App", ALLOW, APPLY)), models=[MODEL]), proof=False)

    monkeypatch.setattr("guardedbedrock.governance.report.records.is_available", lambda: True)
    assert report.assumptions[-1] == "No proof was made: --no-proof was given."
    monkeypatch.setattr("guardedbedrock.governance.report.records.is_available", lambda: False)
    assert report.assumptions[-1] == "No proof was made: guardedbedrock[proof] is not installed."


@pytest.mark.skipif(not is_available(), reason="needs cvc5")
def test_the_proof_of_each_row_is_added(tmp_path: Path) -> None:
    scope = of_snapshot(write(tmp_path, principal("Open", ALLOW, APPLY), principal("Guarded", ALLOW, APPLY, REQUIRE)), [APPROVED])
    found = {row.principals: row.proof for row in build(scope).rows}

    guarded, unguarded = found[role("Guarded"),], found[role("Open"),]
    assert guarded is not None
    assert unguarded is not None
    assert (guarded.answer, unguarded.answer) == ("proved", "refuted")
    assert "without a guardrail is allowed" in unguarded.reason


def test_json_has_every_decision_with_its_explanation(tmp_path: Path) -> None:
    data = json.loads(
        json.dumps(as_data(report_of(tmp_path, principal("Guarded", ALLOW, APPLY, REQUIRE), principal("Open", ALLOW, APPLY))))
    )

    assert (data["schema"], data["version"], data["account"]) == ("guardedbedrock.access-report", 1, ACCOUNT)
    assert [(one["kind"], one["guardrail"]) for one in data["situations"]][::2] == [("none", None), ("approved", APPROVED)]
    found = {
        (row["principals"][0], situation["kind"]): [data["answers"][answer]["decision"] for answer in data["cells"][cells[0]]]
        for row in data["rows"]
        for situation, cells in zip(data["situations"], row["decisions"], strict=True)
    }
    assert found == {
        (role("Guarded"), "none"): ["explicitDeny"] * 2,
        (role("Guarded"), "other"): ["explicitDeny"] * 2,
        (role("Guarded"), "approved"): ["allowed"] * 2,
        (role("Open"), "none"): ["allowed"] * 2,
        (role("Open"), "other"): ["allowed"] * 2,
        (role("Open"), "approved"): ["allowed"] * 2,
    }
    denied = next(one for one in data["answers"] if one["decision"] == "explicitDeny")
    assert (denied["policyType"], denied["statements"][0]["effect"]) == ("identity", "Deny")


def test_csv_has_one_line_for_each_decision(tmp_path: Path) -> None:
    report = report_of(tmp_path, principal("Guarded", ALLOW, APPLY, REQUIRE), principal("Twin", ALLOW, APPLY, REQUIRE))
    header, *lines = csv.reader(StringIO("".join(write_csv(report))))

    assert tuple(header) == COLUMNS
    assert len(lines) == 2 * 3 * 2  # principals, situations, operations
    assert [role("Twin"), REGION, "approved", APPROVED, MODEL, "ConverseStream", "allowed", "identity"] in [
        line[:8] for line in lines
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_value_of_the_csv_is_a_formula(tmp_path: Path, start: str) -> None:
    report = report_of(tmp_path, principal("App", ALLOW, APPLY))
    rows = tuple(replace(row, principals=(f"{start}HYPERLINK(1)",)) for row in report.rows)
    _, *lines = csv.reader(StringIO("".join(write_csv(replace(report, rows=rows)))))

    assert {line[0] for line in lines} == {f"'{start}HYPERLINK(1)"}


def test_names_of_the_account_cannot_end_the_script_of_the_page(tmp_path: Path) -> None:
    hostile = {**ALLOW, "Sid": "x", "Resource": f"arn:aws:bedrock:*::foundation-model/{NASTY}"}
    report = report_of(tmp_path, principal(NASTY, ALLOW, APPLY), principal("Other", hostile))
    page = write_page(report)

    assert page.count("<script") == page.count("</script") == 2
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert [role(NASTY)] in [row["principals"] for row in data["rows"]]


def test_the_page_allows_only_its_own_script(tmp_path: Path) -> None:
    page = write_page(report_of(tmp_path, principal("App", ALLOW, APPLY)))

    assert re.search(r"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[A-Za-z0-9+/=]{44}';", page)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


@pytest.mark.parametrize("policies", [40, 150])
def test_the_page_of_a_large_account_is_small(tmp_path: Path, policies: int) -> None:
    file = tmp_path / "large.json"
    write_snapshot(large(policies=policies), file)
    report = build(of_snapshot(file), proof=False)
    page = write_page(report)

    assert sum(len(row.principals) for row in report.rows) == 500
    assert (len(report.scope.guardrails), len(report.scope.models)) == (20, 61)
    assert len(page.encode()) < LARGEST


def unpacked(page: str) -> str:
    """Return the data of a compressed page."""
    found = re.search(r'<script type="text/plain" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1])).decode()


def distinct(folder: Path, count: int) -> AccessReport:
    """Report principals that differ in every statement."""
    chance = random.Random(3)  # noqa: S311  # a fixed choice
    models = [f"acme.model-{number}-v1:0" for number in range(60)]
    ids = [f"guardrail{number:03}" for number in range(20)]

    def statements(number: int) -> list[dict[str, Any]]:
        resources = [f"arn:aws:bedrock:*::foundation-model/{one}" for one in chance.sample(models, 12)]
        approved = [f"{guardrail_arn(one)}:1" for one in chance.sample(ids, 4)]
        require = {**REQUIRE, "Sid": f"Require{number}", "Condition": {"StringNotEquals": {KEY: approved}}}
        return [{**ALLOW, "Sid": f"Call{number}", "Resource": resources}, APPLY, require]

    listed = [{"arn": guardrail_arn(one), "name": one, "region": REGION, "version": "1", "tags": {}} for one in ids]
    people = [principal(f"Team{number}", *statements(number)) for number in range(count)]
    return report_of(folder, *people, models=tuple(models), guardrails=listed)


def test_a_large_page_is_compressed_and_keeps_its_explanations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = distinct(tmp_path, 12)
    plain = write_page(report)
    monkeypatch.setattr("guardedbedrock.governance.report.page.LARGEST", len(plain) - 1)
    page = write_page(report)

    assert len(page) < 0.6 * len(plain)
    assert "Explanations were left out" not in page
    assert "denies this" in unpacked(page)
    assert page == write_page(report)


def test_a_page_that_would_be_too_large_is_written_without_explanations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(tmp_path, principal("Guarded", ALLOW, APPLY, REQUIRE))
    monkeypatch.setattr("guardedbedrock.governance.report.page.LARGEST", 1)
    page = write_page(report)

    assert "Explanations were left out" in page
    assert "explicitDeny" in unpacked(page)
    assert "denies this when" not in unpacked(page)


def test_a_configuration_is_reported_for_its_principal(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [ALLOW, APPLY, REQUIRE]}), "utf-8")
    guardrail = f'[[guardrails]]\narn = "{guardrail_arn()}"\nversion = "3"\n'
    text = f'principal = "{role("App")}"\n{guardrail}[policies]\nidentity = ["policy.json"]\n'
    (tmp_path / "guard.toml").write_text(text, "utf-8")
    report = build(of_configuration(tmp_path / "guard.toml", [MODEL]), proof=False)

    assert decisions(report, "App")["none"] == ["explicitDeny"] * 2
    assert decisions(report, "App")["approved"] == ["allowed"] * 2


def test_approved_guardrails_can_be_named(tmp_path: Path) -> None:
    scope = of_snapshot(
        write(tmp_path, principal("App", ALLOW)), [f"{guardrail_arn('fin000000003', 'eu-west-1')}:7", guardrail_arn()]
    )

    assert [(one.id, one.version, one.region) for one in scope.guardrails] == [
        ("fin000000003", "7", "eu-west-1"),
        ("hr0000000001", "DRAFT", REGION),
    ]
    assert scope.regions == ("eu-west-1", REGION)


def test_a_dump_without_guardrails_needs_an_approved_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name a guardrail with --approved"):
        of_snapshot(write(tmp_path, principal("App", ALLOW), guardrails=[], regions=[]))


def test_an_account_without_principals_has_an_empty_report(tmp_path: Path) -> None:
    report = report_of(tmp_path)

    assert report.rows == ()
    assert "0 of 0 principals" in write_page(report)


def test_a_section_of_the_wrong_form_is_an_invalid_snapshot(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="take a new snapshot"):
        of_snapshot(write(tmp_path, principal("App", ALLOW), guardrails=[{"name": "no ARN"}]))
