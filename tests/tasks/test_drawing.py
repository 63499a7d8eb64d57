"""The picture of a graph: where blocks stand, what is said of how they ran, and that foreign text stays text."""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.drawing import WIDEST, dependencies, draw, draw_text
from tasks.layout import Layout, Size, layers_of, layout, reduced
from tasks.ran import Ran
from tasks.reply import Reply, reply
from tasks.spec import Ask, Call, Carry, Choose, Each, Fan, Function, Graph, GraphSpec, Input, Loop, Member, Step, see
from tasks.trace import Traced
from utils.ledger import LedgerRow
from utils.progress import State

TOYS = "tests.tasks.toys"
PROMPT = Input(name="prompt", help="What is asked.")
SVG = "{http://www.w3.org/2000/svg}"


def fn(name: str, **args: Any) -> Function:
    return Function(fn=f"{TOYS}.{name}", args=args)


def step(block_id: str, **views: str) -> Step:
    return Step(id=block_id, does=fn("join_two" if len(views) == 2 else "join"), sees=see(**views))


def graph_of_all() -> GraphSpec:
    """A fan, a loop with a person in it, an each and a choice."""
    members = (Member(key="ada"), Member(key="bell"))
    votes = Fan(id="votes", does=Call(prompt="{{prompt}}"), members=members, sees=see("prompt"), at_most=2)
    ask = Ask(id="decide", question="Well?", shows=see("draft"), choices=("yes", "no"))
    turn = Graph(blocks=(ask, step("better", one="draft", two="decide")), gives={"draft": "better"})
    loop = Loop(id="polish", carries={"draft": Carry(start="votes", next="draft")}, body=turn, turns=3)
    each = Each(
        id="parts",
        over="polish.draft",
        at_most=5,
        body=Graph(blocks=(step("part", seen="item"),), gives={"out": "part"}),
    )
    bodies = {n: Graph(blocks=(step(f"say-{n}", seen="parts"),), gives={"out": f"say-{n}"}) for n in ("short", "long")}
    choose = Choose(id="form", by=fn("first_word"), sees=see(seen="parts"), bodies=bodies)
    return GraphSpec(
        id="all",
        title="All of it",
        description="d",
        inputs=(PROMPT,),
        blocks=(votes, loop, each, choose),
        gives={"out": "form"},
    )


def spec_of_two() -> GraphSpec:
    """Two functions, one after the other."""
    blocks = (step("first", seen="prompt"), step("second", seen="first"))
    return GraphSpec(id="two", title="Two", description="d", inputs=(PROMPT,), blocks=blocks, gives={"out": "second"})


def ran(path: str, state: State = "finished", started: float = 0.0, ms: float = 1000.0, **slots: list[Reply]) -> Traced:
    return Traced(path, "step", state, started, ms, dict(slots))


def paid(
    path: str, cost: float | None = 0.01, model: str = "m", tokens: int = 100, state: Any = "settled"
) -> LedgerRow:
    return LedgerRow(path, 0, 0, "d", state, model, model, tokens, 0, cost, cost, 0.02, 1, 0, 900, None)


def walked() -> tuple[Traced, ...]:
    replies = [reply("yes", key="ada"), Reply(key="bell", status="timeout", cause="60 s")]
    ended = [reply("2", key="ended", data={"turns": 2, "by": "test"})]
    return (
        ran("votes", ms=4200, out=replies),
        ran("polish", started=5, ms=9000, ended=ended),
        ran("polish@1/decide", started=5, out=[reply("no", key="no")]),
        ran("polish@1/better", started=6),
        ran("polish@2/decide", started=7, out=[reply("yes", key="yes")]),
        ran("polish@2/better", started=8),
        ran("parts", started=14),
        ran("parts[0]/part", started=14),
        ran("parts[1]/part", started=14.5),
        ran("form", "failed", started=16),
        ran("form.short/say-short", "failed", started=16),
    )


