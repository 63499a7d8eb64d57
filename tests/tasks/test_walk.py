"""The clauses of DESIGN.md's "blocks in full", each as the plain host walks it."""

import threading
from typing import Any, Literal
from uuid import UUID

import pytest

from tasks.functions import pure
from tasks.reply import Replies, Reply, failed, reply
from tasks.run import Run
from tasks.spec import (
    At,
    Carry,
    Choose,
    Each,
    Fan,
    Function,
    Graph,
    GraphSpec,
    Input,
    Loop,
    Member,
    Pick,
    Step,
    Test,
    Use,
    View,
    samples,
    see,
)
from tasks.trace import traces
from tasks.views import Scope, look
from tests.tasks.conftest import Give
from utils.errors import RunFailed, SpecError
from utils.progress import Event, listen

TOYS = "tests.tasks.toys"
Beyond = Literal["refuse", "cut"]
PROMPT = Input(name="prompt", help="What is asked.")


def fn(name: str, **args: Any) -> Function:
    return Function(fn=f"{TOYS}.{name}", args=args)


def when(name: str, ref: str = "", **args: Any) -> Test:
    return Test(fn=f"{TOYS}.{name}", sees=see(seen=ref) if ref else {}, args=args)


def spec(*blocks: Any, inputs: tuple[Input, ...] = (PROMPT,), gives: dict[str, str] | None = None) -> GraphSpec:
    return GraphSpec(
        id="toy", title="Toy", description="Under test.", inputs=inputs, blocks=blocks, gives=gives or {"out": "last"}
    )


def texts(replies: Replies) -> list[str]:
    return [r.text for r in replies]


def step(block_id: str, ref: str, **rest: Any) -> Step:
    return Step(id=block_id, does=fn("join"), sees=see(seen=ref), **rest)


# Blocks: unless and otherwise.
def test_unless_skips_a_block_and_gives_otherwise(give: Give) -> None:
    built = spec(
        step("first", "prompt"),
        Step(
            id="last",
            does=fn("shout"),
            sees=see(item="first"),
            unless=when("says", "prompt", text="quiet"),
            otherwise="first",
        ),
    )
    assert texts(give(built, prompt="loud")["out"]) == ["LOUD"]
    assert texts(give(built, prompt="quiet")["out"]) == ["quiet"]


def test_unless_without_otherwise_gives_nothing(give: Give) -> None:
    built = spec(step("last", "prompt", unless=when("says", "prompt", text="quiet")))
    assert give(built, prompt="quiet")["out"] == []


# Function: slots, seed and now.
def test_a_function_gives_several_slots(give: Give) -> None:
    built = spec(
        Step(id="halves", does=fn("split"), sees=see(text="prompt"), slots=("out", "rest")),
        Step(id="last", does=fn("join_two"), sees=see(one="halves.rest", two="halves")),
    )
    assert texts(give(built, prompt="left right")["out"]) == ["right|left"]


def test_a_function_gets_seed_and_now_fixed_at_the_first_start(give: Give, run: Run) -> None:
    built = spec(Step(id="last", does=fn("context")), inputs=())
    first, second = give(built)["out"], give(built)["out"]
    assert first == second
    assert first[0].text == f"{run.seed('last')}/{run.started}/"
    assert run.seed("last") != run.seed("other")


def test_what_a_function_raises_fails_the_run_and_names_the_block(give: Give) -> None:
    with pytest.raises(RunFailed, match=r"block 'last': tests.tasks.toys.breaks failed: ZeroDivisionError: as asked"):
        give(spec(Step(id="last", does=fn("breaks"), sees=see(seen="prompt"))), prompt="x")


def test_refuse_fails_the_run_with_its_reason(give: Give) -> None:
    with pytest.raises(RunFailed, match="block 'last': refuse this is refused"):
        give(spec(Step(id="last", does=fn("shout"), sees=see(item="prompt"))), prompt="refuse this")


# Views: pick, last, own and others.
@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (View(ref="seen"), ["a", "c", "d"]),
        (View(ref="seen", pick=Pick.ANY), ["a", "b", "c", "d"]),
        (View(ref="seen", pick=Pick.OWN), ["c"]),
        (View(ref="seen", pick=Pick.OTHERS), ["a", "d"]),
        (View(ref="seen", last=2), ["c", "d"]),
    ],
)
def test_a_view_picks(view: View, shown: list[str]) -> None:
    replies = [reply("a", key="a"), failed("gone", key="b"), reply("c", key="c"), reply("d", key="d")]
    scope = Scope({"seen.out": [r.but(text=r.key) for r in replies]})
    seen = look({"view": view}, scope, Pick.OK, frozenset({"c"}))
    assert texts(seen["view"].picked) == shown


