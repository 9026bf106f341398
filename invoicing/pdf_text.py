"""The text of a PDF that WeasyPrint drew, run by run in drawing order.

Quick, because it reads only what WeasyPrint writes: hexadecimal glyphs and a ToUnicode map per
font. What it cannot read is missing from the answer, never guessed.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from pikepdf import Dictionary, Page, Pdf

_TOKEN = re.compile(rb"/(\S+) [\d.]+ Tf|\[([^\]]*)\] TJ|\b(ET)\b")
_HEX = re.compile(rb"<([0-9a-fA-F]*)>")
_PAIRS = re.compile(rb"<([0-9a-fA-F]+)> <([0-9a-fA-F]+)>")
# What is not drawn: spaces, controls, marks of direction, joiners, variants of a sign.
_UNSEEN = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+"
)

Glyphs = Mapping[str, str]  # glyph as four hexadecimal digits → its text


def runs(document: Pdf) -> list[str]:
    """The texts as drawn: a table cell or a line of a paragraph is one run."""
    known: dict[tuple[int, int], Glyphs] = {}
    return [run for page in document.pages for run in _page(page, known)]


def plain(text: str) -> str:
    """Text to compare by: without what is not drawn, compatible characters made equal.

    A glyph stands for all characters that look alike, so a page cannot tell them apart either.
    """
    folded = unicodedata.normalize("NFKC", text).replace("−", "-").replace("‑", "-")
    return _UNSEEN.sub("", folded)


def _page(page: Page, known: dict[tuple[int, int], Glyphs]) -> Iterator[str]:
    fonts = page.obj.Resources.get("/Font", {})
    maps = {name[1:]: _glyphs(font, known) for name, font in fonts.items()}
    glyphs: Glyphs = {}
    text: list[str] = []
    for font, shown, end in _TOKEN.findall(page.obj.Contents.read_bytes()):
        if font:
            glyphs = maps.get(font.decode(), {})
        elif end:
            yield "".join(text)
            text = []
        else:
            text += _decoded(shown, glyphs)


def _decoded(shown: bytes, glyphs: Glyphs) -> Iterator[str]:
    for part in _HEX.findall(shown):
        digits = part.decode().lower()
        yield from (glyphs.get(digits[n : n + 4], "\ufffd") for n in range(0, len(digits), 4))


def _glyphs(font: Dictionary, known: dict[tuple[int, int], Glyphs]) -> Glyphs:
    """The map of a font; fonts are shared by pages."""
    if font.objgen not in known:
        content = font.ToUnicode.read_bytes()
        known[font.objgen] = {
            glyph.decode().lower(): bytes.fromhex(text.decode()).decode("utf-16-be")
            for part in content.split(b"beginbfchar")[1:]
            for glyph, text in _PAIRS.findall(part.split(b"endbfchar")[0])
        }
    return known[font.objgen]
