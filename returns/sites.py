"""Where goods arrive: the names people give their warehouses, as the last receipts hold them.

Reads only. There is no list to keep: a name is known once somebody received goods there.
"""

from typing import Any

from returns.models import Receipt

RECENT = 200


def known(seller_id: int, by: Any) -> list[str]:
    """Sites of a seller's last receipts, the one this person named last first."""
    rows = Receipt.objects.exclude(site="").order_by("-id")
    found = rows.values_list("site", "by_id", "rma__seller_id")[:RECENT]
    sites = [(site, who) for site, who, seller in found if seller == seller_id]
    mine = [site for site, who in sites if who == by.pk]
    return list(dict.fromkeys([*mine[:1], *(site for site, _who in sites)]))