# Fan.
def test_a_fan_runs_items_by_members_item_major(give: Give) -> None:
    built = spec(
        Step(id="items", does=fn("items", count=2)),
        Fan(
            id="last",
            over="items",
            at_most=4,
            sees=see("item"),
            members=(Member(key="loud", does=fn("shout")), Member(key="again", does=fn("shout"))),
        ),
        inputs=(),
    )
    out = give(built)["out"]
    assert [(r.key, r.at) for r in out] == [("i0", [0, 0]), ("i0 #2", [0, 1]), ("i1", [1, 0]), ("i1 #2", [1, 1])]


def test_a_fan_over_pairs_by_a_pure_function(give: Give) -> None:
    built = spec(
        Step(id="items", does=fn("items", count=3)),
        Fan(id="last", by=fn("pairs"), sees=see("item", seen="items"), does=fn("second"), at_most=3),
        inputs=(),
    )
    assert texts(give(built)["out"]) == ["item 0+item 1", "item 0+item 2", "item 1+item 2"]


def test_samples_are_members(give: Give) -> None:
    built = spec(Fan(id="last", does=fn("say", text="x"), members=samples(3), at_most=3), inputs=())
    assert [r.at for r in give(built)["out"]] == [[0], [1], [2]]


def test_a_fan_of_more_than_at_most_is_refused_or_cut_and_said(give: Give) -> None:
    def built(beyond: Beyond) -> GraphSpec:
        return spec(
            Step(id="items", does=fn("items", count=5)),
            Fan(id="last", over="items", sees=see("item"), does=fn("shout"), at_most=3, beyond=beyond),
            inputs=(),
        )

    with pytest.raises(RunFailed, match="block 'last': 5 calls side by side, at most 3 are allowed"):
        give(built("refuse"))
    out = give(built("cut"))["out"]
    assert texts(out[:3]) == ["ITEM 0", "ITEM 1", "ITEM 2"]
    assert (out[3].status, out[3].cause) == ("skipped", "2 beyond 3")


# Each.
def each(beyond: Beyond = "refuse", at_most: int = 5) -> Each:
    body = Graph(
        blocks=(
            Step(id="up", does=fn("shout"), sees=see("item")),
            Step(id="joined", does=fn("join"), sees=see(seen="up")),
        ),
        gives={"out": "joined"},
    )
    return Each(id="last", over="items", body=body, at_most=at_most, beyond=beyond)


def test_each_walks_its_body_for_every_item_in_item_order(give: Give) -> None:
    out = give(spec(Step(id="items", does=fn("items", count=4)), each(), inputs=()))["out"]
    assert texts(out) == [f"ITEM {i}" for i in range(4)]
    assert [r.key for r in out] == ["i0", "i1", "i2", "i3"]
    assert [r.at[0] for r in out] == [0, 1, 2, 3]


def test_in_each_only_the_item_that_failed_fails(give: Give) -> None:
    built = GraphSpec(
        id="toy",
        title="",
        description="",
        inputs=(Input(name="items", type="texts", help="x"),),
        blocks=(each(),),
        gives={"out": "last"},
    )
    out = give(built, items=["a", "refuse b", "c"])["out"]
    assert [r.status for r in out] == ["success", "failed", "success"]
    assert out[1].cause == "block 'last[1]/up': refuse b is refused"


def test_each_of_too_many_items(give: Give) -> None:
    items = Step(id="items", does=fn("items", count=4))
    with pytest.raises(RunFailed, match="block 'last': 4 items, at most 2"):
        give(spec(items, each(at_most=2), inputs=()))
    assert len(give(spec(items, each("cut", 2), inputs=()))["out"]) == 2


def test_items_of_each_run_side_by_side(give: Give) -> None:
    """All four meet at a barrier: were they one after another, none would pass it."""
    met.append(threading.Barrier(4))
    body = Graph(
        blocks=(Step(id="meets", does=Function(fn="tests.tasks.test_walk.meet"), sees=see("item")),),
        gives={"out": "meets"},
    )
    items = Step(id="items", does=fn("items", count=4))
    built = spec(items, Each(id="last", over="items", body=body, at_most=4), inputs=())
    assert len(give(built)["out"]) == 4


met: list[threading.Barrier] = []


@pure
def meet(item: Replies) -> Reply:
    met[-1].wait(timeout=20)
    return item[0]


