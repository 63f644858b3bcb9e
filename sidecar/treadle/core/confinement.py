"""What a confined command is told about its confinement."""

from __future__ import annotations

from .settings import SandboxPolicy


def marks(policy: SandboxPolicy) -> dict[str, str]:
    """Variables by which build tools and tests know that they are confined."""
    if not policy.confines:
        return {}
    known = {"TREADLE_SANDBOX": policy.mode}
    return known if policy.network else {**known, "CODEX_SANDBOX_NETWORK_DISABLED": "1"}
