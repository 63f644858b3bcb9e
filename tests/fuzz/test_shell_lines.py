"""Shell lines that hide what they do, and rules that are none: nothing hidden is judged milder, nothing raises or takes long."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.common import cases, fuzzed
from fuzz.growth import grows_evenly
from treadle.core import rules, shell_line
from treadle.core.command import actions, mutates_git
from treadle.core.danger import danger
from treadle.core.git_folders import git_folders
from treadle.core.judging import judge
from treadle.core.policy import NO_GRANTS, Allow, Ask, Deny, RunCommand, Verdict, decide
from treadle.core.rules import PrefixRule, RuleBook
from treadle.core.settings import Provider, SandboxPolicy, Settings

PLAIN = ["true", "git status", "echo x", "cd src"]
HARM = [
    *("rm -rf /data", "'rm' -rf /data", 'r""m -rf /data', "\\rm -rf /data", "/bin/rm -rf /data", "$'\\x72m' -rf /data"),
    *("r\\\nm -rf /data", "{rm,-rf,/data}", "A=1 rm -rf /data", "rm\t-rf\t/data", "> /dev/null rm -rf /data", "rm -rf $HOME"),
    *("command rm -rf /data", "env rm -rf /data", "timeout 5 rm -rf /data", "xargs rm -rf", "find . -exec rm -rf {} +"),
]
quoted = shlex.quote
AROUND: list[Callable[[str, str], str]] = [
    lambda bad, ok: f"{ok}; {bad}",
    lambda bad, ok: f"{ok}\n{bad}",
    lambda bad, ok: f"{ok} && {bad} || {ok}",
    lambda bad, ok: f"{ok} & {bad}",
    lambda bad, ok: f"{ok} | {bad}",
    lambda bad, ok: f"{{ {ok}; {bad}\n}}",
    lambda bad, ok: f"({bad}\n)",
    lambda bad, ok: f"! {{ {bad}\n}}",
    lambda bad, ok: f'echo "$({bad}\n)"',
    lambda bad, ok: f"A=$({bad}\n) {ok}",
    lambda bad, ok: f"cat <({bad}\n)",
    lambda bad, ok: f"if {ok}; then {bad}\nfi",
    lambda bad, ok: f"if {bad}\nthen {ok}; fi",
    lambda bad, ok: f"while {ok}; do {bad}\ndone",
    lambda bad, ok: f"for x in a b; do {bad}\ndone",
    lambda bad, ok: f"case x in x) {bad}\n;; esac",
    lambda bad, ok: f"f() {{ {bad}\n}}; f",
    lambda bad, ok: f"bash -c {quoted(bad)}",
    lambda bad, ok: f"sh -ec {quoted(bad)}",
    lambda bad, ok: f"env -i A=1 bash -c {quoted(bad)}",
    lambda bad, ok: f"eval {quoted(bad)}",
    lambda bad, ok: f"trap {quoted(bad)} EXIT; {ok}",
    lambda bad, ok: f"find . -exec sh -c {quoted(bad)} \\;",
    lambda bad, ok: f"xargs -n 1 sh -c {quoted(bad)}",
    lambda bad, ok: f"nohup nice -n 5 bash -c {quoted(bad)} &",
    lambda bad, ok: f"git -c alias.x={quoted('!' + bad)} x",
    lambda bad, ok: f"bash <<'END{len(bad)}'\n{bad}\nEND{len(bad)}",
    lambda bad, ok: f"cat <<END{len(bad)}\n$({bad}\n)\nEND{len(bad)}",
    lambda bad, ok: f"{ok} # just a word\n{bad}",
    lambda bad, ok: f"{ok} \\\n; {bad}",
    lambda bad, ok: f"{ok} 'a\nb'; {bad}",
    lambda bad, ok: f"{ok} é\u00a0“’; {bad}",
]


def _in_case(bad: str, ok: str) -> str:
    return f"case x in x) {bad}\n;; esac"


def _in_document(bad: str, ok: str) -> str:
    return f"cat <<END{len(bad)}\n$({bad}\n)\nEND{len(bad)}"


def _in_words(bad: str, ok: str) -> str:
    return f'echo "$({bad}\n)"'


def _behind_document(bad: str, ok: str) -> str:
    return f"cat <<END\nx\nEND\n{bad}"


AROUND += [_in_case, _in_document, _in_words, _behind_document]
LAYERS = st.lists(st.tuples(st.sampled_from(AROUND), st.sampled_from(PLAIN)), max_size=4)
FORBIDDEN = RuleBook((PrefixRule((("rm",),), "forbidden"), *(PrefixRule((tuple([w]),)) for w in ("true", "git", "echo", "cat"))))
BASE = Settings(
    cwd="/ws", model="m", provider=Provider("p", "P", "http://localhost"), sandbox=SandboxPolicy("workspace-write", ("/ws",))
)


def layered(line: str, layers: list[tuple[Callable[[str, str], str], str]]) -> str:
    for around, ok in layers:
        line = around(line, ok)
    return line


def verdict(line: str, settings: Settings) -> Verdict:
    return decide(RunCommand(line, "/ws"), settings, NO_GRANTS, True)


RANK = {Allow: 0, Ask: 1, Deny: 2}


@fuzzed(250)
@given(st.sampled_from(HARM), LAYERS)
@example(HARM[0], [(_in_case, "true"), (_in_document, "true")])
@example(HARM[0], [(_in_case, "true"), (_in_words, "true"), (_behind_document, "true")])
def test_what_is_hidden_is_judged_no_milder_than_what_is_plain(
    harm: str, layers: list[tuple[Callable[[str, str], str], str]]
) -> None:
    line = layered(harm, layers)
    for settings in (BASE, replace(BASE, approval_policy="never"), replace(BASE, sandbox=SandboxPolicy("danger-full-access"))):
        assert RANK[type(verdict(line, settings))] >= RANK[type(verdict("rm -rf /data", settings))], line
    assert not isinstance(verdict(line, replace(BASE, rules=FORBIDDEN)), Allow), line


ONLY_STATUS = RuleBook(
    (PrefixRule((("git",), ("status",))), PrefixRule((("true",),)), PrefixRule((("echo",),)), PrefixRule((("cat",),)))
)


@fuzzed(250)
@given(st.sampled_from(["other", "./git status", "git push", "x=1", "other > f", "git status > f", "git $X"]), LAYERS)
def test_a_rule_allows_no_line_that_runs_something_else_as_well(
    other: str, layers: list[tuple[Callable[[str, str], str], str]]
) -> None:
    line = layered(other, layers)
    assert judge(line, ONLY_STATUS).decision != "allow", line


@pytest.mark.parametrize(
    "line",
    [
        *(
            "ｇit status",
            "gіt status",
            "git\u00a0status",
            "git\u2003status",
            "git\u200b status",
            "git status\u2028rm x",
            "git status\x85rm x",
        ),
        *(
            "git status\rrm x",
            "git status\vrm x",
            "git status\frm x",
            "git status\0; rm x",
            "git status ；rm x",
            "\ufeffgit status",
        ),
    ],
)
def test_look_alikes_are_not_what_they_look_like(line: str) -> None:
    judged = judge(line, ONLY_STATUS)
    if judged.decision == "allow":
        # to bash these are one word, too: an argument of git status and nothing else
        assert [part.words[:2] for part in judged.parts] == [("git", "status")]
        assert len(shell_line.read(line).segments) == 1
        assert not line.startswith(("ｇ", "gі", "\ufeff", "git\u00a0", "git\u2003", "git\u200b"))


def looked_at(line: str) -> None:
    shell_line.read.cache_clear()
    danger(line)
    shell_line.read.cache_clear()
    judge(line, FORBIDDEN)
    git_folders(line, "/ws")
    actions(line, "/ws")
    mutates_git(line)


SIGNS = [
    "(",
    "$(",
    "`",
    "{",
    "<<A\n",
    '"$(',
    "${a:-",
    "a{b,c}",
    "{,",
    "'",
    '"',
    "\\",
    "\n",
    "|",
    ";",
    "&",
    "[[ ",
    "((",
    "$'\\x61",
    ">a ",
]
SIGNS += [
    "find -exec ",
    "fd -x ",
    "sudo -x ",
    "xargs ",
    "bash -c '",
    "env -S '",
    "eval ",
    "git -c alias.a=!a ",
    "for a in b; do ",
]
SIGNS += ["case a in ", "a(){", "a=b ", "é", "\0", "\ud800", "# ", "!", "time ", "coproc ", "-exec ", "; ", " "]


@fuzzed(300)
@given(st.text(max_size=80) | st.lists(st.sampled_from(SIGNS), max_size=60).map("".join))
@example("find -exec " * 30)
def test_no_line_makes_the_looking_raise(line: str) -> None:
    looked_at(line)


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_no_sign_makes_the_looking_take_long(sign: str) -> None:
    assert grows_evenly(looked_at, lambda size: sign * size * (200 // len(sign)) + " rm x", 6)


@pytest.mark.parametrize("path", cases("rules", "*.line"))
def test_lines_that_took_for_ever_once(path: Path) -> None:
    line = path.read_text("utf-8")
    looked_at(line)
    assert danger(line)


WORDS = ["prefix_rule", "network_rule", "host_executable", "(", ")", "[", "]", "pattern=", "decision=", '"allow"', '"forbidden"']
WORDS += [
    '"git"',
    "'",
    '"',
    ",",
    "+",
    "=",
    "x",
    "\n",
    "#",
    "*",
    "**",
    "{",
    "}",
    "1",
    "True",
    "lambda: 0",
    "f'{x}'",
    "\\",
    "\0",
    "é",
    ":",
]
WORDS += [
    "import os",
    "__import__('os')",
    "[x for x in y]",
    "match=",
    "not_match=",
    "-",
    "not ",
    "a.",
    "await ",
    "0x",
    "1e999",
    "\ufeff",
]


@fuzzed(300)
@given(st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_no_text_is_a_rule_by_accident_or_raises(text: str) -> None:
    book, problems = rules.parse(text, "x.rules")
    assert all(problem.startswith("x.rules:") and problem.isprintable() for problem in problems)
    if problems:
        assert all(rule.decision != "allow" for rule in book.prefixes)
    judge("git status", book)


@pytest.mark.parametrize(
    "word", [*WORDS, "prefix_rule(pattern=['a'])\n", "x = ['a'] + ['a']\n", "x = x + x\n", "(1, "], ids=ascii
)
def test_no_word_makes_the_reading_take_long(word: str) -> None:
    assert grows_evenly(
        lambda text: rules.parse(text, "x.rules"), lambda size: "x = ['a']\n" + word * size * (150 // len(word) + 1), 20
    )


@pytest.mark.parametrize("path", cases("rules", "*.rules"))
def test_files_of_rules_that_allow_nothing(path: Path) -> None:
    book, problems = rules.parse(path.read_text("utf-8"), path.name)
    assert problems
    assert all(rule.decision != "allow" for rule in book.prefixes)
