"""Small pure functions for graphs under test."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, reply


@pure
def say(text: str) -> Reply:
    return reply(text, key=text)


@pure
def items(count: int) -> Replies:
    return [reply(f"item {i}", key=f"i{i}", at=[i]) for i in range(count)]


@pure
def first(seen: Replies) -> Reply:
    return seen[0]


@pure
def join(seen: Replies, sep: str = " ") -> Reply:
    return reply(sep.join(r.text if r.ok else f"({r.cause})" for r in seen), key="joined")


@pure
def join_two(one: Replies, two: Replies) -> Reply:
    return reply(f"{join(one).text}|{join(two).text}", key="both")


@pure
def shout(item: Replies) -> Reply:
    if "refuse" in item[0].text:
        raise Refuse(f"{item[0].text} is refused")
    return reply(item[0].text.upper(), key=item[0].key)


@pure
def pairs(seen: Replies) -> Replies:
    return [reply(f"{a.text}+{b.text}", key=f"{a.key}{b.key}") for i, a in enumerate(seen) for b in seen[i + 1 :]]


@pure
def split(text: Replies) -> dict[str, Replies]:
    left, _, right = text[0].text.partition(" ")
    return {"out": [reply(left, key="left")], "rest": [reply(right, key="right")]}


@pure
def add_one(count: Replies) -> Reply:
    return reply(str(int(count[0].text) + 1), key="count")


@pure
def pushes(item: Replies, queue: Replies) -> dict[str, Replies]:
    more = [reply("child", key=f"{item[0].key}-child")] if item[0].text == "parent" else []
    return {"out": [*queue, *more], "done": [item[0]]}


@pure
def reached(count: Replies, bound: int) -> bool:
    return int(count[0].text) >= bound


@pure
def in_turn(turn: int, bound: int) -> bool:
    return turn >= bound


@pure
def dear(spent: Replies, calls: int) -> bool:
    return int(spent[0].data()["calls"]) >= calls


@pure
def says(seen: Replies, text: str) -> bool:
    return bool(seen) and seen[0].text == text


@pure
def first_word(seen: Replies) -> str:
    return seen[0].text.partition(" ")[0]


@pure
def context(seed: int, now: str, key: str = "") -> Reply:
    return reply(f"{seed}/{now}/{key}", key="context")


@pure
def breaks(seen: Replies) -> Reply:
    raise ZeroDivisionError("as asked")


def impure() -> Reply:
    return reply("not marked")


@pure
def second(item: Replies, seen: Replies) -> Reply:
    return item[0]
