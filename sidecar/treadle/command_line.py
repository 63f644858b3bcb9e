"""The words of the command line -> what to do. Standard library only and no argparse: `serve` must be up in an instant.

Raises Usage for what it does not understand; it reads no file and starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HELP = """\
treadle: an open coding agent

  treadle serve                  for editors: Language Server Protocol with the agent's methods, on standard input and output
  treadle app-server             for programs: the same methods as JSON lines
  treadle acp                    for other editors: the Agent Client Protocol on standard input and output
  treadle exec [PROMPT]          one turn without a user; `treadle exec -h` for its options
  treadle sandbox [--] COMMAND   run a command as the agent's commands are run; `treadle sandbox -h` for its options
  treadle ledger [THREAD]        what each request cost, what the cache gave, and why not more; --json
  treadle prompt THREAD          the next request of a thread, piece by piece; --request N: one that was sent; --json
  treadle rules                  what you have allowed for longer than once; `treadle rules -h` for its options
  treadle threads                what is kept: list, search, show, export, delete; `treadle threads -h` for its options
  treadle mcp                    MCP servers, and logging in to them; `treadle mcp -h` for its options
  treadle doctor                 what works on this machine, and what to do about the rest
  treadle --version [--json]

  Of serve, for editors: --default KEY=VALUE, a key of config.toml where nobody sets it; --trusted FOLDER, open and trusted by its
  user; --restricted, not trusted: no commands, edits, MCP servers, hooks, nor settings and instructions of the folder.

  -c, --config KEY=VALUE         set a key of config.toml for this run; the value is TOML or text
  -h, --help
"""

_EXEC_USAGE = """\
treadle exec: one turn without a user

  treadle exec [OPTIONS] [PROMPT]
  treadle exec resume [--last | ID] [OPTIONS] [PROMPT]

PROMPT is read from standard input when it is missing or `-`; otherwise what is piped in follows it as a <stdin> block.

Exit status: 0 done, 1 the turn failed, 2 the command line was wrong, 128 + n stopped by signal n (130: Ctrl-C).

"""

EXEC_HELP = (
    _EXEC_USAGE
    + """\
  -C, --cd DIR                   work in this folder
      --add-dir DIR              one more folder that may be written; may be given more than once
  -m, --model MODEL
  -s, --sandbox MODE             read-only, workspace-write or danger-full-access
      --dangerously-bypass-approvals-and-sandbox
  -p, --profile NAME             use [profiles.NAME] of config.toml
      --enable, --disable NAME   a feature of config.toml
  -i, --image FILE               add a picture; may be given more than once
  -o, --output-last-message FILE write the last message of the agent to a file
      --output-schema FILE       the last message must be JSON after this JSON schema
      --json                     print events as JSON lines
      --ephemeral                do not keep the thread
      --color WHEN               always, never or auto
      --skip-git-repo-check      accepted; there is no such check
  -c, --config KEY=VALUE
  -h, --help
"""
)

SANDBOX_HELP = """\
treadle sandbox: run a command under the sandbox of the agent's commands

  treadle sandbox [OPTIONS] [--] COMMAND [ARGUMENT...]

  -s, --mode MODE                read-only, workspace-write or danger-full-access; else what config.toml says (sandbox_mode),
                                 else workspace-write
      --root DIR                 a folder that the command may write, with workspace-write; may be repeated.
                                 Without it: the working folder, and writable_roots of config.toml. With it: no other
      --network                  let it use the network
      --degraded                 run it with less protection too, where this machine has no more to offer; see treadle doctor
  -C, --cwd DIR                  run it in this folder
  -c, --config KEY=VALUE         set a key of config.toml for this run
  -h, --help

The command reads this program's input. At a terminal it gets a terminal of its own; otherwise its output and its errors stay
apart. SIGINT, SIGTERM and SIGHUP end it with all that it started.

