"""Foreign text as safe HTML: a little Markdown, no markup of its own, nothing that is fetched."""

from functools import cache
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from utils.display import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_MARKDOWN = 40_000
"""Characters of one text that are rendered; a longer one stands as it is, which takes no time."""
HEADING_BELOW = 3
"""Headings of a text stand under those of its page: h1 becomes h4."""


def rendered(text: str, most: int = MOST_MARKDOWN) -> Markup:
    """A text as HTML: paragraphs, lists, emphasis, code, tables and links to the web; all else is escaped.

    No image is shown, since fetching one would tell its server who reads.
    """
    clean = printable(text)
    if len(clean) > most:
        return plain(clean)
    return Markup(_renderer().render(clean))  # noqa: S704 -- html is off: the renderer escapes everything


def plain(text: str) -> Markup:
    """A text as it is, line by line."""
    return Markup(f'<div class="plain">{escape(printable(text))}</div>')  # noqa: S704 -- escaped


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 12}).enable(["table", "strikethrough"])
    made.disable(["image", "html_block", "html_inline", "reference"])
    made.validateLink = _to_the_web  # type: ignore[method-assign]
    made.core.ruler.push("humble", lambda state: _humble(state.tokens))
    return made


def _to_the_web(url: str) -> bool:
    return url.lower().startswith(("https://", "http://", "mailto:"))


def _humble(tokens: "Sequence[Token]") -> None:
    """Headings go below the page's own, links give no referrer, wide tables scroll within themselves."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADING_BELOW)}"
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("rel", "noreferrer noopener nofollow")
