"""core.shell_line: what is printed is read back; what bash runs was read; nothing makes it raise or take long."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from treadle.core import rough_line, shell_line
from treadle.core.judging import judge
from treadle.core.rules import PrefixRule, RuleBook
from treadle.core.shell_line import Line
from treadle.core.shell_word import RESERVED, SHELLS


@dataclass(frozen=True)
class Simple:
    words: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    opening: str
    inside: tuple[object, ...]
    closing: str


@dataclass(frozen=True)
class Joined:
    left: object
    operator: str
    right: object


@dataclass(frozen=True)
class Substituted:
    command: str
    inside: object


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
NAMES = st.text("abcxyz", min_size=1, max_size=4).filter(lambda name: name not in SHELLS | RESERVED)
SIMPLE = st.builds(lambda name, rest: Simple((name, *rest)), NAMES, st.lists(TEXT, max_size=3))
OPERATORS = st.sampled_from(["&&", "||", "|", ";", "\n", " &", "|&"])


def bigger(trees: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    brackets = [("(", ")"), ("{", ";}"), ("if ", "; then true; fi"), ("while ", "\ndo true; done"), ("! ", "")]
    return (
        st.builds(lambda pair, inside: Group(pair[0], (inside,), pair[1]), st.sampled_from(brackets), trees)
        | st.builds(Joined, trees, OPERATORS, trees)
        | st.builds(Substituted, NAMES, trees)
    )


TREES = st.recursive(SIMPLE, bigger, max_leaves=6)


def quoted(word: str, way: int) -> str:
    if way == 1 and re.fullmatch(r"[a-z./-]+", word) and word not in RESERVED:
        return word
    if way == 2 and not re.search(r'["$`\\!]', word):
        return f'"{word}"'
    if way == 3 and re.fullmatch(r"[!-~]+", word):
        return "".join("\\" + char for char in word)
    return "'" + word.replace("'", "'\\''") + "'"


def printed(tree: object, way: int) -> str:
    match tree:
        case Simple(words):
            return " ".join(quoted(word, (way + i) % 4) for i, word in enumerate(words))
        case Group("! ", (Group() | Joined(),) as inside, _):
            return printed(Group("{", inside, ";}"), way)
        case Group(opening, (inside,), closing):
            return f"{opening} {printed(inside, way)}{closing}"
        case Joined(left, operator, right):
            return f"{printed(left, way)} {operator} {printed(right, way)}"
        case Substituted(command, inside):
            return f'{command} "$( {printed(inside, way)})"'
    raise AssertionError(tree)


def commands(tree: object) -> list[tuple[str, ...]]:
    match tree:
        case Simple(words):
            return [words]
        case Group(opening, (inside,), _):
            return [*commands(inside), *([("true",)] if opening in ("if ", "while ") else [])]
        case Joined(left, _, right):
            return commands(left) + commands(right)
        case Substituted(command, inside):
            return [(command,), *commands(inside)]
    raise AssertionError(tree)


def read_commands(line: Line) -> list[tuple[str, ...]]:
    """Every command of the line, words that only the shell knows left out."""
    found: list[tuple[str, ...]] = []
    for segment in line.segments:
        words = tuple(word for place, word in enumerate(segment.words) if place not in segment.unknown)
        if segment.words:
            found.append(words)
        for nested in segment.nested:
            found += read_commands(nested)
    return found


@settings(deadline=None)
@given(TREES, st.integers(0, 3))
def test_what_is_printed_is_read_back(tree: object, way: int):
    line = shell_line.read(printed(tree, way))
    assert line.trouble is None
    assert read_commands(line) == commands(tree)


TOKENS = [
    *(
        "a",
        "b",
        "ab",
        " ",
        "  ",
        "\n",
        "\t",
        "'",
        '"',
        "\\",
        "$",
        "`",
        "(",
        ")",
        "{",
        "}",
        "<",
        ">",
        "&",
        ";",
        "#",
        "*",
        "?",
        "~",
    ),
    *(
        "=",
        "!",
        "|",
        "$(",
        "$'",
        "\\x61",
        "<<",
        "a=",
        "if ",
        "; then ",
        "; fi",
        "for ",
        "in ",
        "; do ",
        "; done",
        "case ",
        "esac",
    ),
    *(
        "[[ ",
        "]]",
        "time ",
        "coproc ",
        "\r",
        "\v",
        "é",
        "\u00a0",
        "\u2028",
        "\\\n",
        "2",
        "&1",
        "/dev/null",
        "function ",
        "a()",
        ",",
    ),
    *("..", "${a", "$a", "&&", "||", "|&", ">|", ";;", "<(", "$((", "))", "=~ ", "== ", "-p "),
]
# One write for one command: those of a pipeline run at the same time.
LOGGED = 'command_not_found_handle() { local said; printf -v said \'%s\\037\' "$@"; printf \'%s\\036\' "$said" >> "$LOG"; }\n'


def executed(script: str) -> set[tuple[str, ...]]:
    """The commands that bash finds itself asked to run, in a world where none exists."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "cwd").mkdir()
        (top / "env").write_text(LOGGED)
        subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=top / "cwd",
            env={"PATH": "/nowhere", "HOME": "/nowhere", "BASH_ENV": str(top / "env"), "LOG": str(top / "log")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=100,
        )
        assert not list((top / "cwd").iterdir()) or ">" in script
        logged = (top / "log").read_bytes().decode() if (top / "log").exists() else ""
    return {tuple(entry.split("\x1f")[:-1]) for entry in logged.split("\x1e") if entry}


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
@example("a\\\nb")
@example("a\rb")
@example("a > b a")
@example("| time a")
@example(",\\\n# a")
@example("#\\\na")
@example("a\u00a0b")
def test_every_command_that_bash_runs_was_read(script: str):
    script = "b " + script
    line = shell_line.read(script)
    if line.trouble or line.forms & {"expansion"} or any(s.unknown or s.nested for s in line.segments):
        return
    assert executed(script) <= set(read_commands(line))


