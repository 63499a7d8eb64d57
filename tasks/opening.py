"""Opening a run: everything that was asked is checked before anything is written or paid for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, cast, get_args
from uuid import UUID

from pydantic import ValidationError

from tasks.agents import AgentConfig, agents_for, with_models
from tasks.functions import find_pattern
from tasks.reply import Slots, canonical
from tasks.result import Result
from tasks.run import Grain, Run
from tasks.spec import GraphSpec, Input
from tasks.toolbox import check_tools, needed_tools
from tasks.tools import dump, load
from tasks.walk import input_replies
from utils.accounts import ensure_personal, role_of
from utils.errors import BadInput, unknown
from utils.governor import check_cap
from utils.ledger import record
from utils.models import is_rehearsal, resolve_models
from utils.patterns import must_be_enabled
from utils.runs import OpenRequest, check_run_id, open_run
from utils.schemas import validator
from utils.settings import settings
from utils.warm import attempt

DOMAINS = ("general", "medical", "financial", "legal")
MOST_AGENTS = 9


@dataclass(frozen=True)
class Asked:
    """What a person asked for beside the graph's own inputs; empty and 0 mean the default."""

    domain: str = "general"
    models: str = ""
    max_cost_usd: float = 0.0
    run_id: str = ""
    tenant_id: str = ""
    user_id: str = ""
    grain: str = "auto"


@dataclass(frozen=True)
class Opened:
    """An open run with its inputs as replies, or the result of one that had concluded."""

    run: Run
    inputs: Slots
    result: Result | None = None
    resumed: bool = False


def open_asked(spec: GraphSpec, values: Mapping[str, Any], asked: Asked) -> Opened:
    """Opens or resumes a run of a graph. Raises BadInput, with one line, before anything is written."""
    given = check_values(spec, values)
    tenant, user = _identity(asked)
    if asked.grain not in get_args(Grain):
        raise unknown("grain", asked.grain, get_args(Grain))
    if asked.domain not in DOMAINS:
        raise unknown("domain", asked.domain, DOMAINS)
    if asked.run_id:
        check_run_id(asked.run_id)
    pattern = find_pattern(str(given["pattern"])) if "pattern" in given else spec
    if "pattern" in given:
        _runs_from_prompt(pattern)
    _tools(pattern, given)
    models = _models(pattern, asked)
    own = _with_agents(given, asked.domain, models)
    _privacy(own)
    if asked.max_cost_usd < 0:
        raise BadInput(f"max_cost_usd {asked.max_cost_usd} is negative: give USD, or 0 for the default cap")
    check_cap(asked.max_cost_usd or None)
    must_be_enabled(tenant, pattern.id)
    if tenant == settings().tenant_id and user == settings().user_id:
        ensure_personal(tenant, user)
    role_of(tenant, user)
    opened = open_run(
        OpenRequest(
            tenant_id=tenant,
            user_id=user,
            run_id=asked.run_id,
            workflow=spec.id,
            domain=asked.domain,
            spec=spec.to_json(),
            inputs=canonical(
                {**{k: v for k, v in values.items() if v is not None}, "models": asked.models, "domain": asked.domain}
            ),
            max_cost_usd=asked.max_cost_usd or None,
            rehearsal=all(is_rehearsal(m) for m in models),
        )
    )
    run = Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id=opened.run_id,
        workflow=spec.id,
        pattern=pattern.id,
        domain=asked.domain,
        models=list(models),
        started=opened.started_at.isoformat(),
        prompt=str(own.get("prompt", "")),
        rehearsal=all(is_rehearsal(m) for m in models),
        grain=cast(Grain, asked.grain),
    )
    result = Result.model_validate_json(opened.result) if opened.result else None
    return _recorded(run, spec, own, result, resumed=opened.resumed)


def _recorded(run: Run, spec: GraphSpec, own: dict[str, Any], result: Result | None, *, resumed: bool) -> Opened:
    """The models and agents that were chosen at the first start hold for every later one."""
    own = {**own, "models": run.models}
    slots = {i.name: input_replies(own.get(i.name)) for i in spec.inputs}

    def make() -> str:
        return canonical({"run": run.model_dump(mode="json"), "inputs": json.loads(dump(slots))})

    kept = json.loads(record(UUID(run.tenant_id), run.run_id, "", "inputs", make))
    return Opened(Run.model_validate(kept["run"]), load(canonical(kept["inputs"])), result, resumed)


