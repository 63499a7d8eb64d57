"""Evidence for the emerging patterns."""

from statistics import mean

from scripts.bench.evidence import emerging_worlds as worlds
from scripts.bench.evidence import search_worlds as searches
from scripts.bench.evidence.looking_up import BY_ACTS, given_archive
from scripts.bench.evidence.play import MODELS, Played, self_consistency
from scripts.bench.evidence.records import CLAIMS, boxes, plurality_of_each, right_share, stated
from scripts.bench.evidence.scenario import ROUNDS, Baseline, Scenario, Score, readers_of
from scripts.bench.evidence.world import Question, Setting, draw, random
from tasks.trace import traces

NUMBERS = "numbers that are right"


def numbers_right(count: int) -> Score:
    """How many of so many boxes get their number."""
    return lambda played, question: right_share(stated(played.answer), question, count)


def shared_out(count: int) -> Baseline:
    """How many numbers are right where as many calls are shared out evenly over the boxes."""
    every = plurality_of_each(count)
    return lambda question, setting, calls: every(question, setting, calls // count)


def right_form(played: Played, question: Question) -> float:
    """Whether a list is told in full in half of the waiting, or a single fact without a skeleton."""
    asked = worlds.listed(question)
    whole = len(stated(played.answer)) == len(asked)
    if len(asked) == 1:
        return float(whole and played.data.get("mode") == "plain")
    return float(whole and 2 * waited(played) <= len(played.answer))


def waited(played: Played) -> int:
    """Characters that were written one after another: of calls side by side the longest counts."""
    made = [one.slots.get("out", []) for one in traces(played.run) if one.path.rpartition("/")[2] in WRITTEN]
    return sum(max((len(r.text or r.fields) for r in replies), default=0) for replies in made if replies)


def one_piece(question: Question, setting: Setting, calls: int) -> float:
    """Whether one call without a skeleton is the right form."""
    return float(len(worlds.listed(question)) == 1) * (1 - setting.refusal)


def principles_kept(played: Played, question: Question) -> float:
    """How many principles the answer keeps."""
    answer = played.answer.partition("What the principles changed")[0]
    return mean(kept in answer for kept in worlds.KEEPS)


def best_of_drafts(question: Question, setting: Setting, calls: int) -> float:
    """How many principles the draft with the fewest findings keeps, as many calls being drafts and their checks."""
    chance = random("drafts", setting.name, question.number, calls)

    def once() -> float:
        drafts = []
        for _ in range(max(1, calls // (1 + len(worlds.PRINCIPLES)))):
            kept = [chance.random() < question.difficulty(setting) for _ in worlds.PRINCIPLES]
            drafts.append((sum(k == (chance.random() < setting.verifier) for k in kept), mean(kept)))
        return max(drafts)[1]

    return mean(once() for _ in range(ROUNDS))


def on_top(played: Played, question: Question) -> float:
    """Whether the right hypothesis has the highest rating."""
    first = (played.data.get("shortlist") or [{}])[0]
    return float(str(question.right) in str(first.get("claim")))


def of_winner(played: Played, question: Question) -> float:
    """How many of the test's tasks the workflow that won does, or the simplest one where none did."""
    data = played.data
    scores = {row["who"]: row["score"] for row in data.get("test", [])}
    return float(scores.get(data.get("winner") or "g0", 0.0))


def of_prompts(played: Played, question: Question) -> float:
    """How many of the runs held out go well with the prompts that are used in the end."""
    return float(played.data.get("quality", 0.0))


def of_program(played: Played, question: Question) -> float:
    """How many numbers of the program are right."""
    found = searches.constants(str(played.data.get("program", "")))
    return mean(found.get(n) == b.right for n, b in zip(searches.NAMES, boxes(question, 2), strict=True))


def each_task(count: int, samples: int) -> Baseline:
    """How many of a question's tasks the plurality of so many samples gets right."""

    def baseline(question: Question, setting: Setting, calls: int) -> float:
        return mean(self_consistency(one, setting, samples, "task") for one in searches.tasks_of(question, count))

    return baseline


def best_program(question: Question, setting: Setting, calls: int) -> float:
    """How many numbers are right in the best of as many programs, which the evaluator picks."""
    asked = boxes(question, len(searches.NAMES))

    def written(sample: str) -> float:
        return mean(draw(box, setting, MODELS[0], sample) == box.right for box in asked)

    return mean(max(written(f"round {r} {n}") for n in range(max(1, calls))) for r in range(ROUNDS))


WRITTEN = ("apart", "plain", "skeleton", "expand", "reduce", "instead")
"""The steps that wait for one another."""
SCENARIOS = {
    "adaptive_compute_allocation": Scenario(
        metric=NUMBERS,
        given=lambda question, setting: {"prompt": worlds.of_boxes(question, worlds.TASKS)},
        answerer=worlds.Allocator,
        score=numbers_right(worlds.TASKS),
        equal_calls=shared_out(worlds.TASKS),
        one_call=plurality_of_each(worlds.TASKS),
        why="baselines: as many calls, shared out evenly over the questions; one call a question",
        questions=20,
    ),
    "automatic_workflow_search": Scenario(
        metric="tasks done rightly by the workflow that is found",
        given=searches.examples,
        answerer=searches.Designer,
        score=of_winner,
        equal_calls=each_task(searches.EXAMPLES, 5),
        one_call=each_task(searches.EXAMPLES, 1),
        why="baselines do the tasks: self-consistency with five samples a task, and one call a task",
        questions=20,
    ),
    "constitutional_revision": Scenario(
        metric="principles that the answer keeps",
        given=lambda question, setting: {
            "principles": [{"text": text, "priority": 2 + n % 2} for n, text in enumerate(worlds.PRINCIPLES)]
        },
        answerer=worlds.Writer,
        score=principles_kept,
        equal_calls=best_of_drafts,
        one_call=lambda question, setting, calls: question.difficulty(setting),
        why="baselines: of several drafts the one with the fewest findings, as many calls in all; one draft",
    ),
    "evolutionary_program_search": Scenario(
        metric="numbers of the program that are right",
        given=searches.evolvable,
        answerer=searches.Breeder,
        score=of_program,
        equal_calls=best_program,
        one_call=lambda question, setting, calls: best_program(question, setting, 1),
        why="baselines: the best of as many programs written anew, by the evaluator; one such program",
        questions=20,
    ),
    "graph_of_thoughts": Scenario(
        metric=NUMBERS,
        given=lambda question, setting: {"prompt": worlds.of_boxes(question, CLAIMS)},
        answerer=worlds.Grapher,
        score=numbers_right(CLAIMS),
        equal_calls=plurality_of_each(),
        one_call=lambda question, setting, calls: plurality_of_each()(question, setting, 1),
        why="baselines: of each number the plurality of as many calls that give all of them; one such call",
        questions=20,
    ),
    "hypothesis_tournament": Scenario(
        metric="right hypothesis on top",
        answerer=worlds.Inventor,
        score=on_top,
        questions=20,
    ),
    "lats_tree_search": Scenario(given=given_archive, answerer=searches.Explorer, why=BY_ACTS),
    "meta_prompting_conductor": Scenario(answerer=worlds.Conductor),
    "mixture_of_agents": Scenario(),
    "recursive_context_calls": Scenario(
        given=lambda question, setting: {"context": worlds.archive_of_many(question)},
        answerer=worlds.Root,
        equal_calls=readers_of(worlds.first_half),
        one_call=readers_of(worlds.first_half),
        why="baselines read the half of the text that goes into one call",
        questions=20,
    ),
    "reflective_prompt_evolution": Scenario(
        metric="runs held out that go well with the prompts in use",
        given=searches.past_runs,
        answerer=searches.Evolver,
        score=of_prompts,
        equal_calls=None,
        one_call=each_task(searches.RUNS, 1),
        why="its calls are paid once, the prompts used from then on; one call is the prompts as they were",
        questions=20,
    ),
    "self_discover": Scenario(answerer=worlds.Discoverer),
    "skeleton_of_thought": Scenario(
        metric="lists told in full in half of the waiting, single facts in one piece",
        given=lambda question, setting: {"prompt": worlds.of_boxes(question, len(worlds.listed(question)))},
        answerer=worlds.Lister,
        score=right_form,
        equal_calls=None,
        one_call=one_piece,
        why="it saves waiting, not errors: more calls for one answer save none; one call is right for single facts",
    ),
    "speculative_reasoning_cascade": Scenario(
        metric=NUMBERS,
        given=lambda question, setting: {"prompt": worlds.of_boxes(question, worlds.STEPS)},
        answerer=worlds.Racer,
        score=numbers_right(worlds.STEPS),
        equal_calls=shared_out(worlds.STEPS),
        one_call=plurality_of_each(worlds.STEPS),
        why="baselines: as many calls, shared out evenly over the steps; one call a step",
    ),
    "textual_gradient_descent": Scenario(answerer=worlds.Descender),
}
