"""
Random small policy sets that a proof can decide, with a question about them.

Every operator in every form occurs, with policies of every type, for each kind of principal and question. Forms for which AWS
documents no rule are left out: `tests/governance/proof/test_undecided_forms.py` has them, one by one. The vocabulary of a case is
small, so that `harness.enumeration` can try every request that its policies can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeAlias

from harness.strategies import FEDERATED, MINE, OTHER, ROLE, ROOT, SERVICE_LINKED, SESSION, USER

from guardedbedrock import iam

Json: TypeAlias = Any
Question: TypeAlias = Literal["never", "guardrail-required", "no-new-access", "equivalent", "always-allowed", "unreachable"]

INVOKE: Final = "bedrock:InvokeModel"
STREAM: Final = "bedrock:InvokeModelWithResponseStream"
APPLY: Final = "bedrock:ApplyGuardrail"
LIST: Final = "bedrock:ListFoundationModels"
READ: Final = "s3:GetObject"
ACTIONS: Final = (INVOKE, STREAM, APPLY, LIST, READ)
QUESTIONS: Final[Mapping[Question, int]] = {
    "never": 57,
    "guardrail-required": 20,
    "no-new-access": 3,
    "equivalent": 1,
    "always-allowed": 16,
    "unreachable": 3,
}
"""Each question with its share in percent."""

GUARDRAIL: Final = f"arn:aws:bedrock:us-east-1:{MINE}:guardrail/g"
APPROVED: Final = f"{GUARDRAIL}:3"
PATTERNS: Final = ("a", "b", "ab", "", "a*", "*b", "?", "a?", "*a*", "?b*", "*")
VARIABLES: Final = (
    "${aws:username}",
    "a${aws:username}",
    "${aws:PrincipalTag/x}",
    "${aws:PrincipalTag/x}*",
    "*${aws:PrincipalTag/x}",
    "a*${aws:PrincipalTag/x}",
    "${aws:PrincipalTag/x, 'b'}",
    "${*}",
    "a${?}",
)
ARN_PATTERNS: Final = (
    "arn:aws:sns:us-east-1:1:t",
    "arn:aws:sns:*:*:t",
    "arn:aws:sns:us-*:1:*",
    "arn:aws:sns:?s-east-1:*:t*",
    "arn:*:*:*:*:*",
)
GUARDRAIL_PATTERNS: Final = (APPROVED, f"{GUARDRAIL}:4", GUARDRAIL, f"{GUARDRAIL}:*", f"{GUARDRAIL}*", f"{GUARDRAIL}:?")
NETWORKS: Final = ("10.0.0.0/24", "10.0.0.0/8", "10.0.0.1", "10.0.0.9/23", "0.0.0.0/0", "2001:db8::/32", "::/0", "x")
NUMBERS: Final[tuple[Json, ...]] = ("1", "1.0", 2, "2.5", "-1", "x")
DATES: Final = ("2026-01-01T00:00:00Z", "2026-01-01", "2026", "1767225600", "2026-01-01T01:00:00.5+01:00", "2027-06", "x")
FLAGS: Final[tuple[Json, ...]] = ("true", "false", "TRUE", True, "x")
BYTES: Final = ("AAAA", "AAA=", "AQ==", "x")


@dataclass(frozen=True)
class Key:
    """
    A condition key of the vocabulary.

    Args:
        families: Starts of the names of the operators that compare it.
        values: Policy values.
        is_set: Whether it can have several values.
        always: Whether every request has it.
        variables: Whether its policy values may contain variables.
    """

    families: tuple[str, ...]
    values: tuple[Json, ...]
    is_set: bool = False
    always: bool = False
    variables: bool = False


KEYS: Final[Mapping[str, Key]] = {
    "aws:PrincipalTag/x": Key(("String",), PATTERNS, variables=True),
    "aws:ResourceTag/x": Key(("String",), PATTERNS, variables=True),
    "aws:RequestedRegion": Key(("String",), ("us-east-1", "us-*", "us-east-?", "eu-central-1", "*"), always=True),
    "bedrock:GuardrailIdentifier": Key(("String", "Arn"), GUARDRAIL_PATTERNS),
    "aws:SourceArn": Key(("Arn",), ARN_PATTERNS),
    "aws:SourceIp": Key(("IpAddress", "NotIpAddress"), NETWORKS),
    "aws:MultiFactorAuthAge": Key(("Numeric",), NUMBERS),
    "k:number": Key(("Numeric",), NUMBERS),
    "aws:CurrentTime": Key(("Date",), DATES, always=True),
    "aws:TokenIssueTime": Key(("Date",), DATES),
    "aws:SecureTransport": Key(("Bool",), FLAGS, always=True),
    "aws:MultiFactorAuthPresent": Key(("Bool",), FLAGS),
    "k:flag": Key(("Bool",), FLAGS),
    "k:bytes": Key(("Binary",), BYTES),
    "aws:TagKeys": Key(("String",), PATTERNS, is_set=True),
    "aws:CalledVia": Key(("String",), PATTERNS, is_set=True),
}
RESOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "bedrock": (
        "arn:aws:bedrock:*",
        "arn:aws:bedrock:us-*",
        "arn:aws:bedrock:*::foundation-model/*",
        "arn:aws:bedrock:us-east-1::foundation-model/a",
        "arn:aws:bedrock:us-east-?::foundation-model/?b",
        "arn:aws:bedrock:*::foundation-model/a*",
        f"arn:aws:bedrock:*:{MINE}:*",
        "arn:aws:bedrock:*:*:imported-model/*",
        f"arn:aws:bedrock:us-*:{MINE}:guardrail/a*",
        f"arn:aws:bedrock:*:{OTHER}:guardrail/*",
        "arn:aws:bedrock:u*1:*:*b",
        "arn:aws:bedrock:us-east-1::foundation-model/${aws:PrincipalTag/x}",
        f"arn:aws:bedrock:us-east-1:{MINE}:guardrail/" + "${aws:PrincipalTag/x, 'a'}*",
    ),
    "s3": (
        "arn:aws:s3:::*",
        "arn:aws:s3:::b/a",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/?b",
        "arn:*:s3:::*/a*",
        "arn:aws:s3:::b/${aws:username}",
        "arn:aws:s3:::b/${aws:PrincipalTag/x}*",
    ),
}
SPELLINGS: Final[Mapping[str, tuple[Json, ...]]] = {
    INVOKE: (INVOKE, "bedrock:invokemodel", "bedrock:InvokeModel*", "bedrock:Invoke?odel", [INVOKE, STREAM]),
    STREAM: (STREAM, "bedrock:*Stream", [INVOKE, STREAM]),
    APPLY: (APPLY, "bedrock:Apply*", [APPLY, "iam:*"]),
    LIST: (LIST, "BEDROCK:ListFoundationModel?"),
    READ: (READ, "s3:Get*", "s3:*"),
}
TYPES_IN_PLAY: Final = (
    ("identity",),
    ("identity",),
    ("identity", "scp"),
    ("identity", "scp", "rcp"),
    ("identity", "boundary"),
    ("identity", "session"),
    ("identity", "boundary", "session", "scp"),
    ("identity", "endpoint"),
    ("identity", "resource"),
    ("identity", "resource", "rcp"),
    ("identity", "boundary", "resource"),
    ("identity", "session", "resource"),
    iam.POLICY_TYPES,
)
PRINCIPALS: Final = (ROLE, ROLE, USER, SESSION, FEDERATED, ROOT, SERVICE_LINKED)


@dataclass(frozen=True)
class Case:
    """
    A question about policies.

    Args:
        number: The number that the case is made from.
        question: What is asked.
        principal: Who calls.
        policies: Policies by type, as raw JSON.
        older: The policies that they are compared with, for a question about two versions.
        actions: The actions that the policies are about.
        when: Keys that the question fixes; for ``always-allowed`` the context of the call.
        unknown: Keys that the call of ``always-allowed`` leaves open.
    """

    number: int
    question: Question
    principal: str
    policies: Mapping[str, Json]
    older: Mapping[str, Json]
    actions: tuple[str, ...]
    when: Mapping[str, str]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class _Writer:
    """Writes the policies of one case."""

    random: Random
    principal: str
    actions: tuple[str, ...]
    keys: tuple[str, ...]
    types: tuple[str, ...]

    def policies(self) -> dict[str, Json]:
        written: dict[str, Json] = {}
        for kind in self.types:
            if kind in ("scp", "rcp"):
                written[kind] = [[self._document(kind)] for _ in range(1 + self._chance(25))]
            else:
                written[kind] = [self._document(kind)]
        if self._chance(8):
            # A version without an identity-based policy, or with an empty list of session policies.
            written["session" if "session" in written else "identity"] = []
        return written

    def _document(self, kind: str) -> Json:
        statements = [self._statement(kind) for _ in range(1 + self._chance(55))]
        if kind in ("scp", "endpoint", "boundary", "session") and self._chance(60):
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            statements.append({**everything, "Principal": "*"} if kind == "endpoint" else everything)
        version = {} if self._chance(5) else {"Version": "2008-10-17" if self._chance(8) else "2012-10-17"}
        return {**version, "Statement": [{"Sid": f"S{index}", **one} for index, one in enumerate(statements)]}

    def _statement(self, kind: str) -> Json:
        denies = kind == "rcp" or self._chance(30)
        action = self.random.choice(self.actions)
        statement = {"Effect": "Deny" if denies else "Allow", **self._actions(kind, action), **self._resources(kind, action)}
        if kind in ("rcp", "endpoint", "resource"):
            statement |= {"Principal": "*"} if kind == "rcp" else self._principals(denies=denies)
        block: dict[str, dict[str, Json]] = {}
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            operator, key, values = self._line()
            block.setdefault(operator, {})[key] = values
        return {**statement, **({"Condition": block} if block else {})}

    def _actions(self, kind: str, action: str) -> Json:
        if self._chance(12) and kind != "rcp":
            return {"NotAction": self.random.choice(("iam:*", "s3:*", LIST, [APPLY, STREAM]))}
        spelling = self.random.choice(SPELLINGS[action])
        return {"Action": "*" if self._chance(15) and kind != "rcp" else spelling}

    def _resources(self, kind: str, action: str) -> Json:
        if self._chance(35):
            return {"Resource": "*"}
        patterns = [self.random.choice(RESOURCES[action.partition(":")[0]]) for _ in range(1 + self._chance(25))]
        if self._chance(15) and kind != "rcp" and not any("${" in pattern for pattern in patterns):
            return {"NotResource": patterns}
        return {"Resource": patterns}

    def _principals(self, *, denies: bool) -> Json:
        others = [f"arn:aws:iam::{OTHER}:user/a", f"arn:aws:iam::{MINE}:role/other"]
        if denies and self._chance(20):
            # In full or not at all: for a part AWS documents no rule.
            role = ROLE if self.principal != SERVICE_LINKED else f"arn:aws:iam::{MINE}:role/AWSServiceRoleForA"
            listed = [MINE, self.principal, role] if self._chance(50) else others
            return {"NotPrincipal": {"AWS": listed}}
        names: list[Json] = [MINE, ROOT, self.principal, OTHER, others]
        if "session" not in self.types:
            names += ["*", "*"]
        if self.principal == SESSION:
            names.append(ROLE)
        return {"Principal": {"AWS": self.random.choice(names)}}

    def _line(self) -> tuple[str, str, Json]:
        name = self.random.choice(self.keys)
        key = KEYS[name]
        spelling = name.upper() if self._chance(5) else name
        if self._chance(8):
            return "Null", spelling, self.random.choice(("true", "false", True))
        operators = [one for one in iam.OPERATORS if one.startswith(key.families)]
        operator = self.random.choice(operators)
        quantifiers = ["ForAllValues:", "ForAnyValue:"] if key.is_set else ["", "", "", "ForAllValues:", "ForAnyValue:"]
        quantifier = self.random.choice(quantifiers)
        # AWS does not document ForAnyValue...IfExists for an absent key.
        if_exists = "IfExists" if self._chance(20) and (key.always or quantifier != "ForAnyValue:") else ""
        values: list[Json] = [self.random.choice(key.values) for _ in range(1 + self._chance(25))]
        if key.variables and "IgnoreCase" not in operator and self._chance(20):
            values[0] = self.random.choice(VARIABLES)
        return f"{quantifier}{operator}{if_exists}", spelling, values

    def _chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent


def make_case(number: int) -> Case:
    """Make the case of a number."""
    random = Random(number)  # noqa: S311
    question = random.choices(list(QUESTIONS), list(QUESTIONS.values()))[0]
    principal = random.choice(PRINCIPALS)
    actions = (INVOKE, STREAM) if question == "guardrail-required" else tuple(random.sample(ACTIONS, random.choice((1, 1, 2))))
    keys = random.sample(list(KEYS), 2)
    if question == "guardrail-required":
        keys[0] = "bedrock:GuardrailIdentifier"
    types = random.choice(TYPES_IN_PLAY)
    writer = _Writer(random, principal, actions, tuple(keys), types)
    policies = writer.policies()
    older = _changed(policies, writer) if question in ("no-new-access", "equivalent") else {}
    when, unknown = _limits(random, question, keys)
    return Case(number, question, principal, policies, older, actions, when, unknown)


def _changed(policies: Mapping[str, Json], writer: _Writer) -> dict[str, Json]:
    """Write another version, of which most policies are the same."""
    other = writer.policies()
    kept = writer.random.choice(writer.types)
    return {**policies, kept: other[kept]}


def _limits(random: Random, question: Question, keys: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    samples = {"aws:PrincipalTag/x": "a", "aws:RequestedRegion": "us-east-1", "aws:SourceIp": "10.0.0.1", "k:number": "1"}
    given = {key: samples[key] for key in keys if key in samples}
    if question == "always-allowed":
        kept = {key: value for key, value in given.items() if random.random() < 0.4}
        return kept, tuple(key for key in keys if key not in kept and random.random() < 0.9)
    return (given if question == "never" and random.random() < 0.15 else {}), ()
