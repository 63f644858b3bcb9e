"""What an approval offers, what may be kept, and what a kept grant covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.grants import Grant, GrantScope, Subject
from treadle.core.offers import host_offers, offers
from treadle.core.policy import NO_GRANTS, Allow, Ask, CallMcp, Grants, RunCommand, Wish, WriteFiles, decide
from treadle.core.settings import Provider, SandboxPolicy, Settings
from treadle.core.subjects import checked, collect, joined

WS = "/home/ann/ws"
OWN = ("/home/ann/.codex", "/home/ann/.treadle")
SETTINGS = Settings(WS, "m", Provider("p", "P", "http://127.0.0.1:9"), sandbox=SandboxPolicy("workspace-write"))


def grant(subject: Subject, scope: GrantScope = "always", **more: str) -> Grant:
    return Grant("g", scope, subject, 1.0, **more)


def asked(wish: Wish, settings: Settings = SETTINGS, grants: Grants = NO_GRANTS, *, sandboxed: bool = True) -> Ask | Allow:
    verdict = decide(wish, settings, grants, sandboxed, own=OWN)
    assert isinstance(verdict, (Ask, Allow))
    return verdict


def offered(wish: Wish, settings: Settings = SETTINGS) -> list[tuple[str, str, str, bool]]:
    ask = asked(wish, settings)
    assert isinstance(ask, Ask)
    found = offers(wish, ask, settings, NO_GRANTS, sandboxed=True, own=OWN)
    return [(o.scope, o.subject.kind, o.subject.text, o.editable) for o in found]


@pytest.mark.parametrize("line", ["bash -c 'make all'", "python3 run.py", "rm -rf build"])
def test_where_no_beginning_may_be_proposed_the_exact_command_is_offered_and_never_for_always(line: str):
    wish = RunCommand(line, WS, escalated=True)
    assert offered(wish) == [("thread", "exact_command", line, False), ("workspace", "exact_command", line, False)]


def test_a_yes_to_a_confined_command_is_offered_as_no_more_than_that():
    wish = RunCommand("rm -rf build", WS)
    ask = asked(wish)
    assert isinstance(ask, Ask)
    assert [o.subject.outside for o in offers(wish, ask, SETTINGS, NO_GRANTS, sandboxed=True)] == [False, False]
    wish = RunCommand("rm -rf build", WS, escalated=True)
    ask = asked(wish)
    assert isinstance(ask, Ask)
    assert [o.subject.outside for o in offers(wish, ask, SETTINGS, NO_GRANTS, sandboxed=True)] == [True, True]


def test_files_are_offered_by_name_for_the_thread_and_by_their_folder_for_the_workspace():
    assert offered(WriteFiles(("/home/ann/other/a/x.py", "/home/ann/other/y.py"))) == [
        ("thread", "files", "/home/ann/other/a/x.py\n/home/ann/other/y.py", False),
        ("workspace", "files", "/home/ann/other/", True),
    ]
    assert offered(WriteFiles(("/home/ann/other/y.py",)))[0] == ("thread", "files", "/home/ann/other/y.py", True)


@pytest.mark.parametrize(
    "path", [f"{WS}/.git/hooks/pre-commit", f"{WS}/.vscode/tasks.json", "/home/ann/.codex/config.toml", "/home/ann/.ssh/config"]
)
def test_nothing_is_offered_for_files_that_make_other_programs_run_code(path: str):
    assert offered(WriteFiles((path,))) == []


def test_files_that_share_only_a_top_folder_are_offered_by_name_only():
    assert [scope for scope, *_ in offered(WriteFiles(("/etc/hosts", "/home/ann/other/y.py")))] == ["thread"]


def test_a_tool_of_a_server_is_offered_in_every_scope_unless_it_is_to_be_asked_each_time():
    wish = CallMcp("docs", "wipe", destructive=True)
    assert offered(wish) == [(scope, "mcp", "docs/wipe", True) for scope in ("thread", "workspace", "always")]
    assert offered(CallMcp("docs", "wipe", destructive=True, mode="prompt")) == []


def test_a_host_is_offered_in_every_scope():
    assert [(o.scope, o.subject.text) for o in host_offers("Wheels.Test")] == [
        (scope, "wheels.test") for scope in ("thread", "workspace", "always")
    ]
    assert host_offers("not a host") == ()


# what may be kept


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Subject("command", "  npm   'run test' "), "npm 'run test'"),
        (Subject("files", "/home/ann/other/"), "/home/ann/other/"),
        (Subject("files", "/home/ann//other/./x"), "/home/ann/other/x"),
        (Subject("files", "/workspace/"), "/workspace/"),
        (Subject("mcp", "docs/*"), "docs/*"),
        (Subject("network", "*.Example.com."), "*.example.com"),
        (Subject("network", "[::1]"), "::1"),
        (Subject("network", "evil.test", deny=True), "evil.test"),
    ],
)
def test_a_sound_text_is_kept_in_its_plain_form(subject: Subject, text: str):
    kept = checked(subject, OWN)
    assert kept.text == text
    assert checked(kept, OWN) == kept


@pytest.mark.parametrize(
    "subject",
    [
        Subject("command", ""),
        Subject("command", "git 'st"),
        Subject("command", "python3"),
        Subject("command", "npm test; rm x"),
        Subject("command", "x" * 3000),
        Subject("command", "ls \x07"),
        Subject("command", "rm", deny=True),
        Subject("exact_command", "ls"),
        Subject("exact_command", "ls", cwd="ws"),
        Subject("files", "src/"),
        Subject("files", "/"),
        Subject("files", "/home/"),
        Subject("files", "/home/ann/"),
        Subject("files", "/usr/lib/"),
        Subject("files", "/home/ann/ws/../.ssh/"),
        Subject("files", "/home/ann/ws/**"),
        Subject("files", "/home/ann/.CODEX/rules/x.rules"),
        Subject("files", "/home/ann/ws/.git/"),
        Subject("mcp", "docs"),
        Subject("mcp", "*/read"),
        Subject("mcp", "docs/re*"),
        Subject("network", "*"),
        Subject("network", "*.com"),
        Subject("network", "https://example.com/x"),
    ],
)
def test_what_would_be_a_yes_to_nearly_everything_or_cannot_be_read_is_refused_with_a_sentence(subject: Subject):
    with pytest.raises(ValueError, match=r"\w.*[.!]$"):
        checked(subject, OWN)


@given(
    st.builds(
        Subject,
        st.sampled_from(["command", "exact_command", "files", "mcp", "network", "degraded"]),
        st.text(max_size=60) | st.from_regex(r"/[a-z./*]{0,20}", fullmatch=True),
        st.booleans(),
        st.none() | st.just("/ws"),
        st.booleans(),
    )
)
def test_any_text_is_kept_or_refused_in_words_and_what_is_kept_stays_as_it_is(subject: Subject):
    try:
        kept = checked(subject, OWN)
    except ValueError as error:
        assert str(error)
        assert collect([grant(subject)]) == NO_GRANTS or subject.kind == "files"
    else:
        assert checked(kept, OWN) == kept
        assert kept.outside <= subject.outside


@pytest.mark.parametrize("text", ["/", "/.", "/./.", "//."])
def test_the_whole_disk_is_never_allowed_however_it_is_written(text: str):
    for own in (OWN, ()):
        with pytest.raises(ValueError):
            checked(Subject("files", text), own)


# what a kept grant covers


def test_a_folder_covers_the_files_below_it_but_not_what_is_protected_there():
    grants = collect([grant(Subject("files", "/home/ann/other/"))])
    assert grants.granted(WriteFiles(("/home/ann/other/a/b.py",)))
    assert not grants.granted(WriteFiles(("/home/ann/other/a/b.py", "/home/ann/others/c.py")))
    assert not grants.granted(WriteFiles(("/home/ann/other",)))
    assert not grants.granted(WriteFiles(("/home/ann/other/a/.git/config",)))
    assert not grants.granted(WriteFiles(("/home/ann/other/.vscode/tasks.json",)))
    assert not grants.granted(WriteFiles(("/home/ann/other/../x",)))
    assert not grants.granted(WriteFiles(("/home/ann/other/own/x",)), own=("/home/ann/other/own",))


def test_one_server_may_be_allowed_whole():
    grants = collect([grant(Subject("mcp", "docs/*")), grant(Subject("mcp", "git/log"))])
    assert grants.granted(CallMcp("docs", "wipe"))
    assert grants.granted(CallMcp("git", "log"))
    assert not grants.granted(CallMcp("git", "push"))
    assert not grants.granted(CallMcp("doc", "wipe"))


def test_a_host_reaches_as_far_as_it_says_and_a_no_wins():
    names = (Subject("network", "*.example.com"), Subject("network", "a.test"), Subject("network", "ads.example.com", deny=True))
    grants = collect([grant(subject) for subject in names])
    assert grants.reaches("api.example.com") is True
    assert grants.reaches("a.b.example.com") is True
    assert grants.reaches("example.com") is None
    assert grants.reaches("badexample.com") is None
    assert grants.reaches("ads.example.com") is False
    assert grants.reaches("a.test") is True


def test_an_exact_command_is_covered_in_its_own_folder_only():
    grants = collect([grant(Subject("exact_command", "make && ./run", outside=True, cwd=WS), "workspace", workspace=WS)], WS)
    assert grants.granted(RunCommand("make && ./run", WS, escalated=True), outside=True)
    assert grants.granted(RunCommand("make && ./run", WS))
    assert not grants.granted(RunCommand("make && ./run; ls", WS, escalated=True), outside=True)
    assert not grants.granted(RunCommand("make && ./run", "/srv", escalated=True), outside=True)


def test_a_yes_to_a_confined_exact_command_is_no_yes_to_an_unconfined_one():
    grants = collect([grant(Subject("exact_command", "rm -rf build", cwd=WS))], WS)
    assert grants.granted(RunCommand("rm -rf build", WS))
    assert not grants.granted(RunCommand("rm -rf build", WS, escalated=True), outside=True)


def test_a_beginning_holds_in_the_folder_of_its_scope_and_below():
    here = grant(Subject("command", "npm test", outside=True), "workspace", workspace=WS)
    wanted = (("npm",), ("test",))
    for cwd, holds in ((WS, True), (f"{WS}/pkg", True), ("/home/ann/ws2", False), (f"{WS}/../x", False), (None, False)):
        assert [rule.pattern for rule in collect([here], cwd).rules] == ([wanted] if holds else []), cwd
    everywhere = grant(Subject("command", "npm test", outside=True))
    assert collect([everywhere], "/srv").rules[0].pattern == wanted


def test_joined_grants_allow_what_either_allows_and_deny_what_either_denies():
    one = collect([grant(Subject("network", "a.test")), grant(Subject("mcp", "d/x")), grant(Subject("command", "npm test"))], WS)
    other = collect([grant(Subject("network", "a.test", deny=True)), grant(Subject("degraded", "less"))], WS)
    both = joined(one, other)
    assert both.reaches("a.test") is False
    assert both.degraded
    assert both.granted(CallMcp("d", "x"))
    assert both.rules == one.rules
