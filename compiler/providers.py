"""The model providers that a spec can name before a colon: ``openai:gpt-5-mini``."""

from __future__ import annotations

PROVIDERS = frozenset(
    {
        "alibaba", "anthropic", "azure", "azure-responses", "bedrock", "bedrock-mantle", "cerebras", "cohere", "crusoe",
        "deepseek", "elevenlabs", "fireworks", "github", "github-copilot", "google", "google-cloud", "google-decisions",
        "groq", "heroku", "huggingface", "litellm", "meta", "mistral", "moonshotai", "nebius", "ollama", "openai",
        "openai-chat", "openai-chatgpt", "openai-codex", "openai-decisions", "openai-responses", "openrouter", "ovhcloud",
        "sambanova", "sentence-transformers", "snowflake", "system-one", "together", "typesafe", "vercel", "vllm",
        "voyageai", "xai", "zai",
    }
)  # fmt: skip


def is_provider(use: str) -> bool:
    """Return whether a model's ``use`` names a provider, and not a Python callable."""
    return use.partition(":")[0] in PROVIDERS
