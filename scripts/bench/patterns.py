"""What each pattern is worth on simulated models: run `python -m scripts.bench.patterns [PATTERN ...] [--write]`.

Beside each figure stands what self-consistency gets with as many calls, and what one call gets: in the same run, on
the same questions. --write puts the figures into scripts/bench/patterns.csv, which `radiant patterns show` reads.
Only the standard library is imported before it measures: whoever reads the table imports this.
"""

import csv
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from statistics import stdev

TABLE = Path(__file__).with_suffix(".csv")
PROCESSES = 2


@dataclass(frozen=True)
class Figure:
    """One pattern in one setting. Figures are means over questions, in [0, 1]; empty where there is no baseline.

    `error` is the standard error of the figure; `note` says what the baselines are, or why there are none, where they
    are not self-consistency with as many calls and one call.
    """

    pattern_id: str
    metric: str
    setting: str
    figure: str
    error: str
    equal_calls: str
    one_call: str
    calls: str
    questions: str
    note: str


def main(words: Sequence[str]) -> None:
    """Measures the named patterns, or all, and prints a line a setting; each is written as soon as it is measured."""
    from tasks.functions import pattern_files
    from tasks.registry import catalogue

    named = [w for w in words if not w.startswith("--")]
    wanted = named or sorted(pattern_files().keys() & catalogue().keys())
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=_settle) as pool:
        for done in as_completed([pool.submit(measured, pattern_id) for pattern_id in wanted]):
            for one in done.result():
                print(*(f"{value:24}" for value in asdict(one).values()), sep="", flush=True)
            if "--write" in words:
                write(done.result())


def measured(pattern_id: str) -> list[Figure]:
    """The figures of one pattern in all settings."""
    from scripts.bench.evidence.world import SETTINGS

    return [_figure(pattern_id, setting.name) for setting in SETTINGS]


def _figure(pattern_id: str, setting_name: str) -> Figure:
    from scripts.bench.evidence.play import play
    from scripts.bench.evidence.scenario import scenario_of
    from scripts.bench.evidence.world import SETTINGS, Question
    from tasks.functions import find_pattern

    setting = next(s for s in SETTINGS if s.name == setting_name)
    scenario, spec = scenario_of(pattern_id), find_pattern(pattern_id)
    questions = [Question(number) for number in range(scenario.questions)]
    played = [play(spec, scenario.answerer(q, setting), scenario.given(q, setting), scenario.decide) for q in questions]
    calls = sum(p.calls for p in played) / len(played)
    equal = [scenario.equal_calls(q, setting, round(calls)) for q in questions] if scenario.equal_calls else []
    alone = [scenario.one_call(q, setting, 1) for q in questions] if scenario.one_call else []
    scores = [scenario.score(p, q) for p, q in zip(played, questions, strict=True)]
    return Figure(
        pattern_id=pattern_id,
        metric=scenario.metric,
        setting=setting.name,
        figure=_mean(scores),
        error=f"{stdev(scores) / sqrt(len(scores)):.3f}",
        equal_calls=_mean(equal),
        one_call=_mean(alone),
        calls=f"{calls:.1f}",
        questions=str(len(questions)),
        note=scenario.why,
    )


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else ""


def _settle() -> None:
    """Each process has a database of its own, and makes its calls in order, so that every run is the same."""
    import atexit

    from utils.embeddings import LEXICAL

    home = tempfile.TemporaryDirectory(prefix="radiant-bench-", ignore_cleanup_errors=True)
    os.environ.update(
        RADIANT_HOME=home.name,
        RADIANT_CALLS_AT_ONCE="1",
        RADIANT_EMBEDDING_MODEL=LEXICAL,
        PGOPTIONS="-c synchronous_commit=off",
    )
    from utils import embedded
    from utils.settings import settings

    settings.cache_clear()
    atexit.register(home.cleanup)
    atexit.register(embedded.stop, settings().home / "postgres")


def read() -> list[Figure]:
    """The committed figures."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Figure(**row) for row in csv.DictReader(file)]


def figures_of(pattern_id: str) -> list[Figure]:
    """The committed figures of one pattern, a setting each."""
    return [one for one in read() if one.pattern_id == pattern_id]


def standing(figures: Sequence[Figure]) -> str:
    """How a pattern stands against the baseline with as many calls, over all settings."""
    compared = [one for one in figures if one.equal_calls]
    if not compared:
        return "no baseline with as many calls"
    ahead = sum(float(one.figure) > float(one.equal_calls) for one in compared)
    against = "the baseline" if compared[0].note else "self-consistency"
    if not ahead:
        return f"loses to {against} with as many calls in every setting"
    return f"ahead of {against} with as many calls in {ahead} of {len(compared)} settings"


def write(figures: Sequence[Figure]) -> None:
    """Puts figures into the table, in the place of older ones of the same patterns."""
    measured_now = {one.pattern_id for one in figures}
    kept = [one for one in (read() if TABLE.exists() else []) if one.pattern_id not in measured_now]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Figure)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted([*kept, *figures], key=lambda f: f.pattern_id))


if __name__ == "__main__":
    main(sys.argv[1:])
