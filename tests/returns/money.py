"""Strategies that draw paid lines and what comes back, in currencies with and without cents."""

from decimal import Decimal

from hypothesis import strategies as st

from config.core.money import quantum
from returns.policy import PolicyRules
from returns.refund import AlreadyRefunded, Calculation, PaidComponent, PaidLine, ReturnedLine

CURRENCIES = ("EUR", "GBP", "USD", "JPY")
RATES = tuple(map(Decimal, ("0", "0.05", "0.08", "0.10", "0.19", "0.20", "0.255")))
LIABILITIES = ("buyer", "seller", "carrier", "amazon", "undecided")


def rules(currency: str = "EUR", **more) -> PolicyRules:
    return PolicyRules(version="Test v1", currency=currency, **more)


def amounts(currency: str, high: int = 10**6):
    return st.integers(0, high).map(lambda units: units * quantum(currency))


@st.composite
def paid_components(draw, currency: str):
    """Amazon's tax is its own figure: it need not be net x rate."""
    return PaidComponent(
        draw(amounts(currency)), draw(amounts(currency, 10**5)), draw(st.sampled_from(RATES))
    )


@st.composite
def paid_lines(draw, currency: str):
    return PaidLine(
        "1",
        currency,
        draw(st.integers(1, 12)),
        title="18V Drill Kit",
        item=draw(paid_components(currency)),
        shipping=draw(paid_components(currency)),
        gift_wrap=draw(paid_components(currency)),
    )


@st.composite
def returned_lines(draw, paid: PaidLine, origin: str):
    percents = st.integers(0, 100).map(Decimal)
    quantity = draw(st.integers(0, paid.quantity))
    without_goods = {}
    if not quantity:
        name, values = draw(
            st.sampled_from(
                [
                    ("credit_gross", amounts(paid.currency)),
                    ("credit_percent", percents),
                    ("condition", st.just("damaged")),
                ]
            )
        )
        without_goods[name] = draw(values)
    return ReturnedLine(
        paid.order_line,
        origin,
        quantity,
        liability=draw(st.sampled_from(LIABILITIES)),
        percent_kept=draw(percents),
        return_freight=draw(amounts(paid.currency, 10**4)),
        goodwill=draw(amounts(paid.currency, 10**4)),
        shipping=draw(st.sampled_from(("none", "proportional", "all_left"))),
        **without_goods,
    )


@st.composite
def amazon_refunds(draw, paid: PaidLine):
    """A refund Amazon made: some money, with or without saying for how many units."""
    component = draw(st.sampled_from(("item", "item", "shipping", "gift_wrap", "goodwill")))
    source = paid.item if component == "goodwill" else getattr(paid, component)
    part = draw(st.integers(0, 100))
    units = st.one_of(st.none(), st.integers(0, paid.quantity))
    step = quantum(paid.currency)
    return AlreadyRefunded(
        paid.order_line,
        component,
        int(source.net / step) * part // 100 * step,
        int(source.tax / step) * part // 100 * step,
        draw(units) if component == "item" else 0,
    )


def as_refunded(calculation: Calculation) -> list[AlreadyRefunded]:
    """A calculation once its refund is live."""
    return [
        AlreadyRefunded(line.order_line, line.component, line.net, line.tax, line.quantity)
        for line in calculation.lines
    ]


def spent(rows: list[AlreadyRefunded], *components: str) -> tuple[Decimal, Decimal]:
    """Net and tax that went out on the components."""
    found = [row for row in rows if row.component in components]
    return sum(row.net for row in found), sum(row.tax for row in found)
