"""Programs that a caller supplies are refused before anything is paid where they cannot be run."""

import pytest

from tasks.algorithms.supplied_code import code_call, nothing_given, usable_code
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

PROGRAM = [reply("def score(thought): return 1")]


def test_none_is_needed_and_one_that_fits_is_given_back() -> None:
    assert usable_code([reply("  ")], [], "metric", "def score(") == []
    assert nothing_given([])
    assert usable_code(PROGRAM, [reply(key="code")], "metric", "def score(") == PROGRAM


@pytest.mark.parametrize(
    ("defines", "tools", "says"),
    [
        ("def test_", [reply(key="code")], "--metric: Python with `def test_"),
        ("def score(", [failed("no sandbox", key="code")], "needs the tool 'code'"),
        ("def score(", [], "needs the tool 'code'"),
    ],
)
def test_a_program_that_cannot_be_used_is_refused(defines: str, tools: Replies, says: str) -> None:
    with pytest.raises(Refuse, match=says):
        usable_code(PROGRAM, tools, "metric", defines)


def test_a_call_holds_the_program() -> None:
    assert code_call("1").data() == {"tool": "code", "args": {"code": "1"}}
