"""core.command: splitting is exact or refuses; actions and git are best guesses."""

from __future__ import annotations

import os
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.core import command

CWD = "/w"


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("ls -la", [("", "ls", "-la")]),
        ("git add . && git commit -m 'two words'", [("", "git", "add", "."), ("&&", "git", "commit", "-m", "two words")]),
        ("a || b ; c | d", [("", "a"), ("||", "b"), (";", "c"), ("|", "d")]),
        ("a\nb\n", [("", "a"), (";", "b")]),
        ("a &&\n  b;", [("", "a"), ("&&", "b")]),
        ('echo "a;b" \'c&&d\' e\\|f ""', [("", "echo", "a;b", "c&&d", "e|f", "")]),
        ('echo "say \\"hi\\" for 5\\$"', [("", "echo", 'say "hi" for 5$')]),
        ("r\\m x", [("", "rm", "x")]),
        ("one\\\ntwo", [("", "onetwo")]),
        ("cost 5$ a#b", [("", "cost", "5$", "a#b")]),
        ("find . -name x -exec cat {} +", [("", "find", ".", "-name", "x", "-exec", "cat", "{}", "+")]),
        ("[ -f x ]", [("", "[", "-f", "x", "]")]),
    ],
)
def test_words_joined_by_plain_operators_are_split(script: str, commands: list[tuple[str, ...]]):
    split = command.split(script)
    assert split is not None
    assert [(c.after, *c.words) for c in split] == commands


@pytest.mark.parametrize(
    "script",
    [
        "",
        "   \n",
        "# nothing",
        "ls > out",
        "ls 2>&1",
        "cat < in",
        "cat <<EOF\nx\nEOF",
        "cat <<< word",
        "diff <(a) <(b)",
        "echo $HOME",
        'echo "$HOME"',
        "echo ${HOME}",
        "echo $(id)",
        'echo "$(id)"',
        "echo `id`",
        "echo $((1+1))",
        "echo $'a\\n'",
        "(cd x; ls)",
        "{ ls; }",
        "ls &",
        "ls & rm x",
        "a |& b",
        "FOO=1 make",
        "PATH+=x ls",
        "./bin/* x",
        "l? x",
        "if true; then ls; fi",
        "for f in a; do ls; done",
        "while true; do ls; done",
        "! ls",
        "[[ a = b ]]",
        "f() { ls; }",
        "time ls",
        "echo {a,b}",
        "echo {1..3}",
        "echo 'open",
        'echo "open',
        "echo \\",
        "&& ls",
        "ls &&",
        "ls |",
        "ls ;; pwd",
        "ls ; ; pwd",
        "echo a\0b",
        "ls >",
    ],
)
def test_anything_more_than_plain_words_is_opaque(script: str):
    assert command.split(script) is None


WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=5)


def quoted(word: str) -> str:
    # Not shlex.quote: it leaves reserved words and assignments bare.
    return "'" + word.replace("'", "'\"'\"'") + "'"


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["&&", "||", ";", "|"]))
def test_quoted_words_come_back_as_they_were(commands: list[list[str]], operator: str):
    script = f" {operator} ".join(" ".join(quoted(word) for word in words) for words in commands)
    split = command.split(script)
    assert split is not None
    assert [list(c.words) for c in split] == commands
    assert not any(c.expands for c in split)


@settings(deadline=None)
@given(st.text("ab \n\t'\"\\$`(){}<>|&;#*?[]~=!0/-", max_size=30))
def test_what_is_split_never_hides_what_a_shell_would_expand(script: str):
    split = command.split(script)
    if split is None:
        return
    bare = script.replace("\\\n", "")
    assert "`" not in bare or "'" in bare or "\\" in bare
    assert all(c.words for c in split)
    assert [c.after for c in split[:1]] == [""]
    assert all(c.after in ("&&", "||", ";", "|") for c in split[1:])


