"""An intake, turn by turn: its frame, what it asks, what the answers change, and what it hands on or keeps."""

from typing import Any

from pydantic import ValidationError

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, ok_of, reply
from tasks.slots import (
    AT_ONCE,
    Entry,
    Form,
    Frame,
    Slot,
    applies,
    as_replies,
    form_in,
    frame_in,
    heard,
    read,
    taken,
    tidied,
    wanted,
)

INTAKE = "intake"
"""The kind of memory that an unfinished intake is kept as."""


@pure
def frame_known(recalled: Replies, above: float) -> bool:
    """Whether a stored frame matches by more than `above`, and can be read."""
    return _stored(recalled, above) is not None


def _stored(recalled: Replies, above: float) -> Frame | None:
    if not recalled or recalled[0].score is None or recalled[0].score <= above:
        return None
    try:
        frame = Frame.model_validate(recalled[0].data()["fields"]["frame"])
    except (ValidationError, KeyError, TypeError):
        return None
    return frame if frame.slots else None


@pure
def chosen_frame(recalled: Replies, proposed: Replies, usable: Replies, above: float, default: str) -> Reply:
    """The stored frame that matches, else the proposed one, made consistent; a pattern that cannot be used is replaced
    by the default, and `note` says so.
    """
    stored = _stored(recalled, above)
    raw = stored or Frame.model_validate(ok_of(proposed)[0].data())
    frame = tidied(raw)
    if not any(s.required for s in frame.slots):
        raise Refuse("the intake has nothing that it needs to ask: say in the prompt what is to be prepared")
    known = {p.key for p in usable}
    used = frame.pattern if frame.pattern in known else default
    note = "" if used == frame.pattern else f"pattern '{frame.pattern}' is not usable here: {used} takes its place"
    memory = recalled[0] if stored else None
    data = frame.model_dump(mode="json") | {
        "pattern": used,
        "note": note,
        "memory": memory.key if memory else "",
        "values": memory.data()["fields"].get("values", {}) if memory else {},
    }
    return reply(frame.title, key="frame", data=data)


@pure
def notes(memories: Replies) -> Replies:
    """Memories as short texts, for a model to take suggestions from."""
    return [reply(_note(m), key=f"memory {i}") for i, m in enumerate(memories, 1)]


def _note(memory: Reply) -> str:
    data = memory.data()
    values = data["fields"].get("values", {})
    told = "; ".join(f"{name}: {value}" for name, value in values.items())
    return f"{data['kind']} of {data['since'][:10]}: {memory.text}" + (f" ({told})" if told else "")


@pure
def suggested_form(frame: Replies, prefill: Replies) -> Replies:
    """The form at its start: nothing is confirmed. What an unfinished intake had, and what a model found, is suggested
    where it is of the slot's type.
    """
    spec = frame_in(frame)
    found = [(s["slot"], s["value"], s["source"]) for r in ok_of(prefill) for s in r.data()["suggestions"]]
    found += [(n, str(v), "your unfinished intake") for n, v in frame[0].data()["values"].items()]
    form: Form = {s.name: Entry() for s in spec.slots}
    for name, text, source in found:
        slot = spec.slot(name)
        value = read(slot, text)[0] if slot else ""
        if value:
            form[name] = Entry(suggestion=value, source=source)
    return as_replies(spec, form)


@pure
def missing(frame: Replies, slots: Replies) -> Replies:
    """The required slots that are open and whose conditions hold, in the order in which they are best asked."""
    spec = frame_in(frame)
    by_name = {r.key: r for r in slots}
    return [by_name[s.name] for s in wanted(spec, form_in(slots))]


@pure
def confirmed(frame: Replies, slots: Replies) -> Replies:
    """The slots that have a value and whose conditions hold."""
    spec, form = frame_in(frame), form_in(slots)
    held = {s.name for s in spec.slots if form[s.name].settled and applies(spec, form, s)}
    return [r for r in slots if r.key in held]


@pure
def asking_ends(frame: Replies, slots: Replies, said: Replies, most: int) -> bool:
    """Whether nothing required is missing, the person stopped, or all questions of the intake are used up."""
    return _stopped(said) or len(said) >= most or not missing(frame, slots)


def _stopped(said: Replies) -> bool:
    return bool(said) and said[-1].key == "stop"


@pure
def asked(missing: Replies, question: Replies) -> Reply:
    """The question as the person sees it: at most three missing slots, those to be asked again among them, each with
    its suggestion or the rule that the last value broke.
    """
    told: dict[str, Any] = ok_of(question)[0].data() if ok_of(question) else PLAIN
    by_name = {m.key: m for m in missing}
    again = [m.key for m in missing if m.data()["problem"]]
    picked = [n for n in told["slots"] if n in by_name] or list(by_name)
    names = list(dict.fromkeys([*again, *picked]))[:AT_ONCE]
    lines = [told["question"], "", *(_line(by_name[n]) for n in names)]
    return reply("\n".join(lines), key="question", data={"slots": names})


def _line(slot: Reply) -> str:
    data = slot.data()
    extra = f" - suggested: {data['suggestion']} (from {data['source']})" if data["suggestion"] else ""
    return f"- {data['label']}{extra}" + (f" - once more: {data['problem']}" if data["problem"] else "")


@pure
def not_answered(said: Replies) -> bool:
    """Whether there is no text to read slots from."""
    return not said or said[-1].key not in ("answer", "correct")


