"""Edit distance: the fewest insertions, deletions and replacements from one sequence to another (Levenshtein 1966)."""

from collections.abc import Sequence


def edit_distance(before: Sequence[str], after: Sequence[str]) -> int:
    """Between two texts by letters, or two lists by their items. A row of the table is worked out at once."""
    import numpy

    numbers: dict[str, int] = {}
    old, new = (
        numpy.array([numbers.setdefault(o, len(numbers)) for o in s], dtype=numpy.int64) for s in (before, after)
    )
    inserted = numpy.arange(len(new) + 1)
    row = inserted
    for removed, one in enumerate(old, 1):
        without = numpy.minimum(row[:-1] + (new != one), row[1:] + 1)
        # Insertions run along the row: the least of all that come before, and one for each step since.
        row = numpy.minimum.accumulate(numpy.concatenate(([removed], without)) - inserted) + inserted
    return int(row[-1])
