"""The registry: what is derived of each pattern, and that a sync makes the database say just that."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import psycopg2
import pytest

import workflows
import workflows.patterns
from tasks import registry
from tasks.functions import find_pattern, pattern_files
from tasks.registry import capabilities, categories, execution_type, sync
from tasks.spec import Ask, Call, Carry, Each, Fan, Graph, GraphSpec, Loop, Member, Step, samples, see
from tests.conftest import as_owner
from tests.fake_openai import FakeOpenAI, Fault
from tests.tasks.graphs import fn, spec
from utils import db, patterns
from utils.accounts import ensure_personal
from utils.db import maintenance_transaction
from utils.embeddings import LEXICAL
from utils.errors import BadInput, DatabaseUnavailable
from utils.patterns import Complexity, ExecutionType, Impact, Pattern, Wanted, find, listed, search, switch
from utils.settings import settings

COLUMNS = list(registry.CatalogueEntry.__dataclass_fields__)
BUILDS = """
from tasks.spec import Call, GraphSpec, Input, Step, see

def build():
    return GraphSpec(
        id="{id}", title="T", description="d", inputs=(Input(name="prompt", help="p"),),
        blocks=(Step(id="write", does=Call(prompt="{{{{prompt}}}}"), sees=see("prompt")),), gives={{"answer": "write"}},
    )
