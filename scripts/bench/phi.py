"""Precision and recall of utils/phi.py on generated documents, and its time a document.

`python -m scripts.bench.phi [--documents 200] [--seed 1]`

The documents are notes, mails, invoices, tickets, letters and logs with personal information and with
numbers that only look like it. A finding counts only if its entity and both its ends are right. The
generator was written by those who wrote the patterns: the numbers say that the patterns do what they are
meant to, not how often real texts cue a name.
"""

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple

from utils import phi


class Span(NamedTuple):
    """What a slot of a template became. `kind` is an entity, `BARE NAME`, or a decoy in lower case."""

    kind: str
    start: int
    end: int

    @property
    def entity(self) -> str:
        return "PERSON" if self.kind == BARE else self.kind

    @property
    def is_decoy(self) -> bool:
        return self.kind.islower()


@dataclass(frozen=True)
class Document:
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Scores:
    """Counts by kind: what was there, what of it was found, what was found in error, what decoys were kept."""

    there: Counter[str]
    hit: Counter[str]
    wrong: Counter[str]
    decoys: Counter[str]
    kept: Counter[str]

    def recall(self, kinds: Iterable[str]) -> float:
        chosen = list(kinds)
        return sum(self.hit[kind] for kind in chosen) / max(1, sum(self.there[kind] for kind in chosen))

    def precision(self, kinds: Iterable[str]) -> float:
        chosen = list(kinds)
        right = sum(self.hit[kind] for kind in chosen)
        return right / max(1, right + sum(self.wrong[kind] for kind in chosen))


def generate(count: int, seed: int) -> list[Document]:
    """The same documents for the same seed."""
    rng = random.Random(seed)  # noqa: S311
    return [_document(rng, TEMPLATES[index % len(TEMPLATES)]) for index in range(count)]


def score(documents: Iterable[Document]) -> Scores:
    """Run the recognition over all documents and compare."""
    scores = Scores(Counter(), Counter(), Counter(), Counter(), Counter())
    for document in documents:
        found = {(finding.entity, finding.start, finding.end) for finding in phi.sanitise(document.text).found}
        personal = [span for span in document.spans if not span.is_decoy]
        scores.there.update(span.kind for span in personal)
        scores.hit.update(span.kind for span in personal if (span.entity, span.start, span.end) in found)
        expected = {(span.entity, span.start, span.end) for span in personal}
        scores.wrong.update(entity for entity, _, _ in found - expected)
        for decoy in (span for span in document.spans if span.is_decoy):
            scores.decoys[decoy.kind] += 1
            scores.kept[decoy.kind] += all(end <= decoy.start or decoy.end <= start for _, start, end in found)
    return scores


def _document(rng: random.Random, template: str) -> Document:
    person = _name(rng)
    fixed = {"PATIENT": person, "SURNAME": person.split()[-1]}
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    for index, part in enumerate(re.split(r"\{([^}]+)\}", template)):
        value = part
        if index % 2:
            value = fixed[part] if part in fixed else VALUES[part](rng)
            spans.append(Span("PERSON" if part in fixed else part, length, length + len(value)))
        parts.append(value)
        length += len(value)
    return Document("".join(parts), tuple(spans))


def _name(rng: random.Random) -> str:
    middle = rng.choice(("", "", "", f"{rng.choice('ABCDEFGHJKLM')}. "))
    return f"{rng.choice(FIRST)} {middle}{rng.choice(LAST)}"


def _digits(rng: random.Random, *shape: int, between: str = "-") -> str:
    groups = [f"{rng.randint(10 ** (size - 1), 10**size - 1)}" for size in shape]
    return between.join(groups)


def _email(rng: random.Random) -> str:
    name = f"{rng.choice(FIRST)}{rng.choice(('.', '_', ''))}{rng.choice(LAST)}".lower().replace("'", "")
    return f"{name}{rng.choice(('', '', '7', '+care'))}@{rng.choice(DOMAINS)}"


