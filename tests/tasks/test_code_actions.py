"""Acting by code: signatures, what a cell may not do, and which cells a session goes on with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.code_actions import (
    answered,
    cell_record,
    code_answer,
    file_heads,
    forbidden,
    gated_cell,
    not_safe,
    of_session,
    signatures,
    written_files,
)
from tasks.functions import Refuse
from tasks.reply import Reply, failed, reply


def tool(name: str, **arguments: object) -> Reply:
    return reply(key=name, data={"description": "Does it.", "arguments": arguments})


def ran(ended: str = "done", final: object = None, files: dict[str, str] | None = None, text: str = "out") -> Reply:
    written = [{"path": p, "text": t, "sha256": f"sha {t}", "size": len(t)} for p, t in (files or {}).items()]
    data = {"ended": ended, "ok": ended == "done", "final": final, "has_final": final is not None, "files": written}
    return reply(text, data=data)


def act(kind: str, cell: str = "", answer: str = "") -> Reply:
    return reply(data={"thought": "t", "type": kind, "cell": cell, "answer": answer})


def test_what_is_required_comes_first_in_a_signature() -> None:
    known = {"k": {"type": "integer", "default": 5}, "query": {"type": "string"}}
    tools = [tool("web", properties=known, required=["query"]), tool("send", type="object"), tool("code")]
    assert [s.text.splitlines()[0] for s in signatures([*tools, failed("no", key="x")])] == [
        "def web(query: str, k: int = 5)",
        "def send(**arguments)",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import json, re",
        "from urllib.parse import quote",
        "open('a/b.txt')",
        "print('/etc/passwd')",
        "from pathlib import Path\nPath('x') / 'y'",
        "not python at all (",
        "import concurrent.futures",
    ],
)
def test_what_stays_inside_is_allowed(code: str) -> None:
    assert forbidden(code) == ""


@pytest.mark.parametrize(
    "code",
    ["import urllib.request", "import json, os.path", "__import__('os')", "Path('~/x')", "open(f'/proc/{1}')"],
)
def test_what_reaches_out_is_forbidden(code: str) -> None:
    assert forbidden(code)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_judged(code: str) -> None:
    cell = gated_cell([act("cell", code)])
    assert not_safe([cell]) == cell.text.startswith("REFUSED: ") or cell.text == code


def test_a_cell_is_taken_out_of_its_fence() -> None:
    assert gated_cell([act("cell", "```python\nx = 1\n```")]).text == "x = 1"
    assert not_safe([gated_cell([act("answer", answer="a")])])
    assert not_safe([gated_cell([failed("down")])])


@pytest.mark.parametrize(("ended", "kept"), [("done", 1), ("error", 1), ("time", 0), ("memory", 0), ("crash", 0)])
def test_a_session_goes_on_without_a_cell_that_met_a_limit(ended: str, kept: int) -> None:
    assert len(of_session([ran(ended)])) == kept
    made = cell_record([act("cell", "x")], [gated_cell([act("cell", "x")])], [ran(ended)], turn=1, most=100)
    assert ("is gone" in made.data()["output"]) == (not kept)


@pytest.mark.parametrize(
    ("final", "text"), [("words", "words"), (42, "42"), ({"a": 1}, '{"a": 1}'), (None, ""), ("  ", "")]
)
def test_the_final_answer_of_a_cell(final: object, text: str) -> None:
    made = cell_record([act("cell", "x")], [gated_cell([act("cell", "x")])], [ran(final=final)], turn=1, most=100)
    assert (made.data()["answer"], answered([made])) == (text, bool(text))


def test_of_a_file_the_last_version_counts() -> None:
    runs = [ran(files={"a": "1", "b": "2"}), failed("x"), ran(files={"a": "3"})]
    assert [(f.key, f.text) for f in written_files(runs)] == [("a", "3"), ("b", "2")]
    assert file_heads([reply("x" * 900, key="f")])[0].text.startswith("f, 900 characters:\nxxx")


def test_there_is_an_answer_or_the_run_fails() -> None:
    with pytest.raises(Refuse, match="no answer after 0 turns"):
        code_answer([], [], [])
    assert code_answer([], [reply("best")], []).outcome == "incomplete"
