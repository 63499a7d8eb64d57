"""Warm tasks through the service: what Flyte finds under the output prefix, and what it is told of what failed."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from flytekit.configuration import SERIALIZED_CONTEXT_ENV_VAR, FastSerializationSettings
from flytekit.core.context_manager import FlyteEntities
from flytekit.core.type_engine import TypeEngine
from flytekit.models.task import TaskTemplate
from flytekit.tools.module_loader import load_object_from_module

from tasks.reply import reply
from tasks.run import Run
from tests.utils import warm_tasks
from tests.utils.warm_calls import (
    FAILED,
    FAST,
    RETRYABLE,
    SUCCEEDED,
    Ask,
    Flyte,
    metadata,
    registered,
    template_of,
)
from utils.connector import WarmConnector, execution_metadata
from utils.service import Ports, serving
from utils.settings import settings
from utils.warm import CODE_DIGEST, code_digest

RUN = Run(run_id="r1", tenant_id="t", user_id="u", workflow="w", domain="general", models=["rehearsal/ada"])


@pytest.fixture(autouse=True)
def _fresh() -> None:
    warm_tasks.reset()


@asynccontextmanager
async def flyte() -> AsyncIterator[Flyte]:
    """A service, and what asks it."""
    async with serving(Ports(0)) as service:
        options = (("grpc.max_send_message_length", -1),)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}", options=options) as channel:
            yield Flyte(channel)


def asked(*asks: Ask) -> list[Any]:
    """The answers of a service that is asked one thing after another."""

    async def ask_all() -> list[Any]:
        async with flyte() as service:
            return [await service.ask(ask) for ask in asks]

    return asyncio.run(ask_all())


def files(ask: Ask) -> set[str]:
    return {file.name for file in Path(ask.prefix).glob("*")}


def pod_args(template: TaskTemplate) -> list[str]:
    args: list[str] = template.k8s_pod.pod_spec["containers"][0]["args"]
    return args


def env_of(template: TaskTemplate) -> dict[str, str]:
    return {e["name"]: e["value"] for e in template.k8s_pod.pod_spec["containers"][0]["env"]}


def without_context(template: TaskTemplate) -> str:
    """A template without the settings that flytekit packs into the environment of a @dynamic."""
    text = str(template.to_flyte_idl())
    return text.replace(env_of(template).get(SERIALIZED_CONTEXT_ENV_VAR, "none"), "")


def test_outputs_are_a_file_that_decodes(tmp_path: Path) -> None:
    add = Ask(warm_tasks.add, tmp_path / "add", {"a": 2, "b": 3})
    silent = Ask(warm_tasks.silent, tmp_path / "silent")
    assert [(a.phase, a.message, a.HasField("outputs")) for a in asked(add, silent)] == [(SUCCEEDED, "", False)] * 2
    assert add.outputs() == [5]
    assert files(silent) == {"outputs.pb"}
    assert silent.outputs() == []


def test_inputs_of_every_kind_come_back(tmp_path: Path) -> None:
    slots = {"out": [reply("a", key="one"), reply("b", key="two", data={"n": 1})], "empty": []}
    given = {
        "run": RUN,
        "made": slots,
        "parts": [slots, {}],
        "slots": ["out", "empty"],
        "texts": {"prompt": "Ünï\n"},
        "flags": {"yes": True, "no": False},
        "n": 0.25,
    }
    echo = Ask(warm_tasks.echo, tmp_path / "echo", given)
    nothing = Ask(warm_tasks.optional, tmp_path / "none", {"said": None, "replies": []})
    something = Ask(warm_tasks.optional, tmp_path / "some", {"said": "x", "replies": slots["out"]})
    assert {a.phase for a in asked(echo, nothing, something)} == {SUCCEEDED}
    assert echo.outputs() == list(given.values())
    assert nothing.outputs() == [None, []]
    assert something.outputs() == ["x", slots["out"]]


def test_an_output_may_be_larger_than_a_message(tmp_path: Path) -> None:
    large = Ask(warm_tasks.large, tmp_path / "large", {"megabytes": 6})
    [answer] = asked(large)
    assert answer.phase == SUCCEEDED
    assert answer.ByteSize() < 1000
    [text] = large.outputs()
    assert len(text) == 6 * 2**20
    back = Ask(warm_tasks.optional, tmp_path / "back", {"said": text, "replies": []})
    assert asked(back)[0].phase == SUCCEEDED, "and so may what the next node is given"


@pytest.mark.parametrize("fast", [None, FAST], ids=["image", "fast"])
def test_a_dynamic_writes_the_graph_that_it_made(tmp_path: Path, fast: FastSerializationSettings | None) -> None:
    as_registered = registered(fast)
    template = template_of(warm_tasks.graph, as_registered)
    graph = Ask(warm_tasks.graph, tmp_path / "graph", {"n": 3}, template=template)
    assert asked(graph)[0].phase == SUCCEEDED
    assert files(graph) == {"futures.pb"}
    made = graph.futures()
    assert [node.id for node in made.nodes] == ["dn0", "dn1"]
    for task, entity in zip(made.tasks, (warm_tasks.inner, warm_tasks.add), strict=True):
        itself, args = template_of(entity, as_registered), pod_args(task)
        assert without_context(task) == without_context(itself), "as if registered itself"
        assert env_of(task).keys() == env_of(itself).keys()
        assert task.custom == {CODE_DIGEST: code_digest()}
        assert args[0] == ("pyflyte-fast-execute" if fast else "pyflyte-execute")
        resolver = load_object_from_module(args[args.index("--resolver") + 1])
        assert resolver.load_task(args[-4:]) is entity


def test_what_a_dynamic_made_runs_in_the_service_too(tmp_path: Path) -> None:
    graph = Ask(warm_tasks.graph, tmp_path / "graph", {"n": 3})
    assert asked(graph)[0].phase == SUCCEEDED
    inner, add = graph.futures().tasks
    first = Ask(warm_tasks.inner, tmp_path / "inner", {"n": 3}, template=inner)
    second = Ask(warm_tasks.add, tmp_path / "add", {"a": 1, "b": 3}, template=add)
    assert [a.phase for a in asked(first, second)] == [SUCCEEDED] * 2
    assert (first.outputs(), second.outputs()) == ([3], [4])


def test_a_dynamic_without_nodes_writes_outputs(tmp_path: Path) -> None:
    graph = Ask(warm_tasks.graph, tmp_path / "graph", {"n": 0})
    assert asked(graph)[0].phase == SUCCEEDED
    assert files(graph) == {"outputs.pb"}
    assert graph.outputs() == [0]


def test_a_dynamic_that_ends_otherwise_when_asked_again_leaves_no_graph(tmp_path: Path) -> None:
    """Flyte asks again where an answer was lost, and takes a futures.pb before an outputs.pb."""
    first = Ask(warm_tasks.graph, tmp_path / "graph", {"n": 3})
    again = replace(first, inputs={"n": 0})
    assert [a.phase for a in asked(first, again)] == [SUCCEEDED] * 2
    assert files(again) == {"outputs.pb"}


def test_dynamics_that_compile_at_once_keep_their_commands_apart(tmp_path: Path) -> None:
    other = replace(FAST, distribution_location="s3://code/other.tar.gz")
    asks = [
        Ask(
            warm_tasks.gathering, tmp_path / str(n), {"n": n}, template=template_of(warm_tasks.gathering, registered(f))
        )
        for n, f in enumerate((FAST, other))
    ]

    async def both() -> list[Any]:
        async with flyte() as service:
            return await asyncio.gather(*(service.ask(ask) for ask in asks))

    for _ in range(20):
        assert [a.phase for a in asyncio.run(both())] == [SUCCEEDED] * 2
        for ask, fast in zip(asks, (FAST, other), strict=True):
            [task] = ask.futures().tasks
            assert pod_args(task)[:3] == [
                "pyflyte-fast-execute",
                "--additional-distribution",
                fast.distribution_location,
            ]


def test_no_literal_is_cached_for_others(tmp_path: Path) -> None:
    """flytekit's cache is not safe in threads: of @dynamics that compile at once one fails now and then (KeyError)."""
    assert asked(Ask(warm_tasks.graph, tmp_path / "graph", {"n": 41}))[0].phase == SUCCEEDED
    assert len(TypeEngine._LITERAL_CACHE) == 0


