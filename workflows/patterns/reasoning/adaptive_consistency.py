"""Adaptive consistency: solutions are sampled one by one until the leading answer is statistically safe."""

from tasks.spec import Call, Carry, Function, Graph, GraphSpec, Input, Loop, Step, Test, see

MOST_SAMPLES = 40
SAFE = 0.95


def build() -> GraphSpec:
    """The pattern as a value."""
    return GraphSpec(
        id="adaptive_consistency",
        title="Adaptive Consistency",
        description="Keeps sampling solutions one by one only until the leading answer is statistically safe, so easy "
        "questions cost little.",
        inputs=(Input(name="prompt", help="The problem to solve.", least=1),),
        blocks=(
            Loop(
                id="draws",
                carries={
                    "samples": Carry(next="sample", how="append"),
                    "finals": Carry(next="final", how="append"),
                },
                until=Test(fn="tasks.algorithms.sampling.lead_is_safe", sees=see("finals"), args={"at_least": SAFE}),
                turns=MOST_SAMPLES,
                body=_sample(),
            ),
            Step(
                id="winner",
                does=Function(fn="tasks.algorithms.sampling.adaptive_vote", args={"at_least": SAFE}),
                slots=("answer", "dissent"),
                sees=see(samples="draws.samples", finals="draws.finals"),
            ),
        ),
        gives={"answer": "winner.answer", "dissent": "winner.dissent", "replies": "draws.samples"},
    )


def _sample() -> Graph:
    """One sample, blind to those before it. One that failed or has no answer is drawn in vain, and counts nowhere."""
    return Graph(
        blocks=(
            Step(
                id="path",
                does=Call(system=SOLVER, prompt=SOLVE, temperature=0.7, lessons=True),
                sees=see("prompt"),
                on_failure="keep",
            ),
            Step(id="sample", does=Function(fn="tasks.algorithms.sampling.of_turn"), sees=see(given="path")),
            Step(
                id="final",
                does=Function(fn="tasks.answers.final_answer", args={"marker": "Answer"}),
                sees=see(given="sample"),
            ),
        ),
        gives={"sample": "sample", "final": "final"},
    )


SOLVER = """\
You solve problems by reasoning step by step, and you commit yourself to one short answer."""

SOLVE = """\
<problem>
{{prompt}}
</problem>

Solve this problem. Write your reasoning as numbered steps, one inference or calculation each, and check the result \
once against the problem. Then end with one line in exactly this form, and write nothing after it:
Answer: <answer>

On that line stands the bare result, as short as it can be: a number with its unit, a name, an option, yes or no. No \
explanation and no alternatives: your line is compared with the lines of others who solve the same problem.
If the problem leaves something open, take the most usual reading and say so in a step. If you are unsure, give the \
result that your steps support best. Do not leave the last line out."""
