"""What the app-server protocol has and we have not, each with the reason that its client reads.

Every method, question and notification of that protocol, and every field of a request that we serve, is in wire/ or here; tests
hold both against the lists that the real program prints. Fields in PASSED_OVER change nothing that we do; one of FIELDS would, so
a request that sets it is refused. Must stay free of other imports: it is data.
"""

from __future__ import annotations

from typing import Any

_PLANS = "Treadle has no plan mode: a plan that the model shows is turn/plan/updated."
_STREAMS = "Treadle passes on no events of MCP servers; their state is mcpServer/startupStatus/updated."
_PROVIDERS = "Treadle has no accounts: a provider's key is named in config.toml (env_key)."
_OPENAI = "This is a service of OpenAI's that Treadle does not use."
_PLUGINS = "Treadle has no plugins, apps or marketplaces; MCP servers, skills and hooks are configured by files."
_FILES = "Treadle gives its client no files beside the agent's: a client reads and writes its own."
_CONFIG = "Treadle does not write config.toml: edit it, Treadle reads it again."
_SECTIONS = "Treadle sorts threads by folder only: there are no projects, sections or pins."
_MEMORY = "Treadle has no memory across threads; notes of a thread are treadle/notes/*."
_REMOTE = "Treadle serves the client that started it and no other machine."
_VOICE = "Treadle does not speak."
_UNSANDBOXED = "Treadle starts nothing of its client's outside a sandbox; command/exec runs commands in one."
_REVIEWER = "Treadle asks the user, and no other model, about approvals."
_GOALS = "Treadle works in turns that its client starts: it has no goals or predictions."
_WINDOWS = "Treadle has no sandbox of its own on Windows."
_TELEMETRY = "Treadle sends nobody anything about its use."

_METHODS = (
    ("A thread's turns and items are listed by thread/turns/list and thread/items/list.", "thread/timeline/list"),
    (_PLANS, "thread/prepareApprovedPlan"),
    ("Treadle asks a model in turns only.", "thread/sample thread/sample/cancel"),
    ("Treadle finds skills in the folders that README.md names.", "skills/extraRoots/set"),
    (_STREAMS, "mcpServer/event/stream/start mcpServer/event/stream/stop"),
    ("Its place is taken by treadle/doctor.", "server/diagnostics"),
    (_PROVIDERS, "account/login/start account/login/cancel account/logout accountSession/list accountSession/switch"),
    (_PROVIDERS, "account/gatewayOAuth/read account/gatewayOAuth/login account/gatewayOAuth/cancel account/securitySetup/read"),
    (_PROVIDERS, "account/bedrock/discover account/bedrock/setup account/bedrock/checkGovCloudRequirements account/gcp/setup"),
    (_PROVIDERS, "userVerification/status userVerification/enroll userVerification/delete userVerification/verify"),
    (_PROVIDERS, "userVerification/cancel"),
    (_OPENAI, "account/rateLimits/read account/rateLimitResetCredit/consume account/usage/read account/workspaceMessages/read"),
    (_OPENAI, "account/sendAddCreditsNudgeEmail"),
    (_PLUGINS, "marketplace/add marketplace/remove marketplace/upgrade plugin/list plugin/search plugin/installed plugin/read"),
    (_PLUGINS, "plugin/reconcile plugin/skill/read plugin/share/save plugin/share/updateTargets plugin/share/list"),
    (_PLUGINS, "plugin/share/checkout plugin/share/delete plugin/install plugin/uninstall app/read app/list app/installed"),
    (_FILES, "fs/readFile fs/writeFile fs/createDirectory fs/getMetadata fs/readDirectory fs/remove fs/copy fs/watch fs/unwatch"),
    (_FILES, "fuzzyFileSearch fuzzyFileSearch/sessionStart fuzzyFileSearch/sessionUpdate fuzzyFileSearch/sessionStop"),
    (_CONFIG, "config/value/write config/batchWrite skills/config/write modelProvider/config/write"),
    (_CONFIG, "experimentalFeature/enablement/set externalAgentConfig/detect externalAgentConfig/import"),
    (_CONFIG, "externalAgentConfig/import/recordHistory externalAgentConfig/import/readHistories"),
    (_SECTIONS, "project/list project/read project/create project/import project/update project/move project/delete"),
    (_SECTIONS, "threadSection/list threadSection/create threadSection/update threadSection/delete thread/section/move"),
    (_SECTIONS, "thread/readState/update thread/attachment/add thread/attachment/list"),
    (_SECTIONS, "thread/attachmentOwner/list thread/attachment/remove"),
    (_MEMORY, "thread/memoryMode/set thread/memory/read memory/status memory/reset rollout/compress"),
    (_REMOTE, "remoteControl/enable remoteControl/disable remoteControl/status/read remoteControl/pairing/start"),
    (_REMOTE, "remoteControl/pairing/status remoteControl/client/list remoteControl/client/revoke"),
    (_REMOTE, "environment/add environment/info environment/status"),
    (_VOICE, "thread/realtime/start thread/realtime/appendAudio thread/realtime/appendText thread/realtime/appendSpeech"),
    (_VOICE, "thread/realtime/stop thread/realtime/listVoices"),
    (_UNSANDBOXED, "process/spawn process/writeStdin process/kill process/resizePty"),
    (_REVIEWER, "thread/approveGuardianDeniedAction thread/guardianReview"),
    (_GOALS, "thread/goal/set thread/goal/get thread/goal/clear thread/prediction/request"),
    ("No question of Treadle's has a time limit.", "thread/increment_elicitation thread/decrement_elicitation"),
    (_WINDOWS, "windowsSandbox/setupStart windowsSandbox/readiness"),
    (_TELEMETRY, "feedback/upload feedback/save"),
    ("It is there to test the original.", "mock/experimentalMethod"),
)
METHODS = {name: why for why, names in _METHODS for name in names.split()}
"Requests of a client."

