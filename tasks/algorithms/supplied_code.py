"""Programs that a caller supplies (a metric, tests), run by the code tool where there is one."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, ok_of, reply

CODE = "code"


@pure
def usable_code(given: Replies, tools: Replies, option: str, defines: str) -> Replies:
    """The supplied program; nothing where none is given.

    Fails the run, before anything is paid, where it does not hold `defines`, or where code cannot be run here.
    """
    programs = [g for g in ok_of(given) if g.text.strip()]
    if not programs:
        return []
    if defines not in programs[0].text:
        raise Refuse(f"--{option}: Python with `{defines}...` is right")
    if not any(t.key == CODE for t in ok_of(tools)):
        raise Refuse(f"--{option} needs the tool 'code', which cannot be used here: leave it out, and a model judges")
    return programs[:1]


@pure
def nothing_given(given: Replies) -> bool:
    """Whether no program was supplied."""
    return not given


def code_call(source: str) -> Reply:
    """The call of the code tool for a program."""
    return reply(source, data={"tool": CODE, "args": {"code": source}})
