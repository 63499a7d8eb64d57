"""Answers prepared while nobody asks: the context they hold for, which of them fit, and how much to prepare next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from tasks.functions import Refuse, pure
from tasks.recalled import fields_of
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, first_cause, ok_of, reply

CONTEXT, QUESTION, PAIR, PREPARED = "sleep_context", "sleep_question", "sleep_pair", "sleep_prepared"
"""The kinds of memory: a project's documents, what was asked of it, answers, and for which documents they are ready."""
MOST_CHARS = 200_000
"""Of a project's documents: each idle call reads them all."""
NO_DOCUMENTS = "(The project has no documents yet.)"
SAME, NEAR = 0.84, 0.4
"""Cosines of 0.92 and 0.6 in the source, as matches, where .5 is what fits for the embedding model that is used."""
TURNS, SAMPLES, ANSWERS = 10, 20, 10
RECENT, LOW = 30, 0.2
LEAST_SHARE = 0.125
MOST_INFERENCES = 60


@pure
def current_context(documents: Replies, stored: Replies, project: Replies, most: int = MOST_CHARS) -> Slots:
    """The documents given, else the project's stored ones, as one text with its `hash`; `new` is what is to be stored.

    Without either it says so and has no hash. Fails the run where they are too long.
    """
    name = project[0].text.strip()
    before = next((fields_of(s) for s in ok_of(stored)), {})
    given = [{"title": str(d.data().get("title") or d.key), "text": d.text} for d in documents if d.text.strip()]
    held = given or list(before.get("documents", []))
    if not held:
        return {"out": [reply(NO_DOCUMENTS, key="context", data={"hash": ""})], "new": []}
    if (size := sum(len(d["text"]) for d in held)) > most:
        raise Refuse(f"the documents have {size:,} characters: at most {most:,} can be prepared")
    digest = sha256(canonical(held).encode()).hexdigest()
    titles = ", ".join(d["title"] for d in held)
    data = {"hash": digest, "project": name, "documents": held}
    new = [] if before.get("hash") == digest else [reply(f"{name}: {titles}"[:2_000], key="context", data=data)]
    return {"out": [_rendered(held, digest)], "new": new}


def _rendered(documents: Sequence[dict[str, str]], digest: str) -> Reply:
    text = "\n\n".join(f"## {d['title']}\n{d['text']}" for d in documents)
    return reply(text, key="context", data={"hash": digest})


@pure
def nothing_new(context: Replies) -> bool:
    """Whether the documents are those that are stored."""
    return not context


@pure
def hits(pairs: Replies, context: Replies, keep: int) -> Replies:
    """The nearest prepared questions with their answers, only those that were prepared for this very context."""
    digest = context[0].data()["hash"]
    fit = [p for p in ok_of(pairs) if fields_of(p).get("hash") == digest]
    return [_pair(p, n) for n, p in enumerate(fit[:keep], 1)]


def _pair(memory: Reply, number: int) -> Reply:
    kept = fields_of(memory)
    quotes = "".join(f'\nPassage: "{p}"' for p in kept["passages"])
    data = {"question": memory.text, "answer": kept["answer"], "passages": kept["passages"]}
    text = f"Question: {memory.text}\nAnswer: {kept['answer']}{quotes}"
    return reply(text, key=f"pair {number}", score=memory.score, data=data)


@pure
def inferences_of(prepared: Replies, context: Replies) -> Replies:
    """What was inferred for this very context."""
    digest = context[0].data()["hash"]
    found = [i for p in ok_of(prepared) if fields_of(p).get("hash") == digest for i in fields_of(p)["inferences"]]
    return [reply(str(text), key=f"inference {n}") for n, text in enumerate(found, 1)]


@pure
def no_near_twin(hits: Replies) -> bool:
    """Whether no prepared question could be the same."""
    return _best(hits) <= SAME


def _best(hits: Replies) -> float:
    return max((h.score or 0.0 for h in hits), default=0.0)


@pure
def live_route(hits: Replies, same: Replies) -> str:
    """`stored` where a prepared question is the same, `prepared` where one is near, else `afresh`."""
    if _best(hits) > SAME and any(s.data()["same"] for s in ok_of(same)):
        return "stored"
    return "prepared" if _best(hits) > NEAR else "afresh"