"""


class Files:
    """A catalogue and pattern files of a test's own, in the place of the project's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "attic").mkdir(parents=True)
        (root / "categories.csv").write_text("category_id,name,description,display_order\nattic,Attic,,1\n")
        self.catalogue()

    def catalogue(self, **described: str) -> None:
        """The patterns that the catalogue names, each with its description."""
        entry = {"category_id": "attic", "research_basis": "X 2020", "complexity": "low", "impact": "high"}
        entry |= {"execution_type": "hybrid", "parallelizable": "true", "typical_model_count": "2"}
        entry |= {"trigger_keywords": "old;dust", "implemented_by": "Cellar", "mechanism": "m", "amendment": ""}
        rows = [dict(entry, pattern_id=n, name=n.title(), description=text) for n, text in described.items()]
        with (self.root / "catalogue.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        self.forget()

    def file(self, name: str, text: str) -> None:
        """A pattern's file."""
        (self.root / "attic" / f"{name}.py").write_text(text.format(id=name))
        self.forget()

    def forget(self) -> None:
        for cached in (pattern_files, find_pattern, registry.catalogue, registry.digest):
            cached.cache_clear()
        for name in [m for m in sys.modules if m.startswith("workflows.patterns.attic")]:
            del sys.modules[name]


@pytest.fixture
def files(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    root = tmp_path / "project" / "workflows"
    made = Files(root / "patterns")
    monkeypatch.setattr(workflows, "__path__", [str(root)])
    monkeypatch.setattr(workflows.patterns, "__path__", [str(root / "patterns")])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two writes in one second look like one to the cache
    made.forget()
    ensure_personal(settings().tenant_id, settings().user_id)
    yield made
    monkeypatch.undo()
    made.forget()


def row(pattern_id: str) -> Pattern:
    return find(settings().tenant_id, pattern_id)


def status(pattern_id: str) -> str:
    return row(pattern_id).row.implementation_status


def call(block_id: str, ref: str = "prompt", **rest: Any) -> Step:
    return Step(id=block_id, does=Call(prompt="{{seen}}"), sees=see(seen=ref), **rest)


def fan(block_id: str, n: int, ref: str = "prompt") -> Fan:
    return Fan(id=block_id, does=Call(prompt="{{seen}}"), members=samples(n), sees=see(seen=ref), at_most=n)


def loop(turns: int) -> Loop:
    body = Graph(blocks=(call("again", "draft"),), gives={"draft": "again"})
    return Loop(id="loop", carries={"draft": Carry(start="prompt", next="draft")}, body=body, turns=turns)


def each(at_most: int) -> Each:
    return Each(id="each", over="prompt", at_most=at_most, body=Graph(blocks=(call("a", "item"),), gives={"out": "a"}))


def step(block_id: str, function: str, **views: str) -> Step:
    return Step(id=block_id, does=fn(function), sees=see(**views))


def functions() -> Fan:
    members = (Member(key="x"), Member(key="y"))
    return Fan(id="a", does=fn("join"), members=members, sees=see(seen="prompt"), at_most=2)


TYPES: dict[str, tuple[Callable[[], GraphSpec], ExecutionType]] = {
    "one call": (lambda: spec(call("a")), "serial"),
    "two in a row": (lambda: spec(call("a"), call("b", "a")), "serial"),
    "a function between two": (lambda: spec(call("a"), step("f", "join", seen="a"), call("b", "f")), "serial"),
    "two that wait for nothing": (
        lambda: spec(call("a"), call("b"), step("c", "join_two", one="a", two="b")),
        "parallel",
    ),
    "samples": (lambda: spec(fan("a", 3)), "parallel"),
    "a fan of one": (lambda: spec(fan("a", 1)), "serial"),
    "samples, then a call": (lambda: spec(fan("a", 3), call("b", "a")), "hybrid"),
    "a loop": (lambda: spec(loop(2), gives="loop.draft"), "serial"),
    "items": (lambda: spec(each(4)), "parallel"),
    "one item": (lambda: spec(each(1)), "serial"),
    "functions side by side": (lambda: spec(functions(), call("b", "a")), "serial"),
}


@pytest.mark.usefixtures("_toys")
@pytest.mark.parametrize("case", TYPES)
def test_the_execution_type_follows_from_the_graph(case: str) -> None:
    make, expected = TYPES[case]
    assert execution_type(make()) == expected


def test_what_a_pattern_cannot_do_without_is_derived() -> None:
    asks = Ask(id="ask", question="?", shows=see("prompt"), choices=("yes", "no"))
    assert capabilities(spec(asks)) == ("person",)
    assert capabilities(spec(call("a"))) == ()


def test_the_catalogue_is_whole() -> None:
    entries = registry.catalogue()
    assert len(entries) == 127
    assert [c.pattern_count for c in categories()] == [10, 15, 12, 12, 15, 18, 10, 8, 12, 15]
    for entry in entries.values():
        assert entry.complexity in get_args(Complexity)
        assert entry.impact in get_args(Impact)
        assert entry.execution_type in get_args(ExecutionType)
        assert entry.trigger_keywords
        assert entry.mechanism
    assert entries["tree_of_thoughts"].amendment == "the expand schema has a field `complete`"
    assert {"compare models", "versus"} <= set(entries["side_by_side_comparison"].trigger_keywords)
    assert entries["side_by_side_comparison"].implemented_by == ("ChatHub", "Poe", "msty")


def test_every_pattern_file_but_the_main_jobs_is_in_the_catalogue_under_its_category() -> None:
    known = registry.catalogue()
    for name, path in pattern_files().items():
        assert name == "think_tank_swarm" or known[name].category_id == path.parent.name


def test_status_and_figures_are_derived_from_what_is_there(files: Files) -> None:
    files.catalogue(built="Does it.", torn="Does not.", meant="Will.")
    files.file("built", BUILDS)
    files.file("torn", "raise ValueError('a\\nb')")
    done = sync()
    assert (done.patterns, done.implemented, done.broken) == (3, 1, {"torn": "ValueError: a b"})
    assert [status(n) for n in ("built", "torn", "meant")] == ["implemented", "broken", "planned"]
    built, meant = row("built").row, row("meant").row
    assert (built.execution_type, built.parallelizable, built.typical_model_count) == ("serial", False, 1)
    assert (built.most_calls, built.depth, built.most_tokens) == (1, 1, 2048)
    with maintenance_transaction() as cursor:
        cursor.execute("SELECT pattern_definition FROM orchestration_patterns WHERE pattern_id = 'built'")
        assert cursor.fetchone() == (json.loads(find_pattern("built").to_json()),)
    assert (meant.execution_type, meant.typical_model_count, meant.most_calls) == ("hybrid", 2, None)
    assert row("torn").row.fault == "ValueError: a b"
    assert {c.pattern_count for c in categories()} == {3}


def test_a_file_that_builds_another_pattern_is_broken(files: Files) -> None:
    files.catalogue(built="Does it.")
    files.file("built", BUILDS.replace("{id}", "other"))
    sync()
    assert row("built").row.fault == "pattern 'built': its file builds 'other'"


def test_a_second_sync_changes_nothing(files: Files) -> None:
    files.catalogue(built="Does it.", meant="Will.")
    assert sync().stored.changed == 2
    again = sync()
    assert (again.stored.changed, again.stored.embedded) == (0, 0)


def test_processes_that_sync_at_once_agree(files: Files) -> None:
    files.catalogue(one="First.", two="Second.", three="Third.")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: sync(), range(4)))
    assert sorted(d.stored.changed for d in done) == [0, 0, 0, 3]
    assert None not in vectors().values()


def test_a_change_is_found_at_first_use_and_only_then(files: Files) -> None:
    files.catalogue(meant="Will.")
    registry.ensure_synced(settings().tenant_id)
    assert status("meant") == "planned"
    with as_owner(settings().database_url.get_secret_value()) as cursor:
        cursor.execute("UPDATE orchestration_patterns SET name = 'Touched'")
        registry.ensure_synced(settings().tenant_id)
        assert row("meant").row.name == "Touched"
    files.file("meant", BUILDS)
    registry.ensure_synced(settings().tenant_id)
    assert (status("meant"), row("meant").row.name) == ("implemented", "Meant")


