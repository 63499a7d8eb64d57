"""A failed call as one line for a person: which model, why, and no key or URL in it."""

import os
import re

from utils.errors import CallFailed
from utils.models import KEY_ENV, provider


def call_failed(error: Exception, models: tuple[str, ...], timeout: float) -> CallFailed:
    """LiteLLM's exception, after the last attempt at the last of `models`, as one line."""
    who = f"model {models[0]}"
    if models[1:]:
        who = f"{who} (and after it {', '.join(models[1:])})"
    kind = type(error).__name__
    if kind == "Timeout":
        return CallFailed(f"{who} gave no answer within {timeout:g} s", status="timeout")
    said = _scrubbed(str(error))
    if any(mark in said for mark in BROKEN):
        kind = "APIConnectionError"
    cause = CAUSES.get(kind, kind).replace("{key}", KEY_ENV.get(provider(models[0]), "its key"))
    if kind not in CAUSES or kind in TOLD_BY_PROVIDER:
        cause = f"{cause}: {said}"
    return CallFailed(f"{who} failed: {cause}")


def _scrubbed(text: str) -> str:
    for variable in (*KEY_ENV.values(), "LITELLM_API_KEY"):
        if secret := os.environ.get(variable):
            text = text.replace(secret, "<key>")
    text = KEY_LIKE.sub("<key>", URL.sub("<url>", text))
    own_words = text.partition("\nLiteLLM:")[0].rpartition("Exception - ")[2]
    return " ".join(own_words.split())[:200]


CAUSES = {
    "RateLimitError": "the provider's rate limit (429)",
    "AuthenticationError": "the provider refused the key: check {key}",
    "PermissionDeniedError": "the key may not use this model: check {key}",
    "NotFoundError": "the provider does not serve it (404)",
    "InternalServerError": "an error at the provider (500)",
    "ServiceUnavailableError": "the provider is unavailable (503)",
    "BadGatewayError": "the provider is unavailable (502)",
    "APIConnectionError": "the connection to the provider broke, or its reply could not be read",
    "MidStreamFallbackError": "the connection to the provider broke in the middle of the reply",
    "ContextWindowExceededError": "the prompt is longer than its context window",
    "ContentPolicyViolationError": "the provider's content policy refused the request",
    "BadRequestError": "the provider refused the request (400)",
    "UnsupportedParamsError": "it does not take a parameter of the request",
    "RouterRateLimitError": "it rests after repeated failures: try again in half a minute",
}

BROKEN = ("Connection error", "Received response")
"""How LiteLLM words a broken connection and an unreadable reply, which it raises as InternalServerError."""

TOLD_BY_PROVIDER = ("BadRequestError", "UnsupportedParamsError")
"""What was wrong with the request only the provider's own words tell."""

URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
KEY_LIKE = re.compile(r"\b(?:(?:sk|pk|gsk|xai)[-_]|AIza|Bearer\s+)[\w*.-]{6,}")