_NEVER_SAID = (
    (_PLANS, "item/plan/delta"),
    ("Said otherwise: what the model types into a command is an item of its own.", "item/commandExecution/terminalInteraction"),
    ("Said otherwise: configWarning.", "deprecationNotice"),
    (_STREAMS, "mcpServer/event/stream/notification"),
    ("Said otherwise: the item contextCompaction.", "thread/compacted"),
    ("Said otherwise: item/fileChange/patchUpdated.", "item/fileChange/outputDelta"),
    ("Said otherwise: error with willRetry.", "model/safetyBuffering/updated modelProvider/authRecoveryStarted"),
    (_PROVIDERS, "modelProvider/authRecoveryCompleted account/updated account/gatewayOAuth/changed account/login/completed"),
    (_OPENAI, "account/rateLimits/updated model/rerouted model/verification turn/moderationMetadata"),
    (_PLUGINS, "app/list/updated"),
    (_FILES, "fs/changed fuzzyFileSearch/sessionUpdated fuzzyFileSearch/sessionCompleted"),
    (_CONFIG, "externalAgentConfig/import/progress externalAgentConfig/import/completed"),
    (_SECTIONS, "project/changed thread/project/updated thread/section/changed thread/attachment/updated"),
    (_SECTIONS, "thread/readState/changed"),
    (_REMOTE, "remoteControl/status/changed thread/environment/connected thread/environment/disconnected"),
    (_VOICE, "thread/realtime/started thread/realtime/itemAdded thread/realtime/item/started thread/realtime/item/completed"),
    (_VOICE, "thread/realtime/item/transcript/delta thread/realtime/transcript/delta thread/realtime/transcript/done"),
    (_VOICE, "thread/realtime/outputAudio/delta thread/realtime/sdp thread/realtime/error thread/realtime/closed"),
    (_UNSANDBOXED, "process/outputDelta process/exited"),
    (_REVIEWER, "item/autoApprovalReview/started item/autoApprovalReview/completed autoApprovalReview/strictReviewRequired"),
    (_REVIEWER, "guardianWarning"),
    (_GOALS, "thread/goal/updated thread/goal/cleared thread/prediction/updated"),
    (_WINDOWS, "windows/worldWritableWarning windowsSandbox/setupCompleted"),
)
NEVER_SAID = {name: why for why, names in _NEVER_SAID for name in names.split()}
"Notifications to a client."

NEVER_ASKED = {
    "item/permissions/requestApproval": "Treadle's model asks for one command at a time to run outside the sandbox.",
    "item/tool/call": "Treadle takes no tools from its client; MCP servers bring them.",
    "account/chatgptAuthTokens/refresh": _PROVIDERS,
    "attestation/generate": _OPENAI,
    "currentTime/read": "Treadle reads its machine's clock.",
    "applyPatchApproval": "Of an older protocol.",
    "execCommandApproval": "Of an older protocol.",
}
"Questions to a client."

