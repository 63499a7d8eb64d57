"""Layers of memory: what is shown within its tokens, heat, what moves up, and what is let go."""

from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.memory_layers import (
    HOT,
    MOST_SEGMENTS,
    MOST_TURNS,
    cooled_segment,
    crowded_sessions,
    evicted_segments,
    extracted_facts,
    full_sessions,
    heat,
    hot_segments,
    joined_segment,
    layers_due,
    memory_context,
    no_session,
    oldest_turns,
    segment_turns,
    spoken_turns,
    stale_facts,
    supported_facts,
)
from tasks.chunking import about_tokens
from tasks.reply import Replies, Reply, failed, reply

NOW = "2026-07-01T00:00:00+00:00"
TODAY = "2026-06-30T00:00:00+00:00"


def memory(text: str, since: str = TODAY, key: str = "", score: float | None = None, **fields: Any) -> Reply:
    return reply(text, key=key or f"id {text}", score=score, data={"since": since, "fields": fields})


def turn(text: str, role: str = "user", session: str = "s") -> Reply:
    return memory(text, role=role, session=session)


def segment(
    name: str, *, turns: int = 5, base: int = 5, recalls: int = 0, since: str = NOW, session: str = "s", **rest: Any
) -> Reply:
    said = [{"role": "user", "text": f"t{n}"} for n in range(turns)]
    fields: dict[str, Any] = {
        "segment": name,
        "topic": name,
        "turns": said,
        "base": {"turns": base, "recalls": recalls},
    }
    return memory(f"note {name}", since, key=f"id {name}", session=session, **fields, **rest)


def uses(name: str, count: int, at: str = NOW) -> Reply:
    return reply(key=name, data={"source": name, "uses": count, "at": at})


def shown(turns: Replies = [], history: Replies = [], tokens: int = 1000, prompt: str = "p", **more: Any) -> Any:  # noqa: B006
    given_layers = {"segments": [], "facts": [], "archive": [], **more}
    return memory_context(
        turns=turns, history=history, prompt=[reply(prompt)], tokens=[reply(str(tokens))], **given_layers
    )


def test_the_last_ten_turns_stand_in_order_with_who_said_them() -> None:
    turns = [turn(f"t{n}", "user" if n % 2 else "assistant") for n in range(12)][::-1]
    window = shown(turns)["window"]
    assert [t.text for t in window] == [f"t{n}" for n in range(2, 12)]
    assert (window[0].key, window[-1].key) == ("assistant 1", "user 10")


def test_without_remembered_turns_the_history_is_the_window() -> None:
    history = [reply(f"h{n}", data={"role": "user"}) for n in range(12)]
    assert [t.text for t in shown(history=history)["window"]] == [f"h{n}" for n in range(2, 12)]
    assert [t.text for t in shown([turn("t")], history)["window"]] == ["t"]


def test_of_the_archive_a_fact_is_found_by_its_subject_in_the_prompt_alone() -> None:
    archive = [memory("a", subject="Ann"), memory("b", subject="Bob"), memory("c", subject="x")]
    assert [f.text for f in shown(archive=archive, prompt="How is ann? And Bobby? x")["lasting"]] == ["a"]


def test_what_is_shown_counts_as_used_under_its_own_name() -> None:
    made = shown(segments=[segment("one")], facts=[memory("f", key="fact-id")])
    assert [u.key for u in made["used"]] == ["one", "fact-id"]


@given(st.integers(200, 3000), st.lists(st.integers(1, 900), max_size=12))
def test_no_layer_takes_more_than_its_share(tokens: int, sizes: list[int]) -> None:
    texts = ["word " * size for size in sizes]
    made = shown([turn(t) for t in texts], [], tokens, segments=[segment(str(n)) for n in range(9)], facts=[])
    for layer, share in (("window", 0.6), ("notes", 0.25), ("lasting", 0.15)):
        assert sum(about_tokens(r.text) for r in made[layer]) <= tokens * share
    kept = [t.text for t in made["window"]]
    assert kept == texts[::-1][len(texts[:10]) - len(kept) + max(0, len(texts) - 10) :]


