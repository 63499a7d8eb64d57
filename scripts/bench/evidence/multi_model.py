"""Evidence for the patterns of several models."""

from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.play import MODELS, Played
from scripts.bench.evidence.scenario import Scenario, archive_text, readers_of
from scripts.bench.evidence.world import Question, Setting, draw


def shows_right(played: Played, question: Question) -> float:
    """Whether the right answer is among those that are shown."""
    return float(question.right in candidates(played.answer, question.options))


def covered_by_samples(question: Question, setting: Setting, calls: int) -> float:
    """Whether the right answer is among as many samples of one model."""
    return float(any(draw(question, setting, MODELS[0], f"sample {n}") == question.right for n in range(calls)))


SCENARIOS = {
    "consensus_voting": Scenario(),
    "disagreement_escalation": Scenario(),
    "ensemble_synthesis": Scenario(),
    "intelligent_routing": Scenario(),
    "minions_local_remote": Scenario(
        given=lambda question, setting: {"document": archive_text(question)},
        equal_calls=readers_of(archive_text),
        one_call=readers_of(archive_text),
        why="baselines read the whole document",
    ),
    "model_cascade": Scenario(),
    "pairwise_rank_fuse": Scenario(),
    "peer_review_council": Scenario(),
    "side_by_side_comparison": Scenario(
        metric="right answer among those shown",
        score=shows_right,
        equal_calls=covered_by_samples,
        why="it picks none: equal calls are as many samples of one model, side by side",
    ),
    "subtask_model_matching": Scenario(),
}
