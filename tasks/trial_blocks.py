"""Blocks that try a pattern, known at run time only, on examples, and score what it gave.

They read the blocks `scorer` (a supplied program, or nothing) and `tools` (the catalogue), and the trials
`<name>-trials`; the results, scored, are what the block `<name>-scored` gives.
"""

from tasks.spec import AnyBlock, At, Call, Carry, Each, Fan, Function, Graph, Loop, Step, Tool, Use, see

TRIALS = "tasks.algorithms.trials"


def tried(name: str, pattern: At, *, at_most: int, most_calls: int, judge: Call | None = None) -> tuple[AnyBlock, ...]:
    """A pattern on each trial; scored by the metric, else by the judge where there is one, else as right or wrong."""
    run, calls, measured = f"{name}-run", f"{name}-metric", f"{name}-measured"
    judged: tuple[AnyBlock, ...] = _judged(name, judge, at_most) if judge else ()
    judges = {"judged": f"{name}-judged"} if judge else {}
    return (
        Each(id=run, over=f"{name}-trials", at_most=at_most, body=_trial(pattern, most_calls)),
        Step(id=calls, does=Function(fn=f"{TRIALS}.metric_calls"), sees=see(metric="scorer", results=f"{run}.result")),
        Fan(
            id=measured,
            over=calls,
            does=Tool(name="tasks.toolbox.run_tool"),
            sees=see("tools", call="item"),
            at_most=at_most,
        ),
        *judged,
        Step(
            id=f"{name}-scored",
            does=Function(fn=f"{TRIALS}.scored"),
            sees=see(metric="scorer", results=f"{run}.result", measured=measured, **judges),
        ),
    )


def _judged(name: str, judge: Call, at_most: int) -> tuple[AnyBlock, ...]:
    listed = Function(fn=f"{TRIALS}.to_judge")
    return (
        Step(id=f"{name}-answers", does=listed, sees=see(metric="scorer", results=f"{name}-run.result")),
        Fan(
            id=f"{name}-judged",
            over=f"{name}-answers",
            does=judge,
            sees=see(trial="item"),
            at_most=at_most,
            quorum=0,
        ),
    )


def _trial(pattern: At, most_calls: int) -> Graph:
    """One trial. It comes to nothing where the pattern fails; what it cost is counted all the same."""
    use = Use(id="use", pattern=pattern, binds={"prompt": "ask"}, slots=("answer", "trace"), most_calls=most_calls)
    gives = {"answer": "use.answer", "trace": "use.trace"}
    once = Each(id="once", over="ask", at_most=1, body=Graph(blocks=(use,), gives=gives))
    return Graph(
        blocks=(
            Step(id="ask", does=Function(fn=f"{TRIALS}.question"), sees=see("item")),
            Loop(
                id="go",
                carries={"answers": Carry(next="answer"), "trace": Carry(next="trace")},
                turns=1,
                body=Graph(blocks=(once,), gives={"answer": "once.answer", "trace": "once.trace"}),
            ),
            Step(
                id="result",
                does=Function(fn=f"{TRIALS}.outcome"),
                sees=see("item", answers="go.answers", trace="go.trace", spent="go.spent"),
            ),
        ),
        gives={"result": "result"},
    )
