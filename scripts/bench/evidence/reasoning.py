"""Evidence for the patterns of category reasoning."""

from scripts.bench.evidence.scenario import Scenario

SCENARIOS = {
    "adaptive_consistency": Scenario(),
    "backward_chaining": Scenario(),
    "backward_verification": Scenario(),
    "buffer_of_thoughts": Scenario(),
    "chain_of_thought": Scenario(),
    "cumulative_reasoning": Scenario(),
    "fermi_estimation": Scenario(),
    "inductive_hypothesis_search": Scenario(),
    "least_to_most": Scenario(),
    "mcts_reasoning": Scenario(),
    "self_ask": Scenario(),
    "self_consistency": Scenario(),
    "self_refine": Scenario(),
    "step_back_abstraction": Scenario(),
    "tree_of_thoughts": Scenario(),
}
