"""Loop, Choose and Use: the clauses of DESIGN.md's "blocks in full" on bodies, as the plain host walks them."""

from typing import Any

import pytest

from tasks.run import Run
from tasks.spec import (
    At,
    Call,
    Carry,
    Choose,
    Each,
    Fan,
    Graph,
    GraphSpec,
    Input,
    Loop,
    Step,
    Test,
    Use,
    samples,
    see,
)
from tasks.trace import traces
from tests.tasks.conftest import Give
from tests.tasks.graphs import PROMPT, TOYS, fn, spec, step, texts
from utils.errors import RunFailed


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


def test_a_budget_in_a_test_stops_at_the_same_turn_when_the_run_resumes(give: Give) -> None:
    """Two calls a turn, at most three: the ledger already has all four when the first turn is tested again."""
    calls = Fan(id="ask", does=Call(prompt="{{count}}"), sees=see("count"), members=samples(2), at_most=2)
    body = Graph(
        blocks=(calls, Step(id="add", does=fn("first"), sees=see(seen="ask"))),
        gives={"count": "add"},
    )
    loop = Loop(
        id="loop",
        carries={"count": Carry(start="prompt", next="count")},
        until=Test(fn=f"{TOYS}.dear", sees=see("spent"), args={"calls": 3}),
        body=body,
        turns=9,
    )
    gives = {"count": "loop.count", "ended": "loop.ended", "spent": "loop.spent"}
    first, again = (give(spec(loop, gives=gives), prompt="x") for _ in range(2))
    assert first["ended"][0].data() == {"turns": 2, "by": "test"}
    assert first["spent"][0].data()["calls"] == 4
    assert again == first


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
    with pytest.raises(RunFailed, match="block 'last': block 'loud' reads 'nowhere'"):
        give(using_at_run_time(), prompt="hello", which=broken)


def test_a_pattern_known_at_run_time_is_the_same_in_every_try(give: Give) -> None:
    """The pattern of that id may have changed, and what named it may name another: what was paid for stays of use."""
    give(using_at_run_time(), prompt="hello", which=inner().to_json())
    other = spec(step("last", "prompt"), gives={"out": "last"})
    assert texts(give(using_at_run_time(), prompt="hello", which=other.to_json())["out"]) == ["HELLO"]


def test_a_pattern_known_at_run_time_keeps_within_its_calls(give: Give) -> None:
    many = spec(Fan(id="last", does=Call(prompt="Hello."), members=samples(5), at_most=5), inputs=())
    with pytest.raises(RunFailed, match="'toy' may make 5 calls, 4 are allowed"):
        give(using_at_run_time(most_calls=4), prompt="hello", which=many.to_json())


def test_a_pattern_known_at_run_time_needs_its_inputs(give: Give) -> None:
    needy = spec(step("last", "more"), inputs=(Input(name="more", help="x"),))
    with pytest.raises(RunFailed, match="'toy' needs the input 'more'"):
        give(using_at_run_time(), prompt="hello", which=needy.to_json())


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
