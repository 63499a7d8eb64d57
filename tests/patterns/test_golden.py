"""The canonical JSON of every pattern, beside its code: what is stored and registered changes only on purpose.

`python -m tests.patterns.test_golden --write` writes them anew.
"""

import json
import sys
from pathlib import Path

import pytest

from tasks.functions import find_pattern, pattern_files
from tasks.pattern_upkeep import Upkeep, find_upkeep
from tasks.spec import GraphSpec

GOLDEN = Path(__file__).parent / "golden"
PATTERNS = sorted(pattern_files())


def upkeeps() -> dict[str, Upkeep]:
    """The upkeep of all patterns that have one, by the pattern's id."""
    return {pattern: found for pattern in PATTERNS if (found := find_upkeep(pattern))}


def graphs(pattern: str) -> list[GraphSpec]:
    """A pattern, and its upkeep where it has one."""
    upkeep = find_upkeep(pattern)
    return [find_pattern(pattern), *([upkeep.graph] if upkeep else [])]


def golden(spec: GraphSpec) -> str:
    """A specification, laid out for a diff."""
    return json.dumps(json.loads(spec.to_json()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_specification_is_the_golden_one(pattern: str) -> None:
    for spec in graphs(pattern):
        file = GOLDEN / f"{spec.id}.json"
        assert file.exists(), "new pattern: python -m tests.patterns.test_golden --write"
        assert golden(spec) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_specification_comes_back_from_its_json(pattern: str) -> None:
    for spec in graphs(pattern):
        assert GraphSpec.from_json((GOLDEN / f"{spec.id}.json").read_text(encoding="utf-8")) == spec


def test_no_golden_file_outlives_its_pattern() -> None:
    assert {f.stem for f in GOLDEN.glob("*.json")} == {*PATTERNS, *(u.graph.id for u in upkeeps().values())}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_gives_one_answer_and_the_replies_and_runs_from_a_prompt(pattern: str) -> None:
    spec = find_pattern(pattern)
    assert {"answer", "replies"} <= set(spec.gives)
    assert [i.name for i in spec.inputs if i.default is None] == ["prompt"]


def write() -> None:
    """Writes every golden file anew."""
    for spec in (spec for pattern in PATTERNS for spec in graphs(pattern)):
        (GOLDEN / f"{spec.id}.json").write_text(golden(spec), encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
