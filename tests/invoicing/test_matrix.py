"""Every language, tax case, kind and length of document, through everything that judges it.

A cell is one document in all profiles whose rules are installed (the run's head names them). It
must pass the gate without even a warning, its PDF the checks before it is kept and veraPDF
(PDF/A-3a, PDF/UA-1). Each day every cell of one line and pairs of the longer ones; all in soak.
"""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pytest

from invoicing import gate
from invoicing.einvoice import checking, rulesets
from invoicing.einvoice.parties import french
from invoicing.einvoice.profiles import FACTURX
from invoicing.pdf_checks import check_pdf
from invoicing.render import Rendered, render
from invoicing.texts import LANGUAGES
from tests.invoicing.papers_v2 import CASES, sample
from tests.soak import larger
from tests.vera.runner import Vera

KINDS = ("invoice", "credit_note")
SIZES = (1, 5, 200)
TOOLS = Path(__file__).resolve().parents[3] / "shared" / "tools"


@dataclass(frozen=True)
class Cell:
    """One document of the matrix; `archive`: asked of veraPDF each day too."""

    language: str
    case: str
    kind: str
    lines: int
    archive: bool = False

    @property
    def name(self):
        return f"{self.language}-{self.case}-{self.kind}-{self.lines}"

    def payload(self):
        profiles = tuple(key for key in rulesets.usable() if key != FACTURX)
        return sample(self.case, self.kind, self.lines, self.language, profiles)


def all_cells(lines, language):
    return [Cell(language, case, kind, lines, archive=True) for case in CASES for kind in KINDS]


