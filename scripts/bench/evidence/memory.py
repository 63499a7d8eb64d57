"""Evidence for the patterns of memory: what the remembered is worth, against models that remember nothing."""

from scripts.bench.evidence import memory_worlds as worlds
from scripts.bench.evidence import personal_worlds as personal
from scripts.bench.evidence.scenario import Scenario

FORGETFUL = "baselines remember nothing"

SCENARIOS = {
    "episodic_recall": Scenario(given=worlds.episodes, answerer=worlds.Diarist, why=FORGETFUL),
    "gist_memory_lookup": Scenario(
        given=lambda question, setting: {"documents": [{"id": "book", "title": "Book", "text": worlds.book(question)}]},
        answerer=worlds.PageReader,
        equal_calls=worlds.finders_in(worlds.book),
        one_call=worlds.finders_in(worlds.book),
        why="baselines read the whole text at once",
        questions=20,
    ),
    "grimoire_heuristics": Scenario(given=worlds.rules, answerer=worlds.Apprentice, why=FORGETFUL),
    "layered_memory_promotion": Scenario(
        given=worlds.conversation, answerer=worlds.Companion, why=FORGETFUL, questions=20
    ),
    "memory_reconcile_write": Scenario(
        metric="facts that hold as they are true",
        given=personal.known_facts,
        answerer=personal.Clerk,
        decide=personal.new_one_holds,
        score=personal.true_in_the_end,
        equal_calls=None,
        one_call=personal.appended,
        why="one call: what it notes is added to what is known; more such calls add the same again",
        questions=25,
    ),
    "preference_from_edits": Scenario(
        metric="draft in the style that earlier edits showed",
        given=personal.edited_before,
        answerer=personal.Stylist,
        decide=personal.own_version,
        score=personal.drafted_as_preferred,
        equal_calls=None,
        why="one call: a draft without memory; more of them are no nearer to what the person likes",
        questions=30,
    ),
    "profile_conditioned_generation": Scenario(
        metric="text in the person's voice, with nothing private or invented",
        given=personal.own_profile,
        answerer=personal.Ghost,
        score=personal.serves_the_person,
        equal_calls=None,
        one_call=personal.written_at_once,
        why="one call: it writes with the whole profile before it; a plurality of texts means nothing",
    ),
    "sleep_time_precompute": Scenario(
        given=worlds.idle_project,
        answerer=worlds.Foreseer,
        equal_calls=worlds.finders_in(worlds.papers),
        one_call=worlds.finders_in(worlds.papers),
        why="baselines read all documents when asked; the calls made while idle are not counted",
        questions=20,
    ),
}
