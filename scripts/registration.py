"""What `radiant register` sends to a Flyte cluster: every workflow with its tasks and launch plans, under one version.

flytekit serialises in this thread alone (it is not safe in several); what it made is sent by several at a time.
flyteadmin is the judge of what is there: it answers AlreadyExists for the same content, and refuses another.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Literal

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flytekit import LaunchPlan
from flytekit.clients.friendly import SynchronousFlyteClient
from flytekit.configuration import ImageConfig, PlatformConfig, SerializationSettings, TaskConfig
from flytekit.configuration.file import get_config_file
from flytekit.configuration.internal import Platform
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.workflow import WorkflowBase
from flytekit.exceptions.user import (
    FlyteEntityAlreadyExistsException,
    FlyteEntityNotExistException,
    FlyteInvalidInputException,
)
from flytekit.models.admin.workflow import WorkflowSpec
from flytekit.models.core.identifier import Identifier, ResourceType
from flytekit.models.launch_plan import LaunchPlan as LaunchPlanModel
from flytekit.models.launch_plan import LaunchPlanState
from flytekit.models.task import TaskSpec
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict

from scripts.flyte_admin import asked, everything, said
from utils.errors import BadInput, unknown

Kind = Literal["task", "workflow", "launch plan"]
State = Literal["new", "exists", "differs"]
KINDS: tuple[Kind, ...] = ("task", "workflow", "launch plan")
"""In the order in which they are sent: each stands on the one before."""
MAINTENANCE = "workflows.maintenance"


@dataclass(frozen=True)
class Target:
    """Where graphs are registered, as which version, and the image that holds their code."""

    project: str
    domain: str
    version: str
    image: str


@dataclass(frozen=True, eq=False)
class Entity:
    """A task, a workflow or a launch plan as flyteadmin takes it."""

    kind: Kind
    id: Identifier
    model: TaskSpec | WorkflowSpec | LaunchPlanModel
    schedule: str = ""

    @property
    def name(self) -> str:
        return str(self.id.name)


def default_place() -> tuple[str, str]:
    """The project and domain that `pyflyte run` takes: Flyte's configuration, else flytesnacks and development."""
    here, given = TaskConfig.auto(), os.environ.get
    return given("FLYTE_DEFAULT_PROJECT") or str(here.project), given("FLYTE_DEFAULT_DOMAIN") or str(here.domain)


def workflow_modules() -> dict[str, str]:
    """Every workflow by its name, with the module whose attribute it is."""
    catalogue = "workflows.catalogue"
    patterns = dict.fromkeys(dir(import_module(catalogue)), catalogue)
    upkeep = {plan.workflow.name.rpartition(".")[2]: MAINTENANCE for plan in launch_plans()}
    return {**patterns, "think_tank": "workflows.think_tank", **upkeep}


def launch_plans() -> tuple[LaunchPlan, ...]:
    """The launch plans with a schedule."""
    found: tuple[LaunchPlan, ...] = import_module(MAINTENANCE).LAUNCH_PLANS
    return found


def chosen(names: Sequence[str]) -> dict[str, str]:
    """The workflows of these names, all if none is given, each with its module.

    Raises BadInput with the nearest names for one that does not exist.
    """
    modules = workflow_modules()
    for name in names:
        if name not in modules:
            raise unknown("workflow", name, modules)
    return {name: modules[name] for name in names or modules}


def entities(workflows: Mapping[str, str], target: Target) -> tuple[Entity, ...]:
    """What these workflows consist of, each given with its module; what they share is there once."""
    settings = SerializationSettings(
        image_config=ImageConfig.from_images(target.image),
        project=target.project,
        domain=target.domain,
        version=target.version,
    )
    made: OrderedDict[Any, Any] = OrderedDict()
    named = set()
    context = FlyteContextManager.current_context().with_serialization_settings(settings)
    with FlyteContextManager.with_context(context) as here:
        for name, module in workflows.items():
            workflow: WorkflowBase = getattr(import_module(module), name)
            named.add(workflow.name)
            own = [plan for plan in launch_plans() if plan.workflow is workflow]
            for plan in (LaunchPlan.get_default_launch_plan(here, workflow), *own):
                get_serializable(made, settings, plan)
    found = (_entity(model, named) for model in made.values())
    return tuple(sorted((e for e in found if e), key=lambda e: (KINDS.index(e.kind), e.name)))


def _entity(model: object, named: set[str]) -> Entity | None:
    """None for nodes, and for a workflow inside another, which is a part of that."""
    if isinstance(model, TaskSpec):
        return Entity("task", model.template.id, model)
    if isinstance(model, WorkflowSpec) and model.template.id.name in named:
        return Entity("workflow", model.template.id, model)
    if isinstance(model, LaunchPlanModel):
        return Entity("launch plan", model.id, model, _schedule(model))
    return None


