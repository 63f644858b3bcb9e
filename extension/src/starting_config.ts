/** The config.toml of who has none yet: what is most often wanted, commented out. A test holds it to be what the sidecar takes. Pure. */
export const startingConfig = `# What Treadle runs under. The format is that of Codex: a file of yours works as it is.
# Take away the # of what you want. Settings of VS Code that you change outrank this file.

# model = "gpt-5.5"
# model_reasoning_effort = "medium"        # minimal, low, medium, high

# A gateway, or any other place that speaks the Responses API:
# model_provider = "mine"
# [model_providers.mine]
# name = "Mine"
# base_url = "https://example.com/v1"
# env_key = "MINE_API_KEY"                 # the name of the key: "Treadle: Set API Key…" stores the key itself

# Ollama or LM Studio on this machine; no key is needed:
# model_provider = "ollama"                # or "lmstudio"
# model = "qwen3-coder"

# The small model that runs inside Treadle, to try it out without a provider:
# model_provider = "local"
`;