def test_a_deck_is_there_with_its_own_tab_only(tmp_path: Path) -> None:
    shown = Ask(warm_tasks.shown, tmp_path / "shown", {"html": "<p>An answer</p>"})
    assert asked(shown)[0].phase == SUCCEEDED
    assert files(shown) == {"outputs.pb", "deck.html"}
    html = Path(shown.prefix, "deck.html").read_text()
    assert html.count("<li onclick") == 1
    assert "Think Tank</li>" in html
    assert "<p>An answer</p>" in html


@pytest.mark.parametrize(
    ("how", "phase", "said", "traced"),
    [
        ("recoverable", RETRYABLE, "FlyteRecoverableException: USER:Recoverable: error=the model is tired", True),
        ("away", RETRYABLE, "ConnectionResetError: the storage hung up", True),
        ("wrong", FAILED, "ValueError: no such number", True),
        ("broken", FAILED, "RadiantError: it broke", True),
        ("bad", FAILED, "BadInput: give a number", False),
        ("cap", FAILED, "OverBudget: over the run's cap", False),
    ],
)
def test_what_failed_is_said_first(how: str, phase: int, said: str, traced: bool, tmp_path: Path) -> None:
    failing = Ask(warm_tasks.failing, tmp_path / "failing", {"how": how})
    [answer] = asked(failing)
    first, _, after = answer.message.partition("\n\n")
    assert (answer.phase, first) == (phase, said)
    assert ("raise errors[how]" in after) == traced
    assert files(failing) == set()