@settings(max_examples=150, deadline=None)
@given(st.text("ab \n\t'\"\\\\$`(){}<>|&;#*?[]~=!0/-,.", max_size=24))
def test_bash_sees_the_words_that_split_sees(arguments: str):
    script = "printf '%s\\0' x" + arguments
    split = command.split(script)
    if split is None or len(split) != 1 or split[0].expands:
        return
    with tempfile.TemporaryDirectory() as empty:
        ran = subprocess.run(["/bin/bash", "-c", script], cwd=empty, capture_output=True, check=False)
        assert not os.listdir(empty)
    assert (ran.returncode, ran.stdout.decode().split("\0")[:-1]) == (0, list(split[0].words[2:]))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_every_line_can_be_read(script: str):
    command.split(script)
    command.mutates_git(script)
    assert command.actions(script, CWD)


@pytest.mark.parametrize(("quoted", "bare"), [("rm '*'", "rm *"), ("ls '~'", "ls ~"), ("cat '[a]'", "cat [a]")])
def test_a_glob_is_told_from_a_quoted_star(quoted: str, bare: str):
    plain, expanding = command.split(quoted), command.split(bare)
    assert plain is not None
    assert expanding is not None
    assert plain[0].words == expanding[0].words
    assert (plain[0].expands, expanding[0].expands) == (False, True)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("cat a.py", [("read", "a.py", "/w/a.py")]),
        ("sed -n '1,40p' src/a.py", [("read", "a.py", "/w/src/a.py")]),
        ("cd src && head -n 5 ../b.py", [("read", "b.py", "/w/b.py")]),
        ("nl -ba a.py | sed -n '1,9p'", [("read", "a.py", "/w/a.py")]),
        ("ls -la", [("listFiles", None)]),
        ("ls src 2>/dev/null", [("listFiles", "src")]),
        ("rg --files src | head -20", [("listFiles", "src")]),
        ("rg -n 'def main' src", [("search", "def main", "src")]),
        ("grep -rn -A 3 TODO . | head -50", [("search", "TODO", ".")]),
        ("git grep -n needle", [("search", "needle", None)]),
        ("find . -name '*.py' -not -path './x/*'", [("search", "*.py", ".")]),
        ("find src -type f", [("listFiles", "src")]),
        ("bash -lc 'cat a.py | head'", [("read", "a.py", "/w/a.py")]),
        ("ls && cat a.py", [("listFiles", None), ("read", "a.py", "/w/a.py")]),
        ("echo '---' && cat a.py", [("read", "a.py", "/w/a.py")]),
    ],
)
def test_reading_listing_and_searching_are_recognised(script: str, expected: list[tuple[str | None, ...]]):
    found = command.actions(script, CWD)
    assert [tuple(v for k, v in a.items() if k != "command") for a in found] == expected


@pytest.mark.parametrize(
    "script",
    [
        "npm test",
        "cat a > b",
        "cat $(ls)",
        "ls && npm test",
        "sed -i s/a/b/ f",
        "find . -name x -delete",
        "rg --pre ./evil x",
        "cat a.py | sh",
        "bash -lc 'npm test'",
        "cat a.py | tee b.py",
        "for f in *; do cat f; done",
        "cat a.py & rm b",
        "echo hi",
    ],
)
def test_a_line_that_does_anything_else_is_unknown_as_a_whole(script: str):
    assert command.actions(script, CWD) == [{"type": "unknown", "command": script}]


@pytest.mark.parametrize(
    "script",
    [
        "git commit -m x",
        "ls && git -C sub push",
        "git branch new",
        "git stash",
        "git checkout -b x",
        "echo $(git add .)",
        "git config a.b c",
    ],
)
def test_git_commands_that_change_something_are_known(script: str):
    assert command.mutates_git(script)


@pytest.mark.parametrize(
    "script",
    [
        "git status",
        "git -C sub log --oneline | head",
        "git diff HEAD~1",
        "git branch -a",
        "git stash list",
        "ls git",
        "git remote -v",
        "git",
    ],
)
def test_git_commands_that_only_read_are_known(script: str):
    assert not command.mutates_git(script)
