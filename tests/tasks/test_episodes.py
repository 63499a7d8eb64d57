"""Past episodes: the score in three parts, and what bounds the choice."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.episodes import bearing, cue_text, new_episode, salient
from tasks.algorithms.scaling import scaled
from tasks.reply import Reply, failed, reply

NOW = "2026-03-10T12:00:00+00:00"
EPISODES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(1, 10), st.integers(1, 9), st.sampled_from("abc")), max_size=14
)


def episode(
    number: int, *, score: float | None = 0.5, importance: int = 5, day: int = 1, session: str | None = None
) -> Reply:
    fields = {
        "happened": f"2026-03-{day:02}T12:00:00+00:00",
        "importance": importance,
        "session": session or str(number),
    }
    return reply(f"event {number}", key=f"id{number:02}", score=score, data={"fields": fields, "since": NOW})


def chosen(episodes: list[Reply], most: int = 1, accessed: tuple[Reply, ...] = (), **cue: Any) -> list[str]:
    said = {"time_from": "", "time_to": "", **cue}
    return [e.key for e in salient(episodes, list(accessed), [reply(data=said)], NOW, most, 2)]


def test_each_part_counts_a_third() -> None:
    assert chosen([episode(1), episode(2, score=0.9)]) == ["id02"]
    assert chosen([episode(1), episode(2, importance=9)]) == ["id02"]
    assert chosen([episode(1), episode(2, day=9)]) == ["id02"]
    assert chosen([episode(1, score=0.9), episode(2, importance=9, day=9)]) == ["id02"], "two thirds beat one"
    assert chosen([episode(1), episode(2)]) == ["id01"]


def test_an_episode_is_as_recent_as_it_was_last_thought_of() -> None:
    access = reply(key="id01", data={"at": "2026-03-10T11:00:00+00:00"})
    assert chosen([episode(1, day=1), episode(2, day=9)], accessed=(access,)) == ["id01"]


@settings(deadline=None)
@given(EPISODES, st.integers(1, 8), st.integers(1, 9))
def test_the_choice_is_bounded_and_in_the_order_of_time(
    rows: list[tuple[float, int, int, str]], most: int, first: int
) -> None:
    made = [episode(n, score=s, importance=i, day=d, session=x) for n, (s, i, d, x) in enumerate(rows)]
    cue = [reply(data={"time_from": f"2026-03-{first:02}", "time_to": ""})]
    found = salient(made, [], cue, NOW, most, 2)
    assert {f.key for f in salient(made[::-1], [], cue, NOW, most, 2)} == {f.key for f in found}
    dates = [f.data()["date"] for f in found]
    assert dates == sorted(dates)
    sessions = [f.data()["session"] for f in found]
    assert len(found) <= most
    assert all(sessions.count(s) <= 2 for s in sessions)
    assert bool(found) is bool(made)
    hinted = [m for m in made if int(m.data()["fields"]["happened"][8:10]) >= first]
    assert {f.key for f in found} <= {m.key for m in (hinted or made)}


@given(st.lists(st.floats(-1e6, 1e6), max_size=9))
def test_scaled_values_lie_between_0_and_1(values: list[float]) -> None:
    made = scaled(values)
    assert len(made) == len(values)
    assert all(0 <= m <= 1 for m in made)
    if len(set(values)) > 1:
        assert (min(made), max(made)) == (0, 1)


def test_junk_is_no_trouble() -> None:
    bare = reply("e", key="x", data={"fields": None, "since": "2026-03-01T00:00:00"})
    assert [e.key for e in salient([bare, failed("down")], [], [failed("down")], NOW, 8, 2)] == ["x"]
    assert salient([], [], [], NOW, 8, 2) == bearing([], [failed("down")]) == []
    assert cue_text([failed("down")], [reply("the prompt")]).text == "the prompt"
    assert new_episode([failed("down")], [], NOW, 7) == []
    (own,) = new_episode([reply(data={"event": "e", "importance": 1})], [reply(" ")], NOW, 7)
    assert own.data()["session"] == "run 7"
