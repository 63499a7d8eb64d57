"""A person's profile and own texts: what of them bears on a request, and what a personal version may not change."""

from typing import Any

from tasks.functions import pure
from tasks.recalled import fields_of
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

PROFILE, OWN_TEXT = "profile", "own_text"
"""The kinds of memory: the one summary of a person, and what they wrote."""
MOST_WORDS = 200
MOST_CHARS = 3_000
"""Of an own text, as it is shown to whoever writes or summarises."""
BASE, PERSONAL = "base", "personal"


@pure
def own_texts(texts: Replies) -> Replies:
    """The texts that a person hands in, each once, to be remembered with their genre."""
    genres: dict[str, str] = {}
    for one in texts:
        if one.text.strip():
            genres.setdefault(one.text.strip(), _plain(one.data().get("genre")))
    return [reply(text, key=f"text {n}", data={"genre": genre}) for n, (text, genre) in enumerate(genres.items(), 1)]


@pure
def after_storing(prompt: Replies, stored: Replies) -> Reply:
    """The request, once what came with it is stored: what own texts are looked up by."""
    return reply(prompt[0].text, key="query")


@pure
def examples(found: Replies, genre: Replies, keep: int) -> Replies:
    """The own texts most similar to the request, those of the same genre first, none twice."""
    wanted = _plain(genre[0].text) if genre else ""
    by_genre = sorted(ok_of(found), key=lambda r: not wanted or fields_of(r).get("genre") != wanted)
    unique: dict[str, Reply] = {}
    for one in by_genre:
        unique.setdefault(one.text, one)
    kept = [*unique.values()][:keep]
    return [reply(r.text[:MOST_CHARS], key=f"text {n}", score=r.score) for n, r in enumerate(kept, 1)]


@pure
def profile_items(profile: Replies) -> Replies:
    """The statements of the profile, one a reply; none where there is no profile yet."""
    items = [str(i).strip() for p in ok_of(profile)[:1] for i in fields_of(p).get("items", [])]
    return [reply(text, key=f"item {n}") for n, text in enumerate((i for i in items if i), 1)]


@pure
def usable_items(items: Replies, verdicts: Replies) -> Replies:
    """The items that bear on the request and are not sensitive there; one that nobody judged is left out."""
    said = {v.key: v.data()["use"] for v in ok_of(verdicts)}
    return [i for i in items if said.get(i.key) == "yes"]


@pure
def unsupported(checked: Replies) -> Replies:
    """The claims of the personal version that are neither in the neutral one nor in the profile."""
    rows = [c for r in ok_of(checked) for c in r.data()["claims"]]
    return [reply(c["claim"], key=f"claim {n}") for n, c in enumerate((c for c in rows if c["where"] == "none"), 1)]


@pure
def all_supported(claims: Replies) -> bool:
    """Whether no claim has to go."""
    return not claims


@pure
def versions(base: Replies, personal: Replies, checked: Replies, claims: Replies, revised: Replies) -> Replies:
    """The neutral version, then the personal one: without its unsupported claims, and only if it could be checked."""
    made = ok_of(revised) if claims else ok_of(personal) if ok_of(checked) else []
    return [base[0].but(key=BASE), *(m.but(key=PERSONAL) for m in made[:1] if m.text.strip())]


@pure
def personalised(
    winner: Replies,
    made: Replies,
    items: Replies,
    used: Replies,
    claims: Replies,
    personal: Replies,
    checked: Replies,
    revised: Replies,
    judged: Replies,
) -> Reply:
    """The version that serves the person, with the profile items that it used; `made` are both, the neutral one first.

    `used` are the verdicts on the profile's items. What failed on the way makes it degraded.
    """
    final = winner[0]
    in_person = final.key == PERSONAL
    said = [v.data()["use"] for v in ok_of(used)]
    failures = causes([*used, *personal, *checked, *revised, *judged])
    data: dict[str, Any] = {
        "version": final.key,
        "preferred": final.data().get("preferred", "") if len(made) > 1 else "",
        "items_used": [i.text for i in items] if in_person else [],
        "left_out": {u: said.count(u) for u in ("no", "sensitive")},
        "dropped_claims": [c.text for c in claims],
        "base": made[0].text,
        "lost": failures,
    }
    lines = [final.text]
    if in_person and items:
        lines += ["", "Written with this of your profile:", *(f"- {i.text}" for i in items)]
    outcome: Outcome = "degraded" if failures else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=final.model, outcome=outcome)


@pure
def profile_due(texts: Replies, profile: Replies, every: int) -> bool:
    """Whether so many texts are newer than those that the profile was made of."""
    return len(_newer(texts, profile)) >= every


def _newer(texts: Replies, profile: Replies) -> Replies:
    until = next((str(fields_of(p).get("until", "")) for p in ok_of(profile)), "")
    return [t for t in ok_of(texts) if str(t.data()["since"]) > until]


@pure
def texts_to_read(texts: Replies, profile: Replies, most: int) -> Replies:
    """The newest texts that the profile does not know, with when the newest of them came."""
    newer = _newer(texts, profile)[:most]
    until = max((str(t.data()["since"]) for t in newer), default="")
    return [
        reply(t.text[:MOST_CHARS], key=f"text {n}", data={"genre": fields_of(t).get("genre", ""), "until": until})
        for n, t in enumerate(newer, 1)
    ]


@pure
def new_profile(made: Replies, read: Replies) -> Replies:
    """The profile as the one memory, of MOST_WORDS words at most; none where nothing was made of the texts."""
    kept: list[str] = []
    for item in (str(i).strip() for m in ok_of(made) for i in m.data()["items"]):
        words = sum(len(k.split()) for k in kept) + len(item.split())
        if item and words <= MOST_WORDS:
            kept.append(item)
    if not kept or not read:
        return []
    return [reply("\n".join(kept), key="profile", data={"items": kept, "until": read[0].data()["until"]})]


@pure
def no_profile(profile: Replies) -> bool:
    """Whether there is no new profile, so that the old one stays."""
    return not profile


@pure
def profile_report(stored: Replies, read: Replies) -> Reply:
    """What came of reading the texts."""
    items = sum(len(s.data()["items"]) for s in ok_of(stored))
    words = sum(len(s.text.split()) for s in ok_of(stored))
    said = f"a profile of {items} items, {words} words" if items else "no profile"
    return reply(f"{len(read)} texts read: {said}.", key="answer", data={"texts": len(read), "items": items})


def _plain(genre: object) -> str:
    return " ".join(str(genre or "").casefold().split())
