"""A graph as a picture: SVG with what ran in it for a Deck, and plain text for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from string import Template

from tasks.functions import find_pattern
from tasks.layout import Edge, Size, layout
from tasks.ran import Ran, Shown, State
from tasks.refs import LESSONS, actions_of, block_of, bodies_of, refs, wants_lessons
from tasks.reply import Reply
from tasks.spec import (
    AnyBlock,
    Ask,
    At,
    Call,
    Choose,
    Each,
    Fan,
    Function,
    Graph,
    GraphSpec,
    Loop,
    Step,
    Tool,
    Use,
)
from tasks.trace import Traced
from utils.display import clipped, cost_text, duration, plural, printable
from utils.ledger import LedgerRow

WIDEST = 3
"""Blocks side by side in one layer."""
BOX_WIDTH, WIDEST_BOX, BOX_HEIGHT, DOTS_HEIGHT = 220.0, 320.0, 46.0, 18.0
PAD, HEADER, GROUP_WIDTH = 18.0, 54.0, 260.0
MOST_DOTS = 24
GLYPHS: Mapping[State, str] = {"ran": "✓", "failed": "✕", "waiting": "…", "skipped": "–", "idle": "", "plan": ""}
WORDS: Mapping[State, str] = {
    "ran": "ran",
    "failed": "failed",
    "waiting": "waits for a person",
    "skipped": "skipped",
    "idle": "not reached",
    "plan": "",
}


@dataclass(frozen=True)
class _Drawn:
    """A part of the picture with its upper left corner at 0, 0."""

    size: Size
    svg: str
    state: State


def draw(
    graph: GraphSpec,
    traced: Sequence[Traced] = (),
    ledger: Sequence[LedgerRow] = (),
    used: Mapping[str, GraphSpec] | None = None,
) -> str:
    """The graph as SVG: blocks by kind, what they wait for, bodies as groups, and what ran, how long and for how much.

    `used` names the patterns that were chosen at run time, by the path of the block that uses them. Without a trace it
    is the plan of the graph, of no run.
    """
    inner = _Picture(Ran(traced, ledger), used or {}).graph(graph, "")
    width, height = inner.size.width + 4, inner.size.height + 4
    said = escape(f"{graph.title}: {len(graph.blocks)} blocks")
    return _SVG.substitute(
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        least=f"{0.8 * width:.0f}",
        title=said,
        described=escape(draw_text(graph, used)),
        style=_STYLE,
        inner=_moved(inner.svg, 2, 2),
    )


def dependencies(graph: Graph) -> dict[str, frozenset[str]]:
    """What each block waits for, the lessons of the Grimoire among it."""
    ids = {b.id for b in graph.blocks}
    needs = {}
    for block in graph.blocks:
        read = {block_of(r) for r in refs(block)} | ({LESSONS} if wants_lessons(block) else set())
        needs[block.id] = frozenset((read & ids) - {block.id})
    return needs


def pattern_of(use: Use, path: str, used: Mapping[str, GraphSpec]) -> GraphSpec | None:
    """The pattern that a Use walks; None where it was named at run time and nobody says what it was."""
    return find_pattern(use.pattern) if isinstance(use.pattern, str) else used.get(path)


def kind_of(block: AnyBlock) -> str:
    """What kind of block it is, in a word or two: the action's kind for a Step, the width for a Fan."""
    if isinstance(block, Step):
        return block.does.kind
    if isinstance(block, Fan):
        exact = not (block.over or block.by)
        return f"fan × {len(block.members)}" if exact else f"fan ≤ {block.at_most}"
    if isinstance(block, Loop):
        return f"loop ≤ {plural(block.turns, 'turn')}"
    if isinstance(block, Each):
        return f"each ≤ {plural(block.at_most, 'item')}"
    return {"choose": "one of", "ask": "a person", "use": "pattern"}[block.kind]


