"""config.toml, its layers and `-c` overrides -> core Settings, with a sentence for everything that could not be used.

A Codex user's files work unchanged; keys that we do not know are left alone. Nothing is ever written. Highest layer first:
overrides, profile, a trusted folder's own .codex/config.toml files, $CODEX_HOME/config.toml, the machine's, built-in values.
A folder's own file never says where requests go or with which key; programs that it names run only when the folder is trusted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ..core.models import LOCAL_MODELS, default_model
from ..core.record import frozen
from ..core.rules import RuleBook
from ..core.settings import (
    ApprovalPolicy,
    LocalModel,
    Provider,
    SandboxMode,
    SandboxPolicy,
    Settings,
    ShellEnvironment,
    Titles,
)
from . import config_hooks, config_skills
from .config_checkpoints import checkpoints
from .config_files import DEEPEST, ConfigFiles, ConfigProblem, Table, merged, nested, parse_override, too_deep
from .config_history import history
from .config_limits import limits
from .config_mcp import mcp_callback_port, mcp_grace, mcp_servers, of_folder
from .config_network import network
from .config_prices import prices
from .config_providers import provider
from .config_trust import Trust, restricted, trust_of, without
from .config_values import MOST_PROBLEMS, Layer, Values, readable
from .file_read import read_small

__all__ = ["ConfigFiles", "ConfigProblem", "Loaded", "Trust", "load", "parse_override"]

SYSTEM_CONFIG = Path("/etc/codex/config.toml")
MAX_INSTRUCTIONS_BYTES = 256 * 1024

NOT_FROM_PROJECTS = frozenset(
    {"model_provider", "model_providers", "openai_base_url", "chatgpt_base_url", "projects", "profile", "profiles", "notify"}
    | {
        "project_root_markers",
        "mcp_oauth_callback_port",
        "mcp_oauth_callback_url",
        "mcp_oauth_credentials_store",
        "local",
        "otel",
        "analytics",
        "cli_auth_credentials_store",
        "model_catalog_json",
        "sqlite_home",
    }
)
EXTRA_KEYS = ("ask_before_edits", "hide_agent_reasoning", "show_raw_agent_reasoning", "local")
"Kept in Settings.extra: small, and free of secrets."


@frozen
class Loaded:
    settings: Settings
    warnings: tuple[ConfigProblem, ...]
    raw: Table
    "All layers merged, as written."
    trust: Trust | None = None
    "What the user decided about this folder."


def load(
    *,
    codex_home: Path,
    cwd: str,
    overrides: Mapping[str, Any],
    environ: Mapping[str, str],
    files: ConfigFiles | None = None,
    system: Path = SYSTEM_CONFIG,
    treadle_home: Path | None = None,
    defaults: Mapping[str, Any] | None = None,
    editor_trust: Trust | None = None,
) -> Loaded:
    """Settings for a thread in `cwd`. `files` remembers the last good content from call to call. An override that is None says
    nothing; `defaults` count where no layer says anything; `editor_trust`: what an editor's user said of the open workspace."""
    files = files or ConfigFiles()
    values = Values((), files)
    user = _read(values, codex_home / "config.toml")
    machine = _read(values, system)
    # A user's file that is not read may hold the profile as well, so nothing but an override outranks it.
    over = _given(values, "-c", overrides)
    fallback = _given(values, "the editor's defaults", defaults or {})
    unread = (user,) if user.unread else ()
    values.layers = (over, user, machine, fallback)
    markers = values.texts("project_root_markers")
    markers = (".git",) if markers is None else markers
    root = project_root(Path(cwd), markers)
    trust = trust_of(values, Path(cwd), root, editor_trust)
    profile = _profile(values, (user, machine))
    values.layers = (over, *profile, user, machine, fallback)
    projects = _projects(values, Path(cwd), root, codex_home, trust)
    values.layers = (over, *unread, *profile, *projects, user, machine, fallback)
    raw: Table = {}
    for layer in reversed(values.layers):
        raw = merged(raw, layer.data)
    chosen = provider(values, environ, has_openai_key=_has_openai_key(environ, codex_home))
    settings = _settings(values, cwd, chosen, markers, trust)
    own, chain = (over, *profile, user, machine), _chain(Path(cwd), root, codex_home)
    folders = [folder / ".codex" for folder in chain] if trust == "trusted" else ()
    settings = replace(
        settings,
        extra={key: raw[key] for key in EXTRA_KEYS if key in raw},
        hooks=config_hooks.hooks(values, own, projects, (codex_home,), folders),
        network=network(values),
        rules=_rules(values, [home for home in (codex_home, treadle_home) if home], chain, trust),
        skill_rules=config_skills.rules(values, own),
        skills_max_tokens=config_skills.max_tokens(values),
        history=history(values, own),
    )
    settings = without(values, settings)
    return Loaded(restricted(settings) if editor_trust == "untrusted" else settings, _told(values.problems), raw, trust)


