"""The clauses of DESIGN.md's "blocks in full", each as the plain host walks it."""

import threading
from uuid import UUID

import pytest

from tasks.functions import pure
from tasks.reply import Replies, Reply, failed, reply
from tasks.run import Run
from tasks.spec import (
    Each,
    Fan,
    Function,
    Graph,
    GraphSpec,
    Input,
    Member,
    Pick,
    Step,
    View,
    samples,
    see,
)
from tasks.trace import traces
from tasks.views import Scope, look
from tests.tasks.conftest import Give
from tests.tasks.graphs import Beyond, fn, spec, step, texts, when
from utils.errors import RunFailed
from utils.progress import Event, listen


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


# Paths, and what is shown.
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