def check_values(spec: GraphSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a graph's inputs, parsed and within their bounds; BadInput names the input."""
    return {i.name: _value(i, values.get(i.name, i.default)) for i in spec.inputs if i.type != "models"}


def _value(given: Input, value: Any) -> Any:
    if value is None or (value == "" and given.default is not None):
        value = given.default
    if value is None:
        raise BadInput(f"--{given.name} is missing: {given.help}")
    if given.type == "text":
        return _text(given, str(value))
    if given.type in ("texts", "items"):
        return _list(given, value)
    if given.type in ("integer", "number"):
        _within(given, float(value), "it")
    return value


def _text(given: Input, text: str) -> str:
    most = int(given.most or settings().max_prompt_chars)
    if "\x00" in text:
        raise BadInput(f"--{given.name} holds a NUL character: remove it")
    _storable(given, text)
    if given.least and not text.strip():
        raise BadInput(f"--{given.name} is empty: {given.help}")
    if len(text) > most:
        raise BadInput(f"--{given.name} has {len(text):,} characters: at most {most:,} are allowed")
    return text


def _storable(given: Input, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"--{given.name} is no UTF-8 text, at character {error.start + 1}") from error


def _within(given: Input, size: float, what: str) -> None:
    if not isfinite(size):
        raise BadInput(f"--{given.name}: {what} is {size:g}, a finite number is right")
    if (given.least is not None and size < given.least) or (given.most is not None and size > given.most):
        low, high = given.least, given.most
        bounds = f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
        raise BadInput(f"--{given.name}: {what} is {size:g}, {bounds} is allowed")


def _list(given: Input, value: Any) -> list[Any]:
    items = _from_json(given, value) if isinstance(value, str) else value
    if not isinstance(items, list):
        raise BadInput(f"--{given.name} is not a JSON list: {given.help}")
    _storable(given, json.dumps(items, ensure_ascii=False))
    if items != given.default:
        _within(given, len(items), "its length")
    kind = dict if given.type == "items" else str
    for number, item in enumerate(items, 1):
        if not isinstance(item, kind):
            raise BadInput(f"--{given.name}: item {number} is not {'an object' if kind is dict else 'a text'}")
        if given.item_schema:
            _fits(given, number, item)
    return items


def _from_json(given: Input, text: str) -> Any:
    """A list as JSON text, or `@file` with one in it."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--{given.name}: the file '{text[1:]}' cannot be read: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"--{given.name} is not JSON: {error.msg} at character {error.pos}") from error


def _fits(given: Input, number: int, item: Any) -> None:
    if problem := next(iter(validator(given.item_schema or {}).iter_errors(item)), None):
        raise BadInput(f"--{given.name}: item {number}: {problem.message}")


def tenant_here() -> UUID:
    """Whose runs start here: on a cluster the tenant of the Flyte project and domain, else that of the settings."""
    here, tenants = attempt(), settings().tenants
    if here is None or not tenants:
        return settings().tenant_id
    place = f"{here.project}/{here.domain}"
    if place not in tenants:
        raise BadInput(f"the Flyte project and domain {place} belong to no tenant: name one in RADIANT_TENANTS")
    return tenants[place]


def tenant_of(asked: str) -> UUID:
    """The tenant that was asked for, empty for the one here: where Flyte's place decides, no other may be named."""
    here = tenant_here()
    tenant = _uuid("tenant_id", asked) if asked else here
    if attempt() and settings().tenants and tenant != here:
        raise BadInput(f"--tenant_id {tenant} is not the tenant of this Flyte project and domain: leave it out")
    return tenant


def _identity(asked: Asked) -> tuple[UUID, UUID]:
    return tenant_of(asked.tenant_id), _uuid("user_id", asked.user_id) if asked.user_id else settings().user_id


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadInput(f"--{name} '{text[:60]}' is not a UUID") from error


def _runs_from_prompt(pattern: GraphSpec) -> None:
    for given in pattern.inputs:
        if given.default is None and given.name not in ("prompt", "models", "agents"):
            raise BadInput(
                f"pattern '{pattern.id}' also needs --{given.name}: run it as "
                f"`pyflyte run workflows/catalogue.py {pattern.id} --prompt ... --{given.name} ...`"
            )


def _models(pattern: GraphSpec, asked: Asked) -> tuple[str, ...]:
    """All that are named, no more than the pattern takes; of a tier as many as a pattern with a bound needs."""
    models = resolve_models(asked.models, domain=asked.domain, at_least=pattern.distinct_models)
    most = next((int(i.most) for i in pattern.inputs if i.type == "models" and i.most), None)
    if most is None:
        return models
    if "," not in asked.models:
        return models[: pattern.distinct_models]
    if len(models) > most:
        raise BadInput(f"pattern '{pattern.id}' takes at most {most} models: {len(models)} are named")
    return models


def _tools(pattern: GraphSpec, given: Mapping[str, Any]) -> None:
    """The tools that are asked for, and those that the pattern cannot do without, exist and can be used here."""
    of_pattern = {i.name: given.get(i.name, i.default) for i in pattern.inputs}
    names = [*sorted(needed_tools(pattern)), *(of_pattern.get("tools") or [])]
    check_tools(names, frozenset(name for name, value in of_pattern.items() if value))


def _with_agents(own: dict[str, Any], domain: str, models: tuple[str, ...]) -> dict[str, Any]:
    if "agents" not in own:
        return own
    if not own["agents"]:
        agents = agents_for(domain, models)
    else:
        agents = with_models([_agent(number, a) for number, a in enumerate(own["agents"], 1)], models)
    names = [a.agent_id for a in agents]
    if len(set(names)) < len(names):
        raise BadInput("--agents: two agents have the same agent_id")
    if len(agents) > MOST_AGENTS:
        raise BadInput(f"--agents: {len(agents)} agents, at most {MOST_AGENTS} are allowed")
    for agent in agents:
        resolve_models(agent.model, domain=domain)
        if agent.tools:
            raise BadInput(f"--agents: agent '{agent.agent_id}' wants {', '.join(agent.tools)}: no tool is configured")
    return {**own, "agents": [a.model_dump(mode="json") for a in agents]}


def _agent(number: int, given: dict[str, Any]) -> AgentConfig:
    try:
        return AgentConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise BadInput(f"--agents: agent {number}: {where}: {first['msg']}") from error


def _privacy(own: Mapping[str, Any]) -> None:
    if settings().phi != "refuse":
        return
    from utils.phi import contains_personal

    if contains_personal(canonical(dict(own))):
        raise BadInput("the inputs hold personal data and RADIANT_PHI is 'refuse': remove it, or set 'redact'")
