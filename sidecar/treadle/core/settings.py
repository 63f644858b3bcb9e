"""The settings of a thread as plain data. Where they come from is adapters/config.py's business.

`Settings` is what a turn runs under. A client may override the fields of a turn; overrides stay for later turns.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeAlias

from .hooks import Hook
from .prices import Price
from .record import frozen
from .rules import NO_RULES, RuleBook

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access", "external"]
ApprovalPolicy: TypeAlias = Literal["on-request", "never"]
Titles: TypeAlias = Literal["rule", "model", "off"]
McpApproval: TypeAlias = Literal["auto", "prompt", "writes", "approve"]


Sandboxed: TypeAlias = bool | Literal["in part"]
"""Whether this machine can confine commands. In part: read-only holds, and protected names inside writable folders do not."""


DOC_BYTES = 32 * 1024
"Of instruction files of a project, where nothing else is set."


@frozen
class SandboxPolicy:
    """What a command may touch. Paths are absolute; `writable_roots` are besides the thread's cwd."""

    mode: SandboxMode = "read-only"
    writable_roots: tuple[str, ...] = ()
    network: bool = False
    exclude_tmpdir: bool = False
    exclude_slash_tmp: bool = False

    @property
    def confines(self) -> bool:
        return self.mode in ("read-only", "workspace-write")


@frozen
class CommandLimits:
    """The most that one command may use with all that it starts. Bytes; None: what suits the machine."""

    memory: int | None = None
    processes: int | None = None
    "Threads counted."
    file_size: int | None = None
    disk_reserve: int | None = None
    "What a command must leave free on each disk that it may write to; 0: nothing."


@frozen
class CheckpointRules:
    """Of which files the contents are kept, so that what a command does to them can be undone."""

    enabled: bool = True
    max_file_bytes: int = 1024 * 1024
    max_total_bytes: int = 1024 * 1024 * 1024
    max_files: int = 200_000
    ignore: tuple[str, ...] = ()
    "Patterns as in a .gitignore, relative to each writable folder."


@frozen
class HistoryLimits:
    """How much is kept of threads that nobody has open. None: everything."""

    max_age_days: float | None = None
    "Since a thread was used last."
    max_bytes: int | None = None
    "Of the database."


