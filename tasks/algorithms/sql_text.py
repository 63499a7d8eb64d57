"""SQL as text: whether a query is one SELECT and no more, its limit, its tables, and how names and values are quoted.

This keeps repairs cheap and orders readable; what a query may do is held by the tool, which only reads.
"""

import re
from collections.abc import Iterable

TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|\S""",
    re.DOTALL,
)
FORBIDDEN = frozenset(
    {
        *("insert", "update", "delete", "drop", "alter", "create", "truncate", "attach", "detach", "pragma", "vacuum"),
        *("reindex", "grant", "revoke", "merge", "into", "call", "exec", "execute", "copy", "lock"),
        *("begin", "commit", "rollback"),
    }
)
"""Words that no reading query has outside quotation marks."""
LIKE_ESCAPE = "!"


def query_problem(sql: str) -> str:
    """Why a text is not exactly one SELECT, in one line; empty where it is."""
    words = [t.lower() for t in _tokens(sql)]
    while words and words[-1] == ";":
        words.pop()
    if not words:
        return "there is no SQL"
    if ";" in words:
        return "it is more than one statement"
    if words[0] not in ("select", "with"):
        return f"it begins with {words[0].upper()[:20]}: one SELECT is right"
    if unfinished := next((w for w in words if w in ("'", '"', "`")), ""):
        return f"a quotation with {unfinished} does not end"
    if found := next((w for w in words if w in FORBIDDEN), ""):
        return f"it says {found.upper()}: a SELECT that only reads is right"
    depth = _depths(words)
    if depth is None:
        return "its parentheses do not match"
    return "" if any(w == "select" and d == 0 for w, d in zip(words, depth, strict=True)) else "it has no SELECT"


def with_limit(sql: str, most: int) -> str:
    """A query that gives at most so many rows: a LIMIT is added where its outermost SELECT has none."""
    bare = _bare(sql)
    words = [t.lower() for t in _tokens(bare)]
    depth = _depths(words) or [0] * len(words)
    limited = any(w in ("limit", "fetch") and d == 0 for w, d in zip(words, depth, strict=True))
    return bare if limited else f"{bare}\nLIMIT {most}"


def tables_in(sql: str, known: Iterable[str]) -> list[str]:
    """Which of the known tables a query names, in or out of quotation marks."""
    words = {_unquoted(t).lower() for t in _tokens(sql) if not t.startswith("'")}
    return [name for name in known if name.lower() in words]


def quoted_name(name: str) -> str:
    """A name of a table or column as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''").replace("\x00", "") + "'"


def escaped_like(text: str) -> str:
    """A text as a part of a LIKE pattern with ESCAPE '!'."""
    return re.sub(rf"([%_{LIKE_ESCAPE}])", rf"{LIKE_ESCAPE}\1", text)


def _tokens(sql: str) -> list[str]:
    return [m.group() for m in TOKEN.finditer(sql) if not m.group().startswith(("--", "/*"))]


def _bare(sql: str) -> str:
    """The text from its first token to its last that is no semicolon and no comment."""
    spans = [m for m in TOKEN.finditer(sql) if not m.group().startswith(("--", "/*"))]
    while spans and spans[-1].group() == ";":
        spans.pop()
    return sql[spans[0].start() : spans[-1].end()] if spans else ""


def _depths(words: list[str]) -> list[int] | None:
    """How deep in parentheses each token stands; None where they do not match."""
    found, depth = [], 0
    for word in words:
        depth -= word == ")"
        if depth < 0:
            return None
        found.append(depth)
        depth += word == "("
    return found if depth == 0 else None


def _unquoted(token: str) -> str:
    if token[:1] in ('"', "`"):
        return token[1:-1].replace('""', '"')
    return token[1:-1] if token.startswith("[") else token
