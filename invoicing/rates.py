"""VAT rates by country and day: what a new invoice is checked against, and nothing else.

A credit note takes the rate of its original line, whatever the table says today. Rows are
reference data that an admin adds to (`rate_table.py` is where they come from).
"""

from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from config.core.models import User
from config.core.trail import trail
from invoicing import rate_table
from invoicing.finding import Finding, finding
from invoicing.models import VatRate
from invoicing.payload import Payload, iso_country

FINE = Decimal("0.0001")  # rows keep four decimals
CHECKED = ("supply", "correction", "fee")  # occasions of new invoices


def rate_on(country: str, kind: str, day: date, region: str = "") -> Decimal | None:
    """The rate of a kind ("standard", "reduced" …) on a day as a fraction; None when unknown.

    A region without a rate of its own has its country's.
    """
    rows = {row.region: row.rate for row in _valid(country, day).filter(kind=kind)}
    return rows.get(region, rows.get(""))


def known_rates(country: str, day: date) -> frozenset[Decimal]:
    """Every rate of the country on the day, of all its regions, as fractions."""
    return frozenset(_valid(country, day).values_list("rate", flat=True))


def check_rates(payload: Payload) -> list[Finding]:
    """A taxed rate of a new invoice that its country does not know on the day of supply.

    Countries without any row (the US) are not checked, nor are credit notes and reversals.
    """
    if payload.kind != "invoice" or payload.occasion not in CHECKED:
        return []
    day = payload.tax_point or payload.issue_date
    known = known_rates(payload.jurisdiction, day)
    if not known and not VatRate.objects.filter(country=payload.jurisdiction).exists():
        return []
    unknown = [
        row.rate
        for row in payload.rates
        if row.category == "S" and row.rate.quantize(FINE) not in known
    ]
    return [_unknown(rate, payload.jurisdiction, day) for rate in unknown]


def _unknown(rate: Decimal, country: str, day: date) -> Finding:
    percent = format((rate * 100).normalize(), "f")
    return finding("rate_unknown", "%(percent)s %% is not known as a rate of %(country)s on "
                   "%(day)s: have the rate added, or accept it.", percent=percent,
                   country=country, day=day.isoformat())  # fmt: skip


def load(using: str) -> None:
    """Insert the rates that are missing; rows people changed or added stay as they are."""
    manager = VatRate.objects.using(using)
    known = set(manager.values_list("country", "region", "kind", "rate", "valid_from"))
    missing = [
        VatRate(
            country=row.country,
            region=row.region,
            kind=row.kind,
            rate=row.rate,
            valid_from=row.since,
            valid_to=row.until,
            source=row.source,
        )
        for row in rate_table.rows()
        if (row.country, row.region, row.kind, row.rate, row.since) not in known
    ]
    if missing:
        system = User.objects.db_manager(using).system()
        with trail("migrate", by=system, using=using):
            manager.bulk_create(missing)


def _valid(country: str, day: date) -> QuerySet[VatRate]:
    rows = VatRate.objects.filter(country=iso_country(country), valid_from__lte=day)
    return rows.filter(Q(valid_to=None) | Q(valid_to__gte=day))
