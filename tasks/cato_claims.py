"""Cato's deterministic epistemic rules: what an answer claims, on what grounds, and how sure it says it is."""

import re
from collections import Counter
from collections.abc import Iterable
from math import sqrt

from tasks.cato_rules import Finding, clipped, plain, statements
from tasks.reply import Replies, Reply, ok_of
from tasks.result import Risk

OVERCONFIDENT_FROM = 0.9
AGREEMENT_BELOW = 0.6
"""An answer is overconfident that states at least that certainty where the agents agree less than this."""

ALIKE_FROM = 0.4
"""Two replies take the same position from this cosine similarity of their words on."""

HIGH_STAKES = frozenset({"medical", "financial", "legal"})
PENALTY: dict[Risk, float] = {"none": 0.0, "low": 0.05, "medium": 0.25, "high": 0.5, "unknown": 0.5, "critical": 1.0}


def epistemic_findings(answer: Reply, replies: Replies, *, prompt: str, domain: str, now: str) -> list[Finding]:
    """Claims without support, citations that cannot be right, and certainty that the agents do not share.

    `now` is an ISO 8601 time: what is dated after its year cannot have been published. Numbers that stand in the
    prompt are the asker's own and need no source.
    """
    text = plain(answer.text)
    found = [*_absolute(text, domain), *_citations(text, now), *_numbers(text, plain(prompt), domain)]
    return [*found, *_overconfidence(answer, replies), *_against_majority(text, replies)]


def epistemic_score(findings: Iterable[Finding]) -> float:
    """1 less a penalty for each finding by its risk, in [0, 1]."""
    return round(max(0.0, 1.0 - sum(PENALTY[f.risk] for f in findings)), 4)


def stated_certainty(answer: Reply) -> float | None:
    """The highest certainty that an answer states of itself, in [0, 1]: in its text, or in a field.

    A field speaks of the text that it came with, so it no longer counts once that was revised or edited.
    """
    stated = [float(m[1] or m[2]) for m in CERTAINTY.finditer(answer.text) if not _negated(answer.text, m.start())]
    values = [value / 100 if value > 1 else value for value in stated if value <= 100]
    values += [0.99 for m in SURE.finditer(answer.text) if not _negated(answer.text, m.start())]
    data = answer.data()
    if not (data.get("revised") or data.get("edited")):
        values += [v for v in (_share(data.get(name)) for name in ("confidence", "certainty")) if v is not None]
    return max(values, default=None)


def agreement_of(answer: Reply, replies: Replies) -> float | None:
    """The share of the agents that take the most common position, in [0, 1]; None where fewer than two spoke.

    It is the answer's own field `agreement` where it has one (a vote was counted). Else positions are compared by
    their words: replies whose bags of words have a cosine of at least ALIKE_FROM, and which do not say yes
    to the other's no, take the same one; so do those that a chain of such replies connects.
    """
    counted = _share(answer.data().get("agreement"))
    if counted is not None:
        return counted
    positions = [_position(r) for r in ok_of(replies)]
    if len(positions) < 2:
        return None
    groups: list[list[str]] = []
    for position in positions:
        near = [g for g in groups if any(_alike(position, other) for other in g)]
        groups = [g for g in groups if g not in near] + [[position, *(p for g in near for p in g)]]
    return max(len(g) for g in groups) / len(positions)


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(1.0, max(0.0, value / 100 if 1 < value <= 100 else float(value)))


def _position(reply: Reply) -> str:
    data = reply.data()
    stated = next((data[name] for name in ("final_answer", "answer", "position", "vote") if data.get(name)), reply.text)
    return plain(str(stated)).casefold()


def _alike(one: str, other: str) -> bool:
    stances = {_stance(one), _stance(other)}
    if stances == {"yes", "no"}:
        return False
    a, b = Counter(WORD.findall(one)), Counter(WORD.findall(other))
    if not a or not b:
        return one.strip() == other.strip()
    product = sum(count * b[word] for word, count in a.items())
    return product / sqrt(sum(c * c for c in a.values()) * sum(c * c for c in b.values())) >= ALIKE_FROM


