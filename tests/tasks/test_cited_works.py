"""An audit of citations: bounds, sentences that hold several statements, and the repaired text."""

from typing import Any

from tasks.algorithms.citation_repair import audited_pairs, citations_audited, repaired
from tasks.algorithms.cited_works import cited_statements, cited_work, judged_statements
from tasks.algorithms.sentences import sentences
from tasks.reply import Reply, failed, reply

CITED = {"id": "", "title": "", "authors": "", "entry": ""}


def extracted(*statements: tuple[int, str, list[str]]) -> Reply:
    rows = [{"sentence_no": n, "text": t, "citations": [{**CITED, "marker": m} for m in ms]} for n, t, ms in statements]
    return reply(data={"statements": rows})


def row(statement: str, sentence: str, marker: str, becomes: str, entry: str = "") -> Reply:
    data = {"statement": statement, "citation": marker, "sentence": sentence, "markers": [marker], "entry": entry}
    return reply(key=f"{statement} {marker}", data={**data, "becomes": becomes, "precise": False})


def judged(key: str, sentence: str, verdict: str) -> Reply:
    return reply("s", key=key, data={"sentence": sentence, "verdict": verdict, "reason": ""})


def test_pairs_are_bounded_and_works_that_no_pair_cites_are_not_resolved() -> None:
    text = sentences([reply("A [1] [2]. B [3].")], most=9)
    made = cited_statements([extracted((1, "A", ["[1]", "[2]"]), (2, "B", ["[3]"]))], text, most=2)
    assert [p.key for p in made["pairs"] if p.ok] == ["statement 1 c1", "statement 1 c2"]
    assert (made["pairs"][-1].status, [c.key for c in made["citations"]]) == ("skipped", ["c1", "c2"])
    assert len(made["statements"]) == 2


def test_a_citation_after_the_full_stop_belongs_to_the_sentence_before() -> None:
    text = sentences([reply("A is so. [1] B is so.")], most=9)
    made = cited_statements([extracted((1, "A", ["[1]"]), (9, "no such sentence", ["[1]"]))], text, most=9)
    assert [p.data()["sentence"] for p in made["pairs"]] == ["2"]
    assert len(made["statements"]) == 1
    assert cited_statements([failed("down")], text, most=9) == {"statements": [], "citations": [], "pairs": []}


def test_a_marker_stays_where_one_statement_of_its_sentence_keeps_it() -> None:
    text = "A and B [1]. C [1]."
    split = sentences([reply(text)], most=9)
    rows = [row("s1", "1", "[1]", "kept"), row("s2", "1", "[1]", "replaced"), row("s3", "2", "[1]", "fabricated")]
    verdicts = [judged("s1", "1", "supported"), judged("s2", "1", "unknown"), judged("s3", "2", "unknown")]
    fixes = [reply(key="s3", data={"place": "http://x", "lost": ""})]
    after, log = repaired(text, split, rows, verdicts, fixes)
    assert after == "A and B [1] [citation needed]. C [http://x]."
    assert [entry["sentence"] for entry in log] == ["2", "1", "2"]


def test_an_entry_goes_with_the_last_citation_of_its_work() -> None:
    text = "A [1]. B [1].\n[1] The work."
    split = sentences([reply(text)], most=9)
    gone = [row("s1", "1", "[1]", "fabricated", "[1] The work."), row("s2", "2", "[1]", "fabricated", "[1] The work.")]
    assert repaired(text, split, gone, [], [])[0] == "A. B."
    stays = [gone[0], row("s2", "2", "[1]", "kept", "[1] The work.")]
    assert repaired(text, split, stays, [], [])[0] == "A. B [1].\n[1] The work."


def test_a_document_under_another_title_is_made_up() -> None:
    documents = [reply("Text.", data={"id": "d", "title": "Bees of Peru"})]
    data: dict[str, Any] = {"id": "D", "title": "Wars of the Roses", "authors": ""}
    work = cited_work([reply(key="c1", data=data)], documents, [], [], [])
    assert (work.data()["status"], work.text) == ("fabricated", "")
    fits = cited_work([reply(key="c1", data={**data, "title": "bees of peru"})], documents, [], [], [])
    assert (fits.data()["status"], fits.text) == ("found", "Text.")


def test_nothing_at_all_is_unchecked() -> None:
    assert judged_statements([], [], [], [], []) == audited_pairs([], [], [], [], []) == []
    final = citations_audited([reply("t")], [], [failed("down")], *([] for _ in range(8)))
    assert (final.outcome, final.data()["text"], final.data()["recall"]) == ("unchecked", "t", None)
    assert "down" in final.text