def test_both_turns_are_kept_and_before_the_first_the_history() -> None:
    history = [reply("h", data={"role": "assistant"})]
    made = spoken_turns([reply("p")], [reply("a")], [reply(" s ")], [], history)
    assert [(t.text, t.data()["role"], t.data()["session"]) for t in made] == [
        *(("h", "assistant", "s"), ("p", "user", "s"), ("a", "assistant", "s"))
    ]
    assert [t.text for t in spoken_turns([reply("p")], [reply("a")], [reply("s")], [turn("t")], history)] == ["p", "a"]
    assert no_session([reply(" ")])
    assert not no_session([reply("s")])


def test_a_session_over_ten_turns_is_crowded_and_its_five_oldest_leave() -> None:
    turns = [turn(f"t{n}") for n in range(11)][::-1] + [turn(f"o{n}", session="other") for n in range(10)]
    (crowded,) = crowded_sessions(turns)
    assert crowded.text == "s"
    assert [t.text for t in oldest_turns(turns, [crowded])] == ["t0", "t1", "t2", "t3", "t4"]
    assert crowded_sessions([turn("x", session=" ") for _ in range(20)]) == []


OLDEST = oldest_turns([turn(f"t{n}") for n in range(11)][::-1], [reply("s")])
NOTE = [reply("topic: summary", data={"topic": "topic"})]


@pytest.mark.parametrize(
    "near", [[], [failed("x")], [segment("a").but(score=0.6)], [segment("a").but(score=None)]], ids=repr
)
def test_turns_like_no_segment_open_one_of_heat_one(near: Replies) -> None:
    made = joined_segment(OLDEST, NOTE, near, [reply("s")])
    (new,) = made["out"]
    assert made["gone"] == OLDEST
    kept = memory(new.text, NOW, **new.data())
    assert heat(kept, [], NOW) == 1.0
    assert (new.data()["session"], [t["text"] for t in new.data()["turns"]]) == ("s", ["t0", "t1", "t2", "t3", "t4"])


def test_turns_like_a_segment_join_it_and_it_keeps_its_name() -> None:
    old = segment("a").but(score=0.61)
    made = joined_segment(OLDEST, NOTE, [old], [reply("s")])
    (new,) = made["out"]
    assert made["gone"] == [old, *OLDEST]
    assert (new.text, new.data()["segment"], len(new.data()["turns"])) == ("note a\ntopic: summary", "a", 10)
    assert heat(memory("x", NOW, **new.data()), [], NOW) == 6.0


def test_a_segment_keeps_its_latest_turns_and_their_heat() -> None:
    old = segment("a", turns=MOST_TURNS, base=MOST_TURNS).but(score=0.9)
    (new,) = joined_segment(OLDEST, NOTE, [old], [reply("s")])["out"]
    assert len(new.data()["turns"]) == MOST_TURNS
    assert heat(memory("x", NOW, **new.data()), [], NOW) == 6.0


def test_heat_counts_retrievals_and_turns_and_fades_with_the_hours_since_its_last_use() -> None:
    day = segment("a", since=TODAY)
    assert heat(day, [], NOW) == pytest.approx(exp(-0.5))
    assert heat(day, [uses("a", 3, TODAY)], NOW) == pytest.approx(3 + exp(-0.5))
    assert heat(day, [uses("a", 3), uses("b", 9)], NOW) == pytest.approx(4)
    assert heat(segment("a", turns=7, recalls=2), [uses("a", 3)], NOW) == pytest.approx(1 + 2 + 1)


def test_a_segment_over_five_is_hot_and_cools_when_its_facts_have_moved_up() -> None:
    used = [uses("b", 5)]
    hot = hot_segments([segment("a"), segment("b"), segment("c", turns=12)], used, NOW)
    assert [(h.key, h.text, h.data()["id"]) for h in hot] == [("c", "s", "id c"), ("b", "s", "id b")]
    made = cooled_segment([hot[1]], used)
    assert [o.key for o in made["old"]] == ["id b"]
    (cool,) = made["out"]
    assert (cool.text, cool.data()["segment"]) == ("note b", "b")
    assert heat(memory("x", NOW, **cool.data()), used, NOW) == 1.0