def _stance(text: str) -> str:
    match = STANCE.search(text)
    return match[1].lower() if match else ""


def _negated(text: str, start: int) -> bool:
    return NEGATION.search(text[max(0, start - 40) : start]) is not None


def _supported(sentence: str) -> bool:
    return bool(SOURCE.search(sentence) or HEDGE.search(sentence))


def _absolute(text: str, domain: str) -> list[Finding]:
    claims = [
        s for s in statements(text) if (m := ABSOLUTE.search(s)) and not _negated(s, m.start()) and not _supported(s)
    ]
    risk: Risk = "medium" if domain in HIGH_STAKES or len(claims) > 2 else "low"
    return [
        Finding("absolute_claim", risk, f"give a source or say how sure it is: “{clipped(claim)}”")
        for claim in claims[:5]
    ]


def _citations(text: str, now: str) -> list[Finding]:
    wrong = [m[0] for m in PLACEHOLDER_SOURCE.finditer(text)]
    wrong += [m[0] for m in ARXIV.finditer(text) if not 1 <= int(m[1]) <= 12]
    wrong += [m[0] for m in ISBN.finditer(text) if not _isbn_holds(m[1])]
    if now[:4].isdigit():
        wrong += [m[0] for m in CITED_YEAR.finditer(text) if int(m[1] or m[2]) > int(now[:4])]
    reason = "this cannot be a real source, remove it or name the real one: “{}”"
    return [Finding("citation", "medium", reason.format(clipped(one))) for one in wrong[:5]]


def _isbn_holds(shown: str) -> bool:
    digits = [10 if c in "xX" else int(c) for c in shown if c not in "- "]
    if len(digits) == 13:
        return sum(d * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0
    return len(digits) == 10 and sum(d * (10 - i) for i, d in enumerate(digits)) % 11 == 0


def _numbers(text: str, prompt: str, domain: str) -> list[Finding]:
    if domain not in HIGH_STAKES:
        return []
    asked = {"0", "100", *DIGITS.findall(prompt)}
    bare = [
        s
        for s in statements(text)
        if any(not set(DIGITS.findall(m[0])) <= asked for m in FIGURE.finditer(s)) and not _supported(s)
    ]
    risk: Risk = "medium" if len(bare) > 1 else "low"
    return [Finding("number", risk, f"give the source of this figure: “{clipped(s)}”") for s in bare[:5]]


def _overconfidence(answer: Reply, replies: Replies) -> list[Finding]:
    certainty, agreement = stated_certainty(answer), agreement_of(answer, replies)
    if certainty is None or agreement is None:
        return []
    if certainty < OVERCONFIDENT_FROM or agreement >= AGREEMENT_BELOW:
        return []
    reason = (
        f"it states a certainty of {certainty:.2f}, but the agents' agreement is {agreement:.2f}: "
        "say how uncertain it is, and where they differ"
    )
    return [Finding("overconfidence", "medium", reason)]


def _against_majority(text: str, replies: Replies) -> list[Finding]:
    stance, others = _stance(text), [_stance(_position(r)) for r in ok_of(replies)]
    against = sum(1 for other in others if {stance, other} == {"yes", "no"})
    if len(others) < 2 or 3 * against < 2 * len(others):
        return []
    reason = f"it says {stance} where {against} of {len(others)} agents say the opposite: say why, or follow them"
    return [Finding("contradiction", "medium", reason)]


WORD = re.compile(r"\w{3,}|\d+")
DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
STANCE = re.compile(
    r"^[\W_]*(?:(?:final(?: answer)?|answer|verdict|recommendation)\W+)?(yes|no)\b(?![- ]one\b)", re.IGNORECASE
)
NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|none|nothing|cannot|hardly|without|n['’]t|isn['’]t|aren['’]t|can['’]t)\b[^.!?\n]*$",
    re.IGNORECASE,
)

