"""Hosts and patterns: what is reached, what is asked about, what never, and that nothing written by anybody breaks the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.network import HostRules, host_rules, is_public, normal, problem_of
from treadle.core.policy import Grants
from treadle.core.rules import NetworkRule, RuleBook
from treadle.core.settings import NetworkSettings, Provider, Settings

RULES = HostRules(allow=("example.com", "*.sub.org", "**.both.net", "127.0.0.1"), deny=("bad.both.net", "**.evil.org"))


@pytest.mark.parametrize(
    ("host", "verdict", "block"),
    [
        ("example.com", "allow", None),
        ("EXAMPLE.com.", "allow", None),
        ("a.example.com", "ask", "blocked-by-allowlist"),
        ("example.com.evil.org", "deny", "blocked-by-denylist"),
        ("notexample.com", "ask", "blocked-by-allowlist"),
        ("sub.org", "ask", "blocked-by-allowlist"),
        ("a.sub.org", "allow", None),
        ("a.b.sub.org", "allow", None),
        ("xsub.org", "ask", "blocked-by-allowlist"),
        ("both.net", "allow", None),
        ("a.both.net", "allow", None),
        ("bad.both.net", "deny", "blocked-by-denylist"),
        ("evil.org", "deny", "blocked-by-denylist"),
        ("127.0.0.1", "allow", None),
        ("127.0.0.2", "deny", "blocked-by-policy"),
        ("localhost", "deny", "blocked-by-policy"),
        ("any.localhost", "deny", "blocked-by-policy"),
        ("169.254.169.254", "deny", "blocked-by-policy"),
        ("[::1]", "deny", "blocked-by-policy"),
        ("::ffff:10.0.0.1", "deny", "blocked-by-policy"),
        ("8.8.8.8", "ask", "blocked-by-allowlist"),
        ("127.1", "deny", "blocked-by-policy"),
        ("2130706433", "deny", "blocked-by-policy"),
        ("0x7f000001", "deny", "blocked-by-policy"),
        ("example.com/path", "deny", "blocked-by-policy"),
        ("example.com\r\nHost: x", "deny", "blocked-by-policy"),
        ("exämple.com", "deny", "blocked-by-policy"),
        ("*.sub.org", "deny", "blocked-by-policy"),
        ("", "deny", "blocked-by-policy"),
        ("fe80::1%eth0", "deny", "blocked-by-policy"),
    ],
)
def test_each_host_gets_its_verdict(host: str, verdict: str, block: str | None) -> None:
    found = RULES.judge(host)
    assert found.verdict == verdict
    if block is not None:
        assert found.block == block
        assert found.reason.endswith(".")


def test_nothing_is_allowed_by_an_empty_list() -> None:
    assert HostRules().judge("example.com").verdict == "ask"
    assert HostRules().judge("10.0.0.1").verdict == "deny"


def test_private_addresses_are_opened_by_name_or_all_at_once() -> None:
    assert HostRules(allow=("localhost",)).judge("localhost").verdict == "allow"
    assert HostRules(allow=("localhost",)).judge_address("localhost", "127.0.0.1").verdict == "allow"
    assert HostRules(allow=("box.lan",)).judge_address("box.lan", "10.0.0.1").verdict == "deny"
    opened = HostRules(allow=("box.lan",), allow_private=True)
    assert opened.judge_address("box.lan", "10.0.0.1").verdict == "allow"
    assert opened.judge("10.0.0.1").verdict == "ask"


def test_a_name_that_turns_out_to_be_a_denied_address_is_denied() -> None:
    assert HostRules(allow=("a.com",), deny=("8.8.8.8",)).judge_address("a.com", "8.8.8.8").verdict == "deny"
    assert HostRules(allow=("a.com",)).judge_address("a.com", "8.8.8.8").verdict == "allow"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        *[
            (address, False)
            for address in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1")
        ],
        *[(address, False) for address in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "240.0.0.1")],
        *[(address, False) for address in ("::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1")],
        *[(address, False) for address in ("64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "not an address", "")],
        ("64:ff9b::101:101", True),
        ("::ffff:1.1.1.1", True),
    ],
)
def test_only_addresses_of_the_internet_at_large_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_answers_and_rule_files_count_with_the_configuration() -> None:
    book = RuleBook(networks=(NetworkRule("ruled.com", "https", "allow"), NetworkRule("never.com", "https", "forbidden")))
    asking = RuleBook(networks=(NetworkRule("listed.com", "https", "prompt"),))
    settings = Settings("/w", "m", Provider("p", "p", "http://x"), rules=book + asking)
    grants = Grants(hosts=frozenset({"*.granted.com", "no.granted.com"}), denied_hosts=frozenset({"no.granted.com"}))
    rules = host_rules(settings, NetworkSettings(allow=("listed.com", "never.com")), grants)
    verdicts = {
        host: rules.judge(host).verdict for host in ("ruled.com", "never.com", "listed.com", "a.granted.com", "no.granted.com")
    }
    assert list(verdicts.values()) == ["allow", "deny", "ask", "allow", "deny"]
    granted = host_rules(settings, NetworkSettings(allow=("listed.com",)), Grants(hosts=frozenset({"listed.com"})))
    assert granted.judge("listed.com").verdict == "allow"


@pytest.mark.parametrize(
    "pattern", ["*", "**", "*.", "http://a.com", "a.com:443", "a.com/x", "a*.com", "*.*.com", "*.10.0.0.1", "a b", "é.com"]
)
def test_a_pattern_that_means_nothing_is_named(pattern: str) -> None:
    assert problem_of(pattern)
    assert HostRules(allow=(pattern,)).judge("a.com").verdict == "ask"


@pytest.mark.parametrize("pattern", ["a.com", "*.a.com", "**.a.com", "A.COM.", "10.0.0.1", "::1", "localhost", "under_score.com"])
def test_a_good_pattern_is_taken(pattern: str) -> None:
    assert problem_of(pattern) is None


hosts = st.one_of(st.text(), st.ip_addresses().map(str), st.from_regex(r"[a-z]{1,3}(\.[a-z]{1,3}){0,3}\.?", fullmatch=True))
patterns = st.lists(st.builds(str.__add__, st.sampled_from(["", "*.", "**."]), hosts), max_size=4).map(tuple)


@given(hosts, patterns, patterns, patterns, st.booleans(), hosts)
def test_no_host_and_no_pattern_breaks_the_judge(
    host: str, allow: tuple[str, ...], deny: tuple[str, ...], granted: tuple[str, ...], private: bool, address: str
) -> None:
    rules = HostRules(allow, deny, granted=granted, allow_private=private)
    assert rules.judge(host).verdict in ("allow", "deny", "ask")
    assert rules.judge_address(host, address).verdict in ("allow", "deny")
    assert isinstance(problem_of(host), str | None)


@given(hosts, patterns, patterns, st.booleans(), st.sampled_from(["", "**."]))
def test_a_deny_always_wins(host: str, allow: tuple[str, ...], granted: tuple[str, ...], private: bool, prefix: str) -> None:
    rules = HostRules((host, *allow), (prefix + host,), granted=(host, *granted), allow_private=private)
    assert rules.judge(host).verdict == "deny"


@given(hosts, patterns, patterns)
def test_what_nobody_listed_is_never_allowed(host: str, allow: tuple[str, ...], deny: tuple[str, ...]) -> None:
    name = normal(host)
    bases = {normal(pattern.removeprefix("**.").removeprefix("*.")) for pattern in allow}
    if name is None or not any(base and (name == base or name.endswith("." + base)) for base in bases):
        assert HostRules(allow, deny).judge(host).verdict != "allow"
