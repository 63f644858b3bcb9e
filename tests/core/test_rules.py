"""core.rules and its files: what is read, what a mistake costs, which rule fits, and that what is printed is read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.core.rules import NO_RULES, HostExecutable, NetworkRule, PrefixRule, RuleBook, parse, render

GIT = 'prefix_rule(pattern=["git", ["push", "fetch"]], decision="prompt", justification=" Look first. ")'


def first_problem(text: str) -> str:
    """The first problem of a text that holds no rule beside it."""
    book, problems = parse(text, "f.rules")
    assert book == NO_RULES
    assert problems
    return problems[0]


def test_a_file_of_the_known_form_is_read_with_its_lines():
    book, problems = parse(
        f"""# rules
TOOLS = ["npm", "pnpm"]
{GIT}
prefix_rule(
    pattern = [TOOLS + ["yarn"], "run" + "-script"],
    match = ["npm run-script x", ["yarn", "run-script"]],
    not_match = ["npm run x"],
)
prefix_rule(["rm"], "forbidden")
network_rule(host="API.Example.com.", protocol="https", decision="deny", justification="no")
host_executable(name="git", paths=["/usr/bin/git", "/opt/bin/git"])
""",
        "f.rules",
    )
    assert problems == ()
    assert book.prefixes == (
        PrefixRule((("git",), ("push", "fetch")), "prompt", "Look first.", "f.rules", 3),
        PrefixRule((("npm", "pnpm", "yarn"), ("run-script",)), "allow", None, "f.rules", 4),
        PrefixRule((("rm",),), "forbidden", None, "f.rules", 9),
    )
    assert book.networks == (NetworkRule("api.example.com", "https", "forbidden", "no", "f.rules", 10),)
    assert book.executables == (HostExecutable("git", ("/usr/bin/git", "/opt/bin/git")),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('prefix_rule(pattern=["git"', "f.rules:1: this cannot be read ("),
        ("\n\nfoo()", "f.rules:3: foo is not known here"),
        ("import os", "holds only prefix_rule"),
        ("for x in []: pass", "holds only prefix_rule"),
        ('[prefix_rule(pattern=[x]) for x in ["a"]]', "holds only prefix_rule"),
        ('a.prefix_rule(pattern=["git"])', "this is not known here"),
        ('X.y = ["a"]', "holds only prefix_rule"),
        ("prefix_rule(pattern=X)", "X is not defined above"),
        ('prefix_rule(pattern=["a"] * 9)', "only strings, lists"),
        ('prefix_rule(pattern=f"a")', "only strings, lists"),
        ('prefix_rule(pattern=["a"] + "b")', "only two lists or two strings"),
        ("prefix_rule()", "needs a pattern"),
        ("prefix_rule(pattern=[])", "needs a pattern"),
        ('prefix_rule(pattern="git")', "needs a pattern"),
        ('prefix_rule(pattern=["git", []])', "each place of a pattern"),
        ('prefix_rule(pattern=["git", ""])', "each place of a pattern"),
        ('prefix_rule(pattern=["git", 1])', "each place of a pattern"),
        ('prefix_rule(pattern=["git", [["a"]]])', "each place of a pattern"),
        ('prefix_rule(pattern=["git"], decision="maybe")', "allow, prompt or forbidden"),
        ('prefix_rule(pattern=["git"], decision=["allow"])', "allow, prompt or forbidden"),
        ('prefix_rule(pattern=["git"], reason="x")', "has no reason"),
        ('prefix_rule(pattern=["git"], **X)', "has no **"),
        ('prefix_rule(["git"], pattern=["git"])', "given twice"),
        ('prefix_rule(["git"], "allow", [], [], "x", "y")', "takes pattern"),
        ('prefix_rule(pattern=["git"], justification="")', "must be a text"),
        ('prefix_rule(pattern=["git"], match=["ls"])', 'does not match its own example "ls"'),
        ('prefix_rule(pattern=["git"], not_match=[["git", "x"]])', 'matches ["git", "x"]'),
        ('prefix_rule(pattern=["git"], match=["git \'"])', "open quote"),
        ('prefix_rule(pattern=["git"], match=[1])', "list of command lines"),
        ('network_rule(host="*.a.com", protocol="https", decision="allow")', "needs one host"),
        ('network_rule(host="https://a.com", protocol="https", decision="allow")', "needs one host"),
        ('network_rule(host="a.com", protocol="ftp", decision="allow")', "protocol must be one of"),
        ('network_rule(host="a.com", protocol=["http"], decision="allow")', "protocol must be one of"),
        ('host_executable(name="/bin/git", paths=[])', "bare name"),
        ('host_executable(name="git", paths=["git"])', "not an absolute path"),
        ('host_executable(name="git", paths=["/bin/gti"])', "not an absolute path of git"),
        ("(" * 500 + ")" * 500, "cannot be read"),
        ("X = " + "-" * 100_000 + "1", "f.rules"),
        ("X = " + "1+" * 50_000 + "1", "f.rules"),
        ('X = ["a"]\n' + "X = X + X\n" * 60, "grows too long"),
        ('X = "a"\n' + "X = X + X\n" * 60, "grows too long"),
        ("\0", "cannot be read"),
        ("#" * 1_000_001, "longer than 1,000,000"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_line(text: str, says: str):
    problem = first_problem(text)
    assert problem.startswith("f.rules:")
    assert says in problem


def test_a_file_with_a_mistake_keeps_what_is_strict_and_loses_what_it_allows():
    book, problems = parse(f'{GIT}\nprefix_rule(["ls"])\nnetwork_rule("a.com", "https", "allow")\nnonsense', "f.rules")
    assert [rule.decision for rule in book.prefixes] == ["prompt"]
    assert book.networks == ()
    assert "nothing is allowed by this file" in problems[0]


def test_mistakes_without_end_are_counted():
    _, problems = parse("foo()\n" * 100, "f.rules")
    assert problems[-1] == "f.rules: there are 80 more mistakes."
    assert len(problems) == 21


@settings(deadline=None)
@given(st.text() | st.text('prefix_rule(pattern=["git"], decision="allow")\n+#', max_size=80))
def test_no_text_makes_the_reading_raise(text: str):
    book, problems = parse(text, "f.rules")
    assert isinstance(book, RuleBook)
    assert all(problem.startswith("f.rules:") for problem in problems)


WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
PLACE = st.lists(WORD, min_size=1, max_size=3, unique=True).map(tuple)
REASON = st.none() | WORD.filter(lambda text: bool(text.strip())).map(str.strip)
DECISION = st.sampled_from(["allow", "prompt", "forbidden"])


@settings(deadline=None)
@given(st.builds(PrefixRule, st.lists(PLACE, min_size=1, max_size=4).map(tuple), DECISION, REASON, st.just("f"), st.just(1)))
def test_a_rule_that_is_printed_is_read_back(rule: PrefixRule):
    book, problems = parse(render(rule), "f")
    assert (book.prefixes, problems) == ((rule,), ())


@settings(deadline=None)
@given(
    st.builds(NetworkRule, st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,2}", fullmatch=True), st.just("https"), DECISION, REASON)
)
def test_a_rule_over_a_host_that_is_printed_is_read_back(rule: NetworkRule):
    (again,), _ = (parse(render(rule), "")[0].networks, None)
    assert (again.host, again.protocol, again.decision, again.justification) == (
        rule.host,
        rule.protocol,
        rule.decision,
        rule.justification,
    )


def test_the_strictest_comes_first_and_of_equals_the_most_specific():
    book, _ = parse('prefix_rule(["a"])\nprefix_rule(["a", "b"])\nprefix_rule(["a"], "prompt")', "f")
    assert [str(m.rule) for m in book.matches(["a", "b", "c"])] == ["a", "a b", "a"]
    assert book.matches(["a"])[0].rule.decision == "prompt"
    assert book.matches(["b"]) == book.matches([]) == ()


def test_an_absolute_path_is_the_program_to_strict_rules_and_to_others_only_where_it_is_listed():
    book, _ = parse('prefix_rule(["git"])\nprefix_rule(["rm"], "forbidden")\nhost_executable("git", ["/usr/bin/git"])', "f")
    assert book.matches(["/usr/bin/git", "x"])
    assert not book.matches(["/tmp/git", "x"])
    assert not book.matches(["./git", "x"])
    assert book.matches(["/tmp/rm", "x"])


def test_a_word_that_is_not_known_fits_strict_rules_only_and_not_for_certain():
    book, _ = parse('prefix_rule(["git", "status"])\nprefix_rule(["git", "push"], "prompt")', "f")
    (match,) = book.matches(["git", "$X"], frozenset((1,)))
    assert (match.rule.decision, match.certain) == ("prompt", False)
    assert book.matches(["$X", "push"], frozenset((0,))) == ()


def test_books_of_the_same_rules_are_equal_and_add_up():
    one, two = parse(GIT, "f")[0], parse(GIT, "f")[0]
    assert one == two
    assert (one + NO_RULES) is one
    assert len((one + two).matches(["git", "push"])) == 2