def facts(*rows: tuple[str, list[int]]) -> Replies:
    return [reply(data={"facts": [{"subject": "s", "fact": f, "source_turns": n} for f, n in rows]})]


def test_a_fact_needs_a_turn_of_the_user_and_the_auditors_word() -> None:
    said = [{"role": "user", "text": "I am Ann."}, {"role": "assistant", "text": "You like tea."}]
    source = [reply("s", key="a", data={"turns": said})]
    assert [t.key for t in segment_turns(source)] == ["turn 1, user", "turn 2, assistant"]
    proposed = extracted_facts(facts(("Ann", [1, 2]), ("tea", [2]), ("gone", [7]), ("Ann.", [1])), source, most=10)
    assert [(p.text, p.data()["said"]) for p in proposed] == [("s: Ann", "I am Ann."), ("s: Ann.", "I am Ann.")]
    stated = [reply(key=p.key, data={"stated": True}) for p in proposed]
    assert [f.text for f in supported_facts(proposed, stated, [])] == ["s: Ann"]
    assert supported_facts(proposed, stated, [memory("S: ann")]) == []
    assert supported_facts(proposed, [failed("x", key="fact 1")], []) == []
    assert supported_facts(proposed, [reply(key="fact 1", data={"stated": False})], []) == []
    assert extracted_facts([failed("x")], source, 10) == []


def test_beyond_two_hundred_the_coldest_segments_go() -> None:
    held = [segment(f"{n:03}") for n in range(MOST_SEGMENTS + 2)]
    used = [uses(s.data()["fields"]["segment"], 1) for s in held[:-2]]
    (full,) = full_sessions(held, used, NOW)
    assert [e.key for e in evicted_segments([full])] == ["id 200", "id 201"]
    assert full_sessions(held[:MOST_SEGMENTS], [], NOW) == []


def test_a_fact_unused_for_half_a_year_goes_to_the_archive() -> None:
    old, young = memory("old", "2026-01-01T00:00:00+00:00", subject="s"), memory("young", "2026-01-03T00:00:00+00:00")
    made = stale_facts([old, young], [], NOW)
    assert [o.text for o in made["old"]] == ["old"]
    assert [(a.text, a.data()) for a in made["out"]] == [("old", {"subject": "s"})]
    assert stale_facts([old], [uses(old.key, 1, TODAY)], NOW)["old"] == []


@pytest.mark.parametrize(
    ("given_layers", "due"),
    [
        ({}, False),
        ({"turns": [turn(f"t{n}") for n in range(11)]}, True),
        ({"turns": [turn(f"t{n}") for n in range(10)]}, False),
        ({"segments": [segment("a", turns=10)]}, True),
        ({"segments": [segment("a", turns=9)]}, False),
        ({"segments": [segment(str(n)) for n in range(MOST_SEGMENTS + 1)]}, True),
        ({"facts": [memory("old", "2025-01-01T00:00:00+00:00")]}, True),
    ],
)
def test_it_is_due_when_something_is_to_move(given_layers: dict[str, Replies], due: bool) -> None:
    layers = {"turns": [], "segments": [], "facts": [], "used": [], **given_layers}
    assert layers_due(**layers, now=NOW) == due


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 10_000))
def test_heat_grows_with_use_and_never_with_age(recalls: int, turns: int, hours: int) -> None:
    since = f"2025-{1 + hours % 12:02}-01T00:00:00+00:00"
    one = segment("a", turns=5 + turns, since=since)
    now, more = heat(one, [uses("a", recalls, since)], NOW), heat(one, [uses("a", recalls + 1, since)], NOW)
    assert recalls + turns <= now <= recalls + turns + 1 < more + 1
    assert heat(one, [], TODAY) >= heat(one, [], NOW)
    assert (now > HOT) == bool(hot_segments([one], [uses("a", recalls, since)], NOW))
