"""Approvals in Flyte's own console, as an approver sees them: chromium opens the execution and answers its gates.

RADIANT_SCREENSHOTS=1 takes docs/console.png anew. RADIANT_CONSOLE says where the console is.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.conftest import DOMAIN, PROJECT, Execution, Launch
from tests.cluster.test_blocks import result_of
from utils.reviews import reviews_of
from utils.settings import settings

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Locator, Page

pytestmark = pytest.mark.cluster
CONSOLE = os.environ.get("RADIANT_CONSOLE", "http://localhost:8088/console")
PICTURE = Path(__file__).parents[2] / "docs" / "console.png"
MAIL, PHONE = "jane.roe@example.org", "+1 415 555 0134"
PROMPT = f"Should the patient, who wrote from {MAIL} and answers at {PHONE}, take 500 mg of metformin twice a day?"
MILLISECONDS = 60_000
REFRESHES = 15
DECK = 'iframe[title="deck"]'


@pytest.fixture
def page() -> Iterator["Page"]:
    """A page of Debian's chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: the extra `test` has it"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with playwright.sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1300})
        page.set_default_timeout(MILLISECONDS)
        yield page
        browser.close()


def open_gate(page: "Page", execution: Execution, *around: str) -> None:
    """Opens the execution, and the nodes around its gate."""
    page.goto(f"{CONSOLE}/projects/{PROJECT}/domains/{DOMAIN}/executions/{execution.name}")
    for node in around:
        row(page, node).get_by_title("Expand row").click()
    page.get_by_test_id("Resume").wait_for()


def row(page: "Page", node: str) -> "Locator":
    return page.get_by_test_id("node-execution-row").filter(has=page.get_by_text(node, exact=True))


def deck(page: "Page", node: str) -> "FrameLocator":
    """The Deck of the node whose id begins so. Where the console cancelled its own request, its refresh repeats it."""
    from playwright.sync_api import TimeoutError as TooLate

    page.get_by_test_id("node-execution-row").filter(has_text=node).click()
    page.get_by_role("button", name="Flyte Deck").click()
    _, refresh, _ = page.get_by_role("dialog").get_by_role("button").all()
    for _ in range(REFRESHES):
        with suppress(TooLate):
            page.locator(DECK).wait_for(timeout=MILLISECONDS / REFRESHES)
            break
        refresh.click()
    return page.frame_locator(DECK)


def resume(page: "Page", *, choose: str = "", write: str = "") -> None:
    """Answers the gate that is open."""
    page.get_by_test_id("Resume").click()
    dialog = page.get_by_role("dialog")
    if choose:
        dialog.locator("[aria-haspopup=listbox]").click()
        page.get_by_role("option", name=choose, exact=True).click()
    else:
        dialog.locator("input").fill(write)
    dialog.get_by_role("button", name="Resume").click()
    dialog.wait_for(state="hidden")


def asked(launch: Launch) -> Execution:
    execution = launch("workflows/think_tank.py", "think_tank", "--prompt", PROMPT, "--require_approval")
    execution.until(lambda: "settle@1/review" in execution.open_gates(), "the gate")
    return execution


def test_an_approver_reads_the_question_and_approves(launch: Launch, page: "Page") -> None:
    execution = asked(launch)
    open_gate(page, execution, "settle")
    shown = deck(page, "review-asks-approve-this-answer")
    shown.get_by_role("heading", name="Approve this answer").wait_for()
    text = shown.locator("body").text_content() or ""
    assert "[EMAIL 1]" in text
    assert MAIL not in text
    assert PHONE not in text
    assert f"radiant approve {execution.name}" in text
    if os.environ.get("RADIANT_SCREENSHOTS"):
        page.screenshot(path=PICTURE)
    open_gate(page, execution, "settle")
    resume(page, choose="approve")
    execution.finish()
    decision = result_of(execution).decision
    assert decision is not None
    assert decision.resolution == "approve"


def test_a_text_and_a_second_turn_are_answered_there_too(launch: Launch, page: "Page") -> None:
    """The console cannot open a gate whose node id is hashed, which Flyte does to those over 20 characters."""
    execution = asked(launch)
    open_gate(page, execution, "settle")
    resume(page, choose="revise")
    execution.until(lambda: "settle@1/review/text" in execution.open_gates(), "the gate for the text")
    open_gate(page, execution, "settle", "then")
    resume(page, write="Say it in one sentence.")
    execution.until(lambda: "settle@2/review" in execution.open_gates(), "the second turn's gate")
    open_gate(page, execution, "settle", "on")
    resume(page, choose="approve")
    execution.finish()
    first, second = reviews_of(settings().tenant_id, execution.name)
    assert (first.decision, first.text, second.decision) == ("revise", "Say it in one sentence.", "approve")
