"""The case files are in the form that users write their policy tests in."""

from __future__ import annotations

from harness import casefiles

from guardedbedrock.testing import cases

FILES = casefiles.CASES / "iam.json", casefiles.CASES / "iam", casefiles.CASES / "calls.json"


def test_cases_are_in_the_form_of_policy_tests() -> None:
    """The reader that users have refuses stray fields, repeated ids and empty files; each case also says why and who says so."""
    loaded = cases.load(*FILES)

    assert [case["id"] for case in casefiles.read(*FILES)] == [case.id for case in loaded]
    for case in casefiles.read(*FILES):
        assert case["why"]
        assert case["source"]
        assert case.get("confidence", "documented") in ("documented", "measured", "inferred", "derived")
        assert "call" in case or "determining" in case["expect"]
