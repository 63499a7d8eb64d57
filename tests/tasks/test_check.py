"""A specification that is wrong does not construct, and its error names the block."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks.spec import (
    Ask,
    At,
    Call,
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
    Recall,
    Remember,
    Signal,
    Step,
    Test,
    Tool,
    Use,
    View,
    block_from_json,
    block_to_json,
    samples,
    see,
)
from tests.tasks.graphs import PROMPT, TOYS, fn, spec, step
from utils.errors import SpecError


def raw(kind: Callable[..., Any], **values: Any) -> Any:
    """A part with values that its type refuses."""
    return kind(**values)


def counting(**changes: Any) -> Loop:
    body = Graph(blocks=(Step(id="add", does=fn("add_one"), sees=see("count")),), gives={"count": "add"})
    given: dict[str, Any] = {
        "id": "count-up",
        "carries": {"count": Carry(start="prompt", next="count")},
        "until": Test(fn=f"{TOYS}.reached", sees=see("count"), args={"bound": 3}),
        "body": body,
        "turns": 5,
    }
    return Loop(**{**given, **changes})


BODY = Graph(blocks=(Step(id="up", does=fn("shout"), sees=see("item")),), gives={"out": "up"})

WRONG: dict[str, tuple[Any, str]] = {
    "dangling ref": (lambda: spec(step("one", "nowhere")), "block 'one' reads 'nowhere'"),
    "dangling slot": (lambda: spec(step("one"), step("two", "one.other")), "block 'two' reads 'one.other'"),
    "cycle with itself": (lambda: spec(step("one", "one")), "block 'one' reads 'one'.*cycle"),
    "cycle of two": (lambda: spec(step("one", "two"), step("two", "one")), "block 'one' reads 'two'.*cycle"),
    "dangling gives": (lambda: spec(step("one"), gives="nowhere"), "gives 'out'"),
    "the same id twice": (lambda: spec(step("one"), step("one")), "block 'one'"),
    "ids that fold into one node": (lambda: spec(step("one"), step("one-", "one")), "both become the node 'one'"),
    "an id with a capital": (lambda: step("One"), "Step 'One': id"),
    "an id that is too long": (lambda: step("a" * 32), "id"),
    "a block with an input's name": (lambda: spec(step("prompt")), "'prompt'.*name of an input"),
    "unknown function": (
        lambda: spec(Step(id="one", does=fn("nothing"), sees=see(seen="prompt"))),
        "block 'one': unknown function 'tests.tasks.toys.nothing'",
    ),
    "unmarked function": (lambda: spec(Step(id="one", does=fn("impure"))), "no pure function 'impure'"),
    "unknown module": (
        lambda: spec(Step(id="one", does=Function(fn="tasks.nowhere.fn"))),
        "unknown function 'tasks.nowhere.fn'",
    ),
    "function of another package": (
        lambda: spec(Step(id="one", does=Function(fn="os.system"))),
        "unknown function 'os.system'",
    ),
    "function that needs more": (
        lambda: spec(Step(id="one", does=fn("join"))),
        "block 'one': function '.*join' also needs seen",
    ),
    "function that takes no such view": (
        lambda: spec(Step(id="one", does=fn("join"), sees=see("prompt", seen="prompt"))),
        "takes no prompt",
    ),
    "unused output": (lambda: spec(step("one"), step("two"), gives="two"), "block 'one': nobody reads"),
    "unused slot": (
        lambda: spec(Step(id="one", does=fn("split"), sees=see(text="prompt"), slots=("out", "rest"))),
        "block 'one': nobody reads its slot 'rest'",
    ),
    "unused input": (
        lambda: spec(step("one"), inputs=(PROMPT, Input(name="more", help="x", default=""))),
        "nobody reads the input 'more'",
    ),
    "an input named ctx": (lambda: Input(name="ctx", help="x"), "never named ctx"),
    "unbounded loop": (lambda: counting(turns=None), "Loop 'count-up': turns"),
    "loop without a bound": (
        lambda: raw(Loop, id="count-up", carries={}, body=BODY),
        "Loop 'count-up': turns",
    ),
    "loop of no turns": (lambda: counting(turns=0), "Loop 'count-up': turns"),
    "loop that carries nothing": (lambda: spec(counting(carries={}), gives="count-up.ended"), "carries nothing"),
    "a slot that a loop binds itself": (
        lambda: spec(counting(carries={"spent": Carry(start="prompt", next="count")}), gives="count-up.spent"),
        "block 'count-up': a Loop binds spent itself",
    ),
    "a stop test that sees the item of a turn": (
        lambda: spec(
            counting(
                carries={"count": Carry(start="prompt", next="count")},
                takes="count",
                until=Test(fn=f"{TOYS}.says", sees=see(seen="item"), args={"text": "x"}),
            ),
            gives="count-up.count",
        ),
        "block 'count-up' reads 'item'",
    ),
    "loop that takes what it does not carry": (
        lambda: spec(counting(takes="queue"), gives="count-up.count"),
        "block 'count-up': takes 'queue'",
    ),
    "loop that goes on with nothing": (
        lambda: spec(counting(carries={"count": Carry(start="prompt", next="more")}), gives="count-up.count"),
        "goes on with 'more'",
    ),
    "loop whose body gives what no slot carries": (
        lambda: spec(
            counting(
                body=Graph(
                    blocks=(Step(id="add", does=fn("add_one"), sees=see("count")),),
                    gives={"count": "add", "idle": "add"},
                )
            ),
            gives="count-up.count",
        ),
        "no slot carries idle",
    ),
    "a slot that never changes": (
        lambda: spec(
            counting(carries={"count": Carry(start="prompt", next="count"), "fixed": Carry(start="prompt")}),
            gives="count-up.count",
        ),
        "slot 'fixed' never changes",
    ),
    "what only a body made": (
        lambda: spec(Each(id="each", over="prompt", body=BODY, at_most=3), step("one", "up")),
        "block 'one' reads 'up'",
    ),
    "a body that reads outside what it makes itself later": (
        lambda: spec(
            step("early"),
            Each(
                id="each",
                over="early",
                at_most=3,
                body=Graph(blocks=(step("one", "early"), step("early", "one")), gives={"out": "early"}),
            ),
            gives="each.out",
        ),
        "block 'one' reads 'early', which is itself or comes later",
    ),
    "each that sees for itself": (
        lambda: spec(Each(id="each", over="prompt", body=BODY, at_most=3, sees=see("prompt")), gives="each.out"),
        "block 'each': its `sees` is for nothing",
    ),
    "item outside a body": (lambda: spec(step("one", "item")), "reads 'item'"),
    "turn outside a loop": (lambda: spec(step("one", "turn")), "reads 'turn'"),
    "each without at_most": (lambda: raw(Each, id="each", over="prompt", body=BODY), "Each 'each': at_most"),
    "fan without at_most": (lambda: raw(Fan, id="fan", does=fn("join"), over="prompt"), "Fan 'fan': at_most"),
    "fan with neither items nor members": (
        lambda: spec(Fan(id="fan", does=fn("say", text="x"), at_most=3)),
        "block 'fan': it has neither items nor members",
    ),
    "fan with two sources of items": (
        lambda: spec(
            Fan(id="fan", does=fn("shout"), sees=see("item"), over="prompt", by=fn("items", count=2), at_most=3)
        ),
        "block 'fan': items come from",
    ),
    "fan with nothing to do": (
        lambda: spec(Fan(id="fan", members=(Member(key="a"),), at_most=3)),
        "block 'fan': a member has nothing to do",
    ),
    "fan with the same member twice": (
        lambda: spec(Fan(id="fan", does=fn("say", text="x"), members=(Member(key="a"), Member(key="a")), at_most=3)),
        "block 'fan': two members have the same key",
    ),
    "fan with more members than at_most": (
        lambda: spec(Fan(id="fan", does=fn("say", text="x"), members=samples(4), at_most=3)),
        "block 'fan': 4 members, at_most 3",
    ),
    "own outside a fan": (
        lambda: spec(Step(id="one", does=fn("join"), sees=see(seen=View(ref="prompt", pick=Pick.OWN)))),
        "block 'one': view 'seen' picks own",
    ),
    "choice between one": (
        lambda: spec(Choose(id="way", by=fn("first_word"), sees=see(seen="prompt"), bodies={"a": BODY})),
        "block 'way': one body is no choice",
    ),
    "bodies that give differently": (
        lambda: spec(
            Choose(
                id="way",
                by=fn("first_word"),
                sees=see(seen="prompt"),
                bodies={
                    "a": Graph(blocks=(step("one"),), gives={"out": "one"}),
                    "b": Graph(blocks=(step("one"),), gives={"other": "one"}),
                },
            )
        ),
        "block 'way': its bodies give different names",
    ),
    "a default that is no body": (
        lambda: spec(
            Choose(
                id="way",
                by=fn("first_word"),
                sees=see(seen="prompt"),
                default="c",
                bodies={n: Graph(blocks=(step("one"),), gives={"out": "one"}) for n in ("a", "b")},
            )
        ),
        "default 'c' is none of its bodies",
    ),
    "ask with one choice": (
        lambda: Ask(id="ask", question="?", shows=see("prompt"), choices=("yes",)),
        "Ask 'ask'.*1 choices",
    ),
    "ask with nine choices": (
        lambda: Ask(id="ask", question="?", shows=see("prompt"), choices=tuple(f"c{i}" for i in range(9))),
        "Ask 'ask'.*9 choices",
    ),
    "ask without an answer": (lambda: Ask(id="ask", question="?", shows={}), "Ask 'ask'.*neither choices nor a form"),
    "ask that expires into no choice": (
        lambda: Ask(id="ask", question="?", shows={}, choices=("yes", "no"), on_expiry="maybe"),
        "Ask 'ask'.*on_expiry 'maybe'",
    ),
    "otherwise without unless": (lambda: spec(step("one"), step("two", otherwise="one")), "`otherwise` without"),
    "prompt that names what it does not see": (
        lambda: spec(Step(id="one", does=Call(prompt="{{prompt}} {{draft}}"), sees=see("prompt"))),
        "block 'one': its prompt names draft",
    ),
    "view that its prompt does not use": (
        lambda: spec(Step(id="one", does=Call(prompt="Hello."), sees=see("prompt"))),
        "block 'one': it sees prompt",
    ),
    "several slots of a call": (
        lambda: spec(Step(id="one", does=Call(prompt="{{prompt}}"), sees=see("prompt"), slots=("out", "rest"))),
        "only a function or a tool",
    ),
    "use of an unknown pattern": (
        lambda: spec(Use(id="use", pattern="consensus_votin", binds={"prompt": "prompt"}), gives="use.answer"),
        "unknown pattern 'consensus_votin': did you mean consensus_voting",
    ),
    "a prompt that names what its call in the used pattern does not see": (
        lambda: spec(
            Use(
                id="use",
                pattern="self_consistency",
                binds={"prompt": "prompt"},
                prompts={"paths": "Judge {{draft}}."},
            ),
            gives="use.answer",
        ),
        "block 'use/paths': its prompt names draft",
    ),
    "use of a pattern known at run time without slots": (
        lambda: spec(Use(id="use", pattern=At(ref="prompt"), binds={"prompt": "prompt"}), gives="use.answer"),
        "block 'use': say which slots",
    ),
    "temperature out of range": (lambda: Call(prompt="x", temperature=3), "Call: temperature"),
    "an unknown field": (lambda: raw(Call, prompt="x", tempature=1), "Call: tempature"),
    "no blocks": (lambda: GraphSpec(id="toy", title="", description="", blocks=(), gives={}), "no blocks"),
    "recall without a query": (
        lambda: spec(Step(id="one", does=Recall(store="grimoire"), sees=see("prompt"))),
        "block 'one': a Recall needs a view named query",
    ),
    "a signal of a source that nothing gives": (
        lambda: spec(step("one"), Step(id="tell", does=Signal(signal="s", value=At(ref="one"), source=At(ref="gone")))),
        "block 'tell' reads 'gone', which nothing gives",
    ),
    "a signal of an item outside a Fan": (
        lambda: spec(step("one"), Step(id="tell", does=Signal(signal="s", value=At(ref="one"), source=At(ref="item")))),
        "block 'tell' reads 'item', which nothing gives",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_specification_does_not_construct(name: str) -> None:
    build, message = WRONG[name]
    with pytest.raises(SpecError, match=message) as caught:
        build()
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


def test_what_acts_needs_no_reader() -> None:
    built = spec(
        step("one"),
        Step(id="keep", does=Remember(store="grimoire"), sees=see(answer="one")),
        Step(id="signal", does=Signal(signal="quality", value=At(ref="one", field="text"))),
        Step(id="write", does=Tool(name="tasks.deliver.conclude", writes=True), sees=see(answer="one")),
        gives="one",
    )
    assert [b.id for b in built.blocks] == ["one", "keep", "signal", "write"]


def test_json_goes_both_ways_and_is_canonical() -> None:
    built = spec(step("one"), counting(carries={"count": Carry(start="one", next="count")}), gives="count-up.count")
    text = built.to_json()
    assert GraphSpec.from_json(text) == built
    assert GraphSpec.from_json(text).to_json() == text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    loop = built.blocks[1]
    assert block_from_json(block_to_json(loop)) == loop


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"id": "x"}', '{"id": 3}'])
def test_what_is_no_specification_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        GraphSpec.from_json(text)
    assert "\n" not in caught.value.message


def test_a_specification_cannot_be_changed() -> None:
    built = spec(step("one"))
    with pytest.raises(Exception, match="frozen"):
        built.blocks[0].id = "two"


def test_a_pattern_that_uses_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import functions

    def build(pattern_id: str) -> GraphSpec:
        other = {"self_refine": "ai_debate", "ai_debate": "self_refine"}[pattern_id]
        return spec(Use(id="use", pattern=other, binds={"prompt": "prompt"}), gives="use.answer")

    functions.find_pattern.cache_clear()
    monkeypatch.setattr(functions, "_build", build)
    with pytest.raises(SpecError, match="pattern 'self_refine' uses itself, by way of self_refine -> ai_debate"):
        functions.find_pattern("self_refine")
    functions.find_pattern.cache_clear()


def test_an_argument_that_is_known_at_run_time_is_so_after_json_too() -> None:
    at = At(ref="prompt", field="key")
    block = Step(id="look", does=Tool(name="tasks.retrieval.retrieve", args={"k": 3, "query": at}))
    back = block_from_json(block_to_json(block))
    assert isinstance(back, Step)
    assert isinstance(back.does, Tool)
    assert back.does.args == {"k": 3, "query": at}
