"""Figures that a text states: masked, recomputed by programs that vote, compared to the last digit, and corrected."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from math import isclose, isfinite
from typing import Any

from tasks.algorithms.sentences import replaced
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply
from tasks.tool_calls import cut

MASK = "[?]"
ROWS = 5
MOST_SHOWN = 4000
"""Characters of the data that a program's writer sees."""
WORDS = ("rank", "trend")
"""Kinds that must be equal; every other one may differ by half a unit of its last digit."""
MATCH, MISMATCH, UNCHECKABLE = "match", "mismatch", "not checkable"
Value = float | str


@pure
def data_files(data: Replies) -> Replies:
    """The supplied tables and files, by a safe file name."""
    made: dict[str, Reply] = {}
    for number, one in enumerate(data, 1):
        given = one.data()
        name = re.sub(r"[^\w.-]+", "_", str(given.get("name") or "")).strip("._") or f"data{number}.csv"
        name = name if name not in made else f"{number}_{name}"
        made[name] = reply(str(given.get("text") or ""), key=name)
    return list(made.values())


@pure
def numeric_claims(extracted: Replies, text: Replies, sentences: Replies, files: Replies, most: int) -> Replies:
    """The claims as items with the `masked` sentence and `schema`, what a program's writer sees of the data.

    A claim whose figure does not stand in its sentence, or is no number where it should be, is a skipped reply.
    """
    by_number = {s.data()["number"]: s for s in ok_of(sentences)}
    found = [c for e in ok_of(extracted) for c in e.data()["claims"]][:most]
    return [_claim(n, c, by_number.get(c["sentence_no"]), text, sentences, files) for n, c in enumerate(found, 1)]


def _claim(
    number: int, claim: dict[str, Any], sentence: Reply | None, text: Replies, sentences: Replies, files: Replies
) -> Reply:
    key, figure = f"claim {number}", re.escape(claim["stated"].strip())
    own = re.compile(rf"(?<![\w.,]){figure}(?!\w|[.,]\d)")
    if sentence is None or not figure or not own.search(sentence.text):
        return _skipped(key, claim, "the figure does not stand in its sentence")
    if claim["kind"] not in WORDS and number_in(claim["stated"]) is None:
        return _skipped(key, claim, "the figure is no number")
    masked = own.sub(MASK, sentence.text)
    whole = replaced(text[0].text, sentences, {sentence.key: masked})
    shown = "\n\n".join(_head(f) for f in files) or f"text.txt:\n{whole}"
    data = {**claim, "sentence": sentence.text, "masked": masked, "schema": cut(shown, MOST_SHOWN), "text": whole}
    return reply(masked, key=key, data=data)


def _skipped(key: str, claim: dict[str, Any], why: str) -> Reply:
    return reply(key=key, data=claim, status="skipped", cause=why)


def _head(file: Reply) -> str:
    return f"{file.key}:\n" + "\n".join(file.text.splitlines()[: ROWS + 1])


@pure
def files_for(claim: Replies, files: Replies) -> Replies:
    """What a program reads: the data, or where there is none the text with the claim's figure masked."""
    return files or [reply(claim[0].data()["text"], key="text.txt")]


def value_of(run: Reply) -> Value | None:
    """What a program gave: a finite number or a word; None where it failed or gave something else."""
    found = run.data().get("values", {}).get("result") if run.ok and run.data().get("ok") else None
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, int | float):
        return float(found) if isfinite(found) else None
    return " ".join(found.casefold().split()) or None if isinstance(found, str) else None


def agreed(runs: Iterable[Reply]) -> tuple[Value, int] | None:
    """The first value that two runs give, and which run gave it first."""
    values = [value_of(r) for r in runs]
    for n, one in enumerate(values):
        if one is not None and any(_same(one, other) for other in values[n + 1 :]):
            return one, n
    return None


