"""Code: runs Python that a model wrote, alone or as the next cell of a session, with tools and models as functions.

A session is what it was given and its earlier cells, which are run again; what their functions gave is on record.
"""

import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from tasks.calls import Spot, ask_model
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, canonical, causes, ok_of, reply
from tasks.spec import OUT, Call
from tasks.tool_calls import checked, cut, tool_error
from tasks.toolbox import Errand, NamedTool, describe, known_tools, run_checked
from tasks.tools import dump, load, tool
from utils.errors import BadInput, RunFailed
from utils.ledger import record
from utils.sandbox import CannotConfine, HostFunction, Refused, run_session
from utils.sandbox_policy import missing_confinement
from utils.sandbox_session import File, Limits, Ran, Session
from utils.settings import settings

MOST_TEXT = 20_000
"""Characters of output that stand in the reply."""
MOST_TOOL_CALLS = 200
"""Calls of functions in one session where the step says no `most_calls`."""
MOST_FILE_TEXT = 20_000
"""Characters of a written file that stand in the reply."""
ASKED = "text"
"""What a prompt of `asks` calls the text that the code passes: {{text}}."""


@tool
def run_code(
    spot: Spot,
    *,
    code: Replies,
    earlier: Replies = [],  # noqa: B006 (never written to)
    files: Replies = [],  # noqa: B006 (never written to)
    tools: Replies = [],  # noqa: B006 (never written to)
    seconds: float = 10.0,
    wants: Sequence[str] = (),
    inputs: Mapping[str, Any] | None = None,
    asks: Mapping[str, Any] | None = None,
    model: str = "",
    most_calls: int = 0,
    most: int = MOST_TEXT,
    field: str = "",
    **given: Replies,
) -> Slots:
    """Runs the last reply of `code` (its fenced block, its text, or its field `field`); gives one reply.

    It is ok whenever the code was run, so that a model may read a traceback in its text. Fields: ok, error (one line),
    ended, output, values (of the variables in `wants`), final (what it passed to final_answer()), has_final, files
    (path, size, sha256, text), cell, failed_calls (why calls of its functions failed: it may have gone on without
    them). Failed, with the field `error`, where there is no code or no confinement.
    `earlier` holds what this tool gave in earlier turns of the session. `files` are written first (key: path). Further
    views, and `inputs`, become variables: the text of one reply, or a list of texts. `tools` (a catalogue) become
    functions, and so does each of `asks`: name -> a Call, whose prompt says {{text}} for what the code passes; with
    them goes `most_calls`, how many calls a session may make, which the estimate counts.
    """
    said = ok_of(code)[-1:]
    cell = source_of(said[0], field) if said else ""
    if not cell.strip():
        return {OUT: [tool_error("call", "there is no code to run")]}
    if asks and not most_calls:
        raise RunFailed(f"block '{spot.path}': `asks` needs `most_calls`, which the estimate counts")
    cells = (*(str(r.data()["cell"]) for r in ok_of(earlier) if r.data().get("cell")), cell)
    session = Session(
        cells=cells,
        variables={n: _variable(replies) for n, replies in given.items()} | dict(inputs or {}),
        files=tuple(File(r.key, r.text.encode()) for r in ok_of(files)),
        wants=tuple(wants),
        seed=spot.run.seed(session_path(spot.path)),
    )
    exposed = _Exposed(spot, session, given)
    functions = {t.name: exposed.tool(t.name) for t in _named(tools)}
    functions |= {n: exposed.model(n, Call.model_validate(c), model) for n, c in (asks or {}).items()}
    limits = Limits(seconds=seconds, memory_mb=settings().code_memory_mb, calls=most_calls or MOST_TOOL_CALLS)
    try:
        ran = run_session(session, limits, functions)
    except CannotConfine as error:
        return {OUT: [tool_error("unavailable", error.message)]}
    except BadInput as error:
        return {OUT: [tool_error("arguments", error.message)]}
    return {OUT: [_with_costs(_told(ran, cell, most), exposed.spent)]}


def _with_costs(made: Reply, calls: Replies) -> Reply:
    tokens, cost = sum(r.tokens for r in calls), sum(r.cost for r in calls)
    data = {**made.data(), "failed_calls": causes(calls)}
    return made.but(calls=sum(r.calls for r in calls), tokens=tokens, cost=cost, data=data)


@pure
def source_of(said: Reply, field: str = "") -> str:
    """The code in a reply: a field of it, else its fenced Python blocks, else its whole text."""
    if field:
        return str(said.data().get(field) or "")
    text = str(said.data().get("code") or said.text)
    blocks = FENCED.findall(text)
    return "\n".join(b.strip("\n") for b in blocks) if blocks else text


def session_path(path: str) -> str:
    """Where a session stands: the path without the turn of the loop whose turns are its cells."""
    return LAST_TURN.sub("", path)


def _named(tools: Replies) -> list[NamedTool]:
    """The tools but for code itself: sandboxes that wait for a place that others hold would wait for ever."""
    known = known_tools()
    return [known[r.key] for r in ok_of(tools) if r.key in known and r.key != CODE.name]


def _variable(replies: Replies) -> str | list[str]:
    texts = [r.text or r.fields for r in ok_of(replies)]
    return texts[0] if len(texts) == 1 else texts


