"""Evidence files: what they really are is decided by their content, never by their name.

Images are decoded within limits and written anew without EXIF or anything behind the pixels; PDF
is kept as it is and only ever offered as a download. Everything else is refused. The bytes live
in the data folder under their hash; the doors send them with nosniff and a sandbox.
"""

import hashlib
import io
import uuid
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from config.core.refused import Refused
from returns.case import opened
from returns.models import Evidence

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
KEPT = timedelta(days=365 * 3)  # longer than any claim; retention deletes the file afterwards
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}
PDF = "application/pdf"


@dataclass(frozen=True)
class _Clean:
    """Bytes that may be stored, and what they are."""

    data: bytes
    content_type: str
    width: int | None = None
    height: int | None = None

    @property
    def ending(self) -> str:
        return {"image/jpeg": "jpg", "image/png": "png", PDF: "pdf"}[self.content_type]


def add(
    number: str, *, by: Any, upload: BinaryIO | Any, kind: str, line_id: int | None = None
) -> Evidence:
    """Keep an uploaded file with a case. ``upload``: a Django upload or an open binary file.

    Refused: "kind", "size", "pixels", "content", "line", "forbidden".
    """
    if kind not in Evidence.Kind.values:
        raise Refused("kind", _("Say what the file shows: photo, proof of delivery or letter."))
    clean = _clean(upload)  # decoding takes time: before the lock
    with opened(number, "add_evidence", by=by, permission="returns.add_evidence_file") as case:
        line = case.line(line_id) if line_id is not None else None
        found = Evidence(
            rma=case.rma,
            line=line,
            kind=kind,
            file_name=_name(getattr(upload, "name", ""), clean.ending),
            content_type=clean.content_type,
            size=len(clean.data),
            width=clean.width,
            height=clean.height,
            sha256=hashlib.sha256(clean.data).hexdigest(),
            by=by,
            expires_at=case.now + KEPT,
        )
        found.stored_path = f"evidence/{found.sha256}.{clean.ending}"
        _store(found.stored_path, clean.data)
        found.save()
    return found


def open_file(evidence: Evidence) -> BinaryIO:
    """The stored bytes as an open file; FileNotFoundError when they expired."""
    return (Path(settings.DATA_DIR) / evidence.stored_path).open("rb")


def _clean(upload: Any) -> _Clean:
    """Read at most the limit, look at the first bytes, and take only what is understood."""
    upload.seek(0)
    data = upload.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("size", _("The file is larger than 10 MB. Send a smaller one."))
    if not data:
        raise Refused("content", _("The file is empty."))
    if data.startswith(b"%PDF-"):
        return _Clean(data, PDF)
    return _image(data)


def _image(data: bytes) -> _Clean:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _encoded(_decoded(data))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
            raise Refused("pixels", _too_many_pixels()) from bomb
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as broken:
            raise Refused(
                "content",
                _("The file is no JPEG, PNG, WebP or PDF, or it is damaged. Send it as one."),
            ) from broken


def _decoded(data: bytes) -> Image.Image:
    """Check the header, then all of it; the size is known before a pixel is decoded."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as first:
        if first.width * first.height > MAX_PIXELS:
            raise Refused("pixels", _too_many_pixels())
        first.verify()
    image = Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"])
    image.load()
    return ImageOps.exif_transpose(image)


def _too_many_pixels() -> str:
    return _("The picture has more than 40 million pixels. Send a smaller one.")


def _encoded(image: Image.Image) -> _Clean:
    """The pixels alone, as PNG where it is see-through or drawn, else as JPEG."""
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    drawn = image.mode in ("1", "L", "P") and not see_through
    target, options = ("PNG", {}) if see_through or drawn else ("JPEG", {"quality": 88})
    mode = "RGBA" if see_through else ("L" if image.mode in ("1", "L") else "RGB")
    pixels = Image.new(mode, image.size)
    pixels.paste(image.convert(mode))
    out = io.BytesIO()
    pixels.save(out, target, optimize=True, **options)
    return _Clean(out.getvalue(), FORMATS[target], *image.size)


def _name(given: str, ending: str) -> str:
    """The file's own name without path, control characters or a misleading ending."""
    stem = "".join(c for c in PurePath(given.replace("\\", "/")).stem if c.isprintable())
    return f"{stem.strip(' .')[:100] or 'evidence'}.{ending}"


def _store(path: str, data: bytes) -> None:
    """Write beside the final place first; the same bytes are kept once."""
    target = Path(settings.DATA_DIR) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.exists():
        return
    making = target.with_suffix(f".{uuid.uuid4().hex}.new")
    making.write_bytes(data)
    making.chmod(0o600)
    making.rename(target)
