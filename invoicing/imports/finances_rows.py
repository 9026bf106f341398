"""One transaction of listTransactions as rows: its amounts, each with the words it stands under.

Pure. Amounts stand at the items where they add up to the total, else at the transaction (Amazon
leaves the items without them for some types), else only the total is known. Where nothing adds up
the row says so and the import refuses it.
"""

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

# Below a fee Amazon says how much of it is tax; the fee is the amount.
_SPLITS = frozenset({"base", "tax", "promo", "discount"})
_OUTER = frozenset({"sales", "expenses", "refundedsales", "refundedexpenses"})
_SEPARATOR = " / "

Leaf = tuple[tuple[str, ...], Decimal]
Amounts = list[tuple[dict, Leaf]]


def rows(transaction: dict) -> Iterator[dict[str, str]]:
    """One row for each amount, with everything the transaction says of itself repeated.

    ``telling`` is the transaction with its amounts: the same one told twice is the same, whatever
    its status says meanwhile. Raises KeyError or TypeError for what is no transaction.
    """
    total, currency = _money(transaction["totalAmount"])
    amounts, adds_up = _amounts(transaction, total)
    amounts.sort(key=lambda one: (one[0].get("sku", ""), one[1]))
    head = _head(transaction) | {
        "total-amount": _text(total),
        "currency": currency,
        "adds-up": "true" if adds_up else "false",
    }
    head["telling"] = _digest(
        [head["transaction-id"], head["posted-date"], _text(total)],
        [[item, path, _text(amount)] for item, (path, amount) in amounts],
    )
    head["transaction-id"] = head["transaction-id"] or f"unnamed-{head['telling']}"
    for place, (item, (path, amount)) in enumerate(amounts, 1):
        yield head | item | _words(path) | {"amount": _text(amount), "place": str(place)}


def path_of(cell: str) -> list[str]:
    """The words of a row's path."""
    return cell.split(_SEPARATOR)


def _words(path: tuple[str, ...]) -> dict[str, str]:
    """The group below sales and expenses, the innermost word, and all of them."""
    path = path or ("Total",)
    group = next((word for word in path if _word(word) not in _OUTER), path[0])
    return {
        "amount-type": group[:60],
        "amount-description": path[-1][:120],
        "path": _SEPARATOR.join(path),
    }


def _head(transaction: dict) -> dict[str, str]:
    related = {
        one.get("relatedIdentifierName") or "": str(one.get("relatedIdentifierValue") or "")
        for one in transaction.get("relatedIdentifiers") or []
    }
    place = transaction.get("marketplaceDetails") or {}
    seller = transaction.get("sellingPartnerMetadata") or {}
    return {
        "transaction-id": transaction.get("transactionId") or "",
        "transaction-type": transaction["transactionType"],
        "transaction-status": (transaction.get("transactionStatus") or "").upper(),
        "description": transaction.get("description") or "",
        "posted-date": transaction["postedDate"],
        "marketplace-id": place.get("marketplaceId") or seller.get("marketplaceId") or "",
        "order-id": related.get("ORDER_ID", ""),
        "shipment-id": related.get("SHIPMENT_ID", ""),
        "refund-id": related.get("REFUND_ID", ""),
        "twin-id": related.get("DEFERRED_TRANSACTION_ID", "")
        or related.get("RELEASE_TRANSACTION_ID", ""),
    }


def _amounts(transaction: dict, total: Decimal) -> tuple[Amounts, bool]:
    """The amounts with what is known of their item, and whether they add up to the total."""
    items = transaction.get("items") or []
    found: Amounts = []
    for item in items:
        given = _item(item)
        leaves = list(_leaves(item.get("breakdowns"), ()))
        if sum((a for _, a in leaves), Decimal(0)) != _money(item["totalAmount"])[0]:
            found = []
            break
        found += [(given, leaf) for leaf in leaves]
    if found and sum((a for _, (_, a) in found), Decimal(0)) == total:
        return found, True
    whole = list(_leaves(transaction.get("breakdowns"), ()))
    given = _item(items[0]) if len(items) == 1 else {}
    if not whole:
        return [(given, ((), total))], True
    return [(given, leaf) for leaf in whole], sum((a for _, a in whole), Decimal(0)) == total


def _item(item: dict) -> dict[str, str]:
    product = next(
        (c for c in item.get("contexts") or [] if c.get("contextType") == "ProductContext"), {}
    )
    quantity = product.get("quantityShipped")
    return {
        "sku": product.get("sku") or "",
        "asin": product.get("asin") or "",
        "quantity": "" if quantity is None else str(int(quantity)),
    }


def _leaves(breakdowns: list[dict] | None, above: tuple[str, ...]) -> Iterator[Leaf]:
    """The innermost amounts that together are the whole; a group that they miss stands itself."""
    for one in breakdowns or []:
        path = (*above, one.get("breakdownType") or "")
        amount, _currency = _money(one["breakdownAmount"])
        below = one.get("breakdowns") or []
        leaves = list(_leaves(below, path))
        split = len(path) > 1 and all(_word(b.get("breakdownType")) in _SPLITS for b in below)
        if leaves and not split and sum((a for _, a in leaves), Decimal(0)) == amount:
            yield from leaves
        elif amount:
            yield path, amount


def _word(word: str | None) -> str:
    return "".join(sign for sign in (word or "").casefold() if sign.isalnum())


def _money(given: dict[str, Any]) -> tuple[Decimal, str]:
    amount = given["currencyAmount"]
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal | str):
        raise TypeError("an amount is no number")
    return Decimal(amount), given.get("currencyCode") or ""


def _text(amount: Decimal) -> str:
    """As people write it, without exponent and trailing zeros."""
    return f"{amount.normalize():f}" if amount else "0"


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