def _phone(rng: random.Random) -> str:
    area, exchange, line = rng.choice(AREAS), rng.randint(200, 999), f"{rng.randint(0, 9999):04}"
    shape = rng.choice(("({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "+1 {} {} {}", "+1-{}-{}-{}"))
    return shape.format(area, exchange, line)


def _ssn(rng: random.Random) -> str:
    return f"{rng.choice((219, 457, 523, 301))}-{rng.randint(10, 99)}-{rng.randint(1000, 9998)}"


def _card(rng: random.Random) -> str:
    prefix = rng.choice(("4", "51", "2301", "6011"))
    body = prefix + "".join(rng.choices("0123456789", k=15 - len(prefix)))
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(body)]
    number = body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)
    between = rng.choice(("", " ", "-"))
    return between.join(number[at : at + 4] for at in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    account = "".join(rng.choices("0123456789", k=18))
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def _date(rng: random.Random, first_year: int, last_year: int) -> str:
    year, month, day = rng.randint(first_year, last_year), rng.randint(1, 12), rng.randint(1, 28)
    name = MONTHS[month - 1]
    shapes = (f"{month:02}/{day:02}/{year}", f"{year}-{month:02}-{day:02}", f"{name} {day}, {year}")
    return rng.choice((*shapes, f"{day} {name} {year}"))


def _street(rng: random.Random) -> str:
    suffix = rng.choice(("", "", ", Apt 4B", ", Suite 210"))
    return f"{rng.randint(2, 9999)} {rng.choice(STREETS)} {rng.choice(('St', 'Street', 'Ave', 'Road', 'Lane'))}{suffix}"


def _ip(rng: random.Random) -> str:
    return f"{rng.choice((10, 81, 192, 203))}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="precision, recall and time of the removal of personal data")
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    documents = generate(options.documents, options.seed)
    start = time.perf_counter()
    phi.load()
    print(f"analyzer loaded in {time.perf_counter() - start:.2f} s, once a process")
    _print_scores(score(documents), len(documents))
    _print_times(documents)
    print(LIMITS)


def _print_scores(scores: Scores, documents: int) -> None:
    cued = sorted(set(scores.there) - {BARE})
    print(f"{documents} documents, {scores.there.total()} items, {scores.decoys.total()} decoys; exact spans")
    print(f"{'':14} items  recall  precision")
    print(f"{'patterned':14} {_row(scores, cued)}")
    for kind in cued:
        print(f"  {kind:12} {_row(scores, [kind])}")
    print(f"{'bare names':14} {scores.there[BARE]:5}  {scores.recall([BARE]):6.3f}  (no cue: see below)")
    print(f"{'everything':14} {_row(scores, [*cued, BARE])}")
    print(f"decoys kept: {scores.kept.total()} of {scores.decoys.total()}")
    for kind, there in sorted(scores.decoys.items()):
        print(f"  {kind:24} {scores.kept[kind]:3} of {there}")


def _row(scores: Scores, kinds: list[str]) -> str:
    there = sum(scores.there[kind] for kind in kinds)
    return f"{there:5}  {scores.recall(kinds):6.3f}  {scores.precision(kinds):6.3f}"


def _print_times(documents: list[Document]) -> None:
    times = []
    for document in documents:
        start = time.perf_counter()
        phi.sanitise(document.text)
        times.append((time.perf_counter() - start) * 1000)
    size = sum(len(document.text) for document in documents) // len(documents)
    slow = quantiles(times, n=20)[-1]
    print(f"time a document ({size} characters): median {median(times):.1f} ms, 95 % within {slow:.1f} ms")


BARE = "BARE NAME"
FIRST = [
    "Jane",
    "Carlos",
    "Aisha",
    "Wei",
    "Olga",
    "Marcus",
    "Priya",
    "Tom",
    "Ingrid",
    "Yusuf",
    "Hannah",
    "Diego",
    "Mei",
    "Peter",
    "Fatima",
    "Leo",
    "Nora",
]
LAST = [
    "Roe",
    "Whitfield",
    "O'Brien",
    "Nakamura",
    "Okafor",
    "Lindqvist",
    "Garcia-Lopez",
    "Haddad",
    "Kowalski",
    "McAllister",
    "Banerjee",
    "Tran",
    "Silva",
    "Petrov",
    "Castellano",
    "Abernathy",
]
DOMAINS = ("example.com", "mail.example.org", "clinic.example.net", "intranet.corp", "uni.example.ac.uk")
AREAS = (212, 415, 617, 303, 206, 555)
STREETS = ("Oak", "Maple", "North Main", "Cedar Hill", "Washington", "5th", "Elm Grove")
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

VALUES: dict[str, Callable[[random.Random], str]] = {
    "PERSON": _name,
    BARE: _name,
    "EMAIL": _email,
    "PHONE": _phone,
    "SSN": _ssn,
    "CARD": _card,
    "IBAN": _iban,
    "IP": _ip,
    "DATE": lambda rng: _date(rng, 1930, 2024),
    "ADDRESS": _street,
    "ZIP": lambda rng: _digits(rng, 5) + rng.choice(("", f"-{_digits(rng, 4)}")),
    "MRN": lambda rng: rng.choice((_digits(rng, 6), _digits(rng, 2, 3), f"A{_digits(rng, 7)}", _digits(rng, 8))),
    "HEALTH PLAN": lambda rng: rng.choice(("XYZ", "HP", "W")) + _digits(rng, 9),
    "ACCOUNT": lambda rng: _digits(rng, rng.choice((8, 10, 12))),
    "PASSPORT": lambda rng: rng.choice((_digits(rng, 9), f"C{_digits(rng, 8)}")),
    "LICENCE": lambda rng: rng.choice("DKS") + _digits(rng, 7),
    "order number": lambda rng: _digits(rng, rng.choice((6, 8, 9, 10))),
    "nine digits": lambda rng: _digits(rng, 9),
    "five digits": lambda rng: _digits(rng, 5),
    "version": lambda rng: rng.choice(("v{}.{}.{}", "{}.{}.{}", "{}.{}.{}-rc1")).format(*rng.choices(range(40), k=3)),
    "four-part version": lambda rng: "{}.{}.{}.{}".format(*rng.choices(range(60), k=4)),
    "year": lambda rng: str(rng.randint(1960, 2030)),
    "part number": lambda rng: f"{rng.choice(('PN', 'AX', 'TR'))}-{_digits(rng, 5, 2)}",
    "other date": lambda rng: _date(rng, 2015, 2026),
    "price": lambda rng: f"${rng.randint(1, 99)},{rng.randint(100, 999)}.{rng.randint(10, 99)}",
    "tracking number": lambda rng: f"94{_digits(rng, 20)}",
    "unix time": lambda rng: str(rng.randint(1_600_000_000, 1_800_000_000)),
    "digest": lambda rng: f"{rng.getrandbits(160):040x}",
    "clock": lambda rng: f"{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}",
    "capitals": lambda rng: rng.choice(
        ("Patient Portal", "Customer Success", "San Francisco", "Monday Morning", "Project Aurora", "Health Insurance")
    ),
    "package": lambda rng: f"react@{rng.randint(1, 19)}.{rng.randint(0, 9)}.0",
}

# The bare name comes with nothing that says so; {PATIENT} and {SURNAME} repeat the document's own person.
TEMPLATES = (
    """DISCHARGE SUMMARY
Patient: {PATIENT}    MRN: {MRN}    DOB: {DATE}
Address: {ADDRESS}, Springfield, IL {ZIP}
Admitted {DATE}, date of discharge: {DATE}. Blood pressure 120/80, weight 82.5 kg, platelets {five digits}.
{SURNAME} reports less pain than in {year}. {BARE NAME} brought the medication list. Insurance ID: {HEALTH PLAN}.
Reviewed by Dr. {PERSON} after {clock}; next scan planned for {other date}. See the {capitals} for results.
""",
    """Progress note. Medical Record {MRN}. The patient {PATIENT}, born on {DATE}, called from {PHONE}.
Dose 500 mg, trial NCT0{five digits} of {year}, n = {five digits}. Seen by {PERSON}, RN. {BARE NAME} was present.
Patient ID {MRN}; SSN {SSN}. Software version {four-part version}. Sample lot {part number}.
""",
    """From: {PERSON} <{EMAIL}>
To: {PERSON} <{EMAIL}>
Subject: order {order number}

Dear {PERSON},

my name is {PERSON} and I ordered {five digits} units of {part number} on {other date} for {price}.
Ask {BARE NAME} about it, or call me at {PHONE}. Our budget of {nine digits} euros stands. We moved in {year}.

Kind regards,
{PERSON}
{ADDRESS}, Denver, CO {ZIP}
""",
    """Hi {PERSON},
thanks for the call. I met {BARE NAME} in {capitals}; we compared {version} with {version} and {package}.
Send the contract to {EMAIL} or fax it to {PHONE}. Passport number: {PASSPORT}, driver's license {LICENCE}.
Best,
{PERSON}
""",
    """INVOICE {order number}    {other date}
Bill to: {PATIENT}, {ADDRESS}, Austin, Texas {ZIP}
1 x {part number}   {price}
2 x {part number}   {price}
Total {price}. Order number {order number}, tracking {tracking number}.
Card {CARD}. Bank: IBAN {IBAN}, account number {ACCOUNT}. Sold by {BARE NAME} in {year}.
Questions: {EMAIL}, {PHONE}. Zip code {ZIP}.
""",
    """Ticket {order number} ({other date} {clock})
Customer: {PATIENT}
E-mail: {EMAIL}
{PATIENT} writes: since {version} the app fails with code {five digits} on build {nine digits}.
Payment with {CARD} was taken twice ({price}). Reply from {capitals}: refund by {other date}. cc {BARE NAME}
Callback: {PHONE}. Member ID {HEALTH PLAN}. Digest {digest}.
""",
    """/s/ {PERSON}
Re: Claim {order number}, {year}

Dear Mr. {PERSON}:
The plaintiff {PATIENT} of {ADDRESS}, Boston, MA {ZIP}, date of birth {DATE}, social security number {SSN}, alleges
damages of {price} (exhibit {five digits}; statute of {year}). {BARE NAME} signed on {other date}. Ms. {PERSON}
will testify. {SURNAME} declines to comment. Account number {ACCOUNT}.

Sincerely,

{PERSON}, Esq.
""",
    """{other date} {clock} INFO [{unix time}] login ok user={EMAIL} ip={IP} took {five digits} us
{other date} {clock} WARN retry 3 of 5 to 127.0.0.1:5432 job {order number} commit {digest}
{other date} {clock} INFO upgraded {package} from {version}; rows {nine digits}; client {IP}
{other date} {clock} ERROR patient_id={MRN} not found; reported by {BARE NAME}, phone {PHONE}
""",
)

LIMITS = """limits: names are found only beside a cue (title, role, label, greeting, signature, letters after the name),
then wherever that spelling or surname returns (a bare namesake loses the surname only, which counts as an error);
other bare names stay, as their row shows. Cities, employers, ages and
what is spelled in words are not looked for. Names and addresses are recognised as English-speaking countries write
them. The documents are generated: real ones cue fewer names. A person must read before calling a text anonymous."""


if __name__ == "__main__":
    main()
