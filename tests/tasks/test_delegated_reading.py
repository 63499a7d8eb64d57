"""Delegated reading: what is told of a document, jobs that fit, quotes that must be there and may have to stay."""

import pytest

from tasks.algorithms.delegated_reading import findings, outward, overview, reading_jobs, reading_over
from tasks.reply import Replies, failed, reply


def plan(*jobs: str) -> Replies:
    return [reply(data={"jobs": [{"job": j} for j in jobs]})]


def test_the_overview_has_headings_and_no_other_line() -> None:
    text = "# One\nsecret body\n2.1 Two\nChapter 3\nmore secrets"
    shown = overview([reply(text)], [reply("Report")], [reply("c", key="1")] * 100, jobs=8, most=240).text
    assert [line for line in shown.splitlines() if line.startswith("- ")] == ["- # One", "- 2.1 Two", "- Chapter 3"]
    assert "secret" not in shown
    assert "Jobs that can be read in a round: 2" in shown


@pytest.mark.parametrize(("pieces", "jobs", "cells"), [(1, 8, 8), (30, 8, 240), (31, 7, 217), (240, 1, 240)])
def test_every_job_meets_every_chunk_and_fewer_jobs_fit_more_chunks(pieces: int, jobs: int, cells: int) -> None:
    made = [reply("c", key=str(n)) for n in range(1, pieces + 1)]
    slots = reading_jobs(plan(*(f"job {n}" for n in range(8))), made, jobs=8, most=240, turn=1)
    assert (len(slots["jobs"]), len(slots["cells"])) == (jobs, cells)
    assert len({c.key for c in slots["cells"]}) == cells


def test_the_same_job_twice_is_one_and_a_plan_that_failed_has_none() -> None:
    one = [reply("c", key="1")]
    assert len(reading_jobs(plan("a", " a", " "), one, jobs=8, most=240, turn=2)["jobs"]) == 1
    assert reading_jobs([failed("down")], one, jobs=8, most=240, turn=1) == {"jobs": [], "cells": []}


CELL = reply(key="k", data={"job": "j", "chunk": "The  Total is\n42 euros.", "number": 3})


@pytest.mark.parametrize(
    ("found", "quote", "kept"),
    [
        ("yes", "the total is 42", True),
        ("yes", "total is 43", False),
        ("yes", "  ", False),
        ("no", "the total is 42", False),
    ],
)
def test_a_finding_needs_a_quote_that_is_there(found: str, quote: str, kept: bool) -> None:
    slots = findings([CELL], [reply(key="k", data={"found": found, "answer": "42", "quote": quote})])
    assert bool(slots["kept"]) is kept


def test_quotes_leave_only_where_they_may() -> None:
    kept = findings([CELL], [reply(key="k", data={"found": "yes", "answer": "42", "quote": "42 euros"})])["kept"]
    assert "euros" not in str(outward(kept, [reply("false")]))
    assert outward(kept, [reply("true")])[0].data()["quote"] == "42 euros"
    assert len(outward(kept, [reply("false")], kept)) == 2


def test_what_nobody_could_read_is_counted() -> None:
    slots = findings([CELL], [failed("down", key="k")])
    assert (slots["kept"], len(slots["unread"])) == ([], 1)
    assert reading_over([], [])
    assert not reading_over([], [CELL])
