"""What becomes of a shell line under the user's rules, row by row, and in which circumstances it changes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from fakes.shell_lines import ASK, BOXED, BRANCH, DENY, FORCE, FREE, NO_RULE, RULES, TABLE, TRASH, Row
from treadle.core.explanation import explain
from treadle.core.policy import NO_GRANTS, Allow, Ask, Deny, Grants, RunCommand, Verdict, decide
from treadle.core.proposal import parse_pattern, proposal
from treadle.core.rules import NO_RULES, PrefixRule, parse
from treadle.core.settings import Provider, SandboxPolicy, Settings

CWD = "/home/me/app"
BOOK, PROBLEMS = parse(RULES, "my.rules")

OPTIONS: list[Row] = [
    ("git log --output=/etc/x", BOXED, "not with --output"),
    ("git log --output /etc/x", BOXED, "--output"),
    ("git log --outp=/etc/x", BOXED, "--outp"),
    ("git diff --ext-diff", BOXED, "--ext-diff"),
    ("git diff --textconv", BOXED, "--textconv"),
    ("git show --ext-d", BOXED, "--ext-d"),
    ("git grep -O x", BOXED, "-O"),
    ("git grep -Oevil x", BOXED, "-Oevil"),
    ("git grep --open-files-in-pager=evil x", BOXED, "--open-files"),
    ("git log -- --output", FREE, ""),
    ("git log -p --stat", FREE, ""),
    ("git -c core.pager=evil log", BOXED, NO_RULE),
    ("git -c core.pager='rm x' log", DENY, TRASH),
    ("git -c alias.s='!rm x' s", DENY, TRASH),
    ("git -c alias.s=push s", ASK, BRANCH),
    ("git -c core.fsmonitor='rm x' status", DENY, TRASH),
    ("git -C /tmp/evil status", BOXED, NO_RULE),
    ("git --git-dir=/tmp/evil status", BOXED, NO_RULE),
    ("git --exec-path=/tmp status", BOXED, NO_RULE),
    ("git --no-pager log", BOXED, NO_RULE),
    ("git -C sub push", ASK, BRANCH),
    ("git --no-pager push --force", DENY, FORCE),
    ("git -c a.b=c push", ASK, BRANCH),
    ("git rebase -x 'rm x' main", DENY, TRASH),
    ("git rebase --exec='rm x' main", DENY, TRASH),
    ("git bisect run rm x", DENY, TRASH),
    ("git submodule foreach 'rm x'", DENY, TRASH),
    ("git filter-branch --tree-filter 'rm x'", DENY, TRASH),
    ("git fetch ext::sh", ASK, BRANCH),
    ("git log ext::sh", BOXED, "ext::"),
    ("sort x", FREE, ""),
    ("sort -o out x", BOXED, "-o"),
    ("sort -uo out x", BOXED, "-uo"),
    ("sort --compress-program=evil x", BOXED, "--compress-program"),
    ("rg x", FREE, ""),
    ("rg --pre evil x", BOXED, "--pre"),
    ("rg --hostname-bin=evil x", BOXED, "--hostname-bin"),
    ("sed -n 1,5p x", FREE, ""),
    ("sed -n '$p' x", FREE, ""),
    ("sed -n '1e rm x' x", BOXED, "not with 1e"),
    ("sed -n 'w out' x", BOXED, "not with w out"),
    ("sed -n -i 1p x", BOXED, "-i"),
    ("sed -n -e 1p -e 'w out' x", BOXED, "-e"),
]
ODD: list[Row] = [
    ("", BOXED, ""),
    ("   ", BOXED, ""),
    ("# rm x", BOXED, ""),
    ("git status\r\nrm x", DENY, TRASH),
    ("git status\r\n", BOXED, ""),
    ("git\u00a0status", BOXED, NO_RULE),
    ("git\u2003status", BOXED, NO_RULE),
    ("git\u200bstatus", BOXED, NO_RULE),
    ("g\u0456t status", BOXED, NO_RULE),
    ("\u202egit status", BOXED, NO_RULE),
    ("git status\u2028rm x", BOXED, ""),
    ("git status\u037e rm x", BOXED, ""),
    ("git status\v", BOXED, ""),
    ("git status\0; rm x", DENY, TRASH),
    ("git status \udc80", BOXED, "not text"),
    ("git status '", BOXED, "not valid for bash"),
    ("git status )", BOXED, "not valid for bash"),
    ("git status &&", BOXED, "not valid for bash"),
    ("git status ;; rm x", DENY, TRASH),
    ("git status " + "a" * 20_000, BOXED, "longer than can be read"),
    ("git status " + "a" * 20_000 + "; rm x", DENY, TRASH),
    ("git status; " * 500 + "rm x", DENY, TRASH),
    ("git status " + "$(" * 500, ASK, "nested too deeply"),
    ("git status; " * 5_000 + "rm x", ASK, "more in it than can be judged"),
    ("echo " + "$(echo " * 20 + "rm x" + ")" * 20, ASK, "nested too deeply"),
    (":(){ :|:& };:", ASK, "copies of itself"),
    ("git status #\\\nrm x", DENY, TRASH),
    ("git status \\#; rm x", DENY, TRASH),
    ("git status x#; rm x", DENY, TRASH),
]
EVERY = TABLE + OPTIONS + ODD


def settings(**more: object) -> Settings:
    base = {"provider": Provider("p", "P", ""), "sandbox": SandboxPolicy("workspace-write"), "rules": BOOK}
    return Settings(CWD, "m", **(base | more))  # type: ignore[arg-type]


def named(verdict: Verdict) -> str:
    match verdict:
        case Allow(confined):
            return BOXED if confined else FREE
        case Ask():
            return ASK
        case Deny():
            return DENY


def explained(script: str) -> tuple[str, str]:
    found = explain(script, settings())
    return named(found.verdict), found.sentence


def test_the_rules_of_the_table_have_no_mistakes():
    assert PROBLEMS == ()


def test_the_table_is_large_and_says_nothing_twice():
    lines = [line for line, _, _ in EVERY]
    assert len(lines) == len(set(lines)) >= 200


@pytest.mark.parametrize(("line", "verdict", "says"), EVERY, ids=[repr(line)[:60] for line, _, _ in EVERY])
def test_the_verdict_and_the_reason_of_every_line(line: str, verdict: str, says: str):
    found, sentence = explained(line)
    assert (found, says if says in sentence else sentence) == (verdict, says)


NEVER: dict[str, object] = {"approval_policy": "never"}
FULL: dict[str, object] = {"sandbox": SandboxPolicy("danger-full-access")}
READ: dict[str, object] = {"sandbox": SandboxPolicy("read-only")}
LOCAL: dict[str, object] = {"provider": Provider("p", "P", "", wire="local")}
OUTSIDE = Grants(rules=(PrefixRule.of(("pytest",)), PrefixRule.of(("rm", "-rf", "build"))))
INSIDE = Grants(rules=(PrefixRule.of(("pytest",), outside=False), PrefixRule.of(("shred",), outside=False)))
PUSH = Grants(rules=(PrefixRule.of(("git", "push")),))
ESCALATED = {"escalated": True}
HERE = {"sandbox_available": False}

CIRCUMSTANCES: list[tuple[str, dict[str, object], Grants, dict[str, bool], str, str]] = [
    # what a rule allows runs outside of every sandbox, whoever asks for it
    ("git status", READ, NO_GRANTS, {}, FREE, ""),
    ("git status", FULL, NO_GRANTS, {}, FREE, ""),
    ("git status", NEVER, NO_GRANTS, {}, FREE, ""),
    ("git status", LOCAL, NO_GRANTS, {}, FREE, ""),
    ("git status", {}, NO_GRANTS, ESCALATED, FREE, ""),
    ("git status", {}, NO_GRANTS, HERE, FREE, ""),
    ("git status", NEVER, NO_GRANTS, ESCALATED, FREE, ""),
    # what a rule forbids never runs
    ("rm x", READ, NO_GRANTS, {}, DENY, TRASH),
    ("rm x", FULL, NO_GRANTS, {}, DENY, TRASH),
    ("rm x", NEVER, NO_GRANTS, {}, DENY, TRASH),
    ("rm -rf build", {}, OUTSIDE, {}, DENY, TRASH),
    # what a rule asks about cannot run where nobody can be asked
    ("git push", FULL, NO_GRANTS, {}, ASK, BRANCH),
    ("git push", NEVER, NO_GRANTS, {}, DENY, "cannot be asked"),
    ("git push", NEVER | FULL, NO_GRANTS, {}, DENY, "cannot be asked"),
    # what no rule speaks of
    ("pytest", {}, NO_GRANTS, ESCALATED, ASK, "outside the sandbox"),
    ("pytest", {}, NO_GRANTS, HERE, ASK, "no sandbox on this machine"),
    ("pytest", NEVER, NO_GRANTS, ESCALATED, DENY, "leave the sandbox"),
    ("pytest", FULL, NO_GRANTS, {}, FREE, ""),
    ("pytest", LOCAL, NO_GRANTS, {}, ASK, "small"),
    ("$X y", FULL, NO_GRANTS, {}, ASK, "only known when it runs"),
    ("$X y", {"rules": NO_RULES} | FULL, NO_GRANTS, {}, FREE, ""),
    # a yes of the user answers the question that would be asked, and nothing else
    ("pytest", {}, OUTSIDE, {}, BOXED, ""),
    ("pytest", {}, OUTSIDE, ESCALATED, FREE, ""),
    ("pytest -q tests", {}, OUTSIDE, ESCALATED, FREE, ""),
    ("cd x && pytest 2>&1 | cat", {}, OUTSIDE, ESCALATED, FREE, ""),
    ("pytest", {}, OUTSIDE, HERE, FREE, ""),
    ("pytest", LOCAL, OUTSIDE, {}, BOXED, ""),
    ("pytest", NEVER, OUTSIDE, ESCALATED, DENY, "leave the sandbox"),
    ("pytests", {}, OUTSIDE, ESCALATED, ASK, ""),
    ("pytest > out", {}, OUTSIDE, ESCALATED, ASK, ""),
    ("pytest $X", {}, OUTSIDE, ESCALATED, ASK, ""),
    ("pytest; curl x", {}, OUTSIDE, ESCALATED, ASK, ""),
    ("X=1 pytest", {}, OUTSIDE, ESCALATED, ASK, ""),
    ("/tmp/pytest", {}, OUTSIDE, ESCALATED, ASK, ""),
    # a yes to a confined run is no yes to an unconfined one
    ("pytest", {}, INSIDE, ESCALATED, ASK, "outside the sandbox"),
    ("pytest", {}, INSIDE, HERE, ASK, "no sandbox"),
    ("pytest", LOCAL, INSIDE, {}, BOXED, ""),
    ("pytest", LOCAL | FULL, INSIDE, {}, ASK, "small"),
    ("shred x", {}, INSIDE, {}, BOXED, ""),
    ("shred x", FULL, INSIDE, {}, ASK, "erases"),
    ("shred x && make", {}, INSIDE, {}, BOXED, ""),
    # it answers a rule that asks, not one that forbids
    ("git push", {}, PUSH, {}, BOXED, ""),
    ("git push", {}, PUSH, ESCALATED, FREE, ""),
    ("git push && pytest", {}, PUSH, {}, BOXED, ""),
    ("git push && git fetch", {}, PUSH, {}, ASK, BRANCH),
    ("git push --force", {}, PUSH, {}, DENY, FORCE),
    ("git push $X", {}, PUSH, {}, ASK, "only known then"),
]


@pytest.mark.parametrize(("line", "changed", "grants", "how", "verdict", "says"), CIRCUMSTANCES, ids=lambda v: str(v)[:30])
def test_the_same_line_in_other_circumstances(
    line: str, changed: dict[str, object], grants: Grants, how: dict[str, bool], verdict: str, says: str
):
    found = explain(line, settings(**changed), grants, **how)
    assert (named(found.verdict), says if says in found.sentence else found.sentence) == (verdict, says)


@pytest.mark.parametrize(
    "line", ["", "git status", "rm", "a" * 40_000, "$(" * 3_000, "'" * 999, "\0", "\udcff", "{a,{b,c}}" * 99]
)
def test_a_verdict_gives_a_reason_and_every_part_one(line: str):
    found = explain(line, settings())
    assert found.sentence.endswith((".", "…", ")"))
    assert all(part.reason.endswith(".") or part.rule for part in found.parts)


ODDLY = st.text("ab rmgitpush-\n'\"\\$`(){}<>|&;#*?[]~=!\0\r\u00e9\udc80", max_size=60) | st.text(max_size=60)


@settings_of(deadline=None)
@given(ODDLY, st.booleans(), st.booleans())
def test_no_line_makes_the_policy_raise(script: str, escalated: bool, available: bool):
    wish = RunCommand(script, CWD, escalated, prefix_rule=("git", "push"))
    for grants in (NO_GRANTS, OUTSIDE):
        assert decide(wish, settings(), grants, available)
    assert explain(script, settings()).sentence
    proposal(wish)
    with contextlib.suppress(ValueError):
        assert parse_pattern(script)
