"""The most complex pattern of each category on a real Flyte backend, to its end, with a person where one is asked."""

import time

import pytest
from click.testing import CliRunner

from scripts.radiant import main
from tests.cluster.conftest import SECONDS, Execution, Launch
from tests.cluster.test_blocks import QUESTION, tenant
from utils.ledger import ledger_of
from utils.reviews import reviews_of
from utils.runs import get_run

pytestmark = pytest.mark.cluster
NOTES = '[{"id": "n1", "title": "Primes", "text": "A prime has two divisors. 17 has two divisors, 1 and 17."}]'
DOCUMENTS = ("--documents", NOTES)
MOST_COMPLEX = {
    "agent": ("sop_assembly_line", ()),
    "debate": ("peer_review_panel", ()),
    "emerging": ("graph_of_thoughts", ()),
    "memory": ("gist_memory_lookup", DOCUMENTS),
    "multi_model": ("subtask_model_matching", ()),
    "reasoning": ("inductive_hypothesis_search", ()),
    "sequential": ("research_analyze_report", DOCUMENTS),
    "tool": ("tool_making_and_reuse", ()),
    "user_facing": ("outline_first_authoring", ()),
    "verification": ("citation_audit", ("--text", "17 is prime [n1].", *DOCUMENTS)),
}


def decide_all(execution: Execution) -> None:
    """Takes the first choice of whatever is asked, until the execution ends."""
    end = time.monotonic() + SECONDS
    while not execution.fetch().is_done:
        for review in reviews_of(tenant(), execution.name):
            if review.status == "open" and review.path in execution.open_gates():
                text = ("--text", "1") if review.choices[0].takes_text else ()
                asked = ("decide", execution.name, review.choices[0].name, "--path", review.path, *text)
                done = CliRunner().invoke(main, asked)
                assert done.exit_code == 0, done.output
        assert time.monotonic() < end, f"{execution.name} did not end"
        time.sleep(1)


@pytest.mark.parametrize("category", sorted(MOST_COMPLEX))
def test_the_most_complex_of_a_category_ends_right(launch: Launch, category: str) -> None:
    pattern, words = MOST_COMPLEX[category]
    execution = launch("workflows/catalogue.py", pattern, *QUESTION, *words)
    decide_all(execution)
    execution.finish()
    run = get_run(tenant(), execution.name)
    assert run.status in ("done", "degraded")
    assert {row.state for row in ledger_of(tenant(), execution.name)} == {"settled"}
