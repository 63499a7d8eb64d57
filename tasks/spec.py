"""The seven blocks that a pattern is made of: frozen values that validate themselves and serialise to canonical JSON.

`tasks/check.py` holds what a whole graph must satisfy, `tasks/walk.py` what each block means when it runs.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from tasks.reply import canonical
from tasks.spec_json import back_to, json_object
from utils.errors import SpecError

BLOCK_ID = r"^[a-z][a-z0-9-]{0,30}$"
NAME = r"^[a-z][a-z0-9_]{0,30}$"
OUT = "out"

BlockId = Annotated[str, Field(pattern=BLOCK_ID)]
Name = Annotated[str, Field(pattern=NAME)]
Width = Annotated[int, Field(ge=1, le=10_000)]


class Frozen(BaseModel):
    """A part of a specification. A part that is wrong raises SpecError, which names the block where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise SpecError(_one_line(type(self).__name__, values, error)) from error


def _one_line(kind: str, values: dict[str, Any], error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    name = values.get("id") or values.get("name")
    return f"{kind} '{name}': {where}: {first['msg']}" if name else f"{kind}: {where}: {first['msg']}"


class Pick(StrEnum):
    """Which replies of a list a view shows; own and others go by the key of the current item or member."""

    OK = "ok"
    ANY = "any"
    OWN = "own"
    OTHERS = "others"


class View(Frozen):
    """What a block sees of one ref: an input, a block, `block.slot`, or in a body `item`, `turn` or a slot."""

    ref: str
    pick: Pick | None = None
    """None means ok for a call and any for a function, which sees failed replies too."""
    last: int = Field(default=0, ge=0)
    """Only the last n of those picked; 0 means all."""
    fields: tuple[str, ...] = ()
    """Only these fields, as JSON; empty means the text."""
    unnamed: bool = False
    """Keys and model names are hidden: replies are numbered."""


Sees = dict[Name, View]


def see(*same: str, **named: str | View) -> Sees:
    """Views by name: `see("prompt", draft="write")` sees the ref prompt as prompt and the block write as draft."""
    views = {name.replace(".", "_").replace("-", "_"): View(ref=name) for name in same}
    return views | {n: v if isinstance(v, View) else View(ref=v) for n, v in named.items()}


class At(Frozen):
    """A value that is known at run time: a field (or text, key, model, score) of the index-th reply of a ref."""

    ref: str
    index: int = 0
    field: str = "text"


class Test(Frozen):
    """A pure function of a view that gives a bool. It may also take `turn`."""

    __test__: ClassVar[bool] = False
    fn: str
    sees: Sees = {}
    args: dict[str, JsonValue] = {}


class Call(Frozen):
    """A model call. `{{name}}` and `{{name.field}}` in prompt and system stand for what the step sees."""

    kind: Literal["call"] = "call"
    prompt: str = Field(min_length=1)
    system: str = ""
    role: str | At = ""
    model: str | At = ""
    """Empty means the run's first model."""
    temperature: Annotated[float, Field(ge=0, le=2)] | At = 0.7
    max_tokens: Annotated[int, Field(ge=1)] | At = 2048
    answer_schema: dict[str, JsonValue] | None = None
    """JSON schema of the fields; an answer that does not parse gets one repair attempt."""
    retries: int = Field(default=0, ge=0, le=5)
    timeout: float | None = Field(default=None, gt=0)
    """Seconds for one attempt; None means the settings'."""
    fallbacks: tuple[str | At, ...] = ()
    lessons: bool = False
    """Whether the Grimoire's lessons join the system prompt: for those who work out an answer, not for judges."""


class Function(Frozen):
    """A pure function by its dotted path. It takes the views, the args, and `seed`, `now`, `turn`, `key` if named."""

    kind: Literal["function"] = "function"
    fn: str
    args: dict[str, JsonValue] = {}


class Tool(Frozen):
    """A registered tool. What it returned is recorded and read back on resume."""

    kind: Literal["tool"] = "tool"
    name: str | At
    args: dict[str, Annotated[JsonValue | At, BeforeValidator(back_to(At))]] = {}
    writes: bool = False


class Recall(Frozen):
    """A look-up in a store (`grimoire`, `memories`, `outcomes`); the query is the text of the view `query`."""

    kind: Literal["recall"] = "recall"
    store: str
    k: int = Field(default=10, ge=1, le=1000)
    args: dict[Name, JsonValue] = {}
    """What else the store's `recall` takes, by keyword: for `memories` the kinds, the scope and the order."""


class Remember(Frozen):
    """What the step sees is offered to a store of memories, which may refuse it."""

    kind: Literal["remember"] = "remember"
    store: str
    args: dict[Name, JsonValue] = {}
    """What else the store's `remember` takes, by keyword."""


class Signal(Frozen):
    """A learning signal in [0, 1] (seed 000, neural_learning_signals)."""

    kind: Literal["signal"] = "signal"
    signal: str
    value: At
    source: str | At = "pattern"
    """Whom or what it is a signal of: the store `outcomes` gives the mean of each source."""


Action = Annotated[Call | Function | Tool | Recall | Remember | Signal, Field(discriminator="kind")]
OnFailure = Literal["fail", "keep"]


class _Block(Frozen):
    """What every block has: `unless` skips it and gives `otherwise` (a ref) or nothing."""

    id: BlockId
    sees: Sees = {}
    unless: Test | None = None
    otherwise: str = ""


class _Working(_Block):
    """What a block that does something itself has, beside."""

    quorum: int | None = Field(default=None, ge=0)
    """How many replies must be ok; None means one where models are called, none otherwise."""
    on_failure: OnFailure = "fail"
    show: bool = False
    """Its finished replies are shown to the user."""


class Step(_Working):
    """One call or one pure function."""

    kind: Literal["step"] = "step"
    does: Action
    slots: tuple[Name, ...] = (OUT,)
    """A function may give several slots."""


class Member(Frozen):
    """One of those who work side by side: a key, and what differs from the Fan's own `does`."""

    key: str = Field(min_length=1)
    does: Action | None = None
    role: str | At | None = None
    model: str | At | None = None
    system: str | None = None
    prompt: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)


