"""The JSON schema of config.toml: what editors offer and check while a person writes it. Part of what generate.py writes.

Choices and defaults are taken from the sidecar's own settings; a test holds the keys to be those that its configuration asks for.
Keys that are not named here are allowed: a file of Codex has more, and they do no harm. Must never be needed at run time.
"""

from __future__ import annotations

from typing import Any, get_args

from treadle.adapters.config_providers import BUILT_IN
from treadle.core.hooks import DEFAULT_TIMEOUT, EVENTS, LONGEST_TIMEOUT
from treadle.core.mcp import MAX_SCHEMA
from treadle.core.settings import CheckpointRules, LocalModel, McpApproval, SandboxPolicy, Settings, ShellEnvironment, Titles

Schema = dict[str, Any]
_OURS = Settings("/", "", BUILT_IN["local"])
_FILES = CheckpointRules()


def text(words: str, *choices: str, default: str | None = None) -> Schema:
    return {
        "description": words,
        "type": "string",
        **({"enum": list(choices)} if choices else {}),
        **({"default": default} if default else {}),
    }


def flag(words: str, default: bool = False) -> Schema:
    return {"description": words, "type": "boolean", "default": default}


def number(words: str, least: int = 0, most: int | None = None, default: int | None = None) -> Schema:
    bounds: Schema = {"minimum": least} | ({} if most is None else {"maximum": most})
    return {"description": words, "type": "integer", **bounds, **({} if default is None else {"default": default})}


def decimal(words: str, **bounds: float) -> Schema:
    return {"description": words, "type": "number", **bounds}


def texts(words: str) -> Schema:
    return {"description": words, "type": "array", "items": {"type": "string"}}


def pairs(words: str) -> Schema:
    return {"description": words, "type": "object", "additionalProperties": {"type": ["string", "boolean"]}}


def table(words: str, **keys: Schema) -> Schema:
    return {"description": words, "type": "object", "properties": keys}


def tables(words: str, each: Schema) -> Schema:
    return {"description": words, "type": "object", "additionalProperties": each}


def schema() -> Schema:
    keys = {**_model(), **_permissions(), **_instructions(), **_servers(), **_treadle()}
    profile = {"description": "Named settings, chosen with `profile`.", "type": "object", "properties": dict(keys)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "treadle-config",
        "title": "config.toml of Treadle",
        "description": "The format is that of Codex; keys that Treadle does not know are left alone.",
        "type": "object",
        "properties": {
            **keys,
            "profile": text("The table of `profiles` that is in force."),
            "profiles": {"type": "object", "additionalProperties": profile},
            "projects": tables(
                "What you decided about folders, by their paths.",
                table(
                    "A folder.",
                    trust_level=text("Whether its own .codex/config.toml, rules and hooks count.", "trusted", "untrusted"),
                ),
            ),
            "project_root_markers": texts("A folder that holds one of these is a project's root; by default `.git`."),
        },
    }


def _model() -> Schema:
    return {
        "model": text("The model to ask."),
        "model_provider": {
            "description": "Who answers: a built-in provider, or the name of a table of `model_providers`.",
            "type": "string",
            "examples": list(BUILT_IN),
        },
        "model_reasoning_effort": {
            "description": "How long the model may think.",
            "type": "string",
            "examples": ["none", "minimal", "low", "medium", "high", "xhigh"],
        },
        "model_reasoning_summary": text("How much of its thinking is summed up.", "auto", "concise", "detailed", "none"),
        "model_verbosity": text("How wordy answers are.", "low", "medium", "high"),
        "model_context_window": number("Tokens that the model takes, where Treadle does not know it.", 1),
        "model_auto_compact_token_limit": number("Sum up the conversation from so many tokens on.", 1),
        "tool_output_token_limit": number("At most so many tokens of one output are told to the model.", 1),
        "compact_prompt": text("The instruction by which a summary is asked for."),
        "openai_base_url": text("Another address for the built-in provider `openai`."),
        "model_providers": tables("Places that speak the Responses API, by name.", _provider()),
        "hide_agent_reasoning": flag("Do not show what the model thinks."),
        "show_raw_agent_reasoning": flag("Show it as it comes, where the provider sends it."),
        "web_search": text("The provider's search on the web.", *get_args(_annotation("web_search")), default=_OURS.web_search),
        "tools": table(
            "Tools of the model.",
            web_search={"description": "Older spelling of `web_search`: true is live.", "type": ["boolean", "object"]},
            update_plan=table("The plan.", enabled=flag("Whether the model may show one.", _OURS.plan_tool)),
            request_user_input=table("Questions.", enabled=flag("Whether the model may ask you.", _OURS.question_tool)),
        ),
        "local": table(
            "The embedded model.",
            size=text(
                "Which one.", *get_args(LocalModel.__dataclass_fields__["size"].type) or ("auto", "1.5b", "0.5b"), default="auto"
            ),
            model_path=text("A .gguf file of your own; relative to this file."),
            context=number("Tokens of context.", 2048, 131_072, LocalModel().context),
            threads=number("Threads of the processor.", 1, 512),
            python=text("An interpreter that has the library for it."),
        ),
    }


