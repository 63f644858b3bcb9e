"""core.proposal: what an approval offers to remember, and which words a user may not make a rule of."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.core.judging import judge
from treadle.core.policy import RunCommand
from treadle.core.proposal import banned, parse_pattern, proposal
from treadle.core.rules import PrefixRule, RuleBook, parse


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("npm test", "npm test"),
        ("npm test -- --watch", "npm test"),
        ("npm run build", "npm run build"),
        ("git push origin main", "git push"),
        ("git stash pop", "git stash pop"),
        ("cargo build --release", "cargo build"),
        ("go test ./...", "go test"),
        ("docker compose up -d", "docker compose up"),
        ("gh pr list", "gh pr list"),
        ("aws s3 ls", "aws s3 ls"),
        ("uv run pytest -q", "uv run pytest"),
        ("pip install -r requirements.txt", "pip install"),
        ("make check", "make check"),
        ("make", "make"),
        ("./build.sh all", "./build.sh all"),
        ("pytest -q tests", "pytest"),
        ("ls -la src", "ls"),
        ("cd src && npm test", "npm test"),
        ("npm test 2>&1", "npm test"),
        ("NO_COLOR=1 npm test", "npm test"),
        ("timeout 60 npm test", "npm test"),
        ("npm test && npm test -- x", "npm test"),
        ("(npm test)", "npm test"),
        ("'my tool' x", "'my tool' x"),
    ],
)
def test_a_command_is_proposed_with_the_words_that_say_what_it_does(line: str, words: str):
    found = proposal(line)
    assert found == tuple(shlex.split(words))
    assert judge(line, RuleBook((PrefixRule.of(found),))).decision == "allow"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "git",
        "git --no-pager log",
        "git -C x push",
        "git -c a.b=c push",
        "npm",
        "npm run",
        "npm exec x",
        "npx eslint .",
        "uv run python x.py",
        "python3 x.py",
        "python3 -m pytest",
        "python3 -c 'x'",
        "node x.js",
        "awk '{print}' x",
        "perl -e x",
        "bash x.sh",
        "bash -c 'npm test'",
        "sh -c 'npm test'",
        "env X=1 npm test",
        "sudo apt install x",
        "xargs rm",
        "find . -exec x {} ;",
        "find . -delete",
        "rm -rf build",
        "mv a b",
        "chmod +x a",
        "kill 1",
        "ssh host ls",
        "vim x",
        "eval ls",
        "source x",
        "export X=1",
        "git config a.b c",
        "git log --output=x",
        "docker run x",
        "kubectl exec pod -- ls",
        "npm test > log",
        "npm test $X",
        "npm test *",
        "npm test $(x)",
        "npm test && npm run build",
        "npm test | tee log",
        "X=1 npm test",
        "if true; then npm test; fi; f() { x; }",
        "cat <<E\nx\nE",
        "npm test '",
        "$X test",
        "{npm,test}",
        "/bin/r? x",
        "cd x",
    ],
)
def test_what_would_allow_too_much_or_would_not_help_is_not_proposed(line: str):
    assert proposal(line) is None


@pytest.mark.parametrize(
    ("line", "asked", "words"),
    [
        ("npm run build -- --x", ("npm", "run"), ("npm", "run", "build")),
        ("npm run build -- --x", ("npm", "run", "build", "--"), ("npm", "run", "build", "--")),
        ("npm test", ("npm", "run"), ("npm", "test")),
        ("npm test", ("npm test",), ("npm", "test")),
        ("npm test", (), ("npm", "test")),
        ("npm test", ("",), ("npm", "test")),
        ("npm test", ("*",), ("npm", "test")),
        ("pytest x", ("pytest", "x"), ("pytest", "x")),
        ("python3 x.py", ("python3",), None),
        ("python3 x.py", ("python3", "x.py"), None),
        ("rm -rf x", ("rm", "-rf", "x"), None),
        ("git push", ("git",), ("git", "push")),
        ("sudo ls", ("sudo", "ls"), None),
        ("a && b", ("a",), None),
        ("echo x; npm test", ("npm", "test"), None),
    ],
)
def test_what_the_model_asks_for_counts_where_it_is_sane_and_would_help(
    line: str, asked: tuple[str, ...], words: tuple[str, ...] | None
):
    assert proposal(RunCommand(line, "/w", True, prefix_rule=asked)) == words


def test_rules_in_force_are_taken_into_account():
    book, _ = parse('prefix_rule(["cat"])\nprefix_rule(["git", "push"], "prompt")\nprefix_rule(["rm"], "forbidden")', "f")
    assert proposal("npm test | cat") is None
    assert proposal("npm test | cat", book) == ("npm", "test")
    assert proposal("git push", book) == ("git", "push")
    assert proposal("npm test; rm x", book) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("npm test", ("npm", "test")),
        ("  npm   test \n", ("npm", "test")),
        ("'my tool' \"a b\"", ("my tool", "a b")),
        ("git push --force", ("git", "push", "--force")),
        ("/usr/bin/git status", ("/usr/bin/git", "status")),
        ("python3 -m pytest", ("python3", "-m", "pytest")),
        ("python3 tools/x.py", ("python3", "tools/x.py")),
        ("bash build.sh", ("bash", "build.sh")),
        ("npm run build", ("npm", "run", "build")),
        ("uv run pytest", ("uv", "run", "pytest")),
        ("find .", ("find", ".")),
        ("make", ("make",)),
    ],
)
def test_a_text_that_a_user_edits_is_read_by_its_words(text: str, words: tuple[str, ...]):
    assert parse_pattern(text) == words
    assert parse_pattern(shlex.join(words)) == words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "at least one word"),
        ("# x", "one command"),
        ("npm test && ls", "one command"),
        ("npm test; ls", "one command"),
        ("npm test | ls", "one command"),
        ("npm test > x", "one command"),
        ("X=1 npm test", "one command"),
        ("npm test &", "plain words"),
        ("ls *", "plain words"),
        ("ls $X", "plain words"),
        ("ls $(x)", "plain words"),
        ("x{a,b}", "plain words"),
        ("ls '*'", "plain words"),
        ("npm 'test", "not valid for bash"),
        ("x" * 301, "at most 300"),
        ("a b c d e f g h i j k l m", "twelve"),
        ("git", "git status"),
        ("git -c x=y", "names no command"),
        ("npm", "npm test"),
        ("npm run", "whatever stands behind it"),
        ("docker run", "whatever stands behind it"),
        ("docker run -it", "whatever stands behind it"),
        ("python", "python runs what it is given"),
        ("python3.11 -c", "runs what it is given"),
        ("python3 -m pdb", "runs what it is given"),
        ("node -e", "runs what it is given"),
        ("awk", "runs what it is given"),
        ("bash", "bash is a shell"),
        ("/bin/bash -c", "bash is a shell"),
        ("sh -c 'git status'", "sh is a shell"),
        ("zsh -lc", "zsh is a shell"),
        ("env", "starts others"),
        ("sudo ls", "starts others"),
        ("xargs git", "starts others"),
        ("timeout 5 ls", "starts others"),
        ("eval ls", "starts others"),
        ("ssh", "starts others"),
        ("npx eslint", "starts others"),
        ("rm", "what follows rm is what counts"),
        ("'rm' x", "what follows rm is what counts"),
        ("r\\m x", "what follows rm is what counts"),
        ("mkfs.ext4 x", "what follows"),
        ("find . -exec", "-exec"),
        ("git log --output=x", "--output"),
        ("uv run python", "python runs what it is given"),
        ("git config", "whatever stands behind it"),
    ],
)
def test_a_text_that_cannot_be_a_rule_is_refused_with_the_reason(text: str, says: str):
    with pytest.raises(ValueError, match=re.escape(says)):
        parse_pattern(text)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_whatever_may_be_a_rule_comes_back_as_it_was(words: list[str]):
    try:
        found = parse_pattern(shlex.join(words))
    except ValueError:
        return
    assert found == tuple(words)
    assert banned(words) is None


@settings(deadline=None)
@given(st.text("abgit npmrun-c;&|$(){}'\"<> ", max_size=30))
def test_whatever_is_proposed_answers_the_question_and_is_no_more_than_a_beginning(line: str):
    words = proposal(line)
    if words is not None:
        assert banned(words, proposed=True) is None
        assert judge(line, RuleBook((PrefixRule.of(words),))).decision == "allow"