def test_who_may_not_write_shared_rows_sees_what_is_there(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.catalogue(meant="Will.")
    monkeypatch.setenv("DATABASE_MAINTENANCE_URL", "postgresql://nobody@127.0.0.1:1/x")
    settings.cache_clear()
    with pytest.raises(DatabaseUnavailable, match="DATABASE_MAINTENANCE_URL"):
        registry.ensure_synced(settings().tenant_id)
    monkeypatch.delenv("DATABASE_MAINTENANCE_URL")
    settings.cache_clear()
    sync()
    monkeypatch.setenv("DATABASE_MAINTENANCE_URL", "postgresql://nobody@127.0.0.1:1/x")
    settings.cache_clear()
    before = listed(settings().tenant_id)
    files.catalogue(meant="Will.", more="Too.")
    db.reset()
    registry.ensure_synced(settings().tenant_id)
    assert listed(settings().tenant_id) == before


def test_what_the_catalogue_drops_is_retired_and_what_a_tenant_said_of_it_stays(files: Files) -> None:
    tenant, user = settings().tenant_id, settings().user_id
    files.catalogue(one="First.", two="Second.")
    sync()
    switch(tenant, user, "two", enabled=False)
    files.catalogue(one="First.")
    assert sync().stored.changed == 1
    assert [p.row.pattern_id for p in listed(tenant)] == ["one"]
    assert [p.row.pattern_id for p in listed(tenant, Wanted(status="retired"))] == ["two"]
    with pytest.raises(BadInput, match="unknown pattern 'two'"):
        find(tenant, "two")
    files.catalogue(one="First.", two="Second.")
    sync()
    assert (status("two"), row("two").enabled) == ("planned", False)


def test_a_sync_lets_the_platforms_switch_be(files: Files) -> None:
    tenant, user = settings().tenant_id, settings().user_id
    files.catalogue(one="First.")
    sync()
    with maintenance_transaction() as cursor:
        cursor.execute("UPDATE orchestration_patterns SET enabled = false")
    files.catalogue(one="Changed.")
    sync()
    assert (row("one").row.description, row("one").enabled) == ("Changed.", False)
    switch(tenant, user, "one", enabled=True)
    assert row("one").enabled


def vectors() -> dict[str, str | None]:
    with maintenance_transaction() as cursor:
        cursor.execute("SELECT pattern_id, embedding_model FROM orchestration_patterns")
        return dict(cursor.fetchall())


@pytest.mark.usefixtures("no_provider")
def test_only_new_texts_are_embedded(files: Files) -> None:
    files.catalogue(one="First.", two="Second.")
    assert sync().stored.embedded == 2
    files.catalogue(one="First.", two="Rewritten.")
    done = sync()
    assert (done.stored.embedded, done.stored.model) == (1, LEXICAL)
    assert vectors() == {"one": LEXICAL, "two": LEXICAL}


def test_a_model_that_was_set_since_embeds_where_that_is_asked_for(
    files: Files, no_provider: None, fake_openai: FakeOpenAI
) -> None:
    files.catalogue(one="Cats and dogs.", two="Second.")
    sync()
    made = vectors()["one"]
    assert made == settings().embedding_model
    with maintenance_transaction() as cursor:
        cursor.execute("UPDATE orchestration_patterns SET embedding_model = 'other' WHERE pattern_id = 'one'")
    assert sync().stored.embedded == 0
    found = {f.pattern.row.pattern_id: f.similarity for f in search(settings().tenant_id, "cats")}
    assert found["one"] is None
    assert found["two"] is not None
    assert sync(anew=True).stored.embedded == 1
    assert vectors() == {"one": made, "two": made}


def test_a_model_that_cannot_be_reached_leaves_the_words(files: Files, fake_openai: FakeOpenAI) -> None:
    files.catalogue(one="Cats and dogs.", two="Second.")
    sync()
    fake_openai.embeddings_fault = Fault("bad_request", "no such model")
    files.catalogue(one="Cats and mice.", two="Second.")
    assert sync().stored.embedded == 0
    assert vectors() == {"one": None, "two": settings().embedding_model}
    (found,) = search(settings().tenant_id, "a mouse or mice")
    assert (found.pattern.row.pattern_id, found.similarity, found.by_words) == ("one", None, True)


def test_a_zero_vector_is_refused(files: Files) -> None:
    files.catalogue(one="First.")
    sync()
    with (
        pytest.raises(psycopg2.errors.CheckViolation, match="patterns_embedding_not_zero"),
        maintenance_transaction() as cursor,
    ):
        cursor.execute(
            "UPDATE orchestration_patterns SET semantic_embedding = %s", ("[" + ",".join(["0"] * 768) + "]",)
        )


def test_a_search_stays_within_its_filters(files: Files) -> None:
    files.catalogue(**{f"cat_{n}": "Cats." for n in range(patterns.NEAREST + 3)}, built="Cats, too, and so much more.")
    files.file("built", BUILDS)
    sync()
    (found,) = search(settings().tenant_id, "cats", Wanted(status="implemented"))
    assert found.pattern.row.pattern_id == "built"