@pure
def stored_answer(hits: Replies) -> Reply:
    """The prepared answer to the nearest question."""
    best = max(hits, key=lambda h: h.score or 0.0)
    return reply(best.data()["answer"], key="stored")


@pure
def question_record(
    prompt: Replies, project: Replies, context: Replies, prepared: Replies, hits: Replies, same: Replies
) -> Reply:
    """The question as a memory; `hit` says whether what was prepared helped, null where nothing had been prepared."""
    digest, way = context[0].data()["hash"], live_route(hits, same)
    ready = any(fields_of(p).get("hash") == digest for p in ok_of(prepared))
    data = {"project": project[0].text.strip(), "route": way, "hit": way != "afresh" if ready else None}
    return reply(prompt[0].text, key="question", data=data)


@pure
def hit_outcomes(record: Replies) -> Replies:
    """What is to be learned: 1 for a hit, 0 for a miss, of the project; nothing where nothing had been prepared."""
    data = record[0].data()
    return [] if data["hit"] is None else [reply(key=data["project"], data={**data, "hit": float(data["hit"])})]


@pure
def precomputed_answer(given: Replies, record: Replies, hits: Replies, same: Replies, context: Replies) -> Reply:
    """The answer with the way that it took and what it rests on.

    A judge that failed makes it degraded; one that rests on no documents is incomplete.
    """
    way = record[0].data()["route"]
    data = {
        "route": way,
        "match": round(_best(hits), 6),
        "pairs": [h.data()["question"] for h in hits] if way != "afresh" else [],
        "prepared": record[0].data()["hit"] is not None,
        "lost": causes(same),
    }
    outcome: Outcome = "degraded" if causes(same) else "answered"
    if not context[0].data()["hash"]:
        outcome = "incomplete"
    return reply(given[0].text, key="answer", data=data, model=given[0].model, outcome=outcome)


@pure
def idle_due(contexts: Replies, questions: Replies, prepared: Replies, now: str, minutes: int) -> bool:
    """Whether a context is not prepared yet and nothing was asked or handed in for so many minutes."""
    signs = [_time(m) for m in (*ok_of(contexts), *ok_of(questions))]
    quiet = not signs or datetime.fromisoformat(now) - max(signs) >= timedelta(minutes=minutes)
    return quiet and bool(_unprepared(contexts, prepared))


def _time(memory: Reply) -> datetime:
    return datetime.fromisoformat(str(memory.data()["since"]))


def _unprepared(contexts: Replies, prepared: Replies) -> Replies:
    """The contexts for which nothing was prepared, the one that waits longest first."""
    done = {(fields_of(p)["project"], fields_of(p)["hash"]) for p in ok_of(prepared)}
    open_ones = [c for c in ok_of(contexts) if (fields_of(c)["project"], fields_of(c)["hash"]) not in done]
    return sorted(open_ones, key=_time)


@pure
def idle_job(contexts: Replies, questions: Replies, prepared: Replies, pairs: Replies, recent: int) -> Slots:
    """The project to prepare: its `context`, latest `questions`, `plan`, the `samples` to draw, and what is `outdated`.

    The plan's share of the full budget is halved each time that too few of the last questions were hits, else whole.
    """
    waiting = _unprepared(contexts, prepared)
    if not waiting:
        raise Refuse("every context is prepared")
    kept = fields_of(waiting[0])
    project, digest = str(kept["project"]), str(kept["hash"])
    asked = [q for q in ok_of(questions) if fields_of(q).get("project") == project]
    before = [p for p in ok_of(prepared) if fields_of(p)["project"] == project]
    share = _share(asked, next((float(fields_of(p)["share"]) for p in before), 1.0))
    plan = {
        "project": project,
        "hash": digest,
        "share": share,
        "turns": max(1, round(TURNS * share)),
        "answers": max(1, round(ANSWERS * share)),
    }
    samples = max(1, round(SAMPLES * share))
    return {
        "project": [reply(project, key="project")],
        "context": [_rendered(kept["documents"], digest)],
        "questions": [reply(q.text, key=f"question {n}") for n, q in enumerate(asked[:recent], 1)],
        "plan": [reply(project, key="plan", data=plan)],
        "samples": [reply(f"sample {n}", key=f"s{n}") for n in range(1, samples + 1)],
        "outdated": [p for p in ok_of(pairs) if fields_of(p).get("project") == project],
        "before": before,
    }


