"""Sentences of an answer judged by whether other samples of the same model say them again (SelfCheckGPT)."""

from statistics import fmean
from typing import Any

from tasks.algorithms.sections import section
from tasks.algorithms.sentences import replaced
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

VALUES = {"supported": 0.0, "unknown": 0.5, "refuted": 1.0}
MARK = "[not said again, {score:.2f}: {sentence}]"


def verdicts_of(index: int, verdicts: Replies) -> Replies:
    """Those on the item with that index, of a Fan over the items that an Each made for every sample."""
    return [v for v in verdicts if len(v.at) > 1 and v.at[-1] == index]


def inconsistency(verdicts: Replies) -> float | None:
    """The mean value of a sentence's verdicts, 0 where every sample says it; None where none could be judged."""
    values = [VALUES[v.data()["verdict"]] for v in ok_of(verdicts)]
    return fmean(values) if values else None


@pure
def resampled(answer: Replies, sentences: Replies, samples: Replies, verdicts: Replies, flag_from: float) -> Reply:
    """The answer unchanged but for marks at the sentences whose score is `flag_from` or more; the answer's score is the
    mean of theirs, `quality` one less it.

    A sentence that nobody could judge has no score, and an answer without scores is unchecked.
    """
    scores = {s.key: inconsistency(verdicts_of(n, verdicts)) for n, s in enumerate(ok_of(sentences))}
    known = [score for score in scores.values() if score is not None]
    rows = [_row(s, scores[s.key], flag_from) for s in ok_of(sentences)]
    flagged = {r["sentence_no"]: r for r in rows if r["flagged"]}
    marks = {str(n): MARK.format(score=r["score"], sentence=r["sentence"]) for n, r in flagged.items()}
    lost = [*causes(samples), *causes(verdicts)]
    cut = [s.cause for s in sentences if not s.ok]
    data: dict[str, Any] = {
        "answer": answer[0].text,
        "score": fmean(known) if known else None,
        "flagged": list(flagged),
        "sentences": rows,
        "samples": len(ok_of(samples)),
        "not_checked": cut,
        "lost": lost,
    }
    if known:
        data["quality"] = 1 - fmean(known)
    outcome: Outcome = "unchecked" if not known else "incomplete" if cut else "degraded" if lost else "answered"
    lines = [replaced(answer[0].text, sentences, marks), "", _head(data["score"], data["samples"], len(flagged))]
    lines += section(
        "Score per sentence (0: every sample says it, 1: every sample denies it)", [_line(r) for r in rows]
    )
    lines += section("Not checked", cut)
    text = "\n".join(lines)
    return reply(text, key="answer", data=data, score=data.get("quality"), model=answer[0].model, outcome=outcome)


def _row(sentence: Reply, score: float | None, flag_from: float) -> dict[str, Any]:
    number, flagged = sentence.data()["number"], score is not None and score >= flag_from
    return {"sentence_no": number, "sentence": sentence.text, "score": score, "flagged": flagged}


def _head(score: float | None, samples: int, flagged: int) -> str:
    if score is None:
        return "Not scored: no sentence could be judged."
    return f"Score {score:.2f} by {samples} samples, {flagged} sentences flagged."


def _line(row: dict[str, Any]) -> str:
    shown = "not judged" if row["score"] is None else f"{row['score']:.2f}"
    return f"{row['sentence_no']}: {shown}{', flagged' if row['flagged'] else ''}"
