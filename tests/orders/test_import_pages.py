"""The doors of an import: command, upload page with its job, list, detail, admin, expiry."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.core import jobs
from config.core.models import Job, User
from orders import tasks
from orders.models import ImportFile, ImportRow, Order, OrderLine
from tests.factories import make_seller, make_user
from tests.orders.reports import bring_in, text, write

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parent.parent / "data" / "reports"
NEW = {"last-updated-date": "2026-11-01T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def seller():
    return make_seller(code="demo")


def run_command(*args):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_report", *map(str, args), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


def test_command_prints_counts():
    out, err, error = run_command(SAMPLES / "orders_all_US_utf8.tsv")
    assert "3 rows, 3 inserted, 0 updated, 0 unchanged, 0 bad" in out
    assert (err, error) == ("", "")


def test_command_names_line_column_value_and_remedy(tmp_path):
    path = write(tmp_path, text({}, {"sku": "B", "quantity": "two"}))
    out, err, error = run_command(path)
    assert "line 3, column quantity, value 'two': no whole number. Write digits" in err
    assert "nothing was imported" in error
    assert out == ""
    out, err, error = run_command(path, "--skip-bad")
    assert (error, OrderLine.objects.count()) == ("", 0)  # both lines are of one order
    assert "2 bad" in out


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--type", "NONSENSE"], "no report type"),
        (["--seller", "nobody"], "no seller"),
        (["--marketplace", "XX"], "no marketplace"),
    ],
)
def test_command_refuses_what_it_does_not_know(args, sentence):
    _, _, error = run_command(SAMPLES / "orders_all_US_utf8.tsv", *args)
    assert sentence in error


def upload(client, content: bytes, name="report.tsv", **data):
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("orders:import-new"), {"file": file, **data})


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def test_upload_runs_as_a_job_and_ends_on_the_import(
    client, finance, seller, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = upload(client, text({}).encode(), name="../x y.tsv", seller=seller.pk)
    job = Job.objects.get()
    assert response["Location"] == reverse("orders:import-job", args=[job.pk])
    assert (job.status, job.counts["new"], job.owner) == ("done", 1, finance)
    record = ImportFile.objects.get()
    assert (record.file_name, record.by, record.job) == ("x y.tsv", finance, job)
    assert (settings.DATA_DIR / record.stored_path).parent == settings.DATA_DIR / "imports"
    assert client.get(response["Location"])["Location"] == record.get_absolute_url()
    polled = client.get(response["Location"], headers={"HX-Target": f"job-{job.pk}"})
    assert polled["HX-Redirect"] == record.get_absolute_url()
    page = client.get(record.get_absolute_url())
    assert page.status_code == 200
    assert "x y.tsv" in page.content.decode()


def test_upload_in_progress_refreshes_with_and_without_scripts(client, finance, seller):
    response = upload(client, text({}).encode(), seller=seller.pk)  # not committed: still queued
    page = client.get(response["Location"]).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page
    assert 'hx-trigger="every 2s"' in page
    job = Job.objects.get()
    part = client.get(response["Location"], headers={"HX-Target": f"job-{job.pk}"})
    assert part.content.decode().lstrip().startswith("<section")


def test_bad_upload_shows_its_problems_and_offers_them_as_csv(
    client, finance, seller, django_capture_on_commit_callbacks
):
    bad = text({}, {"sku": "B", "quantity": "=1+1"}).encode()
    with django_capture_on_commit_callbacks(execute=True):
        upload(client, bad, seller=seller.pk)
    record = ImportFile.objects.get()
    assert (record.status, Job.objects.get().status) == ("refused", "failed")
    page = client.get(record.get_absolute_url()).content.decode()
    assert "=1+1" in page
    assert "Nothing was imported" in page
    answer = client.get(reverse("orders:import-problems", args=[record.pk]))
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[0] == ["line", "column", "value", "problem", "remedy"]
    assert rows[1][:3] == ["3", "quantity", "'=1+1"]


def test_upload_without_a_file_says_so(client, finance):
    response = client.post(reverse("orders:import-new"), {})
    assert response.status_code == 422
    assert "This field is required" in response.content.decode()


@pytest.mark.parametrize("role", ["agent", "inspector", "auditor"])
def test_who_may_not_import_may_look(client, role, tmp_path):
    record = bring_in(tmp_path, text({}))
    client.force_login(make_user(role))
    assert client.get(reverse("orders:import-new")).status_code == 403
    assert upload(client, b"x").status_code == 403
    assert client.get(record.get_absolute_url()).status_code == 200
    assert "Import a report" not in client.get(reverse("orders:imports")).content.decode()


def test_list_takes_as_many_queries_for_three_as_for_one(client, finance, tmp_path):
    counts = []
    for number in (1, 2):
        for _ in range(number):
            bring_in(tmp_path, text({}))
        client.get(reverse("orders:imports"))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(reverse("orders:imports"))
        assert page.content.decode().count("report.tsv") >= ImportFile.objects.count()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


def test_list_filters_by_outcome_and_report(client, finance, tmp_path):
    bring_in(tmp_path, text({}))
    url = reverse("orders:imports")
    assert "report.tsv" not in client.get(url, {"status": "refused"}).content.decode()
    assert "report.tsv" in client.get(url, {"q": "REPORT"}).content.decode()
    assert b"report.tsv" in b"".join(client.get(url, {"export": "csv"}).streaming_content)


def test_progress_is_seen_by_others_while_the_import_runs(monkeypatch):
    job = Job.objects.create(kind="import", title="x", owner=User.objects.system())
    seen = []
    with tasks.Ticker(job) as ticker:
        assert ticker.other is not connection
        ticker(10, 100)
        seen.append((job.done, job.total))
    assert seen == [(10, 100)]
    assert "import" in jobs._kinds


def test_every_model_is_in_the_admin_and_lists_without_a_query_per_row(client, tmp_path):
    client.force_login(make_user("admin"))
    bring_in(tmp_path, text({}, {"sku": "B"}, {"amazon-order-id": "302-0000001-0000002"}))
    bring_in(tmp_path, (SAMPLES / "returns_flat_US_utf8.tsv").read_bytes())
    for model in apps.get_app_config("orders").get_models():
        if model.__name__.endswith("Event"):
            continue
        site = admin.site.get_model_admin(model)
        assert site.search_fields, model
        assert site.list_filter, model
        url = reverse(f"admin:orders_{model._meta.model_name}_changelist")
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url, {"q": "1"})
        assert response.status_code == 200
        assert len(queries) <= 16, model


def test_facts_are_read_only_in_the_admin(client, tmp_path):
    client.force_login(make_user("admin"))
    bring_in(tmp_path, text({}))
    order = Order.objects.get()
    url = reverse("admin:orders_order_change", args=[order.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"po_number": "x"}).status_code == 403
    assert client.get(reverse("admin:orders_order_add")).status_code == 403


def test_raw_rows_and_bytes_expire_and_hash_stays(tmp_path):
    first = bring_in(tmp_path, text({"quantity": "2"}))
    bring_in(tmp_path, text(NEW))
    (settings.DATA_DIR / "imports").mkdir(parents=True, exist_ok=True)
    stored = settings.DATA_DIR / "imports" / "kept.tsv"
    stored.write_text("x")
    ImportFile.objects.filter(pk=first.pk).update(
        expires_at=timezone.now() - timedelta(days=1), stored_path="imports/kept.tsv"
    )
    assert OrderLine.objects.get().previous_raw["row"]
    assert tasks.expire_raw_rows() == 1
    assert not ImportRow.objects.filter(import_file=first).exists()
    assert ImportRow.objects.exists()
    assert not stored.exists()
    first.refresh_from_db()
    assert (first.stored_path, len(first.sha256)) == ("", 64)
    assert set(OrderLine.objects.get().previous_raw) == {"import", "hash"}
    assert tasks.expire_raw_rows() == 0
