"""The text of a `*.rules` file <-> rules. Reads a small part of Starlark as data: calls, lists, strings, constants, `+`.

Never runs anything and never raises: what it cannot read is a problem with its line. A file with a problem keeps only the rules
that forbid or ask.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from .rules import STRICTNESS, HostExecutable, NetworkRule, PrefixRule, RuleBook, RuleDecision

LONGEST_FILE = 1_000_000
MOST_PROBLEMS = 20
LONGEST_VALUE = 10_000
_PROTOCOLS = ("http", "https", "socks5_tcp", "socks5_udp")
_SUBJECT = "a *.rules file holds only prefix_rule, network_rule, host_executable and constants"
Rule: TypeAlias = PrefixRule | NetworkRule | HostExecutable
Value: TypeAlias = "str | bool | int | list[Value] | None"


class _Mistake(Exception):
    def __init__(self, node: ast.AST | int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = node if isinstance(node, int) else int(getattr(node, "lineno", 0))
        self.sentence = sentence


def parse(text: str, source: str) -> tuple[RuleBook, tuple[str, ...]]:
    if len(text) > LONGEST_FILE:
        return RuleBook(), (f"{source}: the file is longer than {LONGEST_FILE:,} characters and was not read.",)
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        return RuleBook(), (f"{source}:{error.lineno or 1}: this cannot be read ({error.msg}); no rule of the file is in force.",)
    except (ValueError, RecursionError, MemoryError):
        return RuleBook(), (f"{source}:1: this cannot be read; no rule of the file is in force.",)
    reader = _Reader(source)
    for statement in tree.body:
        try:
            reader.statement(statement)
        except _Mistake as mistake:
            reader.problems.append((mistake.line, mistake.sentence))
        except RecursionError:
            reader.problems.append((statement.lineno, "this is nested too deeply."))
    return reader.result()


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.names: dict[str, Value] = {}
        self.rules: list[Rule] = []
        self.problems: list[tuple[int, str]] = []

    def result(self) -> tuple[RuleBook, tuple[str, ...]]:
        rules = self.rules
        said = [f"{self.source}:{line}: {sentence}" for line, sentence in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            said.append(f"{self.source}: there are {len(self.problems) - MOST_PROBLEMS} more mistakes.")
        if self.problems:
            said[0] += " Until that is put right, nothing is allowed by this file; what it forbids or asks about stays."
            rules = [r for r in rules if not isinstance(r, HostExecutable) and r.decision != "allow"]
        book = RuleBook(
            tuple(r for r in rules if isinstance(r, PrefixRule)),
            tuple(r for r in rules if isinstance(r, NetworkRule)),
            tuple(r for r in rules if isinstance(r, HostExecutable)),
        )
        return book, tuple(said)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                raise _Mistake(node, f"{_SUBJECT}.")

    def call(self, node: ast.Call) -> None:
        kinds: dict[str, tuple[Sequence[str], Callable[[ast.Call, dict[str, Value]], Rule]]] = {
            "prefix_rule": (("pattern", "decision", "match", "not_match", "justification"), self.prefix_rule),
            "network_rule": (("host", "protocol", "decision", "justification"), self.network_rule),
            "host_executable": (("name", "paths"), self.host_executable),
        }
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in kinds:
            raise _Mistake(node, f"{name or 'this'} is not known here; {_SUBJECT}.")
        parameters, build = kinds[name]
        if len(node.args) > len(parameters):
            raise _Mistake(node, f"{name} takes {', '.join(parameters)}.")
        given = {parameter: self.value(value) for parameter, value in zip(parameters, node.args, strict=False)}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in parameters:
                raise _Mistake(keyword.value, f"{name} has no {keyword.arg or '**'}; it takes {', '.join(parameters)}.")
            if keyword.arg in given:
                raise _Mistake(keyword.value, f"{keyword.arg} is given twice.")
            given[keyword.arg] = self.value(keyword.value)
        self.rules.append(build(node, given))

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=str() | bool() | int() | None as value):
                return value
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item) for item in items]
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Name(id=name):
                raise _Mistake(node, f"{name} is not defined above.")
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                first, second = self.value(left), self.value(right)
                if isinstance(first, str | list) and isinstance(second, str | list) and len(first) + len(second) > LONGEST_VALUE:
                    raise _Mistake(node, "this grows too long.")
                if isinstance(first, str) and isinstance(second, str):
                    return first + second
                if isinstance(first, list) and isinstance(second, list):
                    return first + second
                raise _Mistake(node, "only two lists or two strings can be added.")
            case _:
                raise _Mistake(node, "only strings, lists, names of constants and + can stand here.")

    def prefix_rule(self, node: ast.Call, given: dict[str, Value]) -> PrefixRule:
        pattern = given.get("pattern")
        if not isinstance(pattern, list) or not pattern:
            raise _Mistake(node, 'prefix_rule needs a pattern that is not empty, as ["git", ["push", "fetch"]].')
        rule = PrefixRule(
            tuple(_alternatives(node, place) for place in pattern),
            _decision(node, given.get("decision", "allow")),
            _justification(node, given.get("justification")),
            self.source,
            node.lineno,
        )
        for example, words in _examples(node, "match", given.get("match")):
            if not rule.matches(words):
                raise _Mistake(node, f"the rule does not match its own example {example}.")
        for example, words in _examples(node, "not_match", given.get("not_match")):
            if rule.matches(words):
                raise _Mistake(node, f"the rule matches {example}, which stands in its not_match.")
        return rule

    def network_rule(self, node: ast.Call, given: dict[str, Value]) -> NetworkRule:
        host, protocol, decision = given.get("host"), given.get("protocol"), given.get("decision")
        if not isinstance(host, str) or not re.fullmatch(r"\[?[A-Za-z0-9:._-]+\]?", host.strip()):
            raise _Mistake(node, "network_rule needs one host, as api.example.com, without scheme, path or wildcard.")
        if protocol not in _PROTOCOLS:
            raise _Mistake(node, f"the protocol must be one of {', '.join(_PROTOCOLS)}.")
        verdict = "forbidden" if decision == "deny" else decision
        name = host.strip().lower().rstrip(".")
        reason = _justification(node, given.get("justification"))
        return NetworkRule(name, protocol, _decision(node, verdict), reason, self.source, node.lineno)

    def host_executable(self, node: ast.Call, given: dict[str, Value]) -> HostExecutable:
        name, paths = given.get("name"), given.get("paths")
        if not isinstance(name, str) or not name or "/" in name:
            raise _Mistake(node, "host_executable needs the bare name of a program.")
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise _Mistake(node, "host_executable needs a list of paths.")
        for path in cast("list[str]", paths):
            if not path.startswith("/") or path.rsplit("/", 1)[-1] != name:
                raise _Mistake(node, f"{path} is not an absolute path of {name}.")
        return HostExecutable(name, tuple(cast("list[str]", paths)))


def _alternatives(node: ast.AST, place: Value) -> tuple[str, ...]:
    words = place if isinstance(place, list) else [place]
    if not words or not all(isinstance(word, str) and word for word in words):
        raise _Mistake(node, "each place of a pattern is a word or a list of words, none of them empty.")
    return tuple(dict.fromkeys(cast("list[str]", words)))


def _decision(node: ast.AST, value: Value) -> RuleDecision:
    if not isinstance(value, str) or value not in STRICTNESS:
        raise _Mistake(node, "the decision must be allow, prompt or forbidden.")
    return cast("RuleDecision", value)


def _justification(node: ast.AST, value: Value) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise _Mistake(node, "the justification must be a text.")
    return value.strip()


def _examples(node: ast.AST, name: str, value: Value) -> list[tuple[str, list[str]]]:
    """(as it is shown, its words) of each example: a shell line or a list of words."""
    import shlex  # noqa: PLC0415

    if value is None:
        return []
    found: list[tuple[str, list[str]]] = []
    for example in value if isinstance(value, list) else [value]:
        if isinstance(example, str):
            try:
                found.append((json.dumps(example, ensure_ascii=False), shlex.split(example)))
            except ValueError:
                raise _Mistake(node, f"an example of {name} has an open quote.") from None
        elif isinstance(example, list) and example and all(isinstance(word, str) for word in example):
            words = cast("list[str]", example)
            found.append((json.dumps(words, ensure_ascii=False), words))
        else:
            raise _Mistake(node, f"{name} is a list of command lines.")
    return found


def render(rule: Rule) -> str:
    def literal(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    match rule:
        case PrefixRule():
            pattern = literal([place[0] if len(place) == 1 else list(place) for place in rule.pattern])
            fields = [f"pattern={pattern}", f"decision={literal(rule.decision)}"]
            call = "prefix_rule"
        case NetworkRule():
            fields = [f"host={literal(rule.host)}", f"protocol={literal(rule.protocol)}", f"decision={literal(rule.decision)}"]
            call = "network_rule"
        case HostExecutable():
            return f"host_executable(name={literal(rule.name)}, paths={literal(list(rule.paths))})"
    if rule.justification:
        fields.append(f"justification={literal(rule.justification)}")
    return f"{call}({', '.join(fields)})"
