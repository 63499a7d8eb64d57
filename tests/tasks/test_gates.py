"""Gates: the fields of a prompt, the rules, and what is refused before anything is paid."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.gates import broken_rules, chain_steps, prompt_fields
from tasks.functions import Refuse
from tasks.reply import Replies, reply
from tasks.walk import input_replies

NAMES = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def steps(*prompts: str, **rules: Any) -> Replies:
    return input_replies([{"id": f"s{n}", "prompt": p, "rules": rules} for n, p in enumerate(prompts)])


@pytest.mark.parametrize(
    ("prompt", "fields"),
    [
        ("Just a text.", {}),
        ('{"topic": "ducks", "n": 3}', {"topic": "ducks", "n": "3"}),
        ("Topic: ducks\nTarget group: hunters", {"topic": "ducks", "target_group": "hunters"}),
        ("[1, 2]", {}),
    ],
)
def test_fields_come_from_json_or_from_lines(prompt: str, fields: dict[str, str]) -> None:
    assert prompt_fields(prompt) == {**fields, "prompt": prompt}


@given(st.text(max_size=80))
def test_every_prompt_has_itself_as_a_field(prompt: str) -> None:
    assert prompt_fields(prompt)["prompt"] == prompt


@pytest.mark.parametrize(
    ("text", "rules", "wrong"),
    [
        ("fine", {}, ""),
        ("  ", {}, "at least 1"),
        ("abc", {"least_characters": 4}, "at least 4"),
        ("abcd", {"least_characters": 4, "most_characters": 4}, ""),
        ("abcde", {"most_characters": 4}, "at most 4"),
        ('```json\n{"n": 1}\n```', {"json_schema": NAMES}, ""),
        ('{"n": "1"}', {"json_schema": NAMES}, "does not fit"),
        ("no json", {"json_schema": NAMES}, "no JSON"),
        ("tel 123", {"regex": r"\d{3}"}, ""),
        ("tel", {"regex": r"\d{3}"}, "nothing matches"),
        ("Ducks fly", {"required": ["ducks"]}, ""),
        ("a duckling", {"required": ["duck"]}, "'duck' is required"),
        ("a partition", {"forbidden": ["art"]}, ""),
        ("modern ART.", {"forbidden": ["art"]}, "'art' is forbidden"),
    ],
)
def test_each_rule_says_what_it_wants(text: str, rules: dict[str, Any], wrong: str) -> None:
    found = broken_rules(text, rules)
    assert len(found) == bool(wrong)
    assert all(wrong in f for f in found)


def test_all_broken_rules_are_named() -> None:
    assert len(broken_rules("x", {"least_characters": 2, "regex": "y", "required": ["z"], "forbidden": ["x"]})) == 4


def test_a_step_gets_the_fields_that_it_names_and_no_other() -> None:
    prompt = json.dumps({"topic": "ducks", "secret": "S"})
    first, second = chain_steps(steps("About {{topic}}.", "On."), [reply(prompt)])
    assert (first.text, first.data()["fields"]) == ("About [topic].", {"topic": "ducks"})
    assert second.data()["fields"] == {}


@pytest.mark.parametrize(
    ("given_steps", "wrong"),
    [
        (steps("one"), "1 steps"),
        (steps(*"abcdefg"), "7 steps"),
        (steps("{{tone}}", "b"), "names tone, which the prompt lacks"),
        (steps("a", "b", regex="("), "regex is wrong"),
        (steps("a", "b", json_schema={"type": 3}), "JSON schema is wrong"),
        ([*steps("a"), *steps("b")], "same id"),
    ],
)
def test_what_cannot_work_is_refused(given_steps: Replies, wrong: str) -> None:
    with pytest.raises(Refuse, match=wrong):
        chain_steps(given_steps, [reply("Text.")])
