"""Streams, read to their end inside the Router's attempt, so that its retries and fallbacks cover all of one."""

from time import perf_counter
from typing import Any

from utils.settings import settings

FIRST_SEEN_AT = "radiant_first_seen_at"
"""Where a reply keeps the moment (perf_counter) of its first token."""


def draining_router(litellm: Any) -> type[Any]:
    """litellm.Router, whose streams arrive whole, as replies."""

    class DrainingRouter(litellm.Router):  # type: ignore[misc]
        """A Router that reads a stream to its end inside the attempt.

        LiteLLM's own hands the stream out and from then on neither retries nor falls back, so that a stream
        cut in the middle would fail the call, or, where the connection closed cleanly, look like a reply.
        """

        def _completion_streaming_iterator(
            self, model_response: Any, messages: Any, initial_kwargs: dict[str, Any]
        ) -> Any:
            return drained(litellm, model_response, timeout=initial_kwargs["timeout"])

    return DrainingRouter


def drained(litellm: Any, stream: Any, *, timeout: float) -> Any:
    """The stream's reply. Raises LiteLLM's errors where it takes too long or ends without a finish reason."""
    deadline = perf_counter() + timeout
    first_token_at: float | None = None
    chunks: list[Any] = []
    size = 0
    try:
        for chunk in stream:
            chunks.append(chunk)
            piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
            size += len(piece)
            if piece and first_token_at is None:
                first_token_at = perf_counter()
            if size > settings().max_reply_chars:
                break
            if perf_counter() > deadline:
                raise litellm.Timeout("the stream took too long", stream.model, stream.custom_llm_provider)
        else:
            if not (stream.received_finish_reason or stream.intermittent_finish_reason):
                raise litellm.APIConnectionError("it broke off", stream.custom_llm_provider, stream.model)
    finally:
        if close := getattr(stream.completion_stream, "close", None):
            close()
    response = litellm.stream_chunk_builder(chunks)
    response._hidden_params = {**stream._hidden_params, FIRST_SEEN_AT: first_token_at or perf_counter()}
    return response
