"""Search over thoughts: a tree of replies whose keys are paths ("2.1.3"), grown level by level and cut to a beam."""

from dataclasses import dataclass

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, ok_of, reply

SCORES = {"sure": 1.0, "likely": 0.5, "impossible": 0.0}
SURE = 1.0


@pure
def root() -> Reply:
    """Where the search starts: the empty path."""
    return reply(key="0", data={"path": [], "complete": False, "kept": True, "depth": 0})


@pure
def branches(frontier: Replies, expanded: Replies, branch: int) -> Replies:
    """The new thoughts of a level: of each path at most `branch` different ones, as its expansion gave them."""
    parents = {p.key: p for p in frontier}
    grown = []
    for expansion in ok_of(expanded):
        parent = parents[expansion.key]
        seen: set[str] = set()
        for given in expansion.data()["thoughts"]:
            text = given["thought"].strip()
            if text and text.casefold() not in seen and len(seen) < branch:
                seen.add(text.casefold())
                grown.append(_child(parent, len(seen), text, given["complete"] is True, expansion.model))
    return grown


def _child(parent: Reply, number: int, text: str, complete: bool, model: str) -> Reply:
    above = parent.data()
    key = f"{parent.key}.{number}" if above["depth"] else str(number)
    data = {"path": [*above["path"], text], "complete": complete, "kept": False, "depth": above["depth"] + 1}
    return reply(text, key=key, data=data, model=model)


@pure
def keep_best(thoughts: Replies, scores: Replies, beam: int) -> Slots:
    """A level's thoughts with their scores, the `beam` best of them kept, and those to go on from.

    Ties go to the earlier thought. A thought that scored 0, or that nobody could judge, is dropped.
    """
    verdicts = {s.key: SCORES[s.data()["verdict"]] for s in ok_of(scores)}
    ranked = sorted((t.key for t in thoughts if verdicts.get(t.key)), key=lambda k: -verdicts[k])
    best = set(ranked[:beam])
    causes = {s.key: s.cause for s in scores if not s.ok}
    level = [
        t.but(
            score=verdicts.get(t.key),
            data={**t.data(), "kept": t.key in best, "not_judged": causes.get(t.key, "")},
        )
        for t in thoughts
    ]
    return {"level": level, "frontier": [t for t in level if t.data()["kept"] and not t.data()["complete"]]}


@pure
def search_over(tree: Replies, frontier: Replies) -> bool:
    """Whether no path is left, or a complete path is sure."""
    return not frontier or any(_is_sure(t) for t in tree)


def _is_sure(thought: Reply) -> bool:
    data = thought.data()
    return bool(data["complete"] and data["kept"] and thought.score == SURE)


@dataclass(frozen=True)
class _Best:
    thought: Reply
    low_confidence: bool


@pure
def best_path(tree: Replies) -> Reply:
    """The path to answer along, as the thought at its end: the best live one, a complete one of those alike.

    Where all paths were dropped it is the best scored complete one, else the longest, with `low_confidence`.
    Fails the run where there is no thought at all.
    """
    if not tree:
        raise Refuse("no line of thought could be started: every expansion failed")
    best = _best(tree)
    data = {**best.thought.data(), "low_confidence": best.low_confidence}
    return best.thought.but(data=data)


def _best(tree: Replies) -> _Best:
    deepest = max(t.data()["depth"] for t in tree)
    live = [t for t in tree if t.data()["kept"] and (t.data()["complete"] or t.data()["depth"] == deepest)]
    if live:
        return _Best(max(live, key=lambda t: (t.score or 0.0, t.data()["complete"])), low_confidence=False)
    complete = [t for t in tree if t.data()["complete"]]
    if complete:
        return _Best(max(complete, key=lambda t: t.score or 0.0), low_confidence=True)
    return _Best(max(tree, key=lambda t: (t.data()["depth"], t.score or 0.0)), low_confidence=True)


@pure
def solution(written: Replies, best: Replies, tree: Replies) -> Reply:
    """The answer along the best path, with the whole tree: each thought, its score, whether it was kept."""
    end = best[0].data()
    rows = [
        {"id": t.key, "thought": t.text, "score": t.score, "kept": t.data()["kept"], "complete": t.data()["complete"]}
        for t in tree
    ]
    low = end["low_confidence"]
    warning = "Low confidence: every line of thought was judged impossible or could not be judged.\n\n" if low else ""
    return reply(
        warning + written[0].text,
        key="answer",
        data={"best": best[0].key, "path": end["path"], "low_confidence": low, "tree": rows},
        score=best[0].score,
        model=written[0].model,
        outcome="undecided" if low else "answered",
    )