def samples(n: int) -> tuple[Member, ...]:
    """n members that do the same."""
    return tuple(Member(key=f"s{i + 1}") for i in range(n))


class Fan(_Working):
    """Calls side by side in one node: each item meets each member, item-major."""

    kind: Literal["fan"] = "fan"
    does: Action | None = None
    members: tuple[Member, ...] = ()
    over: str = ""
    by: Function | None = None
    """Makes the items (pairs, a cross product) of what the fan sees."""
    at_most: Width
    beyond: Literal["refuse", "cut"] = "refuse"


class Each(_Block):
    """A body of several steps for every item; items never see one another."""

    kind: Literal["each"] = "each"
    over: str
    body: "Graph"
    at_most: Width
    beyond: Literal["refuse", "cut"] = "refuse"


class Carry(Frozen):
    """A slot of a Loop: where it starts (empty without), which of the body's `gives` renews it, and how."""

    start: str = ""
    next: str = ""
    how: Literal["replace", "append"] = "replace"


class Loop(_Block):
    """A bounded body. Gives its slots as they stood last, `ended` (fields turns and by) and `spent`."""

    kind: Literal["loop"] = "loop"
    carries: dict[Name, Carry]
    takes: str = ""
    """Each turn removes the first reply of this slot as `item`; empty ends the loop."""
    body: "Graph"
    until: Test | None = None
    asks_first: bool = False
    turns: Width


class Choose(_Block):
    """One of several bodies with the same `gives`, by a pure function that gives a body's name."""

    kind: Literal["choose"] = "choose"
    by: Function
    bodies: dict[Name, "Graph"]
    default: str = ""
    """The body for an unknown name; without it an unknown name fails the block."""