def _told(ran: Ran, cell: str, most: int) -> Reply:
    files = [{"path": f.path, "size": len(f.content), "sha256": f.digest, "text": _text(f.content)} for f in ran.files]
    data = {
        "ok": ran.ended == "done",
        "error": ran.error,
        "ended": ran.ended,
        "output": cut(ran.output, most),
        "values": dict(ran.values),
        "final": ran.final,
        "has_final": ran.has_final,
        "files": files,
        "cell": cell,
    }
    text = ran.output if not ran.error or ran.error in ran.output else f"{ran.output}{ran.error}\n"
    if ran.cut:
        text += f"[cut: {ran.cut:,} more bytes]\n"
    digests = [f.digest for f in ran.files]
    return reply(cut(text, most) or "(no output)", data=data, files=digests, latency=1000 * ran.seconds)


def _text(content: bytes) -> str:
    try:
        return content.decode()[:MOST_FILE_TEXT].replace("\x00", " ")
    except UnicodeDecodeError:
        return ""


class _Exposed:
    """Functions that code calls through its pipe. What a call gave is on record under the session, by the digest of
    all that led to it and by occurrence: a cell that is run again gets the same answers, and nothing is done twice.
    """

    def __init__(self, spot: Spot, session: Session, sources: Mapping[str, Replies]) -> None:
        self.spot, self.sources = spot, sources
        start = [canonical([dict(session.variables), session.seed]), *(f"{f.path} {f.digest}" for f in session.files)]
        self.before = [canonical([start, session.cells[: n + 1]]) for n in range(len(session.cells))]
        self.occurrences: Counter[str] = Counter()
        self.spent: Replies = []
        """What the last cell's calls gave: those of earlier cells were counted when they ran first."""
        self.lock = threading.Lock()

    def tool(self, name: str) -> HostFunction:
        """A tool of the toolbox; positional arguments take the names that it requires, then its others, in order."""
        found = known_tools()[name]
        entry, schema = describe(found), found.arguments
        names = list(dict.fromkeys([*schema.get("required", []), *schema.get("properties", {})]))

        def does(spot: Spot, args: list[Any], kwargs: dict[str, Any]) -> Reply:
            if len(args) > len(names):
                raise Refused(f"{name} takes {len(names)} arguments: {', '.join(names)}")
            call = checked(name, {**dict(zip(names, args, strict=False)), **kwargs}, [entry])
            return run_checked(call, Errand(call.data()["arguments"], spot, self.sources))

        return self._recorded(name, does)

    def model(self, name: str, call: Call, model: str) -> HostFunction:
        """A model: the code passes a text and gets a text."""
        asked = call if call.model or not model else call.model_copy(update={"model": model})

        def does(spot: Spot, args: list[Any], kwargs: dict[str, Any]) -> Reply:
            texts = [*args, *kwargs.values()]
            if len(texts) != 1 or not isinstance(texts[0], str):
                raise Refused(f"{name} takes one text")
            return ask_model(asked, spot, **{ASKED: [reply(texts[0], key=ASKED)]})

        return self._recorded(name, does)

    def _recorded(self, name: str, does: Any) -> HostFunction:
        run = self.spot.run

        def function(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
            try:
                digest = sha256(canonical([self.before[cell - 1], name, args, kwargs]).encode()).hexdigest()
            except ValueError as error:
                raise Refused(f"the arguments of {name} are no JSON: {error}") from error
            with self.lock:
                self.occurrences[digest] += 1
                place = f"{name}.{digest[:24]}.{self.occurrences[digest]}"
            at = replace(self.spot, path=f"{self.spot.path}/{place}")
            root = session_path(self.spot.path)
            made = record(
                UUID(run.tenant_id),
                run.run_id,
                root,
                f"callback {place}",
                lambda: dump({OUT: [does(at, args, kwargs)]}),
            )
            given = load(made)[OUT][0]
            if cell == len(self.before):
                with self.lock:
                    self.spent.append(given)
            return _answer(given)

        return function


def _answer(given: Reply) -> Any:
    if not given.ok:
        raise Refused(given.cause or given.status)
    data = given.data()
    return data["value"] if list(data) == ["value"] else data or given.text


def code_tool(errand: Errand) -> Reply:
    """The tool: one piece of code, alone; what the run was given (documents) are lists of texts by name."""
    cell = source_of(reply(str(errand.arguments["code"])))
    given = {name: [r.text for r in ok_of(replies)] for name, replies in errand.sources.items()}
    limits = Limits(seconds=float(errand.arguments.get("seconds", 10)), memory_mb=settings().code_memory_mb)
    try:
        return _told(run_session(Session((cell,), given), limits), cell, MOST_TEXT)
    except CannotConfine as error:
        return tool_error("unavailable", error.message)


CODE = NamedTool(
    name="code",
    description="Runs Python (standard library only) in a sandbox without network or files of the host, and gives what "
    "it prints, and the value of a last expression. Nothing is kept between calls.",
    arguments={
        "type": "object",
        "properties": {
            "code": {"type": "string", "minLength": 1, "maxLength": 100_000},
            "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 60, "default": 10},
        },
        "required": ["code"],
        "additionalProperties": False,
    },
    run=code_tool,
    lacks=lambda given: missing_confinement(),
)
FENCED = re.compile(r"```(?:python|py|Python)?[ \t]*\n(.*?)```", re.DOTALL)
LAST_TURN = re.compile(r"@\d+(?=[^@]*$)")