def test_blocks_that_do_not_need_one_another_run_side_by_side(give: Give) -> None:
    met.append(threading.Barrier(3))
    meets = Function(fn="tests.tasks.test_walk.meet")
    built = spec(
        *(Step(id=f"b{i}", does=meets, sees=see(item="prompt")) for i in range(3)),
        Step(id="join", does=fn("join_two"), sees=see(one="b0", two="b1")),
        Step(id="last", does=fn("join_two"), sees=see(one="join", two="b2")),
    )
    assert texts(give(built, prompt="x")["out"]) == ["x|x|x"]


def test_where_one_block_fails_what_runs_is_let_end_and_no_other_starts(give: Give, run: Run) -> None:
    built = spec(
        Step(id="bad", does=fn("breaks"), sees=see(seen="prompt")),
        step("good", "prompt"),
        Step(id="last", does=fn("join_two"), sees=see(one="bad", two="good")),
    )
    with pytest.raises(RunFailed, match="block 'bad'"):
        give(built, prompt="x")
    assert {t.path: t.state for t in traces(run)} == {"bad": "failed", "good": "finished"}


# Loop.
def counting(bound: int, turns: int = 10, **rest: Any) -> Loop:
    body = Graph(blocks=(Step(id="add", does=fn("add_one"), sees=see("count")),), gives={"count": "add"})
    return Loop(
        id="loop",
        carries={"count": Carry(start="prompt", next="count"), "all": Carry(next="count", how="append")},
        until=Test(fn=f"{TOYS}.reached", sees=see("count"), args={"bound": bound}),
        body=body,
        turns=turns,
        **rest,
    )


COUNTED = {"count": "loop.count", "all": "loop.all", "ended": "loop.ended", "spent": "loop.spent"}


def test_a_loop_ends_by_its_test(give: Give) -> None:
    out = give(spec(counting(3), gives=COUNTED), prompt="0")
    assert texts(out["count"]) == ["3"]
    assert texts(out["all"]) == ["1", "2", "3"]
    assert out["ended"][0].data() == {"turns": 3, "by": "test"}
    assert out["spent"][0].data() == {"calls": 0, "tokens": 0, "cost": 0.0}


def test_a_loop_ends_at_its_bound(give: Give) -> None:
    out = give(spec(counting(99, turns=4), gives=COUNTED), prompt="0")
    assert texts(out["count"]) == ["4"]
    assert out["ended"][0].data() == {"turns": 4, "by": "bound"}


def test_a_loop_tests_after_each_turn_and_before_the_first_if_it_asks_first(give: Give) -> None:
    assert texts(give(spec(counting(0), gives=COUNTED), prompt="5")["count"]) == ["6"]
    out = give(spec(counting(0, asks_first=True), gives=COUNTED), prompt="5")
    assert texts(out["count"]) == ["5"]
    assert out["ended"][0].data() == {"turns": 0, "by": "test"}


def test_a_test_may_take_the_turn(give: Give) -> None:
    loop = counting(99).model_copy(update={"until": Test(fn=f"{TOYS}.in_turn", args={"bound": 2})})
    assert texts(give(spec(loop, gives=COUNTED), prompt="0")["count"]) == ["2"]


def test_a_loop_takes_items_from_a_queue_that_its_body_rewrites(give: Give) -> None:
    body = Graph(
        blocks=(Step(id="work", does=fn("pushes"), sees=see("item", "queue"), slots=("out", "done")),),
        gives={"queue": "work", "done": "work.done"},
    )
    built = GraphSpec(
        id="toy",
        title="",
        description="",
        inputs=(Input(name="items", type="texts", help="x"),),
        blocks=(
            Loop(
                id="loop",
                carries={"queue": Carry(start="items", next="queue"), "done": Carry(next="done", how="append")},
                takes="queue",
                body=body,
                turns=9,
            ),
        ),
        gives={"done": "loop.done", "ended": "loop.ended"},
    )
    out = give(built, items=["parent", "other"])
    assert texts(out["done"]) == ["parent", "other", "child"]
    assert out["ended"][0].data() == {"turns": 3, "by": "empty"}
    assert give(built, items=[])["ended"][0].data() == {"turns": 0, "by": "empty"}


def test_a_loop_of_forty_turns_does_not_nest(give: Give) -> None:
    assert texts(give(spec(counting(40, turns=40), gives=COUNTED), prompt="0")["count"]) == ["40"]


# Choose.
def choosing(default: str = "") -> GraphSpec:
    bodies = {
        name: Graph(blocks=(Step(id="say", does=fn("say", text=name)),), gives={"out": "say"}) for name in ("a", "b")
    }
    way = Choose(id="last", by=fn("first_word"), sees=see(seen="prompt"), bodies=bodies, default=default)
    return spec(way)


