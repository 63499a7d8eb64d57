"""Side-by-side comparison: the same prompt to two to six models, and every answer next to the others as it came."""

from tasks.spec import At, Call, Fan, Function, GraphSpec, Input, Step, Tool, see

LEAST, MOST = 2, 6


def build() -> GraphSpec:
    """The pattern as a value."""
    return GraphSpec(
        id="side_by_side_comparison",
        title="Side-by-Side Comparison",
        description="Sends the identical prompt to two to six models and shows every answer next to the others so the "
        "user can compare for themselves.",
        distinct_models=LEAST,
        inputs=(
            Input(name="prompt", help="What every model is asked, word for word.", least=1),
            Input(
                name="models",
                type="models",
                default="",
                least=LEAST,
                most=MOST,
                help="2 to 6 different models, in the order of the columns, or a tier.",
            ),
        ),
        blocks=(
            Step(
                id="panel",
                does=Tool(name="tasks.candidates.different", args={"least": LEAST, "most": MOST}),
                sees=see("models"),
            ),
            Fan(
                id="answers",
                over="panel",
                does=Call(system=RESPONDENT, prompt=ANSWER, model=At(ref="item"), temperature=0.7, lessons=True),
                sees=see("prompt"),
                at_most=MOST,
            ),
            Step(
                id="columns",
                does=Function(fn="tasks.algorithms.columns.side_by_side"),
                sees=see("panel", "answers"),
            ),
        ),
        gives={"answer": "columns", "replies": "answers"},
    )


RESPONDENT = """\
You answer the request that you are given, as helpfully and truthfully as you can. Keep to the language, length and \
form that it asks for. Where you do not know something, say so plainly; where it leaves something open, take the most \
useful reading. Give the answer itself: no preface, and no remark on yourself as a model."""

ANSWER = "{{prompt}}"