Exit status: the command's, 128 + n when signal n ended it; 2 the command line was wrong; 126 it could not be confined, and was
not run.
"""

THREADS_HELP = """\
treadle threads: what is kept of your conversations

  treadle threads list               those of this folder, the last used first
  treadle threads search WORDS...    those in which all words are: in a message, a command, its output, or the name;
                                     "words in quotes" stand side by side; of the last word a beginning is enough
      --all                          of all folders
      --cwd FOLDER                   of another folder
      --archived                     those that were put away, and no others
      --limit N
  treadle threads show ID            all of it, to be read
  treadle threads export ID          as Markdown
      --format markdown|jsonl        jsonl: a line about the thread, then its items as they are kept
  -o, --output FILE                  into a file; one that ends in .jsonl is written as JSON lines
  treadle threads delete ID...       for good: nothing of it is left on the disk
  treadle threads prune              for good: what [treadle.history] of config.toml does not keep
      --dry-run                      only say which threads these are
  -y, --yes                          without asking

      --json                         of list, search, show and prune
  -h, --help
"""

MODES = ("read-only", "workspace-write", "danger-full-access")
DOORS = ("serve", "app-server", "acp", "exec", "sandbox", "rules", "threads", "mcp", "ledger", "prompt", "doctor")


class Usage(Exception):
    """Words that make no sense; the message says which."""


@dataclass
class Line:
    """A command line, understood."""

    command: str = "help"
    config: list[str] = field(default_factory=list[str])
    json: bool = False
    help: bool = False
    prompt: str | None = None
    cd: str | None = None
    model: str | None = None
    sandbox: str | None = None
    images: list[str] = field(default_factory=list[str])
    add_dirs: list[str] = field(default_factory=list[str])
    output_last_message: str | None = None
    output_schema: str | None = None
    resume: str | None = None
    last: bool = False
    ephemeral: bool = False
    color: str = "auto"
    thread: str | None = None
    request: int | None = None
    defaults: list[str] = field(default_factory=list[str])
    trusted: list[str] = field(default_factory=list[str])
    restricted: bool = False
    rest: list[str] = field(default_factory=list[str])
    "The words after `sandbox`, `rules`, `threads` or `mcp`."


@dataclass
class SandboxLine:
    """The words after `treadle sandbox`, understood. Paths as they were given."""

    command: list[str] = field(default_factory=list[str])
    mode: str | None = None
    roots: list[str] = field(default_factory=list[str])
    network: bool = False
    degraded: bool = False
    cwd: str | None = None
    config: list[str] = field(default_factory=list[str])
    help: bool = False


_VALUES = {
    "-C": "cd",
    "--cd": "cd",
    "-m": "model",
    "--model": "model",
    "-s": "sandbox",
    "--sandbox": "sandbox",
    "-o": "output_last_message",
    "--output-last-message": "output_last_message",
    "--output-schema": "output_schema",
    "--color": "color",
    "-i": "images",
    "--image": "images",
    "--add-dir": "add_dirs",
}
_SWITCHES = {"--experimental-json": "json", "--ephemeral": "ephemeral", "--last": "last", "--skip-git-repo-check": None}
_SETTINGS = {"-p": "profile={!r}", "--profile": "profile={!r}", "--enable": "features.{}=true", "--disable": "features.{}=false"}
"Each a key of config.toml."
_PASSED_OVER = ("--thread-source", "--cyber-access-program")
_UNCONFINED = "--dangerously-bypass-approvals-and-sandbox"


def parse(words: list[str]) -> Line:
    """Understand the words after the program's name."""
    line = Line()
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if word == "-" or not word.startswith("-"):
            plain.append(word)
            if len(plain) == 1 and line.command == "help":
                line.command = plain.pop()
            if line.command in ("sandbox", "rules", "threads", "mcp"):
                line.rest = rest
                break
            continue
        _option(line, word, rest)
    if line.command not in (*DOORS, "help", "version"):
        raise Usage(f"no such command: {line.command}")
    _place(line, plain)
    return line


_SANDBOX_VALUES = {"-s": "mode", "-m": "mode", "--mode": "mode", "--sandbox": "mode", "-C": "cwd", "--cwd": "cwd", "--cd": "cwd"}


def parse_sandbox(words: list[str], config: list[str]) -> SandboxLine:
    """The options end at the first word that is none, or at `--`."""
    line = SandboxLine(config=list(config))
    rest = list(words)
    while rest and rest[0] != "-" and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = _divided(word)
        if name in ("-h", "--help"):
            return SandboxLine(help=True)
        if name in ("--network", "--degraded") and not equals:
            setattr(line, name[2:], True)
        elif name in _SANDBOX_VALUES:
            setattr(line, _SANDBOX_VALUES[name], value if equals else _next(name, rest))
        elif name == "--root":
            line.roots.append(value if equals else _next(name, rest))
        elif name in ("-c", "--config"):
            line.config.append(_setting(name, value if equals else _next(name, rest)))
        else:
            raise Usage(f"sandbox: no such option: {word}")
    line.command = rest
    if not line.command:
        raise Usage("sandbox: give a command to run")
    if line.mode is not None and line.mode not in MODES:
        raise Usage(f"--mode {line.mode}: expected one of {', '.join(MODES)}")
    return line