def _annotation(field: str) -> Any:
    from typing import get_type_hints  # noqa: PLC0415

    return get_type_hints(Settings)[field]


def _provider() -> Schema:
    return table(
        "A provider.",
        name=text("Its name for people."),
        base_url=text("Where it is: https://…/v1"),
        env_key=text("The variable that holds its key. The key itself is stored by *Treadle: Set API Key…*"),
        env_key_instructions=text("What to tell who has no key."),
        experimental_bearer_token=text("A key in plain text. Rather use env_key."),
        wire_api=text("How it is spoken to.", "responses", default="responses"),
        requires_openai_auth=flag("It takes the key of OpenAI."),
        http_headers=pairs("Headers of every request."),
        env_http_headers=pairs("Headers whose values are in variables."),
        query_params=pairs("Parameters of every address."),
        request_max_retries=number("How often a request is tried again.", 0, 100),
        stream_max_retries=number("How often a stream that broke is opened again.", 0, 100),
        stream_idle_timeout_ms=number("A stream that says nothing for so long is broken.", 1),
        connect_timeout_ms=number("How long to wait for the connection.", 1),
        header_timeout_ms=number("How long to wait for an answer to begin.", 1),
        custom_tools=flag("It takes tools whose input is free text.", default=True),
        treadle_custom_tools=flag("The same, for Treadle only.", default=True),
        supports_web_search=flag("It has a web search of its own."),
        supports_compaction=flag("It has an endpoint that compacts."),
    )


def _permissions() -> Schema:
    policies = ("on-request", "never", "on-failure", "untrusted")
    patterns = {"allow": texts("Hosts, *.domain, **.domain."), "deny": texts("These win over every allow.")}
    lists = {
        **patterns,
        "allowed_domains": texts("Codex's word for allow."),
        "denied_domains": texts("Codex's word for deny."),
        "domains": tables("Hosts by name.", text("Its verdict.", "allow", "deny")),
        "enabled": flag("Whether it counts.", default=True),
        "allow_private": flag("This machine and its network as well."),
        "allow_local_binding": flag("Codex's word for allow_private."),
    }
    return {
        "approval_policy": text("When you are asked.", *policies, default=_OURS.approval_policy),
        "sandbox_mode": text("What commands may touch.", "read-only", "workspace-write", "danger-full-access"),
        "sandbox_workspace_write": table(
            "With workspace-write.",
            writable_roots=texts("Further folders that may be written; absolute, or with ~."),
            network_access=flag("Commands have the network.", SandboxPolicy().network),
            exclude_tmpdir_env_var=flag("$TMPDIR may not be written."),
            exclude_slash_tmp=flag("/tmp may not be written."),
        ),
        "ask_before_edits": flag("Every edit waits for your yes. In VS Code the default is true."),
        "shell_environment_policy": table(
            "Which variables commands see.",
            inherit=text("Which of yours.", "all", "core", "none", default=ShellEnvironment().inherit),
            ignore_default_excludes=flag("Also those that are named like secrets."),
            exclude=texts("Patterns of names that are left out."),
            include_only=texts("Patterns of names; all others are left out."),
            set=pairs("Variables that are added."),
        ),
        "allow_login_shell": flag("Commands may have the variables of your login shell.", _OURS.allow_login_shell),
        "default_permissions": text("The table of `permissions` whose network lists count."),
        "permissions": tables(
            "Codex's permission profiles; their network lists count.", table("A profile.", network=table("Lists.", **lists))
        ),
        "features": {
            "description": "Features of Codex by name.",
            "type": "object",
            "properties": {"network_proxy": table("See treadle.network.", **lists) | {"type": ["boolean", "object"]}},
        },
        "hooks": {
            "description": "Programs of yours that are told what happens and may say no.",
            "type": "object",
            "properties": {event: {"type": "array", "items": _hooks()} for event in EVENTS},
        },
    }


def _hooks() -> Schema:
    hook = table(
        "A hook.",
        type=text("Its kind.", "command"),
        command=text("A shell line; it reads JSON."),
        timeout=decimal("Seconds.", exclusiveMinimum=0, maximum=LONGEST_TIMEOUT, default=DEFAULT_TIMEOUT),
        statusMessage=text("What is shown while it runs."),
    )
    return table(
        "Hooks for what matches.", matcher=text("A regular expression for a tool's name."), hooks={"type": "array", "items": hook}
    )