def test_bash_is_really_asked():
    assert executed("a 'x y'; b && a | b") == {("a", "x y"), ("b",), ("a",)}


ONLY_A = RuleBook((PrefixRule((("a",),)),))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
@example("a; b")
@example("a #\nb")
@example("a <<a\nb\na\nb")
@example("{ a; }")
def test_bash_runs_nothing_but_what_a_rule_allows(script: str):
    script = "a " + script
    if judge(script, ONLY_A).decision == "allow":
        assert {words[0] for words in executed(script)} <= {"a"}


@settings(deadline=None)
@given(TREES, st.integers(0, 3))
def test_what_the_grammar_reads_is_read_without_it_too(tree: object, way: int):
    def roughly(script: str) -> Line:
        return rough_line.read(script, "is read roughly", roughly)

    line = roughly(printed(tree, way))
    assert line.trouble
    assert set(commands(tree)) <= set(read_commands(line))


@settings(deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_any_text_is_read_and_only_plain_lines_pass_for_plain(script: str):
    line = shell_line.read(script)
    assert line.opaque or (line.trouble is None and line.segments)
    assert not line.redirected or line.opaque
    assert all(place < len(segment.words) for segment in line.segments for place in segment.unknown)


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("$'a\\nb\\x41\\101\\u00e9\\'\\\\'", "a\nbAA\u00e9'\\"),
        ("$'a\\0b'c", "ac"),
        ("$'\\cA\\e'", "\x01\x1b"),
        ("$'\\ud800\\q'", "\ufffd\\q"),
        ("a\"b 'c'\"'d \"e\"'", "ab 'c'd \"e\""),
        ('"\\$\\`\\"\\\\\\a\\\nb"', '$`"\\\\ab'),
    ],
)
def test_quotes_are_read_as_bash_does(script: str, word: str):
    assert shell_line.read(f"x {script}").segments[0].words == ("x", word)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("a{b,c}d", ("abd", "acd")),
        ("{a,b}{1..3}", ("a1", "a2", "a3", "b1", "b2", "b3")),
        ("a{b,{c,d}}", ("ab", "ac", "ad")),
        ("a{3..1}", ("a3", "a2", "a1")),
        ("a{1..7..3}", ("a1", "a4", "a7")),
        ("x{a..c}", ("xa", "xb", "xc")),
        ("x{,y}", ("x", "xy")),
        ("a{b}", ("a{b}",)),
        ("a{1..9999}", ("a{1..9999}",)),
        ("a'{b,c}'", ("a{b,c}",)),
        ("a\\{b,c}", ("a{b,c}",)),
    ],
)
def test_braces_become_the_words_that_bash_makes_of_them(script: str, words: tuple[str, ...]):
    assert shell_line.read(f"echo {script}").segments[0].words[1:] == words
    said = subprocess.run(["/bin/bash", "-c", f"printf '%s\\n' {script}"], capture_output=True, text=True)
    assert tuple(said.stdout.splitlines()) == words or len(said.stdout) > 1_000


def test_signs_beyond_ascii_never_reach_the_tables_of_the_scanner():
    # A process of its own: what would go wrong here is not an exception.
    signs = "".join(chr(code) for code in range(0x80, 0x110000, 977) if not 0xD800 <= code < 0xE000)
    script = (
        "import sys; from treadle.core import shell_line\nfor s in sys.argv[1]: shell_line.read(s + '{' + s + '$' + s + '((' + s)"
    )
    assert subprocess.run([sys.executable, "-c", script, signs], timeout=100).returncode == 0


@pytest.mark.parametrize("script", ["é=1 b", "a é=1", "é", "a é'é'\"é\" é", "ａ b", "é>f"])
def test_signs_beyond_ascii_are_letters_of_words_and_make_no_names(script: str):
    line = shell_line.read(script)
    assert line.trouble is None
    assert not line.segments[0].assignments
    if ">" not in script:
        assert " ".join(line.segments[0].words) == script.replace("'", "").replace('"', "")
