"""The tools that need no setting: calculator, look-ups in given documents and in the Grimoire, and code."""

from tasks.calculator import CALCULATOR
from tasks.code import CODE
from tasks.grimoire import recall
from tasks.reply import Reply, ok_of, reply
from tasks.retrieval import DOCUMENTS
from tasks.toolbox import Errand, NamedTool


def look_up_lessons(errand: Errand) -> Reply:
    """The lessons of earlier runs that fit a query, as a list."""
    found = ok_of(recall(str(errand.arguments["query"]), int(errand.arguments.get("k", 5)), errand.spot))
    lessons = [{"lesson": r.text, "origin": r.get("origin"), "score": r.score} for r in found]
    return reply(
        "\n".join(f"- {r.text} ({r.get('origin')})" for r in found) or "(no lesson fits)", data={"lessons": lessons}
    )


def query_schema(most: int) -> dict[str, object]:
    """The arguments of a look-up: a query, and how many results at most."""
    return {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 10_000},
            "k": {"type": "integer", "minimum": 1, "maximum": most, "default": 5},
        },
        "required": ["query"],
        "additionalProperties": False,
    }


GRIMOIRE = NamedTool(
    name="grimoire",
    description="Looks up lessons that earlier runs learned, with where each comes from.",
    arguments=query_schema(10),
    run=look_up_lessons,
)
BUILT_IN = (CALCULATOR, CODE, DOCUMENTS, GRIMOIRE)
