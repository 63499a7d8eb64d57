"""How long each pattern takes over its critical path: run `python -m scripts.bench.latency [--call=S] [PATTERN ...]`.

Every simulated call takes S seconds, LATENCY unless told otherwise; ledger, trace and the database are on. A person at
the terminal decides at once.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from statistics import median

LATENCY = 0.2
ROUNDS = 3
MOST = 1.15
CALL = "--call="


def main(words: Sequence[str]) -> None:
    """Prints a line a pattern, slowest first, and how many are within the bound."""
    with tempfile.TemporaryDirectory(prefix="radiant-bench-", ignore_cleanup_errors=True) as home:
        from utils.embeddings import LEXICAL

        os.environ.update(RADIANT_HOME=home, RADIANT_EMBEDDING_MODEL=LEXICAL)
        from tasks.functions import pattern_files
        from tasks.registry import catalogue
        from utils import embedded
        from utils.settings import settings

        settings.cache_clear()
        try:
            call_seconds = next((float(w.removeprefix(CALL)) for w in words if w.startswith(CALL)), LATENCY)
            wanted = [w for w in words if not w.startswith(CALL)] or sorted(pattern_files().keys() & catalogue().keys())
            ratios = {pattern_id: ratio_of(pattern_id, call_seconds) for pattern_id in wanted}
        finally:
            embedded.stop(settings().home / "postgres")
    within = sum(ratio <= MOST for ratio in ratios.values())
    print(f"{within} of {len(ratios)} within {MOST} x the critical path; the highest is {max(ratios.values()):.3f} x")


def ratio_of(pattern_id: str, call_seconds: float) -> float:
    """Seconds that a run took over those that it had to take: the median of rounds."""
    from scripts.bench.critical_path import critical_path
    from scripts.bench.evidence.answerer import Answerer
    from scripts.bench.evidence.play import play
    from scripts.bench.evidence.scenario import scenario_of
    from scripts.bench.evidence.world import SETTINGS, Question
    from tasks.functions import find_pattern
    from utils.llm import ChatRequest

    class Slow(Answerer):
        """Waits before it answers as another would."""

        def reply(self, request: ChatRequest, sample: str) -> str:
            time.sleep(call_seconds)
            return scenario.answerer(self.question, self.setting).reply(request, sample)

    spec, scenario = find_pattern(pattern_id), scenario_of(pattern_id)
    made = []
    for number in range(ROUNDS):
        question = Question(number)
        played = play(spec, Slow(question, SETTINGS[0]), scenario.given(question, SETTINGS[0]), scenario.decide)
        path = critical_path(spec, played.run, call_seconds)
        made.append((played.seconds / path if path else 1.0, played.seconds, path, played.calls))
    ratio, seconds, path, calls = sorted(made)[len(made) // 2]
    print(f"{pattern_id:32}{calls:6} calls{path:8.3f} s critical path{seconds:8.3f} s{ratio:8.3f} x", flush=True)
    return median(one[0] for one in made)


if __name__ == "__main__":
    main(sys.argv[1:])
