"""The fonts of our documents: Debian's Noto Sans and IPAexGothic, and no other font ever.

A fontconfig file of our own names exactly these files, so that a document looks the same on every
machine. Noto Sans covers Latin, Greek and Cyrillic, IPAexGothic Japanese; no one font has all.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from weasyprint.text.fonts import FontConfiguration

NOTO = Path("/usr/share/fonts/truetype/noto")
IPAEX = Path("/usr/share/fonts/opentype/ipaexfont-gothic")
FILES = (NOTO / "NotoSans-Regular.ttf", NOTO / "NotoSans-Bold.ttf", IPAEX / "ipaexg.ttf")
PACKAGES = "fonts-noto-core fonts-ipaexfont-gothic"

_CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
{dirs}
  <cachedir>/var/cache/fontconfig</cachedir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <selectfont>
    <rejectfont><glob>*</glob></rejectfont>
{accepted}
  </selectfont>
  <match target="font"><edit name="hinting" mode="assign"><bool>false</bool></edit></match>
</fontconfig>
"""


class FontsMissing(RuntimeError):
    """A font of the documents is not installed; the message names the command that helps."""


@cache
def font_configuration() -> FontConfiguration:
    """The process's one font configuration; raises FontsMissing before anything is drawn."""
    if missing := [path.name for path in FILES if not path.is_file()]:
        raise FontsMissing(
            f"Documents cannot be drawn: {', '.join(missing)} not found. "
            f"Install the fonts with: apt-get install {PACKAGES}"
        )
    with _own_fontconfig():
        return FontConfiguration()


@cache
def font_versions() -> dict[str, str]:
    """File name → version string of each font, for the record of what drew a document."""
    return {path.name: _version(path) for path in FILES}


def _version(path: Path) -> str:
    with TTFont(path, lazy=True) as font:
        return str(font["name"].getDebugName(5)).partition(";")[0]


_environment = threading.Lock()


@contextmanager
def _own_fontconfig() -> Iterator[None]:
    """Point FONTCONFIG_FILE at our file while the configuration is read, then put it back.

    Only then: a browser started by this process later must still find the machine's own fonts.
    """
    with _environment, tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(_config_text())
        file.flush()
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = before


def _config_text() -> str:
    folders = dict.fromkeys(path.parent for path in FILES)
    return _CONFIG.format(
        dirs="\n".join(f"  <dir>{folder}</dir>" for folder in folders),
        accepted="\n".join(f"    <acceptfont><glob>{path}</glob></acceptfont>" for path in FILES),
    )
