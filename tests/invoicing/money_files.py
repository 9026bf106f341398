"""Small files of Amazon's that tell of one refund: a settlement, a page of Finances.

``shares`` are (order line or None, net, tax) as positive amounts that went back to the buyer; a
share without a line is told without item number and SKU. Importing them is the test's.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from orders.models import Order, OrderLine
from tests.invoicing.test_finances_import import item, part, transaction
from tests.invoicing.test_settlement_import import row, totals, write

Share = tuple[OrderLine | None, Decimal, Decimal]
DOMAIN = {"DE": "Amazon.de", "UK": "Amazon.co.uk"}


def settlement_file(
    folder: Path, order: Order, shares: Sequence[Share], *, name: str, number: str, at: datetime
) -> Path:
    """A settlement of one refund; ``name`` is its adjustment id, ``number`` the settlement's."""
    day, moment = f"{at:%d.%m.%Y}", f"{at:%d.%m.%Y %H:%M:%S} UTC"
    rows = [
        row(
            str(-amount), word, number=number, order_id=order.amazon_order_id, adjustment_id=name,
            marketplace_name=DOMAIN[order.marketplace.code], posted_date=day,
            posted_date_time=moment, order_item_code=str(47000000000000 + line.pk) if line else "",
            sku=line.sku if line else "",
        )
        for line, net, tax in shares
        for word, amount in (("Principal", net), ("Tax", tax))
        if amount
    ]  # fmt: skip
    total = -sum((net + tax for _line, net, tax in shares), Decimal(0))
    head = totals(str(total), order.currency, number)
    dates = dict.fromkeys(("settlement-start-date", "settlement-end-date", "deposit-date"), moment)
    return write(folder / f"settlement-{number}.tsv", head | dates, *rows)


def finances_file(
    folder: Path, order: Order, shares: Sequence[Share], *, name: str, at: datetime
) -> Path:
    """A page of Finances with the same refund; ``name`` is its refund id."""
    currency = order.currency
    items = [
        item(
            float(-net - tax),
            part("ProductCharges", float(-net), currency=currency),
            part("Tax", float(-tax), currency=currency),
            sku=line.sku if line else "",
            currency=currency,
        )
        for line, net, tax in shares
    ]
    total = -sum((net + tax for _line, net, tax in shares), Decimal(0))
    market = order.marketplace
    page = transaction(
        float(total),
        *items,
        currency=currency,
        transactionId=f"TX-{name}",
        postedDate=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        relatedIdentifiers=[
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order.amazon_order_id},
            {"relatedIdentifierName": "REFUND_ID", "relatedIdentifierValue": name},
        ],
        marketplaceDetails={
            "marketplaceId": market.amazon_id, "marketplaceName": DOMAIN[market.code],
        },
    )  # fmt: skip
    path = folder / f"finances-{name}.json"
    path.write_text(json.dumps({"payload": {"transactions": [page]}}), encoding="utf-8")
    return path
