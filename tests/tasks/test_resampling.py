"""Scores by resampling: a mean in [0, 1] that the order of verdicts does not change; what is lost does not count."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.resampling import VALUES, inconsistency, resampled, verdicts_of
from tasks.algorithms.sentences import sentences
from tasks.reply import failed, reply

VERDICTS = st.lists(st.sampled_from([*VALUES, "lost"]), max_size=8)


@given(VERDICTS)
def test_a_score_is_the_mean_of_what_could_be_judged(said: list[str]) -> None:
    made = [failed("late") if v == "lost" else reply(data={"verdict": v}) for v in said]
    score, known = inconsistency(made), [VALUES[v] for v in said if v != "lost"]
    assert score == inconsistency(made[::-1])
    assert score is None if not known else score is not None and abs(score - sum(known) / len(known)) < 1e-9


def test_verdicts_go_by_the_index_of_their_item() -> None:
    made = [reply("a", at=[0, 0]), reply("b", at=[0, 1]), reply("c", at=[1, 0]), failed("an Each's item", at=[0])]
    assert [v.text for v in verdicts_of(0, made)] == ["a", "c"]


def test_sentences_beyond_the_bound_are_said_and_left_as_they_are() -> None:
    answer = [reply("One is so. Two is so. Three is so.")]
    found = sentences(answer, most=2)
    verdicts = [reply(data={"verdict": v}, at=[0, n]) for n, v in enumerate(["supported", "refuted"])]
    scored = resampled(answer, found, [reply("s", key="s1")], verdicts, flag_from=0.5)
    assert scored.text.startswith("One is so. [not said again, 1.00: Two is so.] Three is so.\n")
    assert (scored.outcome, scored.data()["not_checked"], scored.score) == ("incomplete", ["1 sentences beyond 2"], 0.5)
