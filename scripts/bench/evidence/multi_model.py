"""Evidence for the patterns of category multi_model."""

from scripts.bench.evidence.scenario import Scenario

SCENARIOS = {
    "consensus_voting": Scenario(),
    "disagreement_escalation": Scenario(),
    "ensemble_synthesis": Scenario(),
    "intelligent_routing": Scenario(),
    "minions_local_remote": Scenario(),
    "model_cascade": Scenario(),
    "pairwise_rank_fuse": Scenario(),
    "peer_review_council": Scenario(),
    "side_by_side_comparison": Scenario(),
    "subtask_model_matching": Scenario(),
}
