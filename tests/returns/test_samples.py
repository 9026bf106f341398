"""The sample reports become the same cases in whatever order they come in, and only once."""

import random
from pathlib import Path

import pytest
from django.db import transaction

from config.core import invariants
from config.core.models import User
from invoicing import matching as money
from orders.imports.run import import_file
from orders.models import AmazonReturn
from returns import intake
from returns.invariants import PROMISES
from returns.matching import settle_refunded
from returns.models import RMA, WorkItem
from tests.factories import make_seller

pytestmark = pytest.mark.django_db

SAMPLES = Path(__file__).parent.parent / "data" / "reports"
NAMES = sorted(path.name for path in SAMPLES.iterdir())


def bring_in(names) -> None:
    """Import files one by one, with what follows an import."""
    for name in names:
        record = import_file(SAMPLES / name, by=User.objects.system())
        money.match_refunds()
        intake.intake_returns(record)
        settle_refunded()


def cases() -> list[tuple]:
    """Every case without what depends on the order of imports: its number and versions."""
    found = []
    for rma in RMA.objects.prefetch_related("lines__order_line__order", "parcels"):
        lines = [
            (
                line.order_line.order.amazon_order_id,
                line.order_line.sku,
                line.requested,
                line.approved,
                line.received,
                line.accepted,
                line.reason_code,
            )
            for line in rma.lines.all()
        ]
        parcels = [(p.carrier, p.tracking, p.delivered_at is not None) for p in rma.parcels.all()]
        waits = rma.work_items.filter(done_at=None).values_list("kind", flat=True)
        found.append(
            (
                rma.amazon_rma_id,
                sorted(lines),
                rma.state,
                rma.close_reason,
                rma.currency,
                rma.marketplace.code,
                rma.value,
                rma.next_actor,
                sorted(parcels),
                sorted(waits),
            )
        )
    return sorted(found)


@pytest.fixture
def seller():
    return make_seller(code="demo", time_zone="Europe/Berlin")


def test_every_certain_sample_return_is_one_case(seller):
    bring_in(NAMES)
    certain = AmazonReturn.objects.filter(order_line__isnull=False)
    certain = certain.exclude(marketplace=None, order__marketplace=None)
    assert certain.exists()
    assert not certain.filter(rma_line=None).exists()
    assert {p.name for p in PROMISES if invariants.violations(p)[0]} == set()


def test_samples_end_in_the_same_cases_in_any_order(seller):
    seen = []
    for seed in range(6):
        names = NAMES.copy()
        random.Random(seed).shuffle(names)
        with transaction.atomic():
            bring_in(names)
            seen.append((names, cases()))
            assert {p.name for p in PROMISES if invariants.violations(p)[0]} == set()
            transaction.set_rollback(True)
    first = seen[0][1]
    assert first
    for names, found in seen[1:]:
        assert found == first, names


def test_same_samples_again_change_no_case(seller):
    bring_in(NAMES)
    before = cases()
    events = RMA.objects.count(), WorkItem.objects.count()
    bring_in(NAMES)
    assert cases() == before
    assert events == (RMA.objects.count(), WorkItem.objects.count())
