"""Red-team attacks: rulings go by key, only what is upheld and grave counts, seats are distinct or tagged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.attacks import attack_seats, attacks, grave_attacks, refereed, rejected_attacks, withstands
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

ROLES = {"primary": "", "adversary": "", "referee": "neutral"}
RULINGS = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(["supported", "refuted", "unknown", "lost"])), max_size=12
)


def made_of(severities: list[int]) -> Replies:
    found = [{"quote": "q", "flaw": f"f{n}", "evidence": "e", "severity": s} for n, s in enumerate(severities)]
    return [reply(key="angle", data={"attacks": found})]


@given(RULINGS)
def test_what_is_upheld_and_grave_is_met_whatever_the_order_of_rulings(ruled: list[tuple[int, str]]) -> None:
    found = attacks(made_of([s for s, _ in ruled]), turn=1, most=12)
    rulings = [
        failed("late", key=a.key) if verdict == "lost" else reply(key=a.key, data={"verdict": verdict, "reason": "r"})
        for a, (_, verdict) in zip(found, ruled, strict=True)
    ]
    log = refereed(found, rulings, [], turn=1)
    assert log == refereed(found, rulings[::-1], [], turn=1)
    grave = sum(verdict == "supported" and s >= 3 for s, verdict in ruled)
    assert len(grave_attacks(log, turn=1, severity=3)) == grave
    assert withstands(log, turn=1, severity=3) is (grave == 0)
    assert withstands(log, turn=2, severity=3), "what an earlier round upheld is no attack of this one"
    assert len(rejected_attacks(log)) == sum(verdict == "refuted" for _, verdict in ruled)


def test_attacks_are_bounded_and_of_those_that_succeeded() -> None:
    assert len(attacks([*made_of([1] * 9), failed("late", key="x"), *made_of([1] * 9)], turn=2, most=12)) == 12
    assert attacks([], turn=1, most=12) == []


def test_an_angle_that_failed_stays_in_the_log() -> None:
    (entry,) = refereed([], [], [failed("late", key="angle")], turn=2)
    assert (entry.key, entry.ok, entry.cause) == ("angle, round 2", False, "late")


@pytest.mark.parametrize(
    ("models", "seated", "referee"),
    [
        (["openai/gpt-a", "openai/claude-b", "openai/gemini-c"], [0, 1, 2], "family"),
        (["openai/gpt-a", "openai/gpt-b", "openai/claude-c"], [0, 2, 1], "model"),
        (["openai/gpt-a", "openai/gpt-b"], [0, 1, 1], "role"),
    ],
)
def test_seats_are_as_distinct_as_may_be(models: list[str], seated: list[int], referee: str) -> None:
    seats = attack_seats([reply(m) for m in models], ROLES)
    assert [s.key for s in seats] == list(ROLES)
    assert [s.text for s in seats] == [models[n] for n in seated]
    assert seats[2].data()["distinct"] == referee
    assert seats[2].data()["role"] == ("neutral" if referee == "role" else "")


def test_one_model_is_refused() -> None:
    with pytest.raises(Refuse, match="no distinct model"):
        attack_seats([reply("openai/gpt-a")] * 2, ROLES)
