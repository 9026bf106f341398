"""Pictures for the demo's evidence: a parcel drawn by rectangles, so that nothing is borrowed."""

import io
import random

from PIL import Image, ImageDraw

SIZE = (960, 720)
COLOURS = (("#8a8f98", "#b98d5a"), ("#7d8471", "#c49a6c"), ("#9a8c7e", "#a97c50"))


def photo(rng: random.Random, number: str) -> io.BytesIO:
    """A JPEG that looks like a snapshot of a damaged box; an open file with a name."""
    floor, card = rng.choice(
        (("#8a8f98", "#b98d5a"), ("#7d8471", "#c49a6c"), ("#9a8c7e", "#a97c50"))
    )
    image = Image.new("RGB", SIZE, floor)
    draw = ImageDraw.Draw(image)
    left, top = rng.randint(140, 240), rng.randint(170, 240)
    right, bottom = left + rng.randint(440, 560), top + rng.randint(300, 380)
    draw.polygon(
        [(left, top), (left + 70, top - 80), (right + 70, top - 80), (right, top)], "#d3ae80"
    )
    draw.polygon(
        [(right, top), (right + 70, top - 80), (right + 70, bottom - 80), (right, bottom)],
        "#94704a",
    )
    draw.rectangle((left, top, right, bottom), card)
    middle = (left + right) // 2
    draw.rectangle((middle - 24, top, middle + 24, bottom), "#d8c7a0")
    _crack(draw, rng, (rng.randint(left + 40, middle - 60), top + 20), bottom - 30)
    draw.rectangle((right - 190, bottom - 110, right - 30, bottom - 30), "#f4f2ec")
    draw.text((right - 182, bottom - 100), f"DEMO\n{number}", fill="#222222", font_size=18)
    found = io.BytesIO()
    image.save(found, "JPEG", quality=80)
    found.seek(0)
    found.name = f"box-{number[-6:]}.jpg"
    return found


def _crack(draw: ImageDraw.ImageDraw, rng: random.Random, start: tuple[int, int], end: int) -> None:
    """A tear down the front of the box."""
    points = [start]
    while points[-1][1] < end:
        across, down = points[-1]
        points.append((across + rng.randint(-34, 34), down + rng.randint(24, 52)))
    draw.line(points, fill="#3b2a1a", width=rng.randint(5, 11))
