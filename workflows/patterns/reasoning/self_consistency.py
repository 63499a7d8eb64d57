"""Self-consistency: five independent attempts at a problem, and the answer that most of them reach."""

from tasks.spec import Call, Fan, Function, GraphSpec, Input, Step, samples, see

SAMPLES = 5


def build() -> GraphSpec:
    """The pattern as a value."""
    return GraphSpec(
        id="self_consistency",
        title="Self-Consistency",
        description="Solves the problem five independent times and returns the answer most attempts reach, with the "
        "agreement rate.",
        inputs=(Input(name="prompt", help="The problem to solve.", least=1),),
        blocks=(
            Fan(
                id="paths",
                does=Call(system=SOLVER, prompt=SOLVE, temperature=0.8, lessons=True),
                members=samples(SAMPLES),
                sees=see("prompt"),
                at_most=SAMPLES,
            ),
            Fan(
                id="finals",
                over="paths",
                does=Function(fn="tasks.answers.final_answer", args={"marker": "Answer"}),
                sees=see(given="item"),
                at_most=SAMPLES,
            ),
            Step(
                id="winner",
                does=Function(fn="tasks.voting.plurality"),
                slots=("answer", "dissent"),
                sees=see("finals", replies="paths"),
            ),
        ),
        gives={"answer": "winner.answer", "dissent": "winner.dissent", "replies": "paths"},
    )


SOLVER = """\
You solve problems by reasoning step by step and checking each step before the next."""

SOLVE = """\
Solve the problem below.

<problem>
{{prompt}}
</problem>

Write your reasoning as numbered steps, one inference or calculation each. Before you finish, check the result once \
against the problem. Then end with one line in exactly this form, and write nothing after it:
Answer: <answer>

On that line stands the bare result, as short as it can be: a number with its unit, a name, an option, yes or no. No \
explanation, no alternatives.
If the problem leaves something open, take the most usual reading and say so in a step. If you are unsure, give the \
result that your steps support best. Do not leave the last line out."""
