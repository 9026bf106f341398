"""The demo data: small, but with every kind of document, and no promise broken."""

from collections import Counter

import pytest
from django.core.management import call_command

from config.core import invariants
from invoicing import documents
from invoicing.models import Delivery, Document, Feed, IssuingMode, Refund
from invoicing.texts import LANGUAGES

# Walks all verbs and makes every file: as long as many other tests together.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture
def ours(monkeypatch):
    """The documents of a small demo, once the worker has made their files."""
    call_command("seed_demo", rmas=150, seed=1, verbosity=0)
    while documents.finish_documents():
        pass
    return Document.objects.filter(issuer="retour", state="issued")


def test_demo_issues_documents_of_every_kind_and_breaks_no_promise(ours):
    """All marketplaces, languages and tax cases, some of each buyer (the demo of `make run`, many
    times as large, has more refunds of each); the gate stopped only what it should.
    """
    assert ours.count() >= 120
    modes = IssuingMode.objects.exclude(issuer="amazon")
    markets = set(modes.values_list("marketplace__code", flat=True))
    assert set(ours.values_list("marketplace__code", flat=True)) == markets
    assert set(ours.values_list("language", flat=True)) == set(LANGUAGES)
    cases = set(ours.values_list("payload__rates__0__category", flat=True))
    assert cases >= {"S", "K", "AE", "G", "O"}
    assert set(ours.values_list("kind", flat=True)) == {"invoice", "credit_note"}
    occasions = set(ours.values_list("occasion", flat=True))
    assert occasions >= {"supply", "refund", "cancellation", "correction", "fee"}
    assert set(ours.values_list("mode", flat=True)) >= {"", "vidr"}
    assert {"facturx", "en16931-ubl"} <= set(ours.values_list("artifacts__kind", flat=True))
    assert ours.exclude(payload__national_tax=None).exists()
    assert Delivery.objects.filter(document__in=ours).exists()
    stopped = Document.objects.filter(state="draft").exclude(findings=[])
    found = Counter(code for one in stopped for code in {row["code"] for row in one.findings})
    assert found == {"buyer_address": 1, "treatment": 1, "rate_unknown": 1}
    sent = Feed.objects.values_list("state", "attempts__state").distinct()
    every = {("done", "sent"), ("unknown", "unknown"), ("submitted", "sending")}
    assert set(sent) <= every  # how many wait for them depends on the hour: test_demo_feeds.py
    assert not Feed.objects.exclude(next_at=None).exists()  # the real Amazon is never asked
    assert Refund.objects.exclude(basis={}).count() > 20  # what refund_recalculates looks at
    found = {one.name: invariants.violations(one) for one in invariants.promises()}
    assert found["refund_recalculates"] == (0, [])
    assert {name: rows for name, (count, rows) in found.items() if count} == {}
