"""The case files have the format in which users write their policy tests."""

from __future__ import annotations

from harness import casefiles

from guardedbedrock.testing import cases

FILES = casefiles.CASES / "iam.json", casefiles.CASES / "iam", casefiles.CASES / "calls.json"


def test_case_files_are_valid_policy_tests() -> None:
    """The loader rejects unknown fields, repeated ids and empty files. Each case also has a reason and a source."""
    loaded = cases.load(*FILES)

    assert [case["id"] for case in casefiles.read(*FILES)] == [case.id for case in loaded]
    for case in casefiles.read(*FILES):
        assert case["why"]
        assert case["source"]
        assert case.get("confidence", "documented") in ("documented", "measured", "inferred", "derived")
        assert "call" in case or "determining" in case["expect"]
