"""Every model of ours is in the admin: searchable, filterable, its list as cheap for three rows as
for one; what only grows is to look at. What may be written where is tested room by room.
"""

import io
from contextlib import suppress
from datetime import date

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from config.core.models import Job, TrailEvent
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import documents
from invoicing.models import Document
from invoicing.reports import runs
from returns import evidence, workflow
from returns.models import Policy
from tests.factories import make_buyer, make_order, make_rma, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.kept import keep_facts, keep_payments
from tests.orders.doubts import make_doubt, make_waiting
from tests.orders.reports import bring_in, text
from tests.papers import make_limit, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db
CURRENCIES = ("EUR", "GBP", "USD")
COUNTRIES = {"EUR": "DE", "GBP": "GB", "USD": "US"}


def is_event(model) -> bool:
    return hasattr(model, "pgh_tracked_model")


MODELS = [
    model
    for room in ("core", "orders", "invoicing", "returns")
    for model in apps.get_app_config(room).get_models()
    if not is_event(model)
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)


@pytest.fixture
def boss(client):
    client.force_login(make_user("admin", is_superuser=True))
    return client


@every_model
def test_model_is_searchable_and_filterable(model):
    page = admin.site._registry[model]
    assert page.search_fields
    assert page.list_filter


def test_trail_and_what_only_grows_do_not_change_here(rf):
    request = rf.get("/")
    request.user = make_user("admin", is_superuser=True)
    grows = [model for model in MODELS if getattr(model, "append_only", False)]
    trail = [TrailEvent, *(model for model in admin.site._registry if is_event(model))]
    assert len(grows) > 1
    for model in (*trail, *grows):
        page = admin.site._registry[model]
        assert not page.has_change_permission(request), model
        assert not page.has_delete_permission(request), model
    assert not any(admin.site._registry[model].has_add_permission(request) for model in trail)


def test_counters_are_filtered_by_what_they_count(boss):
    make_rma()
    make_refund("sent")
    url = reverse("admin:core_counter_changelist")
    names = {row.name.partition(":")[0] for row in boss.get(url).context["cl"].result_list}
    assert names == {"rma", "series"}
    only = boss.get(url, {"series": "rma"}).context["cl"].result_list
    assert {row.name.partition(":")[0] for row in only} == {"rma"}


def furnish(folder, currency: str) -> None:
    """At least one row of every model, through the real verbs where there are any."""
    lead, finance = make_user("lead"), make_user("finance")
    order = make_shipped_order()
    case = make_rma("inspected", by=lead, order=make_order(buyer=make_buyer(email="")))
    make_rma("approved", by=lead)  # its buyer has an address to write to
    workflow.add_note(case.number, by=lead, text="The buyer called.")
    image = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(image, "PNG")
    upload = SimpleUploadedFile("box.png", image.getvalue())
    evidence.add(case.number, by=lead, upload=upload, kind="photo")
    make_limit(currency=currency)
    refund = make_refund("sent", order=order)
    document = Document.objects.get(refund=refund)
    documents.render_numbered(document.pk)
    documents.file_of(document, by=finance)
    keep_facts(document, COUNTRIES[currency], by=finance)
    keep_payments(order, by=finance)
    doubt = make_doubt()
    make_fact(make_settlement(doubt.seller), doubt, None, "-7.00")
    make_waiting()
    with trail("setup", by=lead):
        Policy.objects.create(
            name=f"Demo {currency}", version=1, valid_from=date(2026, 1, 1), created_by=lead
        )
    Job.objects.create(kind="import", title="Import of demo.tsv", owner=lead, status="done")
    period = runs.Scope(date(2026, 1, 1), date(2026, 12, 31), None, None)
    runs.run("settlement", period, "csv", by=finance)
    bring_in(folder, text({}), seller=doubt.seller)
    with suppress(Refused):
        bring_in(folder, text({"quantity": "many"}), seller=doubt.seller)


def cost(client, model, rows: list) -> int:
    """Queries of the changelist of just these rows."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    only = {f"{model._meta.pk.name}__in": ",".join(map(str, rows))}
    client.get(url, only)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url, only)
    assert page.status_code == 200, model
    assert len(page.context["cl"].result_list) == len(rows), model
    return len(queries)


def test_lists_take_the_same_queries_for_one_row_and_three(boss, tmp_path):
    for currency in CURRENCIES:
        furnish(tmp_path, currency)
    costs = {}
    for model in MODELS:
        shown = admin.site._registry[model].get_queryset(boss.get("/admin/").wsgi_request)
        rows = list(shown.order_by("pk").values_list("pk", flat=True)[:3])
        assert len(rows) == 3 or model._meta.label == "core.Counter", model
        costs[model] = [cost(boss, model, some) for some in (rows[:1], rows)]
    assert {model: found for model, found in costs.items() if found[0] != found[1]} == {}
