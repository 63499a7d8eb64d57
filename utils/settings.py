"""Settings, read once from the environment (`RADIANT_*`, and the few names that other tools share)."""

from base64 import b64decode
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from platformdirs import user_data_path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from utils.errors import BadInput


class ToolSetting(BaseModel):
    """Where a tool is (docs/tools.md): `at` is the URL of a tool server, `sqlite:FILE`, or a factory's dotted path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = Field(min_length=1)
    description: str = ""
    """What the tool does, for the models; the named roles have one of their own."""
    arguments: dict[str, JsonValue] = {}
    """JSON schema of an object; empty means the role's own."""
    writes: bool = False
    """Whether it changes anything outside the run: then it is never done twice."""
    undo: str = ""
    """The tool that takes it back when called with the same arguments."""
    timeout: float = Field(default=60.0, gt=0)
    token: SecretStr = SecretStr("")
    """Sent to a tool server as a bearer token."""


class Settings(BaseSettings):
    """Every setting with its default. Money is USD, times are seconds, unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="RADIANT_", frozen=True, extra="ignore", env_ignore_empty=True)

    env: Literal["development", "production"] = "development"
    home: Path = Field(default_factory=lambda: user_data_path("radiant"))
    """Where the embedded database, Decks and the HMAC key live."""
    tenant_id: UUID = UUID("00000000-0000-4000-8000-000000000001")
    user_id: UUID = UUID("00000000-0000-4000-8000-000000000002")
    """The personal tenant and user of a local run."""

    # Database: empty means the embedded server. The owner migrates, the app serves, maintenance cleans up.
    database_url: SecretStr = Field(default=SecretStr(""), validation_alias="DATABASE_URL")
    database_owner_url: SecretStr = Field(default=SecretStr(""), validation_alias="DATABASE_OWNER_URL")
    database_maintenance_url: SecretStr = Field(default=SecretStr(""), validation_alias="DATABASE_MAINTENANCE_URL")
    database_connections: int = Field(default=16, ge=2)

    # Caps of the Governor (seed 000, brain_config.costs).
    max_cost_per_run: float = Field(default=0.50, gt=0)
    max_cost_per_hour: float = Field(default=10.0, gt=0)
    max_cost_per_day: float = Field(default=100.0, gt=0)
    cost_alert_threshold: float = Field(default=0.8, gt=0, le=1)
    price_ceiling_per_million_tokens: float = Field(default=75.0, gt=0)
    """What a token of a model that the cost map does not know may cost at most."""
    reservation_seconds: float = Field(default=120.0, gt=0)
    """A reservation falls free this long after its run's last sign of life."""

    # Models.
    litellm_proxy_url: str = Field(default="", validation_alias="LITELLM_PROXY_URL")
    litellm_api_key: SecretStr = Field(default=SecretStr(""), validation_alias="LITELLM_API_KEY")
    openai_api_base: str = Field(default="", validation_alias="OPENAI_API_BASE")
    """An OpenAI-compatible server that serves every `openai/...` model instead of OpenAI."""
    tier: str = "standard"
    tiers: dict[str, tuple[str, ...]] = {}
    """Overrides of the built-in tiers (free, budget, standard, premium, flagship): tier -> model names."""
    call_timeout: float = Field(default=60.0, gt=0)
    call_retries: int = Field(default=2, ge=0, le=10)
    retry_wait: float = Field(default=0.5, ge=0)
    """The wait before the first retry; it doubles, with jitter. A provider's Retry-After comes first."""
    calls_per_minute_per_tenant: int = Field(default=0, ge=0)
    """0 means no limit. Counted in each process; a LiteLLM proxy counts across processes."""
    calls_at_once: int = Field(default=64, ge=1)
    max_reply_chars: int = Field(default=1_000_000, ge=1)
    rehearsal_latency: float = Field(default=0.0, ge=0)
    """How long a rehearsed call takes, for benchmarks."""
    embedding_model: str = "openai/text-embedding-3-small"
    """Used where its provider's key is set; else embeddings are lexical."""
    stream: bool = False
    medical_models: tuple[str, ...] = ()
    """The models that medical requests may go to; empty means any while not in production."""

    # Tools.
    tools: dict[str, ToolSetting] = {}
    """Name -> where it is, or all of ToolSetting; web, browser, sql and resolver are the roles that patterns name."""
    code_memory_mb: int = Field(default=512, ge=64)
    """What code that models wrote may take of memory, in one sandbox."""
    code_at_once: int = Field(default=4, ge=1)
    """So many sandboxes run in this process at a time; more wait."""

    # Privacy.
    phi: Literal["allow", "redact", "refuse"] = "allow"
    """Whether personal or health information may reach a provider."""
    hmac_key: SecretStr = SecretStr("")
    """Keys the digests of prompts; empty means the key in `home`. Machines that share a database share it."""
    retention_days: int = Field(default=30, ge=1)
    """After so many days the ledger keeps of a concluded run what each call cost, and no request or reply."""

    # The warm service on a cluster.
    service_threads: int = Field(default=64, ge=1)
    """So many nodes run in one service at a time; more wait for a thread."""
    drain_seconds: float = Field(default=120.0, ge=0)
    """How long a service that is told to end lets what it runs end."""
    outage_seconds: float = Field(default=60.0, ge=0)
    """How long a node waits for a database that is away before Flyte is told to try again."""
    tenants: dict[str, UUID] = {}
    """Which tenant the runs of a Flyte project and domain belong to: `project/domain` -> tenant."""
    image: str = ""
    """The image that holds this code: `radiant register` writes it into the graphs, whose pods run it."""

    # Notifications (docs/notifications.md).
    webhook_url: SecretStr = SecretStr("")
    """Told when a review opens, is decided or expires: https, or http to this very machine. It may hold a token."""
    webhook_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """Signs what the webhook is told: `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks has it."""

    # Logs; telemetry follows OpenTelemetry's own variables (utils/telemetry.py).
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["", "debug", "info", "warning", "error"] = ""
    """Empty means info for JSON, and warning for text: a person has the progress display."""

    max_prompt_chars: int = Field(default=100_000, ge=1)
    check_seconds: float = Field(default=10.0, gt=0)
    """How long a judge of Cato has, with everything that it retries; who took longer did not pass."""

    @field_validator("tools", mode="before")
    @classmethod
    def _places(cls, tools: object) -> object:
        return (
            {n: {"at": t} if isinstance(t, str) else t for n, t in tools.items()} if isinstance(tools, dict) else tools
        )

    @field_validator("webhook_url")
    @classmethod
    def _safe_to_post_to(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        local = parts.scheme == "http" and is_this_machine(parts.hostname or "")
        if url.get_secret_value() and not (local or (parts.scheme == "https" and parts.hostname)):
            raise PydanticCustomError("webhook_url", "give an https:// address, or http://localhost")
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _signs(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        told = info.data.get("webhook_url")
        if (told and told.get_secret_value()) and not 24 <= len(_key_bytes(secret.get_secret_value())) <= 64:
            raise PydanticCustomError(
                "webhook_secret",
                "RADIANT_WEBHOOK_URL needs it: give whsec_ and 24 to 64 random bytes in base64, such as "
                'echo "whsec_$(openssl rand -base64 32)" prints',
            )
        return secret


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _key_bytes(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings. Raises BadInput for a variable whose value does not fit.

    Tests clear the cache (`settings.cache_clear()`) after changing the environment.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name, *inside = (str(part) for part in first["loc"])
        variable = name if name.isupper() else f"RADIANT_{name.upper()}"
        raise BadInput(f"{'.'.join((variable, *inside))}: {first['msg']}") from None
    except SettingsError as error:
        raise BadInput(f"a RADIANT_ variable is no JSON: {error}") from None