def daily_cells():
    """Every cell of one line; longer ones so that each case, language and kind is there with each
    length. veraPDF gets each case and kind once, and each language and kind.
    """
    cells = []
    for index, case in enumerate(CASES):
        language = LANGUAGES[index % len(LANGUAGES)]
        kind = KINDS[(index + index // len(LANGUAGES)) % 2]
        cells.append(Cell(language, case, kind, 5, archive=True))
        cells.append(Cell(language, case, kind, 200, archive=index < 4))
        for turn, either in enumerate(KINDS):
            asked = LANGUAGES[(index + turn) % len(LANGUAGES)]
            cells += [Cell(lang, case, either, 1, archive=lang == asked) for lang in LANGUAGES]
    return cells


@pytest.fixture(scope="module")
def vera():
    with Vera() as running:
        yield running


def drawn(cell):
    """What gate and PDF checks find on the cell, and its PDF."""
    payload = cell.payload()
    report = gate.check(payload)
    found = [f"{one.layer} {one.code} {one.at}: {one.sentence}" for one in report.findings]
    if FACTURX not in report.files:
        return found, b""
    asked = {layer["profile"] for layer in report.layers}
    found += [f"{key} was not asked" for key in (FACTURX, *payload.profiles) if key not in asked]
    xml = report.files[FACTURX]
    pdf = render(payload, xml=xml).pdf
    return found + [f"pdf {one.code}: {one.sentence}" for one in check_pdf(pdf, payload, xml)], pdf


def findings(cells, vera, folder):
    """Cell name → what anybody found; a cell without findings is left out."""
    found, paths = {}, {}
    for cell in cells:
        found[cell.name], pdf = drawn(cell)
        if cell.archive and pdf:
            paths[cell.name] = folder / f"{cell.name}.pdf"
            paths[cell.name].write_bytes(pdf)
    broken = vera.check(paths.values())
    for name, path in paths.items():
        found[name] += [f"{one.profile} {one.rule}: {one.message}" for one in broken[path]]
        path.unlink()
    return {name: said for name, said in found.items() if said}


# --- Each day ----------------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_pass_everything_without_a_warning(language, vera, tmp_path):
    cells = [cell for cell in daily_cells() if cell.language == language]
    assert findings(cells, vera, tmp_path) == {}


def test_daily_cells_hold_every_pair():
    cells = daily_cells()
    ones = {(c.language, c.case, c.kind) for c in cells if c.lines == 1}
    assert len(ones) == len(LANGUAGES) * len(CASES) * len(KINDS)
    for size in SIZES:
        there = [cell for cell in cells if cell.lines == size]
        assert {cell.case for cell in there} == set(CASES)
        assert {cell.language for cell in there} == set(LANGUAGES)
        assert {cell.kind for cell in there} == set(KINDS)
    archived = [cell for cell in cells if cell.archive]
    assert len({(cell.case, cell.kind) for cell in archived}) == len(CASES) * len(KINDS)
    assert len({(cell.language, cell.kind) for cell in archived}) == len(LANGUAGES) * len(KINDS)


def test_matrix_notices_a_bad_document(vera, tmp_path, monkeypatch):
    """The same loop, with an engine that forgets a part of the archive format."""
    honest = render

    def forgetful(payload, *, xml):
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(honest(payload, xml=xml).pdf)) as pdf:
            del pdf.Root["/Lang"]
            pdf.save(out)
        return Rendered(out.getvalue(), "", "", {})

    monkeypatch.setattr(sys.modules[__name__], "render", forgetful)
    (found,) = findings([Cell("de", "S19", "invoice", 1, archive=True)], vera, tmp_path).values()
    assert any(said.startswith("pdf pdf_language") for said in found)
    assert any(said.startswith("ua1 ") for said in found)


# --- All of it ---------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("lines", SIZES[::-1])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_document_passes_everything(language, lines, vera, tmp_path):
    assert findings(all_cells(lines, language), vera, tmp_path) == {}


# --- Other people's eyes -----------------------------------------------------------------------


def said_by(tool, *arguments):
    """What a checker beside the checkout says of files, by file name, and whether it is content."""
    command = [sys.executable, str(TOOLS / tool), "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(report["file"]).name: report for report in reports}, done.returncode == 0


def rules_of(report):
    return [finding["rule"] for layer in report["layers"].values() for finding in layer["findings"]]


def outside_cells():
    shorter = [cell for cell in daily_cells() if cell.lines == 5]
    return larger(shorter, [cell for language in LANGUAGES for cell in all_cells(1, language)])


def stored(cell, folder):
    """The files of the cell as they would be kept, and those French rules are asked of."""
    payload = cell.payload()
    files = gate.check(payload).files
    pdf = folder / f"{cell.name}.pdf"
    pdf.write_bytes(render(payload, xml=files[FACTURX]).pdf)
    paths = {FACTURX: pdf}
    for key in payload.profiles:
        paths[key] = folder / f"{cell.name}.{key}.xml"
        paths[key].write_bytes(files[key])
    ask = french(payload)
    strict = [path for key, path in paths.items() if ask and key in (FACTURX, "en16931-ubl")]
    return list(paths.values()), strict


if TOOLS.is_dir():  # checkers beside the checkout, written by somebody else

    @pytest.mark.full_size
    @pytest.mark.timeout(larger(300, 1200))
    def test_other_checkers_find_nothing_either(tmp_path):
        paths, strict = [], []
        for cell in outside_cells():
            some, french_ones = stored(cell, tmp_path)
            paths += some
            strict += french_ones
        assert strict
        reports, content = said_by("einvoice_check.py", *paths)
        again, french_content = said_by("einvoice_check.py", "--fr", *strict)
        noisy = {
            name: rules
            for name, report in [*reports.items(), *again.items()]
            if (rules := rules_of(report))
        }
        assert noisy == {}
        assert content
        assert french_content
        pdfs = [path for path in paths if path.suffix == ".pdf"]
        reports, content = said_by("pdfa_check.py", "--strict", "--ua", *pdfs)
        assert {name for name, report in reports.items() if not report["ok"]} == set()
        assert content

    def test_other_checkers_refuse_what_we_refuse(tmp_path):
        payload = Cell("de", "S19", "invoice", 1).payload()
        for key, xml in gate.check(payload).files.items():
            bad = xml.replace(str(payload.totals.gross).encode(), b"99999.99", 1)
            assert bad != xml
            path = tmp_path / f"{key}.xml"
            path.write_bytes(bad)
            reports, content = said_by("einvoice_check.py", path)
            assert not content
            ours = {found.rule for found in checking.check(bad, key)}
            assert ours & set(rules_of(reports[path.name]))
