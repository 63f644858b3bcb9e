"""Reads a shell line by the grammar of bash: every command of it, each with its words, redirections and what is nested in it.

Two promises to two readers. To the policy: a line without `trouble` was read whole, not a character left out, and a word not
marked unknown is exactly what the shell will pass. To the screen and the danger check: any other line is still read as far as it
goes, by core/rough_line.py. Never runs, expands or looks up anything; bounded in length and depth; loads the grammar when used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from .pattern import late
from .shell_word import ASSIGNMENT, RESERVED, SHELLS, Assignment, Draft, Finished, Line, Redirect, Segment, Unreadable, dequote

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["RESERVED", "SHELLS", "Line", "Segment", "read"]

LONGEST, MOST_SIGNS = 16_384, 400
"Characters, and those among them that can begin something; more are read roughly: the grammar takes quadratic time to give up."
MOST, UNREAD = 131_072, "is too long to be understood"
"More than the kernel takes for one argument is not read at all."
DEEPEST = 40
_SUBSTITUTIONS = frozenset(("command_substitution", "process_substitution"))
_HOLES = _SUBSTITUTIONS | {"simple_expansion", "expansion", "arithmetic_expansion"}
_BLANK, _BETWEEN = late(r"(?:\\\n)*[ \t](?:[ \t]|\\\n)*"), late(r"(?:[ \t\n]|\\\n)*")
_SIGNS = "()|&;<>{`$=~["
_FOREIGN, _NO_TEXT = late(r"[^\x00-\x7f]"), late("[\0\ud800-\udfff]")
_KEYWORDS = frozenset(("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "case", "esac", "in", "for", "select"))
_FORMS = {
    "subshell": "subshell",
    "compound_statement": "group",
    "negated_command": "negation",
    "if_statement": "condition",
    "while_statement": "loop",
    "for_statement": "loop",
    "c_style_for_statement": "loop",
    "case_statement": "case",
    "function_definition": "function",
}
_DECLARING = ("export", "declare", "typeset", "readonly", "local")
_WHOLE = _HOLES | {"string", "raw_string", "concatenation", "ansi_c_string"}
_PLAIN = frozenset(("command", "declaration_command", "unset_command", "test_command", "list", "pipeline", "negated_command"))
_TRANSPARENT = frozenset((*_FORMS, "program", "list", "pipeline", "do_group", "elif_clause", "else_clause", "case_item"))


@lru_cache(maxsize=32)
def read(script: str) -> Line:
    return _read(script[: MOST + 1], 0)


def _read(script: str, depth: int) -> Line:
    if not script.strip(" \t\n"):
        return Line(opaque=True)
    trouble = "is not text" if _NO_TEXT.search(script) else None
    if len(script) > LONGEST or sum(map(script.count, _SIGNS)) > MOST_SIGNS:
        trouble = "is longer than can be read"
    if trouble is None:
        try:
            # The grammar's scanner is C that looks signs up in tables made for ASCII: any other sign is a letter to it, as it is
            # to bash. So a place in the tree is a place in the text, too.
            tree = _parser().parse(_FOREIGN.sub("z", script).encode("ascii"))
            if not tree.root_node.has_error:
                walk = _Walk(script, depth)
                walk.block(tree.root_node, 0)
                return walk.line()
            trouble = "is not valid for bash"
        except Unreadable as found:
            trouble = str(found) or "cannot be read for certain"
    from . import rough_line  # noqa: PLC0415  rarely needed

    if depth > DEEPEST:
        return Line(opaque=True, trouble="is nested too deeply")
    if len(script) > MOST:
        return Line(opaque=True, trouble=UNREAD)
    return rough_line.read(script, trouble, lambda nested: _read(nested, depth + 6))


@cache
def _parser() -> Parser:
    import tree_sitter  # noqa: PLC0415  17 ms that no start-up pays
    import tree_sitter_bash  # noqa: PLC0415

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class _Walk:
    """One pass over the tree of a line, in the order of the text."""

    def __init__(self, source: str, depth: int) -> None:
        if depth > DEEPEST:
            raise Unreadable("is nested too deeply")
        self.source = source
        self.depth = depth
        self.drafts: list[Draft] = []
        self.forms: set[str] = set()
        self.pending = ""

    def line(self) -> Line:
        for draft in self.drafts:
            if draft.redirects and any(w.rsplit("/", 1)[-1] in SHELLS for w in draft.words):
                fed = [r.target for r in draft.redirects if r.operator.endswith("<<<")]
                draft.nested += [_read(script, self.depth + 1) for script in fed]
        segments = tuple(d.finish() for d in self.drafts)
        plain = not self.forms and all(
            not (s.assignments or s.nested or s.redirects) and s.words and s.after in ("", "&&", "||", ";", "|") for s in segments
        )
        redirected = any(s.redirects for s in segments)
        only = redirected and not self.forms and all(s.words and not s.nested and not s.assignments for s in segments)
        return Line(segments, not plain, only, frozenset(self.forms))

    def text(self, start: int, end: int) -> str:
        return self.source[start:end]

    def begin(self) -> Draft:
        draft = Draft(self.pending)
        self.pending = ""
        self.drafts.append(draft)
        return draft

    def gap(self, start: int, end: int) -> None:
        """Between two things that stand side by side; a newline ends a command."""
        between = self.text(start, end)
        if not _BETWEEN.fullmatch(between):
            raise Unreadable
        if "\n" in between.replace("\\\n", "") and not self.pending and self.drafts:
            self.pending = ";"

    def block(self, node: Node, depth: int, first: int = 0, last: int | None = None) -> None:
        """The children from `first` to before `last`: statements, and the signs and reserved words around them."""
        if depth > DEEPEST:
            raise Unreadable("is nested too deeply")
        if form := _FORMS.get(node.type):
            self.forms.add(form)
        parts = node.children
        root = node.parent is None
        at = 0 if root else parts[first - 1].end_byte if first else node.start_byte
        end = len(self.source) if root else parts[last].start_byte if last is not None else node.end_byte
        ended = True
        for child in parts[first:last]:
            self.gap(at, child.start_byte)
            if self.sign(child):
                ended = True
            elif child.type == "comment":
                self.comment(child)
            else:
                if not ended and not self.pending:
                    raise Unreadable
                self.statement(child, depth + 1)
                ended = False
            at = child.end_byte
        self.gap(at, end)

    def sign(self, node: Node) -> bool:
        """An operator or a reserved word between statements."""
        if node.is_named:
            return False
        match node.type:
            case "&&" | "||" | "|" | "|&":
                self.pending = node.type
            case ";" | "&" | ";;" | ";&" | ";;&":
                self.pending = node.type if node.type == "&" else ";"
                if node.type == "&":
                    self.forms.add("background")
                elif node.type != ";":
                    self.forms.add("case")
            case "(" | "{":
                self.pending = self.pending or node.type
            case "!" if self.source[node.end_byte : node.end_byte + 1] not in (" ", "\t"):
                raise Unreadable
            case ")" | "}" | "!":
                pass
            case sign if sign in _KEYWORDS:
                if sign == "select":
                    self.forms.add("select")
                self.pending = ";" if self.drafts and self.pending not in ("|", "|&") else self.pending
            case _:
                raise Unreadable
        return True

    def comment(self, node: Node) -> None:
        before = self.source[max(0, node.start_byte - 2) : node.start_byte]
        if before[-1:] not in " \t\n;|&()" or before == "\\\n":
            raise Unreadable
        self.forms.add("comment")

    def statement(self, node: Node, depth: int) -> None:
        match node.type:
            case "command":
                self.fill(self.begin(), node.children)
            case "variable_assignment":
                self.fill(self.begin(), [node])
            case "variable_assignments":
                self.fill(self.begin(), node.children)
            case "declaration_command" | "unset_command":
                self.fill(self.begin(), node.children)
            case "test_command":
                self.test(node)
            case "redirected_statement":
                self.redirected(node, depth)
            case "for_statement":
                self.loop(node, depth)
            case "c_style_for_statement":
                self.forms.update(("loop", "arithmetic"))
                self.inside(node.children[:-1], self.begin())
                self.statement(node.children[-1], depth)
            case "case_statement":
                self.case(node, depth)
            case "function_definition":
                self.forms.add("function")
                self.statement(node.children[-1], depth)
            case "compound_statement" if node.children and node.children[0].type == "((":
                self.forms.add("arithmetic")
                self.inside(node.children, self.begin())
            case kind if kind in _TRANSPARENT:
                self.block(node, depth)
            case _:
                raise Unreadable

    def fill(self, draft: Draft, nodes: Sequence[Node]) -> None:
        """Words, assignments and redirections of one command, as they stand side by side."""
        words: list[Node] = []
        end: int | None = None
        for child in nodes:
            between = self.text(end, child.start_byte) if end is not None else ""
            touching = not between.replace("\\\n", "")
            if not touching and not _BLANK.fullmatch(between):
                raise Unreadable
            redirect = child.type.endswith("_redirect")
            if words and (redirect or not touching):
                self.word(draft, words)
                words = []
            if redirect:
                self.redirect(child, draft)
            else:
                words.append(child)
            end = child.end_byte
        if words:
            self.word(draft, words)

    def word(self, draft: Draft, nodes: Sequence[Node]) -> None:
        found = self.dequoted(nodes, draft)
        bare = found.mask == found.text
        if not draft.words and bare and found.text in RESERVED and not self.ordinary(found.text, draft):
            if found.text not in ("time", "coproc"):
                raise Unreadable
            self.forms.add(found.text)
            return
        if not draft.words and "time" in self.forms and found.text == "-p":
            return
        assigned = ASSIGNMENT.match(found.mask)
        if assigned and (not draft.words or draft.words[0] in _DECLARING):
            known = found.known and not found.home and not assigned.group(2)
            draft.assignments.append(Assignment(assigned.group(1), found.text[assigned.end() :], known))
            if not draft.words:
                return
        if found.braces:
            self.forms.add("braces")
        for text in found.texts:
            if not found.known or found.glob or found.home:
                draft.unknown.add(len(draft.words))
                if not draft.words:
                    self.forms.add("expansion")
            draft.words.append(text)
        draft.expands = draft.expands or found.glob or found.home

    def ordinary(self, word: str, draft: Draft) -> bool:
        """Whether a reserved word stands where bash does not take it for one."""
        return word in ("time", "coproc") and bool(
            draft.assignments or draft.redirects or (word == "time" and draft.after in ("|", "|&"))
        )

    def dequoted(self, nodes: Sequence[Node], draft: Draft) -> Finished:
        """What stands between the first and the last of nodes that touch each other."""
        at, end = nodes[0].start_byte, nodes[-1].end_byte
        pieces: list[str | None] = []
        sources: list[str] = []
        for hole in (h for n in nodes for h in _found(n, _HOLES)):
            pieces += [self.text(at, hole.start_byte), None]
            sources.append(self.text(hole.start_byte, hole.end_byte))
            self.inside([hole], draft)
            at = hole.end_byte
        pieces.append(self.text(at, end))
        found = dequote(pieces, iter(sources))
        if not found.known:
            self.forms.add("expansion")
        if found.ansi:
            self.forms.add("escapes")
        return found

    def inside(self, nodes: Sequence[Node], draft: Draft) -> None:
        """The lines of all substitutions in here."""
        for node in (s for n in nodes for s in _found(n, _SUBSTITUTIONS)):
            if node.children[0].type == "`":
                script = re.sub(r"\\([`\\$])", r"\1", self.text(node.start_byte + 1, node.end_byte - 1))
                draft.nested.append(_read(script, self.depth + 1))
            else:
                walk = _Walk(self.source, self.depth + 1)
                walk.block(node, 0, 1, -1)
                draft.nested.append(walk.line())

    def redirect(self, node: Node, draft: Draft) -> None:
        if node.type == "heredoc_redirect":
            raise Unreadable("holds a here-document")
        number, parts = "", list(node.children)
        if parts[0].type == "file_descriptor":
            number = self.text(parts[0].start_byte, parts.pop(0).end_byte)
        operator = number + self.text(parts[0].start_byte, parts[0].end_byte)
        rest = parts[1:]
        if not rest:
            draft.redirects.append(Redirect(operator, ""))
            return
        if not re.fullmatch(r"(?:[ \t]|\\\n)*", self.text(parts[0].end_byte, rest[0].start_byte)):
            raise Unreadable
        count = 1
        while count < len(rest) and rest[count].start_byte == rest[count - 1].end_byte:
            count += 1
        target = self.dequoted(rest[:count], draft)
        known = target.known and not (target.glob or target.home or target.braces)
        if target.glob or target.home:
            self.forms.add("expansion")
        draft.redirects.append(Redirect(operator, target.text, known))
        if rest[count:]:
            # The grammar takes what follows a target for more targets; they are words of the command.
            if not draft.words or not _BLANK.fullmatch(self.text(rest[count - 1].end_byte, rest[count].start_byte)):
                raise Unreadable
            self.fill(draft, rest[count:])

    def redirected(self, node: Node, depth: int) -> None:
        body = None if node.children[0].type.endswith("_redirect") else node.children[0]
        at = node.start_byte
        if body is not None:
            self.statement(body, depth)
            at = body.end_byte
        draft = self.drafts[-1] if body is not None and body.type in _PLAIN else self.begin()
        for child in node.children[0 if body is None else 1 :]:
            if child.start_byte > at and not _BLANK.fullmatch(self.text(at, child.start_byte)):
                raise Unreadable
            self.redirect(child, draft)
            at = child.end_byte

    def test(self, node: Node) -> None:
        draft = self.begin()
        if node.children[0].type == "[":
            self.fill(draft, _leaves(node))
            return
        self.forms.add("test" if node.children[0].type == "[[" else "arithmetic")
        draft.words.append(node.children[0].type)
        self.inside(node.children, draft)

    def loop(self, node: Node, depth: int) -> None:
        names = [c for c in node.children if c.type == "variable_name"]
        body = node.children[-1]
        signs = [i for i, c in enumerate(node.children) if c.type == "in"]
        values = [c for c in node.children[signs[0] + 1 : -1] if c.is_named] if signs else []
        draft = self.begin()
        self.forms.add("select" if node.children[0].type == "select" else "loop")
        words = Draft("")
        self.fill(words, values)
        name = self.text(names[0].start_byte, names[0].end_byte)
        draft.nested += words.nested
        draft.assignments += [Assignment(name, w, i not in words.unknown) for i, w in enumerate(words.words)]
        if not words.words:
            draft.assignments.append(Assignment(name, "", known=False))
        self.pending = ";"
        self.statement(body, depth)

    def case(self, node: Node, depth: int) -> None:
        self.forms.add("case")
        draft = self.begin()
        for child in node.children:
            if child.type != "case_item":
                self.inside([child], draft)
                continue
            first = next((i for i, c in enumerate(child.children) if c.type == ")"), -1)
            self.inside(child.children[:first], draft)
            self.pending = ";"
            self.block(child, depth, first + 1)


def _found(node: Node, kinds: frozenset[str]) -> list[Node]:
    """The outermost nodes of these kinds, in the order of the text."""
    return [one for one in _leaves(node, kinds) if one.type in kinds] if node.child_count else []


def _leaves(node: Node, whole: frozenset[str] = _WHOLE) -> list[Node]:
    """What a node is made of, the `whole` kinds left whole."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.child_count and one.type not in whole:
            waiting += reversed(one.children)
        else:
            found.append(one)
    return found