@dataclass(frozen=True)
class _Picture:
    """Draws the blocks of one run, bodies within their blocks."""

    ran: Ran
    used: Mapping[str, GraphSpec]

    def graph(self, graph: Graph, path: str) -> _Drawn:
        drawn = {b.id: self.block(b, f"{path}/{b.id}" if path else b.id) for b in graph.blocks}
        placed = layout({n: d.size for n, d in drawn.items()}, dependencies(graph), WIDEST)
        edges = [_edge(edge, points, drawn) for edge, points in placed.routes]
        boxes = [_moved(drawn[name].svg, *corner) for name, corner in placed.corners.items()]
        return _Drawn(placed.size, "\n".join(edges + boxes), _together([d.state for d in drawn.values()]))

    def block(self, block: AnyBlock, path: str) -> _Drawn:
        bodies = bodies_of(block)
        if isinstance(block, Use) and (pattern := pattern_of(block, path, self.used)):
            bodies, block = {"": pattern}, block.model_copy(update={"pattern": pattern.id})
        shown = self.ran.at(path)
        return self.group(block, bodies, path, shown) if bodies else _box(block, shown)

    def group(self, block: AnyBlock, bodies: Mapping[str, Graph], path: str, shown: Shown) -> _Drawn:
        """A block that holds others, as a frame around them; the bodies of a Choose stand side by side."""
        parts, x, tallest, states = [], PAD, 0.0, []
        label = 18.0 if isinstance(block, Choose) else 0.0
        for name, body in bodies.items():
            inner = self.graph(body, f"{path}.{name}" if label else path)
            states.append(inner.state)
            if label:
                taken = "not-taken" if inner.state in ("idle", "skipped") else "taken"
                parts.append(f'<text class="body {taken}" x="{x:.0f}" y="{HEADER + 8:.0f}">{_label(name, 30)}</text>')
            parts.append(_moved(inner.svg, x, HEADER + label))
            x += inner.size.width + PAD
            tallest = max(tallest, inner.size.height)
        room = PAD if isinstance(block, Loop) else 0.0
        size = Size(max(x + room, GROUP_WIDTH, 46 + 5.9 * len(_facts(block, shown))), HEADER + label + tallest + PAD)
        shown = replace(shown, state=_together(states) if shown.state == "idle" else shown.state)
        frame = f'<rect class="frame" width="{size.width:.0f}" height="{size.height:.0f}" rx="14"/>'
        again = _again(size) if isinstance(block, Loop) else ""
        inside = _moved("\n".join(parts), (size.width - x - room) / 2, 0)
        around = _title(block, shown) + frame + again + _head(block, shown, size.width)
        return _Drawn(size, f'<g class="group {shown.state}">{around}{inside}</g>', shown.state)


def _together(states: Sequence[State]) -> State:
    """The state of blocks as one: the worst that is so of any, and skipped only where all are."""
    worst: Sequence[State] = ("waiting", "failed", "ran")
    for state in worst:
        if state in states:
            return state
    return "skipped" if states and set(states) == {"skipped"} else "idle"


def _again(size: Size) -> str:
    """The way back of a Loop, along its right side."""
    x, top, foot = size.width - 9, HEADER + 8, size.height - PAD - 4
    return (
        f'<path class="again" d="M{x - 9:.0f} {foot:.0f} Q{x:.0f} {foot:.0f} {x:.0f} {foot - 9:.0f}'
        f' V{top + 9:.0f} Q{x:.0f} {top:.0f} {x - 8:.0f} {top:.0f}" marker-end="url(#head)"/>'
    )


def _box(block: AnyBlock, shown: Shown) -> _Drawn:
    dots = shown.replies if isinstance(block, Fan) and shown.state != "skipped" else ()
    height = BOX_HEIGHT + (DOTS_HEIGHT if dots else 0)
    named = 60 + 7.4 * len(block.id) + 6.2 * len(kind_of(block))
    size = Size(min(WIDEST_BOX, max(BOX_WIDTH, named)), height)
    radius = {"ask": 25.0, "fan": 10.0}.get(block.kind, 3.0 if kind_of(block) == "function" else 10.0)
    rect = f'<rect class="box" width="{size.width:.0f}" height="{height:.0f}" rx="{radius:.0f}"/>'
    behind = ""
    if isinstance(block, Fan):
        behind = f'<rect class="box behind" x="5" y="5" width="{size.width:.0f}" height="{height:.0f}" rx="10"/>'
    inside = _head(block, shown, size.width) + _dots(dots)
    title = _title(block, shown)
    css = f"block {kind_of(block).split()[0]} {shown.state}"
    return _Drawn(size, f'<g class="{css}">{title}{behind}{rect}{inside}</g>', shown.state)


