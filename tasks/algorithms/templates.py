"""Thought-templates: the way in which a kind of problem is solved, without the values of any one problem."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, first_cause, ok_of, reply

TEMPLATE = "thought_template"
"""The kind of memory that a template is kept as."""
TELLING = 3
"""Characters from which a value of a problem gives the problem away."""


class _Template(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    description: str
    steps: tuple[str, ...]
    when_to_use: str

    @property
    def summary(self) -> str:
        """What it is found by."""
        return f"{self.description.strip()} {self.when_to_use.strip()}".strip()

    @property
    def text(self) -> str:
        steps = "\n".join(f"{n}. {s}" for n, s in enumerate(self.steps, 1))
        return f"{self.description}\nWhen to use it: {self.when_to_use}\n{steps}"


def _read(fields: object) -> _Template | None:
    """A template with a summary and a step; None where the fields are no such thing."""
    try:
        made = _Template.model_validate(fields)
    except ValidationError:
        return None
    return made if made.summary and any(s.strip() for s in made.steps) else None


@pure
def core_query(core: Replies) -> Reply:
    """What a problem is looked up by: its class, objective and constraints."""
    data = core[0].data()
    parts = [data["problem_class"], data["objective"], *data["constraints"]]
    return reply(" ".join(p.strip() for p in parts if p.strip()), key="query")


def _hit(recalled: Replies, least: float) -> Reply | None:
    return next((r for r in ok_of(recalled)[:1] if (r.score or 0.0) >= least and _read(r.data().get("fields"))), None)


@pure
def template_found(recalled: Replies, least: float) -> bool:
    """Whether the best memory is similar enough, and a template."""
    return _hit(recalled, least) is not None


@pure
def chosen_template(recalled: Replies, adapted: Replies, least: float) -> Reply:
    """The stored template, by its id, else the coarse one that was adapted; fields template_id and from_memory."""
    if (hit := _hit(recalled, least)) is not None:
        found = _read(hit.data()["fields"])
        text, name = found.text if found else hit.text, hit.key
    else:
        data = adapted[0].data()
        text, name = _steps(data["steps"]), f"coarse:{data['base']}"
    return reply(text, key="template", data={"template_id": name, "from_memory": hit is not None})


def _steps(steps: list[str]) -> str:
    return "\n".join(f"{n}. {s}" for n, s in enumerate(steps, 1))


@pure
def not_supported(check: Replies) -> bool:
    """Whether a solution did not pass its check, or could not be checked."""
    return _verdict(check) != "supported"


def _verdict(check: Replies) -> str:
    made = ok_of(check)
    return str(made[0].data()["verdict"]) if made else "unknown"


@pure
def new_template(core: Replies, distilled: Replies) -> Replies:
    """The template that was distilled, as one memory, or none: a template that holds a value of its problem is none."""
    made = [_read(d.data()) for d in ok_of(distilled)]
    kept = [t for t in made if t is not None and not _tells(t.text, core[0].data()["variables"])]
    return [reply(t.summary, key="template", data=t.model_dump(mode="json")) for t in kept]


def _tells(text: str, variables: list[dict[str, Any]]) -> bool:
    values = (str(v["value"]).strip() for v in variables)
    return any(re.search(rf"(?<!\w){re.escape(v)}(?!\w)", text, re.IGNORECASE) for v in values if len(v) >= TELLING)


@pure
def nothing_new(template: Replies) -> bool:
    """Whether there is no template to store."""
    return not template


@pure
def stored_already(template: Replies, similar: Replies, least: float) -> bool:
    """Whether there is no template to store, or one like it is stored."""
    return not template or any((r.score or 0.0) >= least for r in ok_of(similar))


@pure
def templated_answer(
    solution: Replies, template: Replies, check: Replies, distilled: Replies, stored: Replies
) -> Reply:
    """The solution with its template and whether a new one was stored; `worked` is 1, 0.5 or 0 by the check.

    A solution that was refuted is undecided and says why; one that could not be checked is unchecked.
    """
    verdict, used = _verdict(check), template[0].data()
    reason = str(ok_of(check)[0].data()["reason"]) if ok_of(check) else first_cause(check)
    lost = [cause for cause in (first_cause(distilled), first_cause(stored)) if cause]
    data = {
        "template_id": used["template_id"],
        "from_memory": used["from_memory"],
        "verdict": verdict,
        "reason": reason,
        "worked": {"supported": 1.0, "refuted": 0.0}.get(verdict, 0.5),
        "stored": bool(ok_of(stored)),
        "new_template": next((s.key for s in ok_of(stored)), ""),
        "lost": lost,
    }
    outcomes: dict[str, Outcome] = {"supported": "answered", "refuted": "undecided"}
    note = {"supported": "", "refuted": f"\n\nNot all constraints are met: {reason}"}
    text = solution[0].text + note.get(verdict, f"\n\nNot checked against the constraints: {reason}")
    return reply(text, key="answer", data=data, model=solution[0].model, outcome=outcomes.get(verdict, "unchecked"))