def test_choose_walks_one_body_and_no_other(give: Give, run: Run) -> None:
    assert texts(give(choosing(), prompt="b please")["out"]) == ["b"]
    assert {t.path for t in traces(run)} == {"last", "last.b/say"}


def test_an_unknown_name_takes_the_default_or_fails_the_block(give: Give) -> None:
    assert texts(give(choosing("a"), prompt="c")["out"]) == ["a"]
    with pytest.raises(RunFailed, match="block 'last': 'c' is none of its bodies: a, b"):
        give(choosing(), prompt="c")


# Use.
def inner() -> GraphSpec:
    return spec(step("last", "prompt"), Step(id="loud", does=fn("shout"), sees=see(item="last")), gives={"out": "loud"})


def using_at_run_time(**rest: Any) -> GraphSpec:
    use = Use(id="last", pattern=At(ref="which"), binds={"prompt": "prompt"}, slots=("out", "more"), **rest)
    inputs = (PROMPT, Input(name="which", help="A pattern."))
    return spec(use, inputs=inputs, gives={"out": "last.out", "more": "last.more"})


def test_a_pattern_known_at_run_time_is_walked_in_place(give: Give, run: Run) -> None:
    out = give(using_at_run_time(), prompt="hello", which=inner().to_json())
    assert texts(out["out"]) == ["HELLO"]
    assert out["more"] == []
    assert {t.path for t in traces(run)} == {"last", "last/last", "last/loud"}


def test_a_pattern_known_at_run_time_is_validated_first(give: Give) -> None:
    broken = inner().to_json().replace('"ref":"last"', '"ref":"nowhere"')
    with pytest.raises(SpecError, match="block 'loud' reads 'nowhere'"):
        give(using_at_run_time(), prompt="hello", which=broken)


def test_a_pattern_known_at_run_time_keeps_within_its_calls(give: Give) -> None:
    from tasks.spec import Call

    many = spec(Fan(id="last", does=Call(prompt="Hello."), members=samples(5), at_most=5), inputs=())
    with pytest.raises(RunFailed, match="'toy' may make 5 calls, 4 are allowed"):
        give(using_at_run_time(most_calls=4), prompt="hello", which=many.to_json())


def test_a_pattern_known_at_run_time_needs_its_inputs(give: Give) -> None:
    needy = spec(step("last", "more"), inputs=(Input(name="more", help="x"),))
    with pytest.raises(RunFailed, match="'toy' needs the input 'more'"):
        give(using_at_run_time(), prompt="hello", which=needy.to_json())


# Paths, and what is shown.
def test_paths_carry_turns_and_items(give: Give, run: Run) -> None:
    inner = Each(id="each", over="add", body=Graph(blocks=(step("in", "item"),), gives={"out": "in"}), at_most=3)
    body = Graph(
        blocks=(Step(id="add", does=fn("add_one"), sees=see("count")), inner, step("joined", "each")),
        gives={"count": "joined"},
    )
    loop = counting(2).model_copy(update={"body": body})
    give(spec(loop, gives=COUNTED), prompt="0")
    paths = {t.path for t in traces(run)}
    assert {"loop", "loop@1/add", "loop@1/each", "loop@1/each[0]/in", "loop@2/each[0]/in"} <= paths


def test_a_step_that_shows_tells_the_progress_stream(give: Give) -> None:
    events: list[Event] = []
    stop = listen(events.append)
    give(spec(step("last", "prompt", show=True)), prompt="hello")
    stop()
    assert [(e.path, e.state) for e in events] == [("last", "started"), ("last", "finished"), ("last", "shown")]
    assert events[-1].text == "hello"


def test_a_run_keeps_to_its_tenant(give: Give, run: Run) -> None:
    give(spec(step("last", "prompt")), prompt="hello")
    other = run.model_copy(update={"tenant_id": str(UUID(int=7))})
    assert traces(run)
    assert traces(other) == ()


def test_a_call_that_takes_lessons_waits_for_them() -> None:
    from tasks.spec import Call, Recall
    from tasks.walk import dependencies

    built = spec(
        Step(id="lessons", does=Recall(store="grimoire"), sees=see(query="prompt")),
        Step(id="blind", does=Call(prompt="{{prompt}}"), sees=see("prompt")),
        Step(id="informed", does=Call(prompt="{{prompt}}", lessons=True), sees=see("prompt")),
        Step(id="last", does=fn("join_two"), sees=see(one="blind", two="informed")),
        gives={"out": "last", "lessons": "lessons"},
    )
    waits = dependencies(built)
    assert waits["informed"] == {"lessons"}
    assert waits["blind"] == frozenset()