def _divided(word: str) -> tuple[str, str, str]:
    """An option's name, whether its value is in the same word, and that value."""
    return word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:].removeprefix("="))


def _setting(name: str, given: str) -> str:
    if "=" not in given:
        raise Usage(f"{name} {given}: expected KEY=VALUE")
    return given


def _option(line: Line, word: str, rest: list[str]) -> None:
    name, equals, value = _divided(word)
    if name in ("-h", "--help"):
        line.help = True
    elif name in ("-V", "--version") and line.command == "help":
        line.command = "version"
    elif name in ("-c", "--config"):
        line.config.append(_setting(name, value if equals else _next(name, rest)))
    elif name == "--json":
        line.json = True
    elif name == "--request" and line.command == "prompt":
        given = value if equals else _next(name, rest)
        if not given.isdecimal() or int(given) < 1:
            raise Usage(f"--request {given}: expected a number from 1, see `treadle ledger THREAD`")
        line.request = int(given)
    elif name == "--listen" and line.command == "app-server":
        given = value if equals else _next(name, rest)
        if given != "stdio://":
            raise Usage(f"--listen {given}: only stdio:// is there")
    elif line.command == "serve":
        _serve_option(line, word, rest)
    elif line.command != "exec":
        raise Usage(f"no such option: {word}")
    else:
        _exec_option(line, word, rest)


def _serve_option(line: Line, word: str, rest: list[str]) -> None:
    """What an editor says of itself; not of interest to a person."""
    name, equals, value = _divided(word)
    if name == "--restricted" and not equals:
        line.restricted = True
    elif name == "--default":
        line.defaults.append(_setting(name, value if equals else _next(name, rest)))
    elif name == "--trusted":
        line.trusted.append(value if equals else _next(name, rest))
    else:
        raise Usage(f"no such option: {word}")


def _exec_option(line: Line, word: str, rest: list[str]) -> None:
    name, equals, value = _divided(word)
    if name in _SWITCHES:
        if _SWITCHES[name]:
            setattr(line, str(_SWITCHES[name]), True)
    elif name in _VALUES:
        given = value if equals else _next(name, rest)
        if name in ("-i", "--image"):
            line.images += given.split(",")
        elif name == "--add-dir":
            line.add_dirs.append(given)
        else:
            setattr(line, _VALUES[name], given)
    elif name in _SETTINGS:
        line.config.append(_SETTINGS[name].format(value if equals else _next(name, rest)))
    elif name in _PASSED_OVER:
        _ = value if equals else _next(name, rest)
    elif name == _UNCONFINED:
        line.sandbox = "danger-full-access"
    else:
        raise Usage(f"no such option: {word}")


def _next(name: str, rest: list[str]) -> str:
    if not rest:
        raise Usage(f"{name}: a value is missing")
    return rest.pop(0)


def _place(line: Line, plain: list[str]) -> None:
    """The words that are no options."""
    if line.command == "exec" and plain and plain[0] == "resume":
        plain.pop(0)
        if not line.last:
            if not plain:
                raise Usage("exec resume: give the id of a thread, or --last")
            line.resume = plain.pop(0)
        else:
            line.resume = "last"
    if line.command == "exec" and plain:
        line.prompt = plain.pop(0)
    if line.command in ("ledger", "prompt") and plain:
        line.thread = plain.pop(0)
    if line.command == "prompt" and line.thread is None and not line.help:
        raise Usage("prompt: give the id of a thread; `treadle ledger` lists them")
    if plain:
        raise Usage(f"one word too many: {plain[0]}")
    if line.sandbox is not None and line.sandbox not in MODES:
        raise Usage(f"--sandbox {line.sandbox}: expected one of {', '.join(MODES)}")
    if line.color not in ("always", "never", "auto"):
        raise Usage(f"--color {line.color}: expected always, never or auto")