def _given(values: Values, name: str, dotted: Mapping[str, Any]) -> Layer:
    """What did not come from a file."""
    data: Table = {}
    for key, value in dotted.items():
        alone = nested({key: value}) if value is not None else {}
        if too_deep(alone):
            values.problems.append(ConfigProblem(name, None, key[:80], f"is nested more than {DEEPEST} deep; it is ignored."))
        else:
            data = merged(data, alone)
    return Layer(name, data)


def _told(problems: list[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    said = tuple(
        replace(p, key=None if p.key is None else readable(p.key, 200), message=readable(p.message, 600))
        for p in problems[:MOST_PROBLEMS]
    )
    if len(problems) <= MOST_PROBLEMS:
        return said
    return (*said, ConfigProblem("config.toml", None, None, "There are more mistakes than are listed here."))


def _read(values: Values, path: Path, *, barred: frozenset[str] = frozenset()) -> Layer:
    data, problem = values.files.read(path)
    if problem:
        values.problems.append(problem)
    unread = problem if problem and not values.files.ever_good(path) else None
    return Layer("config.toml", data, path, unread=unread, barred=barred)


def project_root(cwd: Path, markers: tuple[str, ...]) -> Path:
    """The nearest folder from `cwd` upwards that holds a marker, else `cwd`."""
    for folder in (cwd, *cwd.parents):
        if any(os.path.lexists(folder / marker) for marker in markers):
            return folder
    return cwd


def _profile(values: Values, sources: tuple[Layer, ...]) -> tuple[Layer, ...]:
    name = values.text("profile")
    if name is None:
        return ()
    layers: list[Layer] = []
    for source in sources:
        profiles: Any = source.data.get("profiles")
        table: Any = cast("Table", profiles).get(name) if isinstance(profiles, dict) else None
        if isinstance(table, dict):
            layers.append(Layer(f"profile {name}", cast("Table", table), source.path, ("profiles", name)))
    if not layers:
        values.wrong(("profile",), f"there is no profile {name!r}; add [profiles.{name}] or choose another. It is ignored.")
    return tuple(layers)


def _chain(cwd: Path, root: Path, codex_home: Path) -> list[Path]:
    """The folders from `cwd` up to the project's root whose .codex is not the user's own."""
    chain = [folder for folder in (cwd, *cwd.parents) if folder.is_relative_to(root)]
    own = os.path.realpath(codex_home)
    return [folder for folder in chain if os.path.realpath(folder / ".codex") != own]


def _projects(values: Values, cwd: Path, root: Path, codex_home: Path, trust: Trust | None) -> tuple[Layer, ...]:
    """The folder's own files, nearest first."""
    layers: list[Layer] = []
    for folder in _chain(cwd, root, codex_home):
        path = folder / ".codex" / "config.toml"
        if not os.path.lexists(path):
            continue
        if trust != "trusted":
            message = f'is not used: the folder is not trusted. To trust it set [projects."{root}"] trust_level = "trusted".'
            values.problems.append(ConfigProblem(str(path), None, None, message))
            continue
        found = _read(values, path, barred=NOT_FROM_PROJECTS)
        layer = replace(found, data={key: value for key, value in found.data.items() if key not in NOT_FROM_PROJECTS})
        layer = of_folder(values, layer)
        if layer.data.get("sandbox_mode") == "danger-full-access":
            values.report(
                layer, ("sandbox_mode",), "turns the sandbox off in this folder, as its own file says; you have trusted it."
            )
        for key in sorted(found.data.keys() & NOT_FROM_PROJECTS):
            values.report(layer, (key,), "is not taken from a folder's own file; set it in your own config.toml.")
        layers.append(layer)
    return tuple(layers)


def _rules(values: Values, homes: list[Path], chain: list[Path], trust: Trust | None) -> RuleBook:
    """The user's own rules; those of a folder only where it is trusted."""
    folders = [home / "rules" for home in homes]
    places = [folder / ".codex" / "rules" for folder in chain]
    if trust == "trusted":
        folders += places
    else:
        for place in places:
            if any(name.endswith(".rules") for name in _names(place)):
                values.problems.append(ConfigProblem(str(place), None, None, "is not used: the folder is not trusted."))
    book, problems = values.files.rules.read(folders)
    values.problems += [ConfigProblem(p.file, p.line, None, p.message) for p in problems]
    return book


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _settings(values: Values, cwd: str, chosen: Provider, markers: tuple[str, ...], trust: Trust | None) -> Settings:
    local = _local(values)
    fallback = default_model(chosen.id, local.size)
    model = values.text("model") or fallback
    if chosen.wire == "local" and model not in LOCAL_MODELS.values():
        # The model named in config.toml is meant for another provider.
        model = fallback
    return Settings(
        cwd=cwd,
        model=model,
        provider=chosen,
        effort=values.text("model_reasoning_effort"),
        reasoning_summary=values.choice("model_reasoning_summary", among=("auto", "concise", "detailed", "none")),
        verbosity=values.choice("model_verbosity", among=("low", "medium", "high")),
        approval_policy=_approval_policy(values),
        sandbox=_sandbox(values, trust),
        base_instructions=_instructions_file(values),
        developer_instructions=values.text("developer_instructions"),
        context_window=values.number("model_context_window", least=1),
        auto_compact_limit=values.number("model_auto_compact_token_limit", least=1),
        compact_prompt=values.text("compact_prompt"),
        tool_output_tokens=values.number("tool_output_token_limit", least=1),
        doc_max_bytes=_or(values.number("project_doc_max_bytes"), 32 * 1024),
        doc_fallback_names=values.texts("project_doc_fallback_filenames") or (),
        root_markers=markers,
        shell_environment=_shell_environment(values),
        allow_login_shell=values.flag("allow_login_shell", default=True),
        limits=limits(values),
        checkpoints=checkpoints(values),
        local=local,
        prices=prices(values),
        mcp_servers=mcp_servers(values),
        web_search=_web_search(values),
        plan_tool=values.flag("tools", "update_plan", "enabled", default=True),
        question_tool=values.flag("tools", "request_user_input", "enabled", default=True),
        mcp_callback_port=mcp_callback_port(values),
        mcp_grace=mcp_grace(values),
        titles=cast(Titles, values.choice("treadle", "titles", among=get_args(Titles)) or "rule"),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _web_search(values: Values) -> Any:
    """Codex's older spelling, tools.web_search = true, meant the web of now."""
    older = next((value for value in values.found("tools", "web_search") if isinstance(value, bool)), None)
    chosen = values.choice("web_search", among=("disabled", "cached", "live"))
    return chosen or ("cached" if older is None else "live" if older else "disabled")


def _approval_policy(values: Values) -> ApprovalPolicy:
    known = ("on-request", "never", "on-failure", "untrusted")
    found = "on-request" if values.gap("approval_policy") else values.choice("approval_policy", among=known)
    if found == "untrusted":
        values.wrong(("approval_policy",), "'untrusted' is no longer a policy; on-request is used. Choose on-request or never.")
    return "never" if found == "never" else "on-request"


def _sandbox(values: Values, trust: Trust | None) -> SandboxPolicy:
    modes = ("read-only", "workspace-write", "danger-full-access")
    mode = values.choice("sandbox_mode", among=modes) or ("workspace-write" if trust else "read-only")
    if values.gap("sandbox_mode"):
        mode = "read-only"
    table = "sandbox_workspace_write"
    roots: list[str] = []
    for root in values.texts(table, "writable_roots") or ():
        full = os.path.expanduser(root)
        if os.path.isabs(full):
            roots.append(os.path.normpath(full))
        else:
            values.wrong((table, "writable_roots"), f"{root!r} is not an absolute path; it is ignored.")
    return SandboxPolicy(
        mode=cast(SandboxMode, mode),
        writable_roots=tuple(roots),
        network=mode == "danger-full-access" or (mode == "workspace-write" and values.flag(table, "network_access")),
        exclude_tmpdir=values.flag(table, "exclude_tmpdir_env_var"),
        exclude_slash_tmp=values.flag(table, "exclude_slash_tmp"),
    )


def _shell_environment(values: Values) -> ShellEnvironment:
    table = "shell_environment_policy"
    inherit = values.choice(table, "inherit", among=("all", "core", "none")) or "all"
    return ShellEnvironment(
        inherit=cast(Literal["all", "core", "none"], inherit),
        ignore_default_excludes=values.flag(table, "ignore_default_excludes"),
        exclude=values.texts(table, "exclude") or (),
        set=values.pairs(table, "set"),
        include_only=values.texts(table, "include_only") or (),
    )


def _local(values: Values) -> LocalModel:
    size = values.choice("local", "size", among=("auto", "1.5b", "0.5b")) or "auto"
    path = values.text("local", "model_path")
    if path:
        path = os.path.join(values.folder("local", "model_path") or os.curdir, os.path.expanduser(path))
    return LocalModel(
        model_path=path,
        size=cast(Literal["auto", "1.5b", "0.5b"], size),
        context=_or(values.number("local", "context", least=2048, most=131_072), 16_384),
        threads=values.number("local", "threads", least=1, most=512),
    )


def _instructions_file(values: Values) -> str | None:
    key = "model_instructions_file"
    name = values.text(key)
    if name is None:
        return None
    path = Path(values.folder(key) or os.curdir, os.path.expanduser(name))
    try:
        data = read_small(str(path), MAX_INSTRUCTIONS_BYTES)
    except OSError as error:
        values.wrong((key,), f"{path} cannot be read ({error.strerror}); the built-in instructions are used.")
        return None
    if len(data) > MAX_INSTRUCTIONS_BYTES:
        values.wrong((key,), f"{path} is larger than {MAX_INSTRUCTIONS_BYTES // 1024} KiB; the built-in instructions are used.")
        return None
    return data.decode("utf-8", "replace").strip() or None


def _has_openai_key(environ: Mapping[str, str], codex_home: Path) -> bool:
    return bool(environ.get("OPENAI_API_KEY") or environ.get("CODEX_API_KEY") or stored_key(codex_home))


def stored_key(codex_home: Path) -> str | None:
    """OPENAI_API_KEY out of $CODEX_HOME/auth.json, where a sign-in with a key left it."""
    key: Any = _sign_in(codex_home).get("OPENAI_API_KEY")
    return key.strip() or None if isinstance(key, str) else None


def stored_secrets(codex_home: Path) -> list[str]:
    """That key, and the tokens that a sign-in with ChatGPT left there, which we do not use and nobody must see."""
    data = _sign_in(codex_home)
    tokens: Any = data.get("tokens")
    found = (
        [cast("Table", tokens).get(f"{kind}_token") for kind in ("access", "refresh", "id")] if isinstance(tokens, dict) else []
    )
    return [secret.strip() for secret in (data.get("OPENAI_API_KEY"), *found) if isinstance(secret, str)]


def _sign_in(codex_home: Path) -> Table:
    try:
        data: Any = json.loads(read_small(str(codex_home / "auth.json"), 1024 * 1024))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("Table", data) if isinstance(data, dict) else {}
