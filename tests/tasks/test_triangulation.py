"""Triangulation: publishers, the weighted vote, and what junk from a search does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.triangulation import independent_sources, publisher, triangulated, verdict, weighed_claims
from tasks.reply import failed, reply

CELL = st.fixed_dictionaries(
    {"stance": st.sampled_from(["supported", "refuted", "unknown"]), "weight": st.integers(1, 5)}
)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.example.com/a", "example.com"),
        ("http://news.example.co.uk", "example.co.uk"),
        ("https://co.uk/", "co.uk"),
        ("http://192.168.1.1:80/x", "192.168.1.1"),
        ("https://EXAMPLE.de", "example.de"),
        ("not a url", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_publishers(url: str, name: str) -> None:
    assert publisher(url) == name


@settings(deadline=None)
@given(st.lists(CELL, max_size=6))
def test_the_vote_knows_no_order_and_turns_with_the_stances(cells: list[dict[str, Any]]) -> None:
    one = verdict(cells)
    assert verdict(cells[::-1]) == one
    turn = {"supported": "refuted", "refuted": "supported", "unknown": "unknown"}
    other = {"true": "false", "false": "true"}
    turned = verdict([{**c, "stance": turn[str(c["stance"])]} for c in cells])
    assert turned["verdict"] == other.get(one["verdict"], one["verdict"])
    assert 0 <= one["share"] <= 1
    if one["verdict"] in other:
        assert one["share"] >= 0.7


def test_junk_of_a_search_is_no_source() -> None:
    claim = reply("c", key="claim 1")
    rows: list[dict[str, Any]] = [
        {"results": ["x", {"url": "u", "text": " "}, {"title": "t", "text": "ok"}]},
        {"results": None},
        {},
    ]
    searched = [failed("down", at=[0]), *(reply(data=r, at=[0]) for r in rows)]
    made = independent_sources([claim], searched, [], most=6)
    assert [p.data()["page"] for p in made["pairs"]] == ["ok"]
    assert [s.data()["publisher"] for s in made["sources"]] == ["t"]
    assert independent_sources([], [], [], most=6) == {"sources": [], "pairs": []}


def test_nothing_at_all_is_unchecked() -> None:
    assert weighed_claims([], [], [], [], []) == []
    searcher = reply(data={"tool": "web"})
    final = triangulated([reply("t")], [], [failed("down")], [], [], [], [searcher])
    assert (final.outcome, final.score) == ("unchecked", None)
    assert "down" in final.text