def _head(block: AnyBlock, shown: Shown, width: float) -> str:
    """The mark of its state, its name and kind, and below them the facts of how it ran."""
    indent = 24.0 if isinstance(block, Ask) else 20.0
    kind = f'<text class="kind" x="{width - indent + 6:.0f}" y="20" text-anchor="end">{escape(kind_of(block))}</text>'
    facts = _label(_facts(block, shown), int((width - 40) / 5.9))
    room = int((width - 52 - 6.2 * len(kind_of(block))) / 7.2)
    return (
        f'<circle class="mark" cx="{indent:.0f}" cy="16" r="8"/>'
        f'<text class="glyph" x="{indent:.0f}" y="20" text-anchor="middle">{GLYPHS[shown.state]}</text>'
        f'<text class="name" x="{indent + 14:.0f}" y="20.5">{_label(block.id.replace("-", " "), room)}</text>{kind}'
        f'<text class="facts" x="{indent + 14:.0f}" y="37.5">{facts}</text>'
    )


def _facts(block: AnyBlock, shown: Shown) -> str:
    """How it ran: turns or items, calls, time and cost; or why there is nothing to say."""
    parts = [_planned(block)] if shown.state == "plan" else []
    if isinstance(block, Use) and isinstance(block.pattern, str):
        parts.append(block.pattern)
    if isinstance(block, Loop) and shown.turns:
        ended = f", ended by {shown.ended_by}" if shown.ended_by else ""
        parts.append(f"{plural(shown.turns, 'turn')}{ended}")
    elif isinstance(block, Each) and shown.items:
        parts.append(plural(shown.items, "item"))
    if shown.sum.calls:
        parts.append(plural(shown.sum.calls, "call"))
    if shown.state in ("waiting", "skipped", "idle") and not parts:
        return WORDS[shown.state]
    if shown.ms:
        parts.append(duration(shown.ms / 1000))
    if shown.sum.calls:
        parts.append(cost_text(shown.sum.cost_usd, shown.sum.unknown_calls))
    if isinstance(block, Ask) and shown.replies:
        parts.insert(0, shown.replies[-1].key)
    return " · ".join(filter(None, parts)) or WORDS[shown.state]


def _planned(block: AnyBlock) -> str:
    """What a block will do: which function or tool, how warm a call, what a person may choose."""
    if isinstance(block, Ask):
        return ", ".join(block.choices)
    does = next(actions_of(block), None)
    if isinstance(does, Function):
        return does.fn.rpartition(".")[2].replace("_", " ")
    if isinstance(does, Tool) and isinstance(does.name, str):
        return does.name.rpartition(".")[2].replace("_", " ")
    return (
        f"temperature {does.temperature:g}" if isinstance(does, Call) and not isinstance(does.temperature, At) else ""
    )


def _dots(replies: Sequence[Reply]) -> str:
    """A dot for each reply of a Fan, or how many there were of each status."""
    if len(replies) > MOST_DOTS:
        good = sum(r.ok for r in replies)
        said = f"{good} answered, {len(replies) - good} did not"
        return f'<text class="facts" x="34" y="{BOX_HEIGHT + 6:.0f}">{escape(said)}</text>'
    step = min(11.0, (BOX_WIDTH - 48) / max(1, len(replies)))
    return "".join(
        f'<circle class="dot {r.status}" cx="{38 + index * step:.1f}" cy="{BOX_HEIGHT + 3:.0f}" r="4">'
        f"<title>{_label(r.key or str(index + 1), 60)}: {escape(r.status)}</title></circle>"
        for index, r in enumerate(replies)
    )


def _title(block: AnyBlock, shown: Shown) -> str:
    told = dict.fromkeys(said for said in (WORDS[shown.state], _facts(block, shown)) if said)
    said = f"{block.id}, {kind_of(block)}" + (f": {', '.join(told)}" if told else "")
    return f"<title>{_label(said, 200)}</title>"


