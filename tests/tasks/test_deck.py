"""The Deck: what a person reads of a run, and that nothing which models wrote can act on the page."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tasks.cards import MOST_REPLIES
from tasks.deck import render, render_question
from tasks.deck_view import DeckView
from tasks.markdown import rendered
from tasks.reply import Reply, reply
from tasks.result import Check, HumanDecision, Result, Signal, Verdict
from tasks.run import Run
from tasks.trace import traces
from tests.tasks.conftest import Give
from tests.tasks.test_drawing import graph_of_all, paid, ran, spec_of_two, walked
from utils.ledger import ledger_of
from utils.reviews import Choice, Review

VOID = {"meta", "br", "hr", "link", "img", "input", "wbr"}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><style>*{display:none}</style></div></main></details>"
    "<iframe src=//evil></iframe> ![pixel](http://evil/p.png) [go](javascript:alert(1)) [ok](https://example.com)"
    " {{ 7*7 }} {% raw %} \x00 \x1b[31m \u202eevil \u05e9\u05dc\u05d5\u05dd 😀 <!-- ]]> &lt;b&gt;"
)


class Page(HTMLParser):
    """A page as a browser would see it: its text by section, its tags and attributes, and whether tags balance."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self.unbalanced: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append(data.strip())
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def result_of(**changes: Any) -> Result:
    heard = [
        Reply(key="ada", text="Stay, says **Ada**.", model="m/one", tokens=1234, calls=1, cost=0.0123, latency=4200),
        Reply(key="bell", text='{"vote":"go"}', fields='{"vote":"go","why":["a","b"],"empty":""}', model="m/two"),
    ]
    checks = [
        Check(kind="epistemic", verdict="pass", risk_level="low", score=0.9, judge_model="m/judge"),
        Check(kind="policy", verdict="escalate", risk_level="unknown", reasons=["rule 7"], error="no answer"),
    ]
    given: dict[str, Any] = {
        "answer": "**Stay** where you are.\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "status": "done",
        "confidence": 0.5,
        "agreement": 0.5,
        "pattern": "unknown_pattern",
        "models": ["m/one", "m/two"],
        "replies": [*heard, Reply(key="carl", status="timeout", cause="no answer within 60 s")],
        "dissent": [reply("Go, says Bell.", key="bell")],
        "verdict": Verdict(verdict="escalate", risk_level="unknown", score=0.9, reasons=["rule 7"], checks=checks),
        "calls": 3,
        "tokens": 2468,
        "cost": 0.0123,
        "unknown_cost_calls": 1,
        "seconds": 12.34,
        "run_id": "run-1",
        "manifest_id": "manifest-1",
        "deck": "/decks/run-1.html",
    }
    return Result(**(given | changes))


def view_of(**changes: Any) -> DeckView:
    run = Run(
        tenant_id="t",
        user_id="u",
        run_id="run-1",
        workflow="all",
        domain="legal",
        started="2026-11-21T10:00:00+00:00",
        prompt="Stay or go?",
    )
    return DeckView(
        run=run,
        result=result_of(**changes),
        graph=graph_of_all(),
        traced=walked(),
        signals=[Signal(signal_type="human_decision", value=0.25, source="review", model="m/one", node="ada")],
        lessons=[reply("When asked to move, ask why.", key="6f1e", score=0.76, data={"confidence": 0.83})],
        learned=[reply("When Bell says go, look twice.", key="new"), Reply(key="x", status="rejected", cause="known")],
        ledger=[
            paid("votes", 0.02, "m/one"),
            paid("polish@1/better", None, "m/two"),
            paid("votes/judge", 0.01, "m/one"),
        ],
    )


def decision(resolution: str, **more: str) -> HumanDecision:
    return HumanDecision(resolution=resolution, resolved_by="u", resolved_at="2026-11-21T10:05:00+00:00", **more)


