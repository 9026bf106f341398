"""The admin of papers and money: every list opens, in as many queries for one row as for three."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.core.admin import ReadOnlyAdmin
from invoicing import documents
from invoicing.models import ApprovalLimit, Document, FxRate, NumberSeries, Refund
from tests.factories import make_marketplace, make_seller, make_user
from tests.papers import make_invoice, make_limit, make_refund

pytestmark = pytest.mark.django_db
SHOWN = [model for model in apps.get_app_config("invoicing").get_models()
         if not hasattr(model, "pgh_tracked_model")]  # fmt: skip
EDITED = {
    "issuingmode", "approvallimit", "numberseries", "documentrules", "vatrate", "fxrate",
    "retentionrule", "wording", "lanerule", "payeraccount", "accountnumber", "datevclient",
}  # fmt: skip


@pytest.fixture
def boss(client):
    user = make_user("admin", is_superuser=True)
    client.force_login(user)
    return client


def make_rows() -> None:
    refund = make_refund("sent")
    document = Document.objects.get(refund=refund)
    documents.render_numbered(document.pk)
    documents.file_of(document, by=make_user("finance"))


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model._meta.model_name)
def test_every_model_is_searchable_filterable_and_guarded(model):
    page = admin.site._registry[model]
    assert page.search_fields
    assert page.list_filter
    assert isinstance(page, ReadOnlyAdmin) != (model._meta.model_name in EDITED)


@pytest.mark.parametrize(
    "name",
    [
        "document",
        "documentline",
        "documenttax",
        "artifact",
        "download",
        "refund",
        "refundline",
        "numberseries",
        "issuingmode",
    ],
)
def test_list_takes_the_same_queries_for_one_row_and_three(boss, name):
    counts = []
    for more in (1, 2):
        for _ in range(more):
            make_rows()
        url = reverse(f"admin:invoicing_{name}_changelist")
        boss.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert boss.get(url, {"q": "1"}).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", [Document, Refund])
def test_issued_documents_and_refunds_are_to_look_at_only(boss, model):
    make_rows()
    row = model.objects.last()
    url = reverse(f"admin:invoicing_{model._meta.model_name}_change", args=[row.pk])
    page = boss.get(url)
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert boss.post(url, {"gross": "1"}).status_code == 403
    assert boss.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_limit_is_changed_with_a_trail(boss):
    limit = make_limit("500.00")
    url = reverse("admin:invoicing_approvallimit_change", args=[limit.pk])
    boss.post(url, {"currency": "EUR", "amount": "250.00"})
    changed = ApprovalLimit.objects.get()
    assert str(changed.amount) == "250.00"
    assert changed.events.order_by("-pgh_id")[0].pgh_context["verb"] == "admin.approvallimit"


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("DE-{year}-{number:05d}", True),
        ("DE-INV-{number:06d}", False),  # the next year would begin with taken numbers
        ("DE-{year}", False),
        ("DE-{year}-{no}", False),
        ("DE-{year}-{number", False),
        ("DE-{year}-{number.real.x}", False),
    ],
)
def test_pattern_of_a_series_makes_every_number_another_one(boss, pattern, kept):
    given = {"seller": make_seller().pk, "kind": "invoice",
             "marketplace": make_marketplace().pk, "pattern": pattern}  # fmt: skip
    boss.post(reverse("admin:invoicing_numberseries_add"), given)
    assert NumberSeries.objects.exists() is kept


def test_series_that_gave_numbers_keeps_its_pattern(boss):
    make_invoice()
    series = NumberSeries.objects.get()
    url = reverse("admin:invoicing_numberseries_change", args=[series.pk])
    boss.post(url, {"pattern": "X-{year}-{number}"})
    assert NumberSeries.objects.get().pattern == series.pattern


def test_exchange_rate_is_entered_once_and_stays(boss):
    url = reverse("admin:invoicing_fxrate_add")
    boss.post(url, {"base": "EUR", "quote": "PLN", "day": "2030-01-02", "rate": "4.25",
                    "source": "ECB"})  # fmt: skip
    rate = FxRate.objects.get(quote="PLN", day="2030-01-02")
    page = reverse("admin:invoicing_fxrate_change", args=[rate.pk])
    assert boss.post(page, {"rate": "4.50"}).status_code == 403
    assert boss.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_plurals_are_english():
    names = {model._meta.model_name: str(model._meta.verbose_name_plural) for model in SHOWN}
    assert (names["documenttax"], names["vatrate"], names["fxrate"], names["viescheck"]) == (
        "document taxes", "VAT rates", "exchange rates", "VIES checks",
    )  # fmt: skip
