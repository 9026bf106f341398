"""The process in the admin: lists open without a query a row, policies get their next version."""

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from returns.models import RMA, Policy
from tests.factories import make_order, make_rma, make_user

pytestmark = pytest.mark.django_db

MODELS = [
    model._meta.model_name
    for model in apps.get_app_config("returns").get_models()
    if not hasattr(model, "pgh_tracked_model")
]


@pytest.fixture
def browser(client):
    client.force_login(make_user("admin"))
    return client


def queries(browser, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", MODELS)
def test_list_takes_the_same_queries_for_one_and_five(browser, name):
    url = reverse(f"admin:returns_{name}_changelist")
    make_rma("refunded", order=make_order())
    queries(browser, url)
    one = queries(browser, url)
    for _ in range(4):
        make_rma("refunded", order=make_order())
    assert queries(browser, url) == one


def test_states_cannot_be_changed_here(browser):
    rma = make_rma("requested")
    url = reverse("admin:returns_rma_change", args=[rma.pk])
    assert b'name="_save"' not in browser.get(url).content
    browser.post(url, {"state": "closed"})
    assert RMA.objects.get().state == "requested"


def test_policy_is_followed_by_its_next_version(browser):
    url = reverse("admin:returns_policy_add")
    fields = {
        "name": "Demo policy",
        "window_days": 30,
        "restocking_percent": 0,
        "late_restocking_percent": 0,
        "refuse_categories": "[]",
        "freight_payers": "{}",
        "ship_back_days": 7,
        "warn_after_days": 5,
        "missing_after_days": 21,
        "valid_from": "2026-01-01",
    }
    for _ in range(2):
        assert browser.post(url, fields).status_code == 302
    assert sorted(Policy.objects.values_list("version", flat=True)) == [1, 2]