def texts(svg: str) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def titles(svg: str) -> dict[str, str]:
    """What is said of each block, by its name."""
    found = re.findall(r"<title>([^<]*)</title>", svg)
    return {t.partition(",")[0]: t.partition(",")[2].strip() for t in found if "," in t}


def test_each_block_says_its_kind_and_how_it_ran() -> None:
    said = titles(draw(graph_of_all(), walked(), [paid("votes"), paid("votes", 0.02), paid("polish@1/better", None)]))
    assert said["votes"] == "fan × 2: ran, 2 calls · 4.2 s · $0.0300"
    assert said["polish"] == "loop ≤ 3 turns: ran, 2 turns, ended by test · 1 call · 9.0 s · cost unknown"
    assert said["decide"] == "a person: ran, yes · 2.0 s"
    assert said["parts"] == "each ≤ 5 items: ran, 2 items · 1.0 s"
    assert said["part"] == "function: ran, 1.5 s"
    assert said["form"] == "one of: failed, 1.0 s"
    assert said["say-long"] == "function: not reached"


def test_a_fan_has_a_dot_for_each_reply() -> None:
    svg = draw(graph_of_all(), walked())
    assert re.findall(r'class="dot (\w+)"[^>]*><title>([^<]*)<', svg) == [
        ("success", "ada: success"),
        ("timeout", "bell: timeout"),
    ]


def test_many_replies_are_counted_instead() -> None:
    many = [reply("x", key=str(n)) for n in range(40)] + [Reply(key="z", status="failed")]
    svg = draw(graph_of_all(), [ran("votes", out=many)])
    assert 'class="dot' not in svg
    assert "40 answered, 1 did not" in texts(svg)


def test_a_block_that_waits_colours_what_holds_it() -> None:
    svg = draw(graph_of_all(), [ran("votes"), ran("polish@1/decide", "waiting")])
    assert titles(svg)["decide"] == "a person: waits for a person"
    assert titles(svg)["polish"].startswith("loop ≤ 3 turns: waits for a person")
    assert 'class="group waiting"' in svg


def test_the_body_that_was_not_chosen_is_quiet() -> None:
    svg = draw(graph_of_all(), walked())
    assert re.search(r'class="body taken"[^>]*>short<', svg)
    assert re.search(r'class="body not-taken"[^>]*>long<', svg)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><image href=x>', "\x00\x1b[31m\ufffe\u202e", "]]>", "😀" * 500]
)
def test_foreign_text_stays_text(text: str) -> None:
    svg = draw(
        graph_of_all(), [ran("votes", out=[reply("x", key=text)]), ran("polish@1/decide", out=[reply("", key=text)])]
    )
    names = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert names <= {"svg", "title", "desc", "style", "defs", "marker", "path", "g", "rect", "circle", "text"}


def test_the_picture_can_be_read_without_seeing_it() -> None:
    root = ElementTree.fromstring(draw(graph_of_all(), walked()))
    assert root.get("role") == "img"
    named = {e.get("id"): "".join(e.itertext()) for e in root.iter() if e.get("id")}
    said = [named[ref] for ref in str(root.get("aria-labelledby")).split()]
    assert said[0] == "All of it: 4 blocks"
    assert "decide" in said[1]


def test_the_text_drawing_says_what_waits_for_what() -> None:
    lines = draw_text(graph_of_all()).splitlines()
    assert lines[0] == "All of it (all)"
    assert [re.sub(r"\s+", " ", line).strip() for line in lines[1:]] == [
        "├─ votes fan × 2 call",
        "├─ polish loop ≤ 3 turns <- votes",
        "│ ├─ decide a person",
        "│ └─ better function <- decide",
        "├─ parts each ≤ 5 items <- polish",
        "│ └─ part function",
        "└─ form one of <- parts",
        "short:",
        "└─ say-short function",
        "long:",
        "└─ say-long function",
    ]


def test_what_ran_side_by_side_counts_once() -> None:
    overlapping = [
        ran("each[0]/a", started=0, ms=2000),
        ran("each[1]/a", started=1, ms=2000),
        ran("each[2]/a", started=9),
    ]
    assert Ran(overlapping, []).at("each/a").ms == pytest.approx(4000)


