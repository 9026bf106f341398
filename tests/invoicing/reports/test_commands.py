"""``manage.py report`` and ``settlement_report``: the same runs as on the page, or an error."""

import hashlib

import pytest
from django.core.management import CommandError, call_command

from invoicing.models import ReportRun
from invoicing.reports import kinds
from tests.factories import make_order
from tests.invoicing.money import make_refund

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_november"),
]
OCTOBER = ("--from", "2026-10-01", "--to", "2026-10-31")


def test_every_kind_is_offered_once_in_its_order():
    assert [kind.key for kind in kinds.every()] == list(ReportRun.Kind.values)


@pytest.mark.parametrize("kind", ["settlement", "journal", "vat", "cost"])
@pytest.mark.parametrize("output_format", kinds.WRITABLE)
def test_command_writes_any_kind_in_any_format(kind, output_format, tmp_path, capsys):
    make_refund(make_order(rate="0.19"), ("10.00", "1.90"))
    target = tmp_path / f"out.{output_format}"
    call_command("report", kind, *OCTOBER, "--format", output_format, "--output", str(target))
    run = ReportRun.objects.get()
    assert run.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert (run.kind, run.output_format, run.by.is_system) == (kind, output_format, True)
    begins = {"csv": run.rows and b"", "xlsx": b"PK", "pdf": b"%PDF"}[output_format] or b""
    assert target.read_bytes().startswith(begins)
    out = capsys.readouterr().out
    assert f"{run.rows} rows in" in out
    assert run.rows
    assert "Currency EUR" in out


def test_settlement_report_takes_pdf_too(tmp_path, capsys):
    make_refund(make_order(rate="0.19"), ("10.00", "1.90"))
    target = tmp_path / "out.pdf"
    call_command("settlement_report", *OCTOBER, "--format", "pdf", "--output", str(target))
    assert target.read_bytes().startswith(b"%PDF")
    assert "EUR 0.19 missing at Amazon: 1 rows, gross 11.90" in capsys.readouterr().out


def test_choice_is_taken_and_a_wrong_one_refused(tmp_path):
    target = str(tmp_path / "out.csv")
    call_command("report", "journal", *OCTOBER, "--choose", "by=days", "--output", target)
    assert ReportRun.objects.get().choices == {"by": "days"}
    with pytest.raises(CommandError, match="cannot be chosen"):
        call_command("report", "journal", *OCTOBER, "--choose", "by=moons", "--output", target)
    with pytest.raises(CommandError, match="NAME=VALUE"):
        call_command("report", "journal", *OCTOBER, "--choose", "days", "--output", target)


def test_refusal_is_the_commands_error(tmp_path):
    order = make_order()
    with pytest.raises(CommandError, match="of one seller"):
        call_command("report", "datev", *OCTOBER, "--output", str(tmp_path / "x.csv"))
    with pytest.raises(CommandError, match="DATEV numbers"):
        call_command("report", "datev", *OCTOBER, "--seller", order.seller.code, "--output",
                     str(tmp_path / "x.csv"))  # fmt: skip
    assert not ReportRun.objects.exists()
