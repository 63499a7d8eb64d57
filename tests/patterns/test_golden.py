"""The canonical JSON of every pattern, beside its code: what is stored and registered changes only on purpose.

`python -m tests.patterns.test_golden --write` writes them anew.
"""

import json
import sys
from pathlib import Path

import pytest

from tasks.functions import find_pattern, pattern_files
from tasks.spec import GraphSpec

GOLDEN = Path(__file__).parent / "golden"
PATTERNS = sorted(pattern_files())


def golden(pattern: str) -> str:
    """A pattern's specification, laid out for a diff."""
    return json.dumps(json.loads(find_pattern(pattern).to_json()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_specification_is_the_golden_one(pattern: str) -> None:
    file = GOLDEN / f"{pattern}.json"
    assert file.exists(), "new pattern: python -m tests.patterns.test_golden --write"
    assert golden(pattern) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_specification_comes_back_from_its_json(pattern: str) -> None:
    spec = find_pattern(pattern)
    assert GraphSpec.from_json((GOLDEN / f"{pattern}.json").read_text(encoding="utf-8")) == spec


def test_no_golden_file_outlives_its_pattern() -> None:
    assert {f.stem for f in GOLDEN.glob("*.json")} == set(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_gives_one_answer_and_the_replies_and_runs_from_a_prompt(pattern: str) -> None:
    spec = find_pattern(pattern)
    assert {"answer", "replies"} <= set(spec.gives)
    assert [i.name for i in spec.inputs if i.default is None] == ["prompt"]


def write() -> None:
    """Writes every golden file anew."""
    for pattern in PATTERNS:
        (GOLDEN / f"{pattern}.json").write_text(golden(pattern), encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
