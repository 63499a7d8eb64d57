"""What holds for every pattern of the catalogue: its file, its tests, its own structure, its scenario, its prompts."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.bench.evidence.scenario import scenario_of
from scripts.bench.evidence.world import SETTINGS
from scripts.bench.patterns import figures_of
from tasks.functions import find_pattern, pattern_files
from tasks.registry import catalogue
from tasks.spec import GraphSpec, block_from_json, block_to_json
from tests.patterns.test_golden import GOLDEN, graphs, upkeeps

OF_THE_CATALOGUE = sorted(catalogue())
OF_THE_MAIN_JOB = {"think_tank_swarm"}
IN_ALL = {
    "multi_model": 10,
    "reasoning": 15,
    "debate": 12,
    "verification": 12,
    "sequential": 15,
    "agent": 18,
    "tool": 10,
    "memory": 8,
    "user_facing": 12,
    "emerging": 15,
}
LONGEST_PROMPT = 6000
WORDING = {"prompt", "system", "question", "description", "title", "help", "id", "example", "const"}
"""What may differ between two patterns that are the same all the same."""
LEFT_OVER = re.compile(r"TODO|FIXME|XXX|lorem ipsum|\{[a-z_]+\}(?!\})", re.IGNORECASE)


def test_every_row_has_a_file_and_every_file_a_row() -> None:
    assert pattern_files().keys() - OF_THE_MAIN_JOB == catalogue().keys()
    assert Counter(one.category_id for one in catalogue().values()) == IN_ALL


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_its_worth_is_measured_in_every_setting_by_its_scenario(pattern: str) -> None:
    figures = figures_of(pattern)
    assert [one.setting for one in figures] == [s.name for s in SETTINGS]
    assert {one.metric for one in figures} == {scenario_of(pattern).metric}


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_it_stands_in_its_categorys_folder(pattern: str) -> None:
    assert pattern_files()[pattern].parent.name == catalogue()[pattern].category_id


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_it_has_a_golden_file_and_tests_of_its_own(pattern: str) -> None:
    assert (GOLDEN / f"{pattern}.json").exists()
    tests = Path(__file__).with_name(f"test_{pattern}.py").read_text(encoding="utf-8")
    assert tests.count("\ndef test_") >= 5


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_its_inputs_have_help_and_it_gives_an_answer(pattern: str) -> None:
    spec = find_pattern(pattern)
    assert all(i.help.endswith((".", "?", "]", ")")) for i in spec.inputs)
    assert "answer" in spec.gives


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_its_nodes_carry_what_it_is(pattern: str) -> None:
    for spec in graphs(pattern):
        assert GraphSpec.from_json(spec.to_json()) == spec
        assert [block_from_json(block_to_json(b)) for b in spec.blocks] == list(spec.blocks)


def test_no_two_have_the_same_structure() -> None:
    alike = defaultdict(list)
    for graph in (graph for pattern in OF_THE_CATALOGUE for graph in graphs(pattern)):
        spec = json.loads(graph.to_json())
        numbers = {one: f"block {n}" for n, one in enumerate(_ids(spec))}
        alike[json.dumps(_bare(spec, numbers), sort_keys=True)].append(graph.id)
    assert [same for same in alike.values() if len(same) > 1] == []


@pytest.mark.parametrize("pattern", OF_THE_CATALOGUE)
def test_its_prompts_are_whole(pattern: str) -> None:
    for prompt in (p for spec in graphs(pattern) for p in _prompts(json.loads(spec.to_json()))):
        assert len(prompt) <= LONGEST_PROMPT
        assert not LEFT_OVER.search(prompt), prompt
        assert prompt == prompt.strip()
        for tag in re.findall(r"<([a-z_]+)>\n\{\{", prompt):
            assert f"</{tag}>" in prompt, f"<{tag}> is not closed"


@pytest.mark.parametrize("pattern", sorted(upkeeps()))
def test_its_upkeep_is_no_pattern_and_says_what_it_did(pattern: str) -> None:
    upkeep = upkeeps()[pattern]
    assert upkeep.graph.id not in pattern_files()
    assert upkeep.graph.id not in catalogue()
    assert "answer" in upkeep.graph.gives
    assert "def test_upkeep_" in Path(__file__).with_name(f"test_{pattern}.py").read_text(encoding="utf-8")


def _ids(value: Any) -> Iterator[str]:
    """The ids of all blocks, in their order."""
    if isinstance(value, dict):
        if "kind" in value and "id" in value:
            yield value["id"]
        for inner in value.values():
            yield from _ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner)


def _bare(value: Any, numbers: dict[str, str]) -> Any:
    """A specification without wording, whose refs name blocks by their number."""
    if isinstance(value, dict):
        return {k: _bare(v, numbers) for k, v in value.items() if k not in WORDING}
    if isinstance(value, list):
        return [_bare(v, numbers) for v in value]
    if isinstance(value, str):
        block, dot, slot = value.partition(".")
        return f"{numbers.get(block, block)}{dot}{slot}"
    return value


def _prompts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("prompt", "system") and isinstance(inner, str):
                yield inner
            else:
                yield from _prompts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _prompts(inner)
