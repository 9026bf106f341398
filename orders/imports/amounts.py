"""The amounts of an order line as SQL: net, tax and rate by component, and the promotions.

Basis: prices of a marketplace include tax or not (``p.inclusive``); a VAT-exclusive column of the
report wins where it is filled. The rate is the one with the fewest decimals (per cent, then 0.1 %,
then 0.01 %) that gives the tax within one smallest unit; NULL when the net is 0. Promotions are
positive and reduce their component; their tax is that component's rate, for Amazon states the
component's tax before the promotion and gives none for the promotion itself. Rounding is half up
to the currency's decimals, as in ``config.core.money``. A cancelled line has no quantity and no
amounts. ``t`` is the staging row, ``p`` its place.
"""

COMPONENTS = {
    "item": ("item", "vat_exclusive_item_price"),
    "shipping": ("shipping", "vat_exclusive_shipping_price"),
    "gift_wrap": ("gift_wrap", "vat_exclusive_giftwrap_price"),
}
PROMOTIONS = {"item": "item_promotion_discount", "shipping": "ship_promotion_discount"}
COLUMNS = [
    "quantity",
    *(f"{name}_{part}" for name in COMPONENTS for part in ("net", "tax", "rate")),
    *(f"{name}_promotion_{part}" for name in PROMOTIONS for part in ("net", "tax")),
]
_CANCELLED = "lower(t.item_status) IN ('cancelled', 'canceled')"


def _net_and_tax(name: str) -> str:
    price, tax = f"coalesce(t.{name}_price, 0)", f"coalesce(t.{name}_tax, 0)"
    exclusive = f"nullif(t.{COMPONENTS[name][1]}, 0)"
    net = (
        f"CASE WHEN {_CANCELLED} THEN 0 WHEN {exclusive} IS NOT NULL THEN {exclusive}"
        f" WHEN p.inclusive THEN greatest({price} - {tax}, 0) ELSE {price} END AS {name}_net"
    )
    own_tax = (
        f"CASE WHEN {_CANCELLED} THEN 0 WHEN t.{name}_tax IS NULL AND {exclusive} IS NOT NULL"
        f" AND p.inclusive THEN greatest({price} - {exclusive}, 0) ELSE {tax} END AS {name}_tax"
    )
    return f"{net}, {own_tax}"


def _rate(name: str) -> str:
    net, tax = f"a1.{name}_net", f"a1.{name}_tax"
    steps = " ".join(
        f"WHEN abs(round({tax} / {net}, {n}) * {net} - {tax}) <= power(10::numeric, -p.digits)"
        f" THEN round({tax} / {net}, {n})"
        for n in (2, 3)
    )
    return (
        f"CASE WHEN {net} = 0 OR {tax} > {net} THEN NULL WHEN {tax} = 0 THEN 0 {steps}"
        f" ELSE round({tax} / {net}, 4) END AS {name}_rate"
    )


def _promotion(name: str) -> str:
    """Net and tax: a gross promotion is split by the rate, a net one gets the rate's tax on top."""
    given = f"CASE WHEN {_CANCELLED} THEN 0 ELSE abs(coalesce(t.{PROMOTIONS[name]}, 0)) END"
    rate = f"coalesce(a2.{name}_rate, 0)"
    net = f"CASE WHEN p.inclusive THEN round({given} / (1 + {rate}), p.digits) ELSE {given} END"
    tax = f"CASE WHEN p.inclusive THEN {given} - {net} ELSE round({given} * {rate}, p.digits) END"
    return f"{net} AS {name}_promotion_net, {tax} AS {name}_promotion_tax"


_FIRST = ", ".join(_net_and_tax(name) for name in COMPONENTS)
_SECOND = ", ".join(_rate(name) for name in COMPONENTS)
_THIRD = ", ".join(_promotion(name) for name in PROMOTIONS)


def _gross(prefix: str) -> str:
    plus = " + ".join(f"{prefix}{name}_{part}" for name in COMPONENTS for part in ("net", "tax"))
    minus = "".join(
        f" - {prefix}{name}_promotion_{part}" for name in PROMOTIONS for part in ("net", "tax")
    )
    return plus + minus


GROSS_OF_LINE = _gross("l.")
SELECT = (
    f"SELECT a.*, {_gross('a.')} AS gross FROM (SELECT CASE WHEN {_CANCELLED} THEN 0"
    f" ELSE t.quantity END AS quantity, a1.*, a2.*, {_THIRD}"
    f" FROM (SELECT {_FIRST} OFFSET 0) AS a1, LATERAL (SELECT {_SECOND} OFFSET 0) AS a2"
    " OFFSET 0) AS a"
)