class Ask(_Block):
    """A person decides: one of `choices`, or an answer that fits `form` (JSON schema), or both."""

    kind: Literal["ask"] = "ask"
    question: str
    shows: Sees
    of: Literal["user", "reviewer"] = "reviewer"
    choices: tuple[Name, ...] = ()
    text_for: tuple[Name, ...] = ()
    """The choices after which the person is asked for a text: guidance, an edited answer, notes."""
    form: dict[str, JsonValue] | None = None
    waits: int | None = Field(default=None, ge=0)
    """Seconds; None means ten years, 0 the domain's own timeout."""
    on_expiry: str = "expire"
    """`expire`, or the choice that stands when nobody decided in time."""

    @model_validator(mode="after")
    def _answerable(self) -> "Ask":
        if not self.choices and self.form is None:
            raise ValueError("has neither choices nor a form")
        if self.choices and not 2 <= len(self.choices) <= 8:
            raise ValueError(f"{len(self.choices)} choices: 2 to 8 are allowed")
        if len(set(self.choices)) != len(self.choices):
            raise ValueError("the same choice twice")
        if extra := set(self.text_for) - set(self.choices):
            raise ValueError(f"asks for a text after {', '.join(sorted(extra))}, which is no choice")
        if self.on_expiry not in ("expire", *self.choices):
            raise ValueError(f"on_expiry '{self.on_expiry}' is neither expire nor a choice")
        return self


class Use(_Block):
    """Another pattern: by id (walked in place without its frame) or by a ref that names one at run time."""

    kind: Literal["use"] = "use"
    pattern: str | At
    binds: dict[Name, str] = {}
    """Input of the pattern -> ref; inputs that are not bound keep their defaults."""
    prompts: dict[str, str] = {}
    """Block id -> the prompt that replaces the block's own."""
    slots: tuple[Name, ...] = ()
    """What is read of a pattern that is known at run time only; a slot that it lacks is empty."""
    most_calls: int = Field(default=200, ge=1)
    """What a pattern that is known at run time may call at most."""


Block = Annotated[Step | Fan | Each | Loop | Choose | Ask | Use, Field(discriminator="kind")]


class Input(Frozen):
    """A typed input: what pyflyte shows as an option, and what the graph sees as replies."""

    name: Name
    type: Literal["text", "integer", "number", "flag", "texts", "items", "models"] = "text"
    """texts: JSON list of strings; items: JSON list of objects; models: names or a tier."""
    help: str
    default: JsonValue = None
    """None means required."""
    least: float | None = None
    most: float | None = None
    """Bounds of a number, of a text's length or of a list's."""
    item_schema: dict[str, JsonValue] | None = None

    @field_validator("name")
    @classmethod
    def _not_ctx(cls, name: str) -> str:
        if name == "ctx":
            raise ValueError("an input is never named ctx")
        return name


class Graph(Frozen):
    """Blocks in an order in which each comes after what it reads. Only `gives` (name -> ref) leaves it."""

    inputs: tuple[Input, ...] = ()
    blocks: tuple[Block, ...]
    gives: dict[Name, str]


class GraphSpec(Graph):
    """A whole pattern: a graph whose every ref is bound, with what a person and the registry need to know of it."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    title: str
    description: str
    distinct_models: int = Field(default=1, ge=1, le=9)
    """How many different models its mechanism needs."""

    @model_validator(mode="after")
    def _whole(self) -> "GraphSpec":
        from tasks.check import check

        check(self)
        return self

    def to_json(self) -> str:
        """Canonical JSON: what is stored, registered and compared."""
        return canonical(self.model_dump(mode="json", exclude_defaults=False))

    @classmethod
    def from_json(cls, text: str) -> "GraphSpec":
        """The spec back from its JSON; SpecError where it is none."""
        return cls(**json_object(text))


def block_to_json(block: _Block) -> str:
    """Canonical JSON of one block: what its node on a cluster carries."""
    return canonical(block.model_dump(mode="json"))


def block_from_json(text: str) -> "AnyBlock":
    """A block from the JSON that its node carries."""
    return _Holder(block=json_object(text)).block  # type: ignore[arg-type]


AnyBlock = Step | Fan | Each | Loop | Choose | Ask | Use


class _Holder(Frozen):
    block: Block


for _model in (Each, Loop, Choose, Graph, GraphSpec, _Holder):
    _model.model_rebuild()