_TOOLS = NEVER_ASKED["item/tool/call"]
_ENVIRONMENTS = "Treadle works on its own machine."
_WORDS = "Treadle has no modes of collaboration: set model, effort and developerInstructions."

FIELDS: dict[tuple[str, str], str] = {
    ("thread/start", "dynamicTools"): _TOOLS,
    ("thread/start", "environments"): _ENVIRONMENTS,
    ("thread/start", "selectedCapabilityRoots"): _PLUGINS,
    ("thread/start", "experimentalRawEvents"): "Treadle does not pass on what the provider says.",
    ("thread/resume", "history"): "Treadle resumes threads of its own store.",
    ("thread/resume", "path"): "Treadle resumes threads of its own store, by their id.",
    ("thread/fork", "path"): "Treadle forks threads of its own store, by their id.",
    ("thread/fork", "experimentalPredictionMode"): _GOALS,
    ("thread/fork", "experimentalDisablePredictionMcp"): _GOALS,
    ("thread/fork", "attachToSource"): _SECTIONS,
    ("thread/settings/update", "collaborationMode"): _WORDS,
    ("thread/settings/update", "environments"): _ENVIRONMENTS,
    ("thread/metadata/update", "projectId"): _SECTIONS,
    ("turn/settings/update", "environments"): _ENVIRONMENTS,
    ("turn/settings/update", "model"): "A turn keeps its model: set it for the next one by thread/settings/update.",
    ("turn/start", "additionalContext"): "Put it into the input.",
    ("turn/start", "collaborationMode"): _WORDS,
    ("turn/start", "environments"): _ENVIRONMENTS,
    ("turn/start", "toolOutput"): _TOOLS,
    ("turn/steer", "additionalContext"): "Put it into the input.",
    ("mcpServer/resource/read", "target"): _PLUGINS,
    ("mcpServer/resource/read", "connectorId"): _PLUGINS,
}
"A request that sets one of these is refused. null, false and what is empty set nothing."

_PASSED_OVER = {
    "thread/start": "allowProviderModelFallback daybreakEnabled mockExperimentalField multiAgentMode personality projectId"
    " serviceName serviceTier sessionStartSource threadSource",
    "thread/resume": "personality serviceTier",
    "thread/fork": "deferGoalContinuation serviceTier threadSource",
    "thread/search": "currentAccountOnly includeAttachedThreads",
    "thread/list": "currentAccountOnly includeAttachedThreads useStateDbOnly",
    "thread/items/list": "deferOutput",
    "thread/settings/update": "disabledPluginIds multiAgentMode personality serviceTier",
    "thread/metadata/update": "daybreakEnabled",
    "turn/settings/update": "serviceTier",
    "turn/start": "cyberAccessProgram disabledPluginIds multiAgentMode parentTurnId personality responsesapiClientMetadata"
    " responsesapiClientMetadataPatch rootTurnId serviceTier serviceTierForTurn turnTrigger",
    "turn/steer": "responsesapiClientMetadata responsesapiClientMetadataPatch",
    "mcpServer/oauth/login": "clientRegistration",
    "mcpServer/resource/read": "_meta originCallId",
    "mcpServer/tool/call": "_meta",
}
PASSED_OVER = {(method, name) for method, names in _PASSED_OVER.items() for name in names.split()}


INPUTS = {
    "audio": "Treadle does not hear: write it down.",
    "localAudio": "Treadle does not hear: write it down.",
    "fileId": "Treadle keeps no files at a provider: send the image itself.",
}
"Kinds of input, and the field of one."


_SAYING = ("turn/start", "turn/steer", "thread/queue/add", "thread/queue/update", "treadle/queue/add")
"Requests with the user's words."


def field(method: str, params: Any) -> tuple[str, str] | None:
    """The first field of the request that we cannot do, and why."""
    if not isinstance(params, dict):
        return None
    given: dict[str, Any] = params  # type: ignore[assignment]
    for (of, name), why in FIELDS.items():
        if of == method and given.get(name):
            return name, why
    parts: Any = given.get("input") if method in _SAYING else None
    for number, part in enumerate(parts if isinstance(parts, list) else ()):  # type: ignore[arg-type]
        kind: Any = part.get("type") if isinstance(part, dict) else None  # type: ignore[union-attr]
        if kind in ("audio", "localAudio"):
            return f"input.{number}.type", INPUTS[kind]
        if kind == "image" and part.get("fileId"):  # type: ignore[union-attr]
            return f"input.{number}.fileId", INPUTS["fileId"]
    return None