def _edge(edge: Edge, points: Sequence[tuple[float, float]], drawn: Mapping[str, _Drawn]) -> str:
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for index, (to_x, to_y) in enumerate(rest):
        bend = (to_y - y) / 2
        curve = f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
        path.append(curve if index % 2 == 0 else f"L{to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    quiet = any(drawn[node].state in ("idle", "skipped") for node in edge)
    return f'<path class="edge{" quiet" if quiet else ""}" d="{" ".join(path)}" marker-end="url(#head)"/>'


def _moved(svg: str, x: float, y: float) -> str:
    return f'<g transform="translate({x:.1f} {y:.1f})">{svg}</g>'


def _label(text: str, most: int) -> str:
    return escape(clipped(printable(text), max(4, most)))


def draw_text(graph: GraphSpec, used: Mapping[str, GraphSpec] | None = None) -> str:
    """The graph as an indented list for a terminal: each block, its kind, and after `<-` what it waits for."""
    lines = [f"{graph.title} ({graph.id})"]
    rows = list(_rows(graph, "", "", used or {}))
    wide = max((len(left) for left, _ in rows), default=0)
    return "\n".join(lines + [f"{left:<{wide}}  {right}".rstrip() for left, right in rows])


def _rows(graph: Graph, path: str, indent: str, used: Mapping[str, GraphSpec]) -> Iterator[tuple[str, str]]:
    needs = dependencies(graph)
    for index, block in enumerate(graph.blocks):
        last = index == len(graph.blocks) - 1
        here = f"{path}/{block.id}" if path else block.id
        after = f"  <- {', '.join(sorted(needs[block.id]))}" if needs[block.id] else ""
        yield f"{indent}{'└─' if last else '├─'} {block.id}", f"{_kind_in_text(block)}{after}"
        deeper = indent + ("   " if last else "│  ")
        if isinstance(block, Use):
            pattern = pattern_of(block, here, used)
            if pattern is not None:
                yield from _rows(pattern, here, deeper, used)
        for name, body in bodies_of(block).items():
            if isinstance(block, Choose):
                yield f"{deeper}{name}:", ""
            yield from _rows(body, here, deeper, used)


def _kind_in_text(block: AnyBlock) -> str:
    if isinstance(block, Use):
        return f"pattern {'named by ' + block.pattern.ref if isinstance(block.pattern, At) else block.pattern}"
    does = {a.kind for a in actions_of(block)} if isinstance(block, Fan) else set()
    return f"{kind_of(block)} {' or '.join(sorted(does))}".rstrip()


_SVG = Template(
    """<svg class="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" width="$width" \
height="$height" style="min-width:${least}px" role="img" aria-labelledby="drawing-title drawing-text">
<title id="drawing-title">$title</title><desc id="drawing-text">$described</desc>
<style>$style</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
<path class="tip" d="M0 0.8 L7.5 4 L0 7.2 Z"/></marker></defs>
$inner
</svg>"""
)
_STYLE = """
.drawing{--i:var(--ink,#1f2529);--m:var(--muted,#5c666d);--l:var(--line,#d9d5cb);--c:var(--card,#fff);
--g:var(--good,#2c7a4b);--b:var(--bad,#b3372f);--w:var(--wait,#8a5a00);--a:var(--accent,#1f6472);
--p:var(--paper,#faf8f4);font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
.drawing text{fill:var(--i)}
.drawing .name{font-size:13px;font-weight:600}
.drawing .facts{font-size:11px;fill:var(--m)}
.drawing .kind{font-size:10px;fill:var(--m);letter-spacing:.02em}
.drawing .body{font-size:11px;font-weight:600}
.drawing .box{fill:var(--c);stroke:var(--l);stroke-width:1.2}
.drawing .frame{fill:var(--i);fill-opacity:.025;stroke:var(--l);stroke-width:1.2}
.drawing .mark{fill:var(--g)}
.drawing .glyph{fill:var(--p);font-size:10.5px;font-weight:700}
.drawing .edge,.drawing .again{fill:none;stroke:var(--m);stroke-width:1.3}
.drawing .again{stroke:var(--a);stroke-dasharray:4 3}
.drawing .tip{fill:var(--m)}
.drawing .quiet{stroke-opacity:.45;stroke-dasharray:3 3}
.drawing .not-taken,.drawing .skipped>.name,.drawing .idle>.name{fill:var(--m)}
.drawing .failed>.box,.drawing .failed>.frame{stroke:var(--b);stroke-width:1.6}
.drawing .failed>.mark,.drawing .dot.failed,.drawing .dot.timeout,.drawing .dot.rejected{fill:var(--b)}
.drawing .waiting>.box,.drawing .waiting>.frame{stroke:var(--w);stroke-width:1.6}
.drawing .waiting>.mark{fill:var(--w)}
.drawing .skipped>.box,.drawing .idle>.box{stroke-dasharray:4 3;fill:none}
.drawing .skipped>.mark{fill:var(--m)}
.drawing .idle>.mark,.drawing .plan>.mark{fill:none;stroke:var(--l)}
.drawing .dot{fill:var(--g)}
.drawing .dot.skipped{fill:var(--m)}
"""