def test_inputs_that_do_not_convert_are_not_tried_again(tmp_path: Path) -> None:
    wrong = Ask(warm_tasks.failing, tmp_path / "wrong", {"how": "x"}, template=template_of(warm_tasks.add))
    [answer] = asked(wrong)
    assert (answer.phase, answer.message.partition("\n")[0]) == (FAILED, "KeyError: 'how'")


def test_a_task_that_exits_leaves_the_service_up(tmp_path: Path) -> None:
    gone, after = asked(Ask(warm_tasks.exiting, tmp_path / "a"), Ask(warm_tasks.add, tmp_path / "b", {"a": 1, "b": 1}))
    assert (gone.phase, gone.message.partition("\n")[0]) == (FAILED, "SystemExit: 7")
    assert after.phase == SUCCEEDED


def test_a_storage_that_does_not_take_the_outputs_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    [answer] = asked(Ask(warm_tasks.add, tmp_path / "file" / "add", {"a": 1, "b": 1}))
    assert answer.phase == RETRYABLE, answer.message


@pytest.mark.parametrize("custom", [{CODE_DIGEST: "0123456789abcdef"}, {}])
def test_other_code_is_refused_by_name(custom: dict[str, str], tmp_path: Path) -> None:
    template = template_of(warm_tasks.add)
    template._custom = custom
    other = Ask(warm_tasks.add, tmp_path / "other", {"a": 1, "b": 1}, template=template)
    [answer] = asked(other)
    assert answer.phase == FAILED
    assert custom.get(CODE_DIGEST, "without a digest") in answer.message
    assert code_digest() in answer.message
    assert files(other) == set()


def test_without_an_execution_it_does_not_run(tmp_path: Path) -> None:
    nobody = Ask(warm_tasks.add, tmp_path / "nobody", {"a": 1, "b": 1}, metadata=None)
    [answer] = asked(nobody)
    assert answer.phase == FAILED
    assert "not told for which execution" in answer.message


