"""The people of the chaos test, a process: `python -m tests.invoicing.sending.clerk`.

``propose N`` makes refunds of the feed lane, ``approve SECONDS`` approves them one after another
whatever the database does meanwhile, and clicks twice now and then. ``judge`` prints what became of
them, and of every promise, as JSON.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from datetime import date


def propose(many: int) -> None:
    from invoicing import documents, refunds
    from tests.factories import make_seller, make_user
    from tests.invoicing.sending.making import make_rule, name_items
    from tests.papers import make_calculation, make_limit, make_shipped_order

    seller, agent, finance = make_seller(code="chaos"), make_user("agent"), make_user("finance")
    make_rule(seller)
    make_limit()
    for number in range(1, many + 1):
        order = make_shipped_order(seller=seller)
        name_items(order)
        documents.record_invoice(
            order, by=finance, number=f"INV-{number}", issue_date=date(2026, 10, 1), issuer="amazon"
        )
        origin = f"RMA-2026-{number:06d}"
        refunds.propose(
            by=agent, order=order, origin=origin, calculation=make_calculation(order, origin=origin)
        )


def approve(seconds: float) -> None:
    from config.core.models import User
    from config.core.refused import Refused
    from invoicing import refunds
    from invoicing.models import Refund

    chance = random.Random(20261122)
    finance = _until_it_works(lambda: User.objects.get(role="finance"))
    keys = _until_it_works(lambda: list(Refund.objects.values_list("key", flat=True)))
    pause = seconds / max(len(keys), 1)

    def click(key) -> None:
        try:
            refunds.approve(key, by=finance)
        except Refused as refused:  # the answer of the first click was lost
            if refused.code != "state":
                raise

    for key in keys:
        for _ in range(2 if chance.random() < 0.1 else 1):
            _until_it_works(lambda key=key: click(key))
        time.sleep(pause * chance.uniform(0.2, 1.0))


def _until_it_works(step):
    from django.db import DatabaseError, InterfaceError, connections

    while True:
        try:
            return step()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            time.sleep(0.2)


def judge() -> None:
    from django.db.models import Sum

    from config.core import invariants
    from config.core.models import User
    from invoicing.models import Feed, JournalLine, Refund
    from tests.invoicing.sending.making import on_the_desk

    rows = Refund.objects.values_list("order__amazon_order_id", "state")
    broken = {p.name: invariants.violations(p) for p in invariants.promises()}
    sums = JournalLine.objects.order_by().values("journal__currency").annotate(sum=Sum("amount"))
    print(
        json.dumps(
            {
                "refunds": dict(rows),
                "on_the_desk": on_the_desk(User.objects.get(role="finance")),
                "feeds": Counter(Feed.objects.values_list("state", flat=True)),
                "broken": {name: found for name, found in broken.items() if found[0]},
                "ledger": {row["journal__currency"]: str(row["sum"]) for row in sums},
            },
            default=str,
        )
    )


def main(verb: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    if verb == "propose":
        propose(int(arguments[0]))
    elif verb == "approve":
        approve(float(arguments[0]))
    else:
        judge()


if __name__ == "__main__":
    main(*sys.argv[1:])
