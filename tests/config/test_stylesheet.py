"""The stylesheet: every colour pair is readable in both schemes, colours live in tokens only.

Contrast after WCAG 2.2: 4.5 for text, 3 for what only has to be told apart (edges, dots, focus).
"""

import re
from pathlib import Path

import pytest

CSS = re.sub(r"/\*.*?\*/", "", Path("static/retour.css").read_text(), flags=re.DOTALL)
TOKENS = {
    name: values
    for name, *values in re.findall(
        r"--([a-z-]+): light-dark\((#[0-9a-f]{6,8}), (#[0-9a-f]{6,8})\)", CSS
    )
}
GROUNDS = ("bg", "surface", "raised", "hover", "accent-soft")
NOTICES = ("good-soft", "warn-soft", "bad-soft")
TEXT = [
    *(("text", ground) for ground in (*GROUNDS, *NOTICES)),
    *(("muted", ground) for ground in GROUNDS),
    *(("accent", ground) for ground in GROUNDS),
    *(("accent-strong", ground) for ground in GROUNDS),
    *(("bad", ground) for ground in ("bg", "surface", "raised", "bad-soft")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]
PARTS = [
    *((mark, ground) for mark in ("edge", "focus") for ground in ("bg", "surface", "raised")),
    *(
        (tone, ground)
        for tone in ("neutral", "info", "active", "good", "warn", "bad")
        for ground in GROUNDS
    ),
    ("info", "surface"),
    ("good", "good-soft"),
    ("warn", "warn-soft"),
    ("bad", "bad-soft"),
    ("accent", "line"),
]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rules():
    """(selector, declarations) of every rule outside the tokens layer."""
    body = CSS[CSS.index("@layer base {") :]
    for selector, block in re.findall(r"([^{};]+)\{([^{}]*)\}", body):
        pairs = (line.partition(":")[::2] for line in block.split(";") if ":" in line)
        yield selector.strip(), {name.strip(): value.strip() for name, value in pairs}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in PARTS],
)
def test_pair_is_readable(front, ground, least, scheme):
    ratio = contrast(TOKENS[front][scheme], TOKENS[ground][scheme])
    assert ratio >= least, f"{front} on {ground}: {ratio:.2f}"


def test_contrast_knows_the_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_colours_are_named_in_the_tokens_only():
    body = CSS[CSS.index("@layer base {") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(", body) == []


def test_each_pair_of_a_rule_is_measured():
    measured = {*TEXT, *PARTS}
    for selector, rule in rules():
        front = re.fullmatch(r"var\(--([a-z-]+)\)", rule.get("color", ""))
        ground = re.fullmatch(r"var\(--([a-z-]+)\)", rule.get("background", ""))
        if front and ground:
            assert (front[1], ground[1]) in measured, selector


def test_each_colour_of_text_is_measured():
    used = {
        found[1]
        for _selector, rule in rules()
        if (found := re.fullmatch(r"var\(--([a-z-]+)\)", rule.get("color", "")))
    }
    assert used <= {front for front, _ground in [*TEXT, *PARTS]}


def test_each_name_used_is_defined():
    defined = set(re.findall(r"--([a-z-]+):", CSS))
    assert set(re.findall(r"var\(--([a-z-]+)", CSS)) <= defined


def test_motion_is_asked_for_first():
    body = re.sub(r"@media \(prefers-reduced-motion: no-preference\) \{[^@]*?\n  \}", "", CSS)
    assert "transition" not in body
    assert "animation" not in body


def test_pages_hold_no_inline_script_or_style():
    wrong = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
    )
    found = [
        str(path)
        for path in Path("templates").rglob("*.html")
        if "documents" not in path.parts and wrong.search(path.read_text())
    ]
    assert found == []