def _instructions() -> Schema:
    rule = table(
        "A rule.",
        path=text("A skill's file or folder."),
        name=text("All of this name."),
        enabled=flag("Whether they count.", True),
    )
    return {
        "model_instructions_file": text("A file that replaces the built-in instructions."),
        "developer_instructions": text("What the model is told besides."),
        "project_doc_max_bytes": number("At most so many bytes of AGENTS.md files; 0: none.", default=_OURS.doc_max_bytes),
        "project_doc_fallback_filenames": texts("Read where there is no AGENTS.md."),
        "skills": table(
            "Skills.",
            config={"description": "Which are on or off.", "type": "array", "items": rule},
            max_context_tokens=number("Room for their list.", 1),
        ),
    }


def _servers() -> Schema:
    approval = get_args(McpApproval)
    server = table(
        "An MCP server: a command to start, or a url.",
        command=text("The program."),
        args=texts("Its arguments."),
        env=pairs("Its variables."),
        env_vars=texts("Variables of yours that it gets."),
        cwd=text("Where it runs; relative to this file."),
        url=text("Its address."),
        bearer_token_env_var=text("The variable that holds its token."),
        http_headers=pairs("Headers of every request."),
        env_http_headers=pairs("Headers whose values are in variables."),
        enabled=flag("Whether it is started.", default=True),
        required=flag("Without it no turn runs."),
        startup_timeout_sec=decimal("Seconds that its start may take.", exclusiveMinimum=0, maximum=86_400),
        tool_timeout_sec=decimal("Seconds that a call may take.", exclusiveMinimum=0, maximum=86_400),
        enabled_tools=texts("These and no others."),
        disabled_tools=texts("All but these."),
        default_tools_approval_mode=text("When its calls are asked about.", *approval, default="auto"),
        tools=tables("Its tools by name.", table("A tool.", approval_mode=text("When its calls are asked about.", *approval))),
        supports_parallel_tool_calls=flag("Calls may run at the same time."),
        tool_input_schema_max_bytes=number("Tools with a larger schema are left out.", 64, 1024 * 1024, MAX_SCHEMA),
        scopes=texts("Asked for at a login."),
        oauth=table("For a login.", client_id=text("Where a program has to be registered by hand.")),
    )
    return {
        "mcp_servers": tables("MCP servers by name.", server),
        "mcp_optional_startup_grace_ms": number(
            "How long a first prompt waits for servers.", 0, 600_000, round(_OURS.mcp_grace * 1000)
        ),
        "mcp_oauth_callback_port": number("Where a browser comes back to.", 1, 65_535),
        "mcp_oauth_callback_url": {**text("Not supported."), "deprecated": True},
        "mcp_oauth_credentials_store": text("Logins are kept in a file.", "auto", "file", "keyring"),
    }


def _treadle() -> Schema:
    def megabytes(words: str, least: int) -> Schema:
        return number(f"{words}, in megabytes.", least, 1 << 40)

    price = table(
        "USD per million tokens.",
        input=decimal("Of input.", minimum=0),
        cached=decimal("Of cached input.", minimum=0),
        output=decimal("Of output.", minimum=0),
    )
    network = _permissions()["permissions"]["additionalProperties"]["properties"]["network"]["properties"]
    own = table(
        "What only Treadle has.",
        mcp_enabled=flag("Start MCP servers at all.", default=True),
        hooks_enabled=flag("Run hooks at all.", default=True),
        titles=text("Who gives threads their titles.", *get_args(Titles), default=_OURS.titles),
        checkpoints=table(
            "Of which files the contents are kept, so that what a command does can be undone.",
            enabled=flag("Of commands; what patches change is always kept.", _FILES.enabled),
            max_file_bytes=number("Of one file.", default=_FILES.max_file_bytes),
            max_total_bytes=number("Of one workspace.", default=_FILES.max_total_bytes),
            max_files=number("Of one workspace.", default=_FILES.max_files),
            ignore=texts("Patterns as in a .gitignore."),
        ),
        history=table(
            "How much is kept of threads; what is left out keeps everything.",
            max_age_days=number("Since a thread was used last.", 1, 100_000),
            max_mb=number("Of the database, in megabytes.", 10),
        ),
        limits=table(
            "What one command may use.",
            memory_mb=megabytes("Memory", 64),
            processes=number("Processes and threads.", 16),
            file_mb=megabytes("The largest file that it may write", 1),
            disk_reserve_mb=megabytes("What it must leave free", 0),
        ),
        network=table("Hosts that commands reach although they have no network.", **network),
        prices=tables("Prices by model.", price),
    )
    return {"treadle": own}