def test_a_task_knows_which_attempt_it_is(tmp_path: Path) -> None:
    who = Ask(warm_tasks.who, tmp_path / "who", metadata=metadata("run7", "n1-0-dn2", 2))
    assert asked(who)[0].phase == SUCCEEDED
    here = ["project", "development", "run7", "n1-0-dn2", "2", "someone", "run7", str(who.prefix)]
    assert who.outputs() == [here]


def test_calls_at_once_keep_their_contexts_apart(tmp_path: Path) -> None:
    asks = [Ask(warm_tasks.meet, tmp_path / name, metadata=metadata(name)) for name in ("one", "two")]

    async def both() -> list[Any]:
        async with flyte() as service:
            return await asyncio.gather(*(service.ask(ask) for ask in asks))

    assert [a.phase for a in asyncio.run(both())] == [SUCCEEDED] * 2
    for ask, name in zip(asks, ("one", "two"), strict=True):
        here = ["project", "development", name, "n0", "0", "someone", name, str(ask.prefix)]
        assert ask.outputs() == [here * 2]


def test_the_same_attempt_asked_twice_at_once_runs_once(tmp_path: Path) -> None:
    ask = Ask(warm_tasks.holding, tmp_path / "holding", {"name": "a"})

    async def thrice() -> list[Any]:
        async with flyte() as service:
            first = asyncio.create_task(service.ask(ask))
            await asyncio.to_thread(warm_tasks.began.wait, warm_tasks.WAIT)
            second = asyncio.create_task(service.ask(ask))
            gone = asyncio.create_task(service.ask(ask))
            await service.ask(Ask(warm_tasks.add, tmp_path / "add", {"a": 1, "b": 1}))
            gone.cancel()
            await asyncio.wait([gone])
            warm_tasks.ends.set()
            return [await first, await second, await service.ask(ask)]

    assert [a.phase for a in asyncio.run(thrice())] == [SUCCEEDED] * 3
    assert warm_tasks.ran == ["a", "a"], "once for those who asked while it ran, and once for the one after"
    assert ask.outputs() == ["a"]


def test_more_calls_than_threads_wait_their_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RADIANT_SERVICE_THREADS", "2")
    settings.cache_clear()
    connector = WarmConnector()
    asks = [Ask(warm_tasks.holding, tmp_path / str(n), {"name": str(n)}) for n in range(12)]
    execution_metadata.set(metadata())

    async def all_of_them() -> list[Any]:
        calls = [
            asyncio.create_task(connector.do(template_of(ask.task), str(ask.prefix), ask.literals())) for ask in asks
        ]
        await asyncio.to_thread(warm_tasks.began.wait, warm_tasks.WAIT)
        assert len(warm_tasks.ran) <= 2
        warm_tasks.ends.set()
        return await asyncio.gather(*calls)

    assert [a.phase for a in asyncio.run(all_of_them())] == [SUCCEEDED] * 12
    assert sorted(ask.outputs()[0] for ask in asks) == sorted(warm_tasks.ran)
    connector.close()
    settings.cache_clear()


def test_no_call_leaves_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    asked(
        Ask(warm_tasks.shown, tmp_path / "shown", {"html": "x"}),
        Ask(warm_tasks.graph, tmp_path / "graph", {"n": 1}),
        Ask(warm_tasks.failing, tmp_path / "failing", {"how": "wrong"}),
    )
    assert list((tmp_path / "tmp").iterdir()) == []


def test_memory_does_not_grow_with_each_gate(tmp_path: Path) -> None:
    def gates(first: int, last: int) -> None:
        answers = asked(*(Ask(warm_tasks.gate, tmp_path / str(n), {"n": n}) for n in range(first, last)))
        assert {a.phase for a in answers} == {SUCCEEDED}

    def alive() -> Counter[str]:
        gc.collect()
        return Counter(type(thing).__name__ for thing in gc.get_objects())

    gates(0, 20)
    before, listed = alive(), len(FlyteEntities.entities)
    gates(20, 120)
    grown = {name: n for name, n in (alive() - before).items() if n >= 50}
    assert len(FlyteEntities.entities) == listed, "no workflow that a @dynamic compiled is kept"
    assert grown == {}, "and nothing else of which each call makes one"
