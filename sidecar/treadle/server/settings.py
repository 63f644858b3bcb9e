"""Settings of a thread as the wire has them. Pure."""

from __future__ import annotations

from ..core.items import JsonObject
from ..core.settings import SandboxPolicy, Settings


def thread_settings(settings: Settings) -> JsonObject:
    """What the next turn runs under."""
    words = {"reasoning_effort": settings.effort, "developer_instructions": settings.developer_instructions}
    return {
        "cwd": settings.cwd,
        "model": settings.model,
        "modelProvider": settings.provider.id,
        "effort": settings.effort,
        "summary": settings.reasoning_summary,
        "approvalPolicy": settings.approval_policy,
        "approvalsReviewer": "user",
        "sandboxPolicy": sandbox(settings.sandbox),
        "askBeforeEdits": settings.extra.get("ask_before_edits") is True,
        "collaborationMode": {"mode": "default", "settings": {"model": settings.model, **words}},
        "activePermissionProfile": None,
        "disabledPluginIds": [],
        "environments": None,
        "serviceTier": None,
        "multiAgentMode": "explicitRequestOnly",
        "personality": None,
    }


def sandbox(policy: SandboxPolicy) -> JsonObject:
    """The policy as a client may send it again."""
    match policy.mode:
        case "danger-full-access":
            return {"type": "dangerFullAccess"}
        case "read-only":
            return {"type": "readOnly", "networkAccess": policy.network}
        case "external":
            return {"type": "externalSandbox", "networkAccess": "enabled" if policy.network else "restricted"}
        case "workspace-write":
            return {
                "type": "workspaceWrite",
                "writableRoots": list(policy.writable_roots),
                "networkAccess": policy.network,
                "excludeTmpdirEnvVar": policy.exclude_tmpdir,
                "excludeSlashTmp": policy.exclude_slash_tmp,
            }