def _same(one: Value, other: Value | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


@pure
def both_agree(runs: Replies) -> bool:
    """Whether the first two programs give the same value, so that no third is needed."""
    return agreed(runs) is not None


def number_in(text: str) -> Decimal | None:
    """A number as a text writes it, with commas between thousands; None where it is none."""
    plain = text.strip().replace("\u2212", "-").replace("\u2013", "-").rstrip("%").strip()
    if not re.fullmatch(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", plain):
        return None
    try:
        return Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None


def _places(number: Decimal) -> int:
    """How many decimals a number is written with."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def matches(stated: str, kind: str, named: str, value: Value) -> bool:
    """Whether a value bears a figure out: within half a unit of its last digit; rank and trend equal."""
    if kind in WORDS:
        said = number_in(named)
        return _same(float(said), value) if said is not None else named.strip().casefold() == value
    number = number_in(stated)
    if number is None or not isinstance(value, float):
        return False
    half = Decimal(1).scaleb(-_places(number)) / 2
    return abs(number - Decimal(repr(value))) <= half * (1 + Decimal("1e-9"))


def shown(stated: str, value: Value) -> str:
    """A value in the form of the stated figure: as many decimals, commas and % where it has them."""
    number = number_in(stated)
    if not isinstance(value, float):
        return value
    places = 0 if number is None else _places(number)
    return f"{value:{',' if ',' in stated else ''}.{places}f}" + ("%" if stated.strip().endswith("%") else "")


@pure
def recomputed(claim: Replies, programs: Replies, runs: Replies, third: Replies, last: Replies) -> Reply:
    """A row of the table: stated, recomputed, status, program, and why it is not checkable where it is not.

    Two of the programs must give the same value.
    """
    data, made = claim[0].data(), [*ok_of(programs), *ok_of(third)]
    found = agreed([*runs, *last])
    row = {k: data[k] for k in ("sentence_no", "sentence", "stated", "unit", "kind")}
    lost = [*causes(programs), *causes(third), *causes([*runs, *last])]
    if found is None:
        errors = [str(r.data().get("error") or "") for r in (*runs, *last) if r.ok]
        why = next((e for e in [*errors, *lost] if e), "no two programs agree")
        return _row(claim[0].key, {**row, "recomputed": "", "status": UNCHECKABLE, "reason": why, "program": ""}, lost)
    value, which = found
    good = matches(data["stated"], data["kind"], data["value"], value)
    status = MATCH if good else MISMATCH
    program = made[which].text if which < len(made) else ""
    text = shown(data["stated"], value)
    return _row(claim[0].key, {**row, "recomputed": text, "status": status, "reason": "", "program": program}, lost)


def _row(key: str, row: dict[str, Any], lost: list[str]) -> Reply:
    return reply(f"{row['stated']} -> {row['recomputed'] or '?'}: {row['status']}", key=key, data={**row, "lost": lost})


@pure
def mismatches(rows: Replies) -> Replies:
    """The rows whose figure is wrong."""
    return [r for r in ok_of(rows) if r.data()["status"] == MISMATCH]


@pure
def few(wrong: Replies, most: int) -> bool:
    """Whether so few figures change that nobody need approve."""
    return len(wrong) <= most


@pure
def sentences_to_fix(wrong: Replies, decision: Replies) -> Replies:
    """Each sentence with its wrong figures (fields sentence, changes); none where a person kept the text."""
    if decision and decision[-1].key != "approve":
        return []
    found: dict[int, list[dict[str, Any]]] = {}
    for row in (w.data() for w in wrong):
        found.setdefault(row["sentence_no"], []).append(row)
    return [
        reply(
            rows[0]["sentence"],
            key=str(number),
            data={"changes": [{k: r[k] for k in ("stated", "recomputed", "unit", "kind")} for r in rows]},
        )
        for number, rows in found.items()
    ]


@pure
def corrected(
    text: Replies,
    sentences: Replies,
    claims: Replies,
    rows: Replies,
    to_fix: Replies,
    fixed: Replies,
    extracted: Replies,
) -> Reply:
    """The text with its corrected sentences and the table; a fix that lacks a recomputed figure is not taken.

    `quality` is the share of claims that match or were corrected; a text without a claim is unchecked.
    """
    wanted = {t.key: [c["recomputed"] for c in t.data()["changes"] if c["kind"] not in WORDS] for t in to_fix}
    new = {f.key: f.data()["sentence"].strip() for f in ok_of(fixed)}
    taken = {k: s for k, s in new.items() if k in wanted and all(v.casefold() in s.casefold() for v in wanted[k])}
    failed_rows = {r.key: r.cause for r in rows if not r.ok}
    table = [r.data() for r in ok_of(rows)]
    left = [c for c in claims if not c.ok or c.key in failed_rows]
    table += [_unchecked(c.data(), failed_rows.get(c.key) or c.cause) for c in left]
    for row in table:
        row["corrected"] = row["status"] == MISMATCH and str(row["sentence_no"]) in taken
    right = sum(r["status"] == MATCH or r["corrected"] for r in table)
    open_ones = [r for r in table if r["status"] == MISMATCH and not r["corrected"]]
    lost = [*causes(sentences), *causes(extracted), *causes(fixed), *(why for r in table for why in r["lost"])]
    lost += [f"sentence {k}: the correction lacks a recomputed figure" for k in new if k not in taken]
    data: dict[str, Any] = {
        "text": replaced(text[0].text, sentences, taken),
        "table": table,
        **{s.replace(" ", "_"): sum(r["status"] == s for r in table) for s in (MATCH, MISMATCH, UNCHECKABLE)},
        "corrected": sum(r["corrected"] for r in table),
        "not_corrected": len(open_ones),
        "lost": lost,
    }
    if table:
        data["quality"] = right / len(table)
    outcome: Outcome = "unchecked" if not table else "degraded" if lost else "incomplete" if open_ones else "answered"
    shown_text = "\n".join([data["text"], "", *_report(table, extracted)])
    return reply(shown_text, key="answer", data=data, score=data.get("quality"), outcome=outcome)


def _unchecked(claim: dict[str, Any], why: str) -> dict[str, Any]:
    row = {k: claim.get(k, "") for k in ("sentence_no", "sentence", "stated", "unit", "kind")}
    return {**row, "recomputed": "", "status": UNCHECKABLE, "reason": why, "program": "", "lost": []}


def _report(table: list[dict[str, Any]], extracted: Replies) -> list[str]:
    if not table:
        return [f"No figure was checked: {first_cause(extracted) or 'the text states none'}."]
    rows = [f"| {_cell(r['stated'])} | {_cell(r['recomputed'] or '-')} | {_status(r)} |" for r in table]
    programs = [f"{r['stated']}:\n{r['program']}" for r in table if r["program"]]
    listed = ["", "Programs:", "", "\n\n".join(programs)] if programs else []
    return ["| stated | recomputed | result |", "| --- | --- | --- |", *rows, *listed]


def _status(row: dict[str, Any]) -> str:
    return (
        f"{row['status']}, {'corrected' if row['corrected'] else 'left'}"
        if row["status"] == MISMATCH
        else row["status"]
    )


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