def test_failed_calls_cost_nothing_and_are_no_calls() -> None:
    assert Ran([], [paid("a", None, state="failed"), paid("a/judge")]).at("a").sum.calls == 1


# Random graphs: node n may wait for any earlier one.
EDGES = st.integers(1, 24).flatmap(
    lambda n: st.tuples(*[st.frozensets(st.integers(0, max(0, i - 1)), max_size=3 if i else 0) for i in range(n)])
)


def needs_of(edges: Sequence[frozenset[int]]) -> dict[str, frozenset[str]]:
    return {f"n{i}": frozenset(f"n{j}" for j in needs if j < i) for i, needs in enumerate(edges)}


def reach(needs: dict[str, frozenset[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node, near in needs.items():
        found[node] = set(near).union(*(found[n] for n in near))
    return found


def laid(needs: dict[str, frozenset[str]]) -> tuple[dict[str, Size], Layout]:
    sizes = {n: Size(200 + 10 * (i % 3), 50 + 20 * (i % 2)) for i, n in enumerate(needs)}
    return sizes, layout(sizes, needs, WIDEST)


@given(EDGES)
def test_reduction_keeps_who_can_reach_whom_with_the_fewest_edges(edges: Sequence[frozenset[int]]) -> None:
    needs = needs_of(edges)
    fewer = reduced(needs)
    assert reach(fewer) == reach(needs)
    for node, near in fewer.items():
        for one in near:
            assert reach({**fewer, node: near - {one}})[node] != reach(fewer)[node]


@given(EDGES)
def test_each_block_stands_below_what_it_waits_for(edges: Sequence[frozenset[int]]) -> None:
    needs = needs_of(edges)
    sizes, made = laid(needs)
    for node, near in needs.items():
        for above in near:
            assert made.corners[node][1] >= made.corners[above][1] + sizes[above].height
    assert all(len(layer) <= WIDEST for layer in layers_of(reduced(needs), WIDEST))


@given(EDGES)
def test_no_two_blocks_overlap_and_all_lie_within(edges: Sequence[frozenset[int]]) -> None:
    sizes, made = laid(needs_of(edges))
    boxes = [(*made.corners[n], s.width, s.height) for n, s in sizes.items()]
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= made.size.width + 1e-6
        assert y + h <= made.size.height + 1e-6
        for other_x, other_y, other_w, other_h in boxes[:i]:
            assert x + w <= other_x or other_x + other_w <= x or y + h <= other_y or other_y + other_h <= y


@given(EDGES)
def test_edges_run_downwards_from_foot_to_head(edges: Sequence[frozenset[int]]) -> None:
    sizes, made = laid(needs_of(edges))
    for (source, target), points in made.routes:
        heights = [y for _, y in points]
        assert heights == sorted(heights)
        assert heights[0] == pytest.approx(made.corners[source][1] + sizes[source].height)
        assert heights[-1] == pytest.approx(made.corners[target][1])


def test_lessons_come_before_the_calls_that_take_them() -> None:
    recall = Step(id="lessons", does=fn("join"), sees=see(seen="prompt"))
    call = Step(id="write", does=Call(prompt="{{prompt}}", lessons=True), sees=see("prompt"))
    both = Step(id="both", does=fn("join_two"), sees=see(one="lessons", two="write"))
    blocks = (recall, call, both)
    assert dependencies(Graph(blocks=blocks, gives={"out": "both"}))["write"] == {"lessons"}


def test_a_plan_says_what_each_block_will_do_and_nothing_of_a_run() -> None:
    svg = draw(graph_of_all())
    said = titles(svg)
    assert said["votes"] == "fan × 2: temperature 0.7"
    assert said["decide"] == "a person: yes, no"
    assert said["better"] == "function: join two"
    assert said["polish"] == "loop ≤ 3 turns"
    assert not any(word in svg for word in ("not reached", "skipped</", "✓"))