@frozen
class NetworkSettings:
    """Hosts that commands without network reach by the proxy. Patterns as in core/network.py; nothing listed is nothing open."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    allow_private: bool = False


@frozen
class Provider:
    """A place that serves models over the Responses API. Seconds for times."""

    id: str
    name: str
    base_url: str
    env_key: str | None = None
    env_key_instructions: str | None = None
    bearer_token: str | None = field(default=None, repr=False)
    http_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    env_http_headers: tuple[tuple[str, str], ...] = ()
    "(header, name of the environment variable that holds its value)"
    query_params: tuple[tuple[str, str], ...] = ()
    request_max_retries: int = 4
    stream_max_retries: int = 5
    stream_idle_timeout: float = 300.0
    connect_timeout: float = 15.0
    header_timeout: float = 120.0
    "How long to wait for the first byte of the answer's head."
    wire: Literal["responses", "local"] = "responses"
    custom_tools: bool = True
    "False: apply_patch is offered as a JSON function."
    web_search: bool = False
    "Whether it has a web search of its own, as a tool in the request."
    compact_endpoint: bool = False
    "Whether POST {base_url}/responses/compact is there."
    refusal: str | None = None
    "Why nothing may be sent to it, with the way out; for one that the configuration does not define in full."


@frozen
class ShellEnvironment:
    """Which variables a command inherits. Secrets by name are dropped unless `ignore_default_excludes`."""

    inherit: Literal["all", "core", "none"] = "all"
    ignore_default_excludes: bool = False
    exclude: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    include_only: tuple[str, ...] = ()


@frozen
class McpServer:
    """A program that offers tools: a command to start, or an address. Seconds for times."""

    name: str
    command: str | None = None
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    env_vars: tuple[str, ...] = ()
    "Names of our own variables that are handed on to the command."
    cwd: str | None = None
    url: str | None = field(default=None, repr=False)
    bearer_token_env_var: str | None = None
    http_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    env_http_headers: tuple[tuple[str, str], ...] = ()
    "(header, name of the environment variable that holds its value)"
    enabled: bool = True
    required: bool = False
    "Without it no turn runs."
    startup_timeout: float = 30.0
    tool_timeout: float = 300.0
    enabled_tools: tuple[str, ...] | None = None
    disabled_tools: tuple[str, ...] = ()
    default_approval: McpApproval = "auto"
    approval_modes: tuple[tuple[str, McpApproval], ...] = ()
    "(tool, mode)"
    parallel_calls: bool = False
    schema_max_bytes: int = 32 * 1024
    "A tool's schema that is larger is not shown to the model."
    scopes: tuple[str, ...] = ()
    "Asked for at a login."
    oauth_client_id: str | None = None
    "For servers at which a program has to be registered by hand."


@frozen
class SkillRule:
    """Turns skills on or off: the one at `path` (its file or folder), or all of a `name`. A later rule wins."""

    enabled: bool
    path: str | None = None
    name: str | None = None


@frozen
class LocalModel:
    """The embedded model: which weights, and how much of the machine it may use."""

    model_path: str | None = None
    size: Literal["auto", "1.5b", "0.5b"] = "auto"
    context: int = 16384
    threads: int | None = None


@frozen
class Settings:
    """All that a turn runs under."""

    cwd: str
    model: str
    provider: Provider
    effort: str | None = None
    reasoning_summary: str | None = None
    verbosity: str | None = None
    approval_policy: ApprovalPolicy = "on-request"
    sandbox: SandboxPolicy = SandboxPolicy()
    roots: tuple[str, ...] = ()
    "Workspace folders besides cwd."
    base_instructions: str | None = None
    "Replaces the model's own text (model_instructions_file, or the client's baseInstructions)."
    developer_instructions: str | None = None
    context_window: int | None = None
    auto_compact_limit: int | None = None
    compact_prompt: str | None = None
    "Replaces the instruction by which a summary is asked for."
    tool_output_tokens: int | None = None
    doc_max_bytes: int = DOC_BYTES
    doc_fallback_names: tuple[str, ...] = ()
    root_markers: tuple[str, ...] = (".git",)
    shell_environment: ShellEnvironment = ShellEnvironment()
    allow_login_shell: bool = True
    limits: CommandLimits = CommandLimits()
    checkpoints: CheckpointRules = CheckpointRules()
    local: LocalModel = LocalModel()
    mcp_servers: tuple[McpServer, ...] = ()
    mcp_callback_port: int | None = None
    "Where a browser comes back to after a login to an MCP server; None: any free port."
    mcp_grace: float = 1.0
    "Seconds that the first prompt waits for servers never seen before; 0: as long as they may take to start."
    skill_rules: tuple[SkillRule, ...] = ()
    skills_max_tokens: int | None = None
    "Room for the list of skills in the prompt; None: a share of the model's window."
    prices: tuple[tuple[str, Price], ...] = ()
    "(model, what it costs) as the user configured it; more are in core/prices.py."
    hooks: tuple[Hook, ...] = field(default=(), repr=False)
    "Programs of the user that are told what happens and may say no."
    restricted: bool = False
    "The user has not said yet that this folder may be trusted: no command, edit, MCP server or hook, whatever else is set."
    web_search: Literal["disabled", "cached", "live"] = "cached"
    "The provider's own search, where it has one. cached: it looks at its index only, not at the web of now."
    plan_tool: bool = True
    "Whether the model may show a plan (update_plan)."
    question_tool: bool = True
    "Whether the model may ask the user questions (request_user_input)."
    network: NetworkSettings | None = None
    "None: there is no proxy, and no network for commands whose policy has none."
    rules: RuleBook = NO_RULES
    "What the user's *.rules files say of commands and hosts."
    history: HistoryLimits = HistoryLimits()
    titles: Titles = "rule"
    "Who makes titles of threads. model: of the first exchange, in a small request of its own."
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    "Keys that later features read; never used to steer the loop."
    output_schema: dict[str, Any] | None = None
    "JSON schema of the final answer; this turn only."