CERTAINTY = re.compile(
    r"\b(?:confidence|certainty)(?: (?:level|score))?\s{0,3}(?:\bis\b|\bof\b|[:=(])\s{0,3}(\d{1,3}(?:\.\d{1,4})?)\b"
    r"|\b(\d{1,3}(?:\.\d{1,3})?)\s?(?:%|percent)\s"
    r"(?:sure|certain(?:ty)?|confident|confidence(?!\s(?:interval|level|limit|band)))",
    re.IGNORECASE,
)
SURE = re.compile(
    r"\b(?:(?:I am|I'm|we are|it is) (?:absolutely|completely|totally|entirely|fully|utterly) (?:certain|sure"
    r"|confident)|"
    r"(?:without|beyond) (?:a|any) doubt|there is no doubt|(?:undoubtedly|unquestionably|indisputably))\b",
    re.IGNORECASE,
)
ABSOLUTE = re.compile(
    r"\bguaranteed? (?:to|that|returns?|success|results?|profits?)\b|\b(?:is|are) guaranteed\b"
    r"|\b100\s?(?:%|percent) (?:safe|effective|certain|accurate|reliable|successful|risk[- ]free|secure)"
    r"|\b(?:scientifically|clinically|medically) proven\b|\bit (?:is|has been) proven\b|\bproven fact\b"
    r"|\b(?:studies|research|experts|scientists|data) (?:show|shows|prove|proves|agree|confirm|confirms"
    r"|have shown|has shown)\b"
    r"|\bit is (?:well[- ]known|common knowledge|a fact)\b|\beveryone knows\b"
    r"|\b(?:will|would|can) (?:always|never) (?!be able)\w+|\b\w{2,}s (?:always|never) \w+s\b|\balways (?:works"
    r"|wins|succeeds|fails|leads)\b"
    r"|\bnever (?:works|wins|succeeds|fails|loses)\b|\bcompletely risk[- ]free\b",
    re.IGNORECASE,
)
HEDGE = re.compile(
    r"\b(?:may|might|could|perhaps|probably|likely|unlikely|usually|often|typically|generally|tends? to|roughly"
    r"|about|around"
    r"|approximately|estimated?|estimates|seems?|appears?|suggests?|assum\w+|in (?:my|our) (?:view|opinion)"
    r"|uncertain|if)\b",
    re.IGNORECASE,
)
SOURCE = re.compile(
    r"https?://|\bdoi\b|\b10\.\d{4,9}/|\[\d{1,3}\]|\[\^\w+\]"
    r"|\((?:[A-Z][\w.’'-]{1,30}[ ,]{1,3}|(?:&|and) ){1,6}(?:et al\.?,? )?(?:19|20)\d\d[a-z]?\)"
    r"|\b[Aa]ccording to\b|\b[Ss]ource:|\bas reported (?:by|in)\b|\b(?:19|20)\d\d (?:study|report|survey"
    r"|guideline|review|trial)\b"
    r"|\bISBN\b|\barXiv\b|§\s?\d|\b(?:Art|Sec|Section|Article)\.? \d",
)
PLACEHOLDER_SOURCE = re.compile(
    r"\[(?:citation needed|source|author,? year|insert [\w ]{1,30})\]|\b10\.(?:1234|0000|xxxx|12345)/\S*"
    r"|\bdoi:? ?(?:xxx|tbd)\S*",
    re.IGNORECASE,
)
ARXIV = re.compile(r"\barXiv:\s?\d{2}(\d{2})\.\d{4,5}\b", re.IGNORECASE)
ISBN = re.compile(r"\bISBN(?:-1[03])?:?\s?((?:\d[- ]?){9,12}[\dXx])\b", re.IGNORECASE)
CITED_YEAR = re.compile(
    r"\bet al\.?,? \(?((?:19|20)\d\d)\b|\((?:[A-Z][\w’'-]+(?: (?:&|and) [A-Z][\w’'-]+)?),? ((?:19|20)\d\d)[a-z]?\)"
)
FIGURE = re.compile(
    r"\b\d[\d.,]{0,20}\s?(?:%|percent\b)|[$€£]\s?\d[\d.,]{0,20}"
    r"|\b\d[\d.,]{0,20}\s?(?:million|billion|trillion|USD|EUR|dollars|euros|"
    r"times (?:more|less|higher|lower)|in \d+ (?:people|patients|cases))\b",
    re.IGNORECASE,
)