def _share(asked: Replies, last: float) -> float:
    tested = [bool(fields_of(q)["hit"]) for q in asked if fields_of(q).get("hit") is not None][:RECENT]
    if len(tested) == RECENT and sum(tested) / RECENT < LOW:
        return max(LEAST_SHARE, last / 2)
    return 1.0


@pure
def new_inferences(made: Replies, known: Replies) -> Replies:
    """What a pass adds to the inferences: those that are not there yet, in other words or not at all."""
    seen = {_plain(k.text) for k in known}
    added: list[str] = []
    for text in (str(i).strip() for m in ok_of(made) for i in m.data()["inferences"]):
        if _plain(text) and _plain(text) not in seen and len(known) + len(added) < MOST_INFERENCES:
            seen.add(_plain(text))
            added.append(text)
    return [reply(text, key=f"inference {len(known) + n}") for n, text in enumerate(added, 1)]


@pure
def thinking_pass(added: Replies, turn: int) -> Reply:
    """One pass over the context: how much it added."""
    return reply(f"{len(added)} new", key=f"pass {turn}", data={"added": len(added)})


@pure
def thought_enough(passes: Replies, plan: Replies) -> bool:
    """Whether two passes in a row added nothing, or as many were made as the budget allows."""
    return len(passes) >= plan[0].data()["turns"] or (
        len(passes) >= 2 and not any(p.data()["added"] for p in passes[-2:])
    )


@pure
def sampled_questions(made: Replies) -> Replies:
    """The questions that were drawn, each under a key of its own."""
    texts = [str(m.data()["question"]).strip() for m in ok_of(made)]
    return [reply(t, key=f"question {n}") for n, t in enumerate((t for t in texts if t), 1)]


@pure
def chosen_questions(distinct: Replies, plan: Replies) -> Replies:
    """As many of the distinct questions as are to be answered."""
    return distinct[: plan[0].data()["answers"]]


@pure
def answer_pairs(questions: Replies, answers: Replies) -> Replies:
    """Each question that was answered, with its answer and passages."""
    said = {a.key: a.data() for a in ok_of(answers)}
    return [q.but(data={"question": q.text, **said[q.key]}) for q in questions if q.key in said]


@pure
def supported_pairs(pairs: Replies, verdicts: Replies, context: Replies, plan: Replies) -> Replies:
    """The pairs that the context supports, with those of their passages that really stand in it, to be remembered."""
    said = {v.key: v.data()["verdict"] for v in ok_of(verdicts)}
    whole, place = _plain(context[0].text), plan[0].data()
    kept = []
    for pair in pairs:
        data = pair.data()
        if said.get(pair.key) == "supported":
            quotes = [p for p in data["passages"] if _plain(p) and _plain(p) in whole]
            fields = {"answer": data["answer"], "passages": quotes, "hash": place["hash"], "project": place["project"]}
            kept.append(reply(pair.text, key=pair.key, data=fields))
    return kept


@pure
def prepared_mark(plan: Replies, inferences: Replies, stored: Replies) -> Reply:
    """That a context is prepared, with what was inferred; made once the pairs are stored."""
    place = plan[0].data()
    data = {
        "project": place["project"],
        "hash": place["hash"],
        "share": place["share"],
        "inferences": [i.text for i in inferences],
        "pairs": len(ok_of(stored)),
    }
    return reply(f"prepared: {place['project']}", key="prepared", data=data)


@pure
def idle_report(mark: Replies, passes: Replies, drawn: Replies, pairs: Replies, stored: Replies) -> Reply:
    """What the idle time came to."""
    data = mark[0].data()
    counts = {
        "passes": len(passes),
        "inferences": len(data["inferences"]),
        "questions": len(ok_of(drawn)),
        "pairs": data["pairs"],
        "unsupported": len(pairs) - data["pairs"],
    }
    text = (
        f"Project '{data['project']}': {counts['inferences']} inferences in {counts['passes']} passes, "
        f"{counts['pairs']} of {len(pairs)} prepared answers supported."
    )
    return reply(text, key="answer", data={**counts, "share": data["share"], "lost": first_cause([*drawn, *stored])})


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip("\"' .")
