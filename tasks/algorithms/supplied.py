"""What a caller may supply instead of having it made: a text, a plan, a manuscript."""

from tasks.functions import pure
from tasks.reply import Replies, ok_of


@pure
def is_supplied(given: Replies) -> bool:
    """Whether an optional text is there, more than white space."""
    return any(g.text.strip() for g in given)


@pure
def as_is(given: Replies) -> Replies:
    """What is given, unchanged: the branch in which there is nothing to do."""
    return given


@pure
def latest_of(before: Replies, made: Replies) -> Replies:
    """What was made, if anything succeeded, else what stood before."""
    return ok_of(made) or before


@pure
def some_given(given: Replies) -> bool:
    """Whether there is anything at all."""
    return bool(given)


@pure
def nothing() -> Replies:
    """No replies: what a branch gives that did not make them."""
    return []


@pure
def none_ok(replies: Replies) -> bool:
    """Whether there is nothing to go by: no reply, or none that succeeded."""
    return not ok_of(replies)


@pure
def none_given(replies: Replies) -> bool:
    """Whether there is nothing at all, not even a reply that failed."""
    return not replies


@pure
def neither_given(first: Replies, second: Replies) -> bool:
    """Whether both are empty."""
    return not first and not second


@pure
def fewer_than(replies: Replies, least: int) -> bool:
    """Whether fewer than `least` of them succeeded."""
    return len(ok_of(replies)) < least


@pure
def joined(first: Replies, second: Replies) -> Replies:
    """The first, then the second."""
    return [*first, *second]
