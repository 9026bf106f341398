"""Evidence: what a file is, its content says; pictures are written anew, the rest is refused."""

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from config.core.refused import Refused
from returns import evidence
from tests.factories import make_rma, make_user

pytestmark = pytest.mark.django_db

SCRIPT = b"<html><script>alert(1)</script></html>"


def picture(kind="JPEG", size=(40, 30), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def add(data: bytes, name="photo.jpg", kind="photo", **more):
    rma = make_rma("requested")
    return evidence.add(
        rma.number, by=make_user("agent"), upload=SimpleUploadedFile(name, data), kind=kind, **more
    )


def stored(found) -> bytes:
    with evidence.open_file(found) as file:
        return file.read()


def refusal(data: bytes, **more) -> str:
    with pytest.raises(Refused) as refused:
        add(data, **more)
    assert refused.value.sentence
    return refused.value.code


def test_photo_keeps_its_pixels_and_loses_its_exif():
    exif = Image.Exif()
    exif[0x010E] = "Kitchen of the buyer"  # ImageDescription
    exif[0x0112] = 6  # turned by 90 degrees
    found = add(picture(exif=exif))
    image = Image.open(io.BytesIO(stored(found)))
    assert not image.getexif()
    assert b"Kitchen" not in stored(found)
    assert (found.width, found.height) == image.size == (30, 40)
    assert found.content_type == "image/jpeg"


def test_picture_with_a_script_behind_it_loses_the_script():
    found = add(picture() + SCRIPT)
    assert b"<script" not in stored(found)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.html", "photo.svg"])
def test_name_does_not_decide_the_type(name):
    assert add(picture("PNG"), name=name).file_name.endswith((".png", ".jpg"))
    assert refusal(SCRIPT, name=name) == "content"


def test_webp_becomes_jpeg():
    assert add(picture("WEBP")).content_type == "image/jpeg"


def test_see_through_png_stays_png():
    out = io.BytesIO()
    Image.new("RGBA", (5, 5), (1, 2, 3, 0)).save(out, "PNG")
    found = add(out.getvalue())
    assert found.content_type == "image/png"
    assert Image.open(io.BytesIO(stored(found))).getpixel((0, 0))[3] == 0


def test_pdf_is_kept_as_it_is():
    data = b"%PDF-1.7\n%demo\n"
    found = add(data, name="pod.pdf", kind="pod")
    assert found.content_type == "application/pdf"
    assert stored(found) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + b"\0" * 60,
        picture()[:200],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
    ],
    ids=["empty", "gif", "svg", "zip", "cut", "no png"],
)
def test_other_content_is_refused(data):
    assert refusal(data) == "content"


def test_large_file_is_refused():
    assert refusal(picture() + b"\0" * evidence.MAX_BYTES) == "size"


def test_decompression_bomb_is_refused_before_it_is_decoded():
    """A PNG of a few hundred bytes that says it is 60,000 × 60,000 pixels large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    bomb += chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    assert refusal(bomb) == "pixels"


def test_picture_just_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(evidence, "MAX_PIXELS", 40 * 30 - 1)
    assert refusal(picture()) == "pixels"


def test_name_keeps_no_path():
    assert add(picture(), name="..\\..\\etc\\pass\u202ewd.jpg").file_name == "passwd.jpg"


def test_line_of_another_case_is_refused():
    other = make_rma("requested").lines.get()
    assert refusal(picture(), line_id=other.pk) == "line"


def test_auditor_may_not_add():
    rma = make_rma("requested")
    with pytest.raises(Refused) as refused:
        evidence.add(
            rma.number,
            by=make_user("auditor"),
            upload=SimpleUploadedFile("a.jpg", picture()),
            kind="photo",
        )
    assert refused.value.code == "forbidden"