def review(status: Any = "decided", text: str = "") -> Review:
    opened = datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    closed = opened + timedelta(seconds=96) if status == "decided" else None
    choices, tenant = (Choice("yes"),), UUID(int=1)
    decided = "revise" if status == "decided" else ""
    return Review(
        tenant, "run-1", "polish@3/decide", UUID(int=2), status, "why", "legal", "", "", choices, "", {}, decided, text,
        "", opened, None, False, None, closed, "reviewer",
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Page:
    """An ordinary run's Deck."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.functions.PACKAGES", ("tasks.", "workflows.", "tests."))
        return Page(render(view_of()))


@pytest.mark.parametrize(
    "said",
    [
        "Stay or go?",
        "confidence 50 %",
        "cost $0.0123, 1 call of unknown cost",
        "time 12.3 s",
        "safety escalate",
        "Agree ada",
        "Differ bell",
        "Not heard carl (timeout)",
        "m/one · 1,234 tokens · $0.0123 · 4.2 s",
        "no answer within 60 s",
        "risk unknown, epistemic score 0.90",
        "The check did not work: no answer",
        "judged by m/judge",
        "m/one 2 200 $0.0300",
        "m/two 1 100 cost unknown",
        "total 3 300 $0.0300 + unknown",
        "votes 2 200 $0.0300",
        "When asked to move, ask why.",
        "match 0.76 · confidence 0.83",
        "When Bell says go, look twice.",
        "Not learned known",
        "human decision 0.25 review ada, m/one",
        "Manifest manifest-1",
        "Domain legal",
        "Started 2026-11-21 10:00:00 UTC",
    ],
)
def test_a_deck_says(said: str, page: Page) -> None:
    assert said in page.text


def test_an_answer_is_read_as_markdown(page: Page) -> None:
    html = render(view_of())
    assert "<strong>Stay</strong> where you are." in html
    assert "<td>1</td>" in html
    assert "<strong>Ada</strong>" in html


def test_a_reply_that_is_json_stands_as_a_table(page: Page) -> None:
    assert "vote go why a b" in page.text
    assert "{" not in page.text
    assert "empty" not in page.text


def test_headings_go_down_one_by_one(page: Page) -> None:
    levels = [int(t[1]) for t in page.tags if re.fullmatch(r"h\d", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_page_fetches_nothing_and_runs_nothing(page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert [a for a in page.attributes if a[1] in ("src", "srcset", "href", "data", "action") or a[1][:2] == "on"] == []
    assert "url(" not in render(view_of()).replace("url(#head)", "")
    assert page.unbalanced == []
    assert page.open == []


def test_a_rehearsal_says_so() -> None:
    assert "REHEARSAL" in Page(render(view_of(rehearsal=True))).text
    assert "REHEARSAL" not in Page(render(view_of())).text


def test_an_edited_answer_stands_beside_the_original() -> None:
    page = Page(render(view_of(answer="Mine.", decision=decision("edit", original="Theirs."))))
    assert "The answer, as a person edited it Mine. As the models wrote it Theirs." in page.text
    assert "A person edited the answer on 2026-11-21 10:05:00 UTC." in page.text


def test_a_rejected_run_gives_no_answer_and_says_why() -> None:
    page = Page(render(view_of(status="rejected", answer="", decision=decision("reject", guidance="Invented."))))
    assert "A person rejected the answer, so the run gives none." in page.text
    assert "Invented." in page.text


def test_a_degraded_run_says_who_was_not_heard() -> None:
    assert "Not heard: carl: no answer within 60 s." in Page(render(view_of(status="degraded"))).text


def test_who_differs_on_a_point_is_not_said_to_be_against_the_answer() -> None:
    point = {"topic": "When to go", "positions": [{"agent": "bell", "position": "at once"}]}
    told = reply("- When to go\n  - bell: at once", key="1 · When to go", data=point)
    page = Page(render(view_of(agreement=1.0, dissent=[told])))
    assert "100 % agree with the answer. Differ on a point bell Differ on no point ada Not heard carl" in page.text
    assert page.text.count("When to go") == 1
    assert page.text.count("bell: at once") == 1


def test_dissent_is_shown_once() -> None:
    told = reply("- When to go\n  - bell: at once", key="1 · When to go", data={"topic": "When to go"})
    shown = replace(view_of(dissent=[told]), traced=[ran("form", out=[told])])
    assert Page(render(shown)).text.count("bell: at once") == 1


def test_every_question_to_a_person_is_listed() -> None:
    page = Page(render(replace(view_of(), reviews=[review(text="Shorter.")])))
    assert "decide (turn 3) 2026-11-21 10:01:00 revise 1 min 36 s Shorter." in page.text


def test_the_step_that_writes_the_page_counts_as_run() -> None:
    done = view_of()
    html = render(replace(done, traced=[t for t in walked() if not t.path.startswith("form")]))
    assert "form, one of: ran" in html
    early = render(replace(done, traced=[t for t in walked() if t.path == "votes"]))
    assert "form, one of: not reached" in early


def test_an_open_question_shows_in_the_picture() -> None:
    html = render(replace(view_of(), reviews=[review("open")]))
    assert "decide, a person: waits for a person" in html


@pytest.mark.parametrize(
    "where", ["answer", "prompt", "reply", "key", "fields", "cause", "dissent", "reason", "lesson", "model", "guidance"]
)
def test_hostile_text_stays_text_wherever_it_stands(where: str) -> None:
    view = view_of()
    result = view.result
    changes: dict[str, dict[str, Any]] = {
        "answer": {"answer": HOSTILE},
        "reply": {"replies": [reply(HOSTILE, key="a")]},
        "key": {"replies": [reply("x", key=HOSTILE)], "dissent": [reply("y", key=HOSTILE)]},
        "fields": {"replies": [reply("", key="a", data={HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]})]},
        "cause": {"replies": [Reply(key="a", status="failed", cause=HOSTILE)], "status": "degraded"},
        "dissent": {"dissent": [reply(HOSTILE, key="1", data={"positions": [{"agent": HOSTILE}]})]},
        "reason": {"verdict": Verdict(verdict="block", risk_level="high", reasons=[HOSTILE])},
        "model": {"models": [HOSTILE], "replies": [Reply(key="a", text="x", model=HOSTILE)]},
        "guidance": {"decision": decision("revise", guidance=HOSTILE, original=HOSTILE)},
    }
    view = replace(view, result=result.model_copy(update=changes.get(where, {})))
    if where == "prompt":
        view = replace(view, run=view.run.model_copy(update={"prompt": HOSTILE}))
    if where == "lesson":
        view = replace(view, lessons=[reply(HOSTILE, key="1")], learned=[Reply(status="failed", cause=HOSTILE)])
    _safe(render(view))


def _safe(html: str) -> None:
    page = Page(html)
    assert page.unbalanced == []
    assert page.open == []
    assert not {"script", "img", "iframe", "form"} & set(page.tags)
    assert page.tags.count("style") <= 2
    links = [value for tag, name, value in page.attributes if name in ("href", "src")]
    assert set(links) <= {"https://example.com", "http://evil/p.png"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search("[\x00\x1b\u202e]", html)
    html.encode()


def test_a_link_tells_its_server_nothing() -> None:
    assert 'rel="noreferrer noopener nofollow"' in rendered("[a](https://example.com)")
    assert "<a" not in rendered("[a](data:text/html,x) [b](file:///etc/passwd) [c](vbscript:x) [d](/local)")


def test_two_hundred_huge_replies_render_fast_and_small() -> None:
    replies = [reply("*a " * 100_000, key=f"{n}", data={"n": list(range(500))}) for n in range(200)]
    steps = [ran(f"parts[{n}]/part", out=[reply(f"{n} " + "[" * 50_000)]) for n in range(300)]
    view = replace(view_of(replies=replies, answer="[" * 1_000_000), traced=steps)
    started = time.process_time()
    html = render(view)
    assert time.process_time() - started < 5
    assert len(html) < 20_000_000
    assert Page(html).unbalanced == []


def test_replies_beyond_the_bound_are_counted() -> None:
    replies = [reply(f"text {n}", key=str(n)) for n in range(MOST_REPLIES + 7)]
    page = Page(render(replace(view_of(replies=replies, dissent=[]), lessons=[], learned=[], traced=[])))
    assert f"text {MOST_REPLIES - 1}" in page.text
    assert "text 401" not in page.text
    assert "7 replies more are in the export of this run." in page.text


def test_a_bare_run_renders() -> None:
    run = Run(tenant_id="t", user_id="u", run_id="r", workflow="all")
    bare = Result(answer="", status="failed", pattern="gone", run_id="r")
    page = Page(render(DeckView(run=run, result=bare, graph=graph_of_all())))
    assert page.headings == ["(no question)", "How the answer was made", "About this run"]
    assert "A step could not give what the run needed." in page.text


def test_a_run_as_it_was_walked_has_a_deck(run: Run, give: Give) -> None:
    spec = spec_of_two()
    made = give(spec, prompt="Why?")
    result = result_of(answer=made["out"][0].text, replies=made["out"], dissent=[], run_id=run.run_id)
    ran_there = traces(run)
    html = render(
        DeckView(
            run=run, result=result, graph=spec, traced=ran_there, ledger=ledger_of(UUID(run.tenant_id), run.run_id)
        )
    )
    assert [t.path for t in ran_there] == ["first", "second"]
    assert html.count('class="block function ran"') == 2
    assert made["out"][0].text in Page(html).text


def test_a_reviewer_reads_why_then_the_answer_then_the_rest() -> None:
    parts = {
        "prompt": "May <PERSON_1> go?",
        "extra_view": "E",
        "safety": '{"verdict":"escalate"}',
        "answer": "**Yes**",
        "why": "asked",
    }
    html = render_question("Approve?", parts, "medical", sanitised=True)
    page = Page(html)
    assert page.headings == [
        "Approve?",
        "Why a person is asked",
        "The proposed answer",
        "The safety check",
        "What was asked",
        "extra view",
    ]
    assert "May <PERSON_1> go?" in page.text
    assert "verdict escalate" in page.text
    assert "<strong>Yes</strong>" in html
    assert "placeholders" in page.text
    assert "placeholders" not in Page(render_question("Approve?", parts, "medical")).text


def test_a_hostile_question_stays_text() -> None:
    _safe(render_question(HOSTILE, {HOSTILE: HOSTILE, "answer": HOSTILE, "safety": '{"a":{"b":["{{x}}"]}}'}, "x"))
