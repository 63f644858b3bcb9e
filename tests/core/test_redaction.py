"""core.redaction: known secrets do not come through, whatever the pieces that they come in, and all else does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treadle.core.redaction import PLACE, SHORTEST, Redactor, known

SECRETS = known(["sk-proj-0123456789abcdef", "token-aaaa-bbbb", "aaaaaaaaaa", "bbbb-cccc-dddd", "short"])


def through(pieces: list[str], secrets: tuple[str, ...] = SECRETS) -> str:
    redactor = Redactor(secrets)
    return "".join([*(redactor.feed(piece) for piece in pieces), redactor.rest()])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing here", "nothing here"),
        ("key=sk-proj-0123456789abcdef\n", f"key={PLACE}\n"),
        ("sk-proj-0123456789abcdefsk-proj-0123456789abcdef", PLACE),
        ("sk-proj-0123456789abcde", "sk-proj-0123456789abcde"),
        ("token-aaaa-bbbb-cccc-dddd", PLACE),
        ("short", "short"),
        ("aaaaaaaaaaaaaaa.", f"{PLACE}."),
    ],
)
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    assert through([text]) == shown


@pytest.mark.parametrize("secret", [s for s in SECRETS if len(set(s)) > 1])
def test_a_secret_in_two_pieces_is_found_wherever_it_is_cut(secret: str) -> None:
    for cut in range(1, len(secret)):
        shown = through([f"a {secret[:cut]}", f"{secret[cut:]} b"])
        assert secret not in shown
        assert secret[4:] not in shown
        assert shown.startswith("a ")
        assert shown.endswith(" b")
        assert PLACE in shown


@pytest.mark.parametrize("secret", SECRETS)
def test_of_a_secret_that_comes_character_by_character_only_a_short_beginning_is_shown(secret: str) -> None:
    assert through([*f"a {secret} b"]) == f"a {secret[:3]}{PLACE} b"


def test_what_may_be_a_beginning_is_held_back_and_comes_when_it_is_none() -> None:
    redactor = Redactor(SECRETS)
    assert redactor.feed("say sk-proj-01") == "say "
    assert redactor.feed("x") == "sk-proj-01x"
    assert redactor.feed("$ s") == "$ s"
    assert redactor.rest() == ""


def test_values_that_are_too_short_are_left_alone() -> None:
    assert known(["a" * (SHORTEST - 1), "", "b" * SHORTEST]) == ("b" * SHORTEST,)
    assert Redactor(()).feed("anything") == "anything"


pieces = st.lists(st.sampled_from([*"ab-k0 ", "sk-proj-", "0123456789abcdef", "token-", "aaaa", "-bbbb", "\n"]), max_size=30)


@given(pieces)
@example(["a"] * 6 + ["aaaa"])
def test_no_secret_comes_through_in_any_pieces(parts: list[str]) -> None:
    shown = through(parts)
    assert not any(secret in shown for secret in SECRETS)


@given(pieces)
def test_what_holds_no_secret_is_not_changed(parts: list[str]) -> None:
    text = "".join(parts)
    if not any(secret in text for secret in SECRETS):
        assert through(parts) == text


@given(st.text("ab", max_size=40), st.text("ab", min_size=SHORTEST, max_size=12))
def test_of_what_may_be_a_beginning_the_longest_is_held_back(text: str, secret: str) -> None:
    sizes = [size for size in range(4, len(secret)) if text.endswith(secret[:size])]
    assert Redactor((secret,))._beginning(text) == max(sizes, default=0)


def test_a_look_for_long_secrets_costs_what_one_for_short_ones_does() -> None:
    """Tokens of a sign-in have thousands of characters, and every piece of an output is looked at."""

    class Counted(str):
        looks = 0

        def find(self, *args: object) -> int:
            Counted.looks += 1
            return super().find(*args)  # type: ignore[arg-type]

        def endswith(self, *args: object) -> bool:
            Counted.looks += 1
            return super().endswith(*args)  # type: ignore[arg-type]

    text = Counted("no beginning of it here " * 400)
    for size in (10, 4000):
        Counted.looks = 0
        assert Redactor(("x" * size,))._beginning(text) == 0
        assert Counted.looks < 10, size
