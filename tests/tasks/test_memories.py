"""Memories: who sees which, in what order, how well they match, and what becomes of those that are replaced."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.calls import Spot
from tasks.memories import match, recall, remember
from tasks.reply import Replies, reply
from tasks.run import Run
from tasks.spec import GraphSpec, Input, Recall, Remember, Step, see
from tests.tasks.conftest import Give, open_for
from utils.db import tenant_transaction
from utils.embeddings import LEXICAL, SIMILAR, SIMILAR_LEXICAL
from utils.errors import RunFailed, SpecError
from utils.settings import settings

KIND = "note"
CATS = "cats sleep on warm window sills all day"
BOATS = "sailing boats need a deep harbour and steady wind"


@pytest.fixture
def spot(run: Run) -> Spot:
    return Spot(run, "keep")


def kept(spot: Spot, *texts: str, replaces: Replies = [], scope: str = "user") -> Replies:  # noqa: B006
    memories = [reply(t, data={"n": i}) for i, t in enumerate(texts)]
    return remember(spot, memories=memories, replaces=replaces, kind=KIND, scope=scope)  # type: ignore[arg-type]


def found(spot: Spot, query: str, k: int = 10, scope: str | None = None) -> list[str]:
    return [r.text for r in recall(query, k, spot, kinds=[KIND], scope=scope)]  # type: ignore[arg-type]


def keep_in(spot: Spot, session: str, *texts: str, replaces: Replies = []) -> Replies:  # noqa: B006
    memories = [reply(t) for t in texts]
    return remember(
        spot, memories=memories, replaces=replaces, kind=KIND, scope="session", session=[reply(session, key="session")]
    )


def found_in(spot: Spot, session: str, query: str = CATS) -> list[str]:
    made = recall(query, 10, spot, kinds=[KIND], scope="session", session=[reply(session, key="session")])
    return sorted(r.text for r in made)


def in_order(spot: Spot, k: int = 1000, scope: str = "user") -> list[str]:
    return [r.text for r in recall("", k, spot, kinds=[KIND], scope=scope, order="latest")]  # type: ignore[arg-type]


def another_run(spot: Spot) -> Spot:
    """The next run of the same user."""
    return Spot(open_for(UUID(spot.run.tenant_id)), spot.path)


def of_user(spot: Spot, user: UUID) -> Spot:
    return Spot(spot.run.model_copy(update={"user_id": str(user)}), "keep-too")


def add_user(tenant: UUID) -> UUID:
    user = uuid4()
    with tenant_transaction(tenant) as cursor:
        cursor.execute("INSERT INTO users (tenant_id, id, name) VALUES (%s, %s, 'x')", (tenant, user))
    return user


def test_the_best_fit_comes_first_with_its_fields_and_where_it_is_from(spot: Spot) -> None:
    kept(spot, BOATS, CATS)
    first, second = recall("where do cats sleep", 10, spot, kinds=[KIND])
    assert (first.text, second.text) == (CATS, BOATS)
    assert first.data()["fields"] == {"n": 1}
    assert (first.data()["kind"], first.data()["origin"]) == (KIND, spot.run.run_id)
    assert first.score is not None
    assert second.score is not None
    assert first.score > 0.5 > second.score
    assert found(spot, "where do cats sleep", k=1) == [CATS]


def test_only_the_kinds_that_are_asked_for_are_found(spot: Spot) -> None:
    kept(spot, CATS)
    assert recall(CATS, 10, spot, kinds=["other"]) == []


def test_a_query_without_words_finds_nothing_and_does_not_break(spot: Spot) -> None:
    kept(spot, CATS)
    assert found(spot, "?!") == []


def test_a_text_without_words_is_refused_and_the_others_are_kept(spot: Spot) -> None:
    refused, stored = kept(spot, "...", CATS)
    assert (refused.status, stored.status) == ("rejected", "success")
    assert "not remembered" in refused.cause
    assert found(spot, CATS) == [CATS]


def test_remembering_twice_at_one_place_leaves_one(spot: Spot) -> None:
    assert kept(spot, CATS) == kept(spot, CATS)
    assert found(spot, CATS) == [CATS]


def test_a_user_sees_their_own_and_what_the_tenant_shares(spot: Spot) -> None:
    other = of_user(spot, add_user(UUID(spot.run.tenant_id)))
    kept(spot, CATS)
    kept(other, BOATS, scope="tenant")
    assert found(other, CATS) == [BOATS]
    assert set(found(spot, CATS)) == {CATS, BOATS}
    assert (found(spot, CATS, scope="user"), found(spot, CATS, scope="tenant")) == ([CATS], [BOATS])


def test_another_tenant_sees_nothing(spot: Spot) -> None:
    kept(spot, CATS, scope="tenant")
    assert found(Spot(open_for(uuid4()), "keep"), CATS) == []


def test_what_a_rehearsal_remembered_stays_among_rehearsals(spot: Spot) -> None:
    kept(spot, CATS)
    real = Spot(spot.run.model_copy(update={"rehearsal": False}), "keep")
    assert spot.run.rehearsal
    assert found(real, CATS) == []


def test_what_is_replaced_is_ended_and_points_to_its_successor(spot: Spot) -> None:
    (old,) = kept(spot, CATS)
    (new,) = kept(Spot(spot.run, "later"), BOATS, replaces=[old])
    assert found(spot, CATS) == [BOATS]
    with tenant_transaction(UUID(spot.run.tenant_id)) as cursor:
        cursor.execute("SELECT superseded_by FROM memories WHERE id = %s", (old.key,))
        assert cursor.fetchone() == (UUID(new.key),)


def test_nothing_ends_for_a_successor_that_was_refused(spot: Spot) -> None:
    (old,) = kept(spot, CATS)
    (refused,) = kept(Spot(spot.run, "later"), "...", replaces=[old])
    assert (refused.status, found(spot, CATS)) == ("rejected", [CATS])


def test_a_memory_may_end_without_a_successor(spot: Spot) -> None:
    (old,) = kept(spot, CATS)
    assert kept(Spot(spot.run, "later"), replaces=[old]) == []
    assert found(spot, CATS) == []


def test_nobody_ends_the_memory_of_another_user_or_of_all(spot: Spot) -> None:
    other = of_user(spot, add_user(UUID(spot.run.tenant_id)))
    (mine,) = kept(spot, CATS)
    (ours,) = kept(Spot(spot.run, "shared"), BOATS, scope="tenant")
    kept(other, replaces=[mine, ours])
    assert set(found(spot, CATS)) == {CATS, BOATS}


def test_a_memory_of_another_embedding_model_is_found_by_words_alone(spot: Spot) -> None:
    kept(spot, CATS, BOATS)
    with tenant_transaction(settings().tenant_id) as cursor:
        cursor.execute("UPDATE memories SET embedding_model = 'other'")
    (only,) = recall("cats", 10, spot, kinds=[KIND])
    assert (only.text, only.score) == (CATS, None)


def test_personal_data_is_not_embedded_where_it_may_not_leave(spot: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_PHI", "redact")
    settings.cache_clear()
    secret = "mail ann.lee@example.org about cats"
    kept(spot, secret)
    (only,) = recall("mail bob.ray@example.org about cats", 1, spot, kinds=[KIND])
    assert (only.text, only.score) == (secret, 1.0), "the placeholders are alike"


def test_a_session_sees_what_it_remembered_in_any_run_and_no_other_session_does(spot: Spot) -> None:
    keep_in(spot, "Monday, with Ann", CATS)
    keep_in(Spot(spot.run, "there"), "Tuesday", BOATS)
    assert found_in(another_run(spot), "Monday, with Ann") == [CATS]
    assert (found_in(spot, "Tuesday"), found_in(spot, "Wednesday")) == ([BOATS], [])


def test_a_session_of_the_same_name_is_another_users_own(spot: Spot) -> None:
    other = of_user(spot, add_user(UUID(spot.run.tenant_id)))
    keep_in(spot, "s", CATS)
    keep_in(other, "s", BOATS)
    assert (found_in(spot, "s"), found_in(other, "s")) == ([CATS], [BOATS])
    assert found_in(Spot(open_for(uuid4()), "keep"), "s") == [], "nor another tenant's"


@pytest.mark.parametrize("scope", [None, "user", "tenant", "run"])
def test_what_belongs_to_a_session_is_found_by_no_other_scope(spot: Spot, scope: str | None) -> None:
    keep_in(spot, "s", CATS)
    assert found(spot, CATS, scope=scope) == []


def test_what_belongs_to_the_user_or_to_all_is_not_found_in_a_session(spot: Spot) -> None:
    kept(spot, CATS)
    kept(Spot(spot.run, "shared"), BOATS, scope="tenant")
    assert found_in(spot, "s") == []


def test_a_run_sees_only_what_it_remembered_itself(spot: Spot) -> None:
    kept(spot, CATS, scope="run")
    kept(another_run(spot), BOATS, scope="run")
    assert (found(spot, CATS, scope="run"), found(another_run(spot), CATS, scope="run")) == ([CATS], [])
    other = of_user(spot, add_user(UUID(spot.run.tenant_id)))
    assert found(other, CATS, scope="run") == []


def test_a_session_without_a_name_is_this_run_alone(spot: Spot) -> None:
    keep_in(spot, " ", CATS)
    assert (found_in(spot, ""), found_in(another_run(spot), "")) == ([CATS], [])


def test_upkeep_sees_every_session_of_its_user_and_of_nobody_else(spot: Spot) -> None:
    other = of_user(spot, add_user(UUID(spot.run.tenant_id)))
    keep_in(spot, "a", CATS)
    keep_in(Spot(spot.run, "there"), "b", BOATS)
    keep_in(other, "a", "a secret of somebody else")
    kept(Spot(spot.run, "mine"), "of no session")
    assert set(in_order(spot, scope="sessions")) == {CATS, BOATS}


def test_a_memory_is_ended_by_its_own_session_alone(spot: Spot) -> None:
    (old,) = keep_in(spot, "s", CATS)
    keep_in(Spot(spot.run, "there"), "other", replaces=[old])
    kept(Spot(spot.run, "everywhere"), replaces=[old])
    assert found_in(spot, "s") == [CATS]
    keep_in(Spot(spot.run, "here"), "s", BOATS, replaces=[old])
    assert found_in(spot, "s") == [BOATS]


def test_the_latest_come_first_with_those_stored_together_in_order_and_without_a_query(spot: Spot) -> None:
    kept(spot, "one", "two", "three")
    kept(Spot(spot.run, "later"), "four")
    assert in_order(spot) == ["four", "three", "two", "one"]
    assert in_order(spot, k=2) == ["four", "three"]
    assert recall("", 1, spot, kinds=[KIND], order="latest")[0].score is None


def test_all_that_were_remembered_are_found_latest_first_beyond_what_is_ranked(spot: Spot) -> None:
    kept(spot, *(f"note number {n}" for n in range(120)))
    assert in_order(spot) == [f"note number {n}" for n in reversed(range(120))]
    assert len(found(spot, "note", k=100)) == 100


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"scope": "sesion"}, "unknown scope 'sesion'.*session"),
        ({"order": "newest"}, "unknown order 'newest'"),
        ({"scope": "session"}, "goes with a view named session"),
        ({"scope": "user", "session": [reply("s", key="s")]}, "goes with a view named session"),
    ],
)
def test_a_scope_or_an_order_that_there_is_not_is_refused(spot: Spot, args: dict[str, object], said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        recall(CATS, 1, spot, kinds=[KIND], **args)  # type: ignore[arg-type]


def test_nothing_is_remembered_for_all_sessions_at_once(spot: Spot) -> None:
    with pytest.raises(RunFailed, match="unknown scope 'sessions'"):
        kept(spot, CATS, scope="sessions")


def graph(step: Step) -> GraphSpec:
    prompt = Input(name="prompt", help="Text.")
    return GraphSpec(id="memo", title="", description="", inputs=(prompt,), blocks=(step,), gives={"found": step.id})


def recalling(block_id: str) -> GraphSpec:
    does = Recall(store="memories", args={"kinds": [KIND]})
    return graph(Step(id=block_id, does=does, sees=see(query="prompt")))


def test_a_graph_recalls_and_remembers_with_arguments_and_reads_back_what_it_recalled(give: Give) -> None:
    keeps = Step(id="keep", does=Remember(store="memories", args={"kind": KIND}), sees=see(memories="prompt"))
    assert give(recalling("early"), prompt=CATS)["found"] == []
    give(graph(keeps), prompt=CATS)
    assert [r.text for r in give(recalling("late"), prompt=CATS)["found"]] == [CATS]
    assert give(recalling("early"), prompt=CATS)["found"] == [], "recorded at its path"


def test_a_graph_names_its_session_by_a_view_and_reads_the_latest_without_a_query(give: Give) -> None:
    keeps = Remember(store="memories", args={"kind": KIND, "scope": "session"})
    latest = Recall(store="memories", k=1000, args={"kinds": [KIND], "scope": "session", "order": "latest"})
    inputs = (Input(name="prompt", help="Text."), Input(name="session_id", help="A session.", default=""))
    blocks = (
        Step(id="keep", does=keeps, sees=see(memories="prompt", session="session_id")),
        Step(id="after", does=latest, sees=see(query="keep", session="session_id")),
    )
    made = GraphSpec(id="memo", title="", description="", inputs=inputs, blocks=blocks, gives={"after": "after"})
    assert [r.text for r in give(made, prompt=CATS, session_id="s")["after"]] == [CATS]


def test_arguments_have_names() -> None:
    with pytest.raises(SpecError, match="Recall"):
        Recall(store="memories", args={"Not a name": 1})


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from([LEXICAL, "openai/any"]))
def test_a_match_grows_with_similarity_and_is_a_half_at_the_bound(low: float, high: float, model: str) -> None:
    low, high = sorted((low, high))
    assert 0 <= match(low, model) <= match(high, model) <= 1
    assert match(SIMILAR_LEXICAL if model == LEXICAL else SIMILAR, model) == 0.5
    assert match(1, model) == pytest.approx(1)