@pure
def filled(frame: Replies, slots: Replies, said: Replies, extracted: Replies, question: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """The form after an answer, or after a correction on the review screen, which asks for no slot."""
    if not_answered(said):
        return slots
    spec, form = frame_in(frame), form_in(slots)
    names = frozenset(question[0].data()["slots"]) if question else frozenset()
    return as_replies(spec, _after(spec, form, said[-1].data()["text"], extracted, names))


def _after(frame: Frame, form: Form, answer: str, extracted: Replies, names: frozenset[str]) -> Form:
    if not ok_of(extracted):
        unread = {n: form[n].model_copy(update={"problem": form[n].problem or UNREAD}) for n in names}
        return form | {n: entry for n, entry in unread.items() if not entry.settled}
    form = {n: e.model_copy(update={"problem": ""}) if e.problem == UNREAD else e for n, e in form.items()}
    return taken(frame, form, heard(answer, extracted[0], names, frame))


@pure
def not_reviewable(frame: Replies, slots: Replies, said: Replies) -> bool:
    """Whether the review screen is skipped: the person stopped, or something required is missing."""
    return _stopped(said) or bool(missing(frame, slots))


@pure
def screen(frame: Replies, slots: Replies) -> Reply:
    """All slots as the person reviews them, and what becomes of them."""
    spec, form = frame_in(frame), form_in(slots)
    data = frame[0].data()
    lines = [spec.title, *(_shown(spec, form, s) for s in spec.slots), "", f"They go to the pattern {data['pattern']}."]
    return reply("\n".join(lines + ([data["note"]] if data["note"] else [])), key="screen")


def _shown(frame: Frame, form: Form, slot: Slot) -> str:
    entry = form[slot.name]
    if not applies(frame, form, slot):
        return f"- {slot.label}: (does not apply)"
    if not entry.settled:
        unused = f" (suggested and not confirmed: {entry.suggestion})" if entry.suggestion else ""
        return f"- {slot.label}: -{unused}"
    flag = f" [unchecked: {entry.problem}]" if entry.status == "free_text" else ""
    return f"- {slot.label}: {entry.value}{flag}"


@pure
def review_ends(review: Replies) -> bool:
    """Whether the rounds end: anything but a correction ends them, no review screen too."""
    return not review or review[-1].key != "correct"


@pure
def not_released(review: Replies) -> bool:
    """Whether the person did not release the slots on the review screen."""
    return not review or review[-1].key != "use"


@pure
def brief(prompt: Replies, frame: Replies, slots: Replies) -> Reply:
    """The confirmed slots as the prompt of the next pattern."""
    lines = [
        f"- {r.data()['label']}: {r.text}" + (" (as said, unchecked)" if r.data()["status"] == "free_text" else "")
        for r in confirmed(frame, slots)
    ]
    return reply("\n".join([prompt[0].text, "", "What the person confirmed:", *lines]), key="prompt")


@pure
def unfinished(prompt: Replies, frame: Replies, slots: Replies, review: Replies, recalled: Replies) -> Slots:
    """What is to be remembered: the partial frame of an intake that stopped early, in place of the one that it went on
    from; of one that ended nothing, and the one that it went on from is over.
    """
    spec, data = frame_in(frame), frame[0].data()
    before = [r for r in recalled if r.key == data["memory"] and r.data()["kind"] == INTAKE]
    if not not_released(review):
        return {"memories": [], "replaces": before}
    kept: dict[str, Any] = {
        "frame": spec.model_dump(mode="json"),
        "values": {r.key: r.text for r in slots if r.data()["status"] == "confirmed"},
    }
    return {"memories": [reply(prompt[0].text, key=INTAKE, data=kept)], "replaces": before}


@pure
def outcome(frame: Replies, slots: Replies, said: Replies, review: Replies, work: Replies, kept: Replies) -> Reply:
    """What the pattern made of the slots; of an intake that stopped early what it has, what it lacks, and whether it is
    remembered.
    """
    spec, data, held = frame_in(frame), frame[0].data(), confirmed(frame, slots)
    told = {
        "intake": spec.title,
        "pattern": data["pattern"],
        "note": data["note"],
        "questions": len(said),
        "slots": {r.key: r.text for r in held},
        "unchecked": [r.key for r in held if r.data()["status"] == "free_text"],
        "missing": [r.key for r in missing(frame, slots)],
    }
    if work:
        text = f"{work[0].text}\n\n({data['note']})" if data["note"] else work[0].text
        return work[0].but(key="answer", text=text, data=work[0].data() | told)
    lines = [f"{spec.title}: {_why(said, review, told['missing'])} Nothing was made of it yet.", ""]
    lines += [f"- {r.data()['label']}: {r.text}" for r in held]
    lines += [f"- {r.data()['label']}: (missing)" for r in missing(frame, slots)]
    remembered = bool(ok_of(kept))
    lines += ["", RESUME if remembered else NOT_KEPT]
    return reply("\n".join(lines), key="answer", data=told | {"remembered": remembered}, outcome="incomplete")


def _why(said: Replies, review: Replies, lacking: object) -> str:
    if _stopped(said) or _stopped(review):
        return "you stopped the intake."
    if lacking:
        return f"{len(said)} questions were asked and something is still missing."
    return "its last corrections were not reviewed."


PLAIN: dict[str, Any] = {"slots": [], "question": "Please tell me:"}
UNREAD = "the last answer could not be read, please say it again"
RESUME = "It is remembered: start again with the same request to go on from here."
NOT_KEPT = "It could not be remembered."