def _schedule(plan: LaunchPlanModel) -> str:
    given = plan.spec.entity_metadata.schedule
    if given is None:
        return ""
    if given.cron_schedule is not None:
        return str(given.cron_schedule.schedule)
    return str(given.cron_expression or f"every {given.rate.value} {given.rate.unit}")


class Cluster:
    """The Flyte cluster that flytekit's configuration names.

    Raises BadInput where it names none, and for a project or domain that the cluster does not have.
    """

    def __init__(self, project: str, domain: str) -> None:
        if not Platform.URL.read(get_config_file(None)):
            raise BadInput(
                "no Flyte cluster is configured: set FLYTECTL_CONFIG to a file with "
                "`admin: {endpoint: dns:///HOST:PORT}`, or write ~/.flyte/config.yaml"
            )
        self._platform = PlatformConfig.auto()
        self._place = project, domain
        with asked():
            projects = {p.id for p in everything(self._client.list_projects_paginated)}
            domains = {d.id for d in self._client.get_domains()}
        if project not in projects:
            raise unknown("project", project, projects)
        if domain not in domains:
            raise unknown("domain", domain, domains)

    @cached_property
    def _client(self) -> Any:
        return SynchronousFlyteClient(self._platform)

    def send(self, entity: Entity) -> State:
        """Registers it, unless it is there: `new`, `exists`, or `differs` from what is there under this version."""
        create = {
            "task": self._client.create_task,
            "workflow": self._client.create_workflow,
            "launch plan": self._client.create_launch_plan,
        }[entity.kind]
        model = entity.model.spec if isinstance(entity.model, LaunchPlanModel) else entity.model
        with asked():
            try:
                create(entity.id, model)
            except FlyteEntityAlreadyExistsException:
                return "exists"
            except FlyteInvalidInputException as error:
                if "different structure" not in said(error):
                    raise
                return "differs"
        return "new"

    def look(self, entity: Entity) -> State:
        """What `send` would say, without writing anything."""
        get = {
            "task": self._client.raw.get_task,
            "workflow": self._client.raw.get_workflow,
            "launch plan": self._client.raw.get_launch_plan,
        }[entity.kind]
        with asked():
            try:
                there = get(ObjectGetRequest(id=entity.id.to_flyte_idl()))
            except FlyteEntityNotExistException:
                return "new"
        return "exists" if _content(entity) == _content_there(entity.kind, there) else "differs"

    def active(self) -> dict[str, str]:
        """The launch plans of maintenance that are active here, each with its version."""
        with asked():
            plans = list(everything(partial(self._client.list_active_launch_plans_paginated, *self._place)))
        ours = [plan for plan in plans if plan.spec.workflow_id.name.startswith(f"{MAINTENANCE}.")]
        return {plan.id.name: plan.id.version for plan in ours}

    def activate(self, plan: Entity) -> None:
        """Its schedule runs from now on, in the stead of any other version's."""
        with asked():
            self._client.update_launch_plan(plan.id, LaunchPlanState.ACTIVE)

    def deactivate(self, name: str, version: str) -> None:
        """The schedule of a launch plan ends."""
        with asked():
            plan = Identifier(ResourceType.LAUNCH_PLAN, *self._place, name, version)
            self._client.update_launch_plan(plan, LaunchPlanState.INACTIVE)


def _content(entity: Entity) -> object:
    model = entity.model
    if isinstance(model, WorkflowSpec):
        return _workflow_content(model.template.to_flyte_idl(), (sub.to_flyte_idl() for sub in model.sub_workflows))
    return (model.template if isinstance(model, TaskSpec) else model.spec).to_flyte_idl()


def _content_there(kind: Kind, there: Any) -> object:
    if kind == "task":
        return there.closure.compiled_task.template
    if kind == "launch plan":
        return there.spec
    compiled = there.closure.compiled_workflow
    return _workflow_content(compiled.primary.template, (sub.template for sub in compiled.sub_workflows))


def _workflow_content(template: Any, parts: Iterable[Any]) -> object:
    """A workflow and the workflows within it, without what flyteadmin adds when it compiles them."""
    return [_given(MessageToDict(one)) for one in (template, *sorted(parts, key=lambda p: str(p.id.name)))]


def _given(value: Any) -> Any:
    if isinstance(value, list):
        return [_given(v) for v in value if not (isinstance(v, dict) and v.get("id") in ("start-node", "end-node"))]
    if isinstance(value, dict):
        return {key: _given(v) for key, v in value.items() if (key, v) != ("nodeId", "start-node")}
    return value
