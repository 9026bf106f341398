"""The journal as a DATEV posting batch: each journal as pairs of accounts, in the seller's numbers.

Money on its way is the contra account of what refunds take back and of what Amazon shows, the
exchange clearing that of differences. A refund in another currency is valued at one rate, of the
day of its first booking, so that money on its way clears to the cent; the original amount stands
in the document's info. Shape and limits are in ``datev_form.py``. That DATEV's own checker takes
the files has not been proven here.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.money import ONE
from config.core.refused import Refused
from invoicing import fx
from invoicing.ledger.posting_sql import HOME
from invoicing.models import Account, DatevClient, ReportRun
from invoicing.reports import booked, datev_form, kinds
from invoicing.reports.files import STEP, Tick
from invoicing.reports.journal import NUMBER
from invoicing.reports.kinds import Column, Scope

COLUMNS = (
    Column("amount", "Amount", "money"),
    Column("side", "Debit or credit"),
    Column("currency", "Currency"),
    Column("number", "Account number"),
    Column("contra_number", "Contra account"),
    Column("tax_key", "Tax key"),
    Column("day", "Document date", "date"),
    Column("document", "Document"),
    Column("amazon_order_id", "Order"),
    Column("account", "Account"),
    Column("journal", "Journal", "count"),
    Column("refund", "Refund"),
)
TOTAL_COLUMNS = (
    Column("currency", "Currency"),
    Column("account", "Account"),
    Column("number", "Account number"),
    Column("rows", "Rows", "count"),
    Column("balance", "Balance", "money"),
)
# A line of the same account, country and rate is one posting. The contra account of a journal is
# money on its way; exchange differences have their clearing account.
_LINES = f"""
SELECT j.id AS journal, l.account, l.country, l.rate, sum(l.amount) AS amount,
    c.account AS contra, n.number, n.tax_key, k.number AS contra_number, j.currency, j.kind,
    greatest(p.month, least(j.posted_on, (p.month + interval '1 month - 1 day')::date)) AS day,
    j.posted_on, j.text AS amazon_order_id, COALESCE(d.number, '') AS credit_note,
    r.key::text AS refund, f.first_on, {HOME} AS home
FROM invoicing_journal j
JOIN invoicing_period p ON p.id = j.period_id
JOIN invoicing_journalline l ON l.journal_id = j.id
JOIN invoicing_refund r ON r.id = j.refund_id
JOIN orders_seller s ON s.id = j.seller_id
LEFT JOIN invoicing_document d ON d.id = r.document_id
CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (
    SELECT FROM invoicing_journalline x WHERE x.journal_id = j.id AND x.account = 'fx_clearing'
) THEN 'fx_clearing' ELSE 'in_transit' END AS account) c
CROSS JOIN LATERAL (
    SELECT min(x.posted_on) AS first_on FROM invoicing_journal x WHERE x.refund_id = j.refund_id
) f
LEFT JOIN LATERAL ({NUMBER}) n ON true
LEFT JOIN LATERAL ({NUMBER.replace("l.account", "c.account").replace("l.country", "''")
    .replace("l.rate", "NULL")}) k ON true
WHERE l.account <> c.account AND {{where}}
GROUP BY j.id, l.account, l.country, l.rate, c.account, n.number, n.tax_key, k.number, p.month,
    d.number, r.key, f.first_on, s.country, r.currency
HAVING sum(l.amount) <> 0
"""  # fmt: skip
_TABLE = "CREATE TEMP TABLE datev_lines ON COMMIT DROP AS {lines}"
_VIEW = """
CREATE TEMP VIEW datev_report AS
SELECT abs(amount) AS amount, CASE WHEN amount > 0 THEN 'S' ELSE 'H' END AS side, currency,
    number, contra_number, tax_key, day, COALESCE(NULLIF(credit_note, ''), amazon_order_id)
    AS document, amazon_order_id, account, journal, refund, country, rate,
    amount AS signed
FROM datev_lines
"""
_MISSING = """
SELECT DISTINCT x.account, x.country, x.rate FROM ({lines}) q
CROSS JOIN LATERAL (VALUES (q.account, q.country, q.rate, q.number), (q.contra, '', NULL,
    q.contra_number)) x(account, country, rate, number)
WHERE x.number IS NULL ORDER BY 1, 2, 3
"""
TOTALS = """
SELECT currency, account, number, count(*) AS rows, sum(signed) AS balance
FROM datev_report GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_POSTINGS = """
SELECT journal, amount, number, contra_number, COALESCE(tax_key, ''), day, posted_on, currency,
    home, first_on, credit_note, amazon_order_id, refund, kind, account
FROM datev_lines ORDER BY journal, account, country, rate
"""
_WORDS = {
    "sent": "Erstattung",
    "confirmed": "Erstattung gesehen",
    "back": "Erstattung storniert",
    "fx": "Kursdifferenz",
}


def check(scope: Scope) -> None:
    """Whole months of one fiscal year, and every number known. Raises Refused."""
    booked.check_months(scope)
    month = client_of(scope).year_begins_in
    first, last = (datev_form.year_begins(day, month) for day in (scope.date_from, scope.date_to))
    if first != last:
        raise Refused("fiscal_year", _("A batch is of one fiscal year; choose months of one."))
    with connection.cursor() as cursor:
        _check_numbers(cursor, scope)


def client_of(scope: Scope) -> DatevClient:
    """The seller's numbers at its tax adviser. Raises Refused("datev_client")."""
    found = DatevClient.objects.filter(seller=scope.seller).first()
    if found is None:
        raise Refused(
            "datev_client",
            _("The DATEV numbers of %(seller)s are not entered; an admin enters consultant and "
              "client number.") % {"seller": scope.seller},
        )  # fmt: skip
    return found


def _check_numbers(cursor: Any, scope: Scope) -> None:
    """Every account has a number. Raises Refused("account_numbers") that names what is missing."""
    cursor.execute(_MISSING.format(lines=_lines(scope)), scope.params)
    missing = [_named(*row) for row in cursor.fetchall()]
    if missing:
        raise Refused(
            "account_numbers",
            _("No account number is entered for: %(missing)s.") % {"missing": "; ".join(missing)},
        )


def _named(account: str, country: str, rate: Decimal | None) -> str:
    parts = [str(Account(account).label), country]
    if rate is not None:
        parts.append(f"{(rate * 100).normalize():f} %")
    return " ".join(part for part in parts if part)


def _lines(scope: Scope) -> str:
    return _LINES.format(where=booked.where(scope))


def fill(cursor: Any, scope: Scope) -> None:
    """Create the rows of the report. Raises Refused where DATEV would not take them."""
    _check_numbers(cursor, scope)
    cursor.execute(_TABLE.format(lines=_lines(scope)), scope.params)
    cursor.execute(_VIEW)
    cursor.execute("SELECT count(*) FROM datev_lines")
    (rows,) = cursor.fetchone()
    if rows > datev_form.MOST_ROWS:
        raise Refused(
            "too_many_rows",
            _("%(rows)s postings are more than the %(most)s of one batch; choose fewer months.")
            % {"rows": rows, "most": datev_form.MOST_ROWS},
        )


def write(cursor: Any, path: Path, scope: Scope, tick: Tick) -> None:
    """Write the batch: header, headings, a line a posting."""
    with path.open("wb") as file:
        cursor.execute("SELECT DISTINCT currency, home, first_on FROM datev_lines")
        rates = _rates(cursor.fetchall())
        cursor.execute("SELECT max(home) FROM datev_lines")
        (home,) = cursor.fetchone()
        batch = _batch(scope, home or "EUR", timezone.now())
        file.write(datev_form.encoded(datev_form.header(batch)))
        file.write(datev_form.encoded(datev_form.heading()))
        cursor.execute(_POSTINGS)
        for number, posting in enumerate(_postings(cursor.fetchall(), rates), start=1):
            file.write(datev_form.encoded(datev_form.line(posting)))
            if number % STEP == 0:
                tick(number)


def _batch(scope: Scope, currency: str, now: datetime) -> datev_form.Batch:
    client = client_of(scope)
    return datev_form.Batch(
        consultant=client.consultant,
        client=client.client,
        year_begins=datev_form.year_begins(scope.date_from, client.year_begins_in),
        account_length=client.account_length,
        date_from=scope.date_from,
        date_to=scope.date_to,
        name=f"Retour {scope.date_from:%m/%Y}",
        currency=currency,
        chart=client.chart,
        made_at=now,
    )


def _postings(rows: list[tuple], rates: dict[tuple, Decimal]) -> Iterator[datev_form.Posting]:
    """A journal's rows together, in the currency of the books."""
    for _journal, group in groupby(rows, key=lambda row: row[0]):
        lines = list(group)
        rate = rates[lines[0][7:10]]
        amounts = datev_form.converted([row[1] for row in lines], rate, lines[0][8])
        for row, amount in zip(lines, amounts, strict=True):
            if amount:
                yield _posting(row, amount, rate)


def _posting(row: tuple, amount: Decimal, rate: Decimal) -> datev_form.Posting:
    (_journal, original, number, contra, tax_key, day, posted_on, currency, home, _first,
     credit_note, order, refund, kind, account) = row  # fmt: skip
    info = [("Bestellung", order), ("Erstattung", refund), ("Buchungstag", f"{posted_on:%d.%m.%Y}")]
    if currency != home:
        info += [("Betrag", f"{original:f} {currency}"), ("Kurs", f"{rate.normalize():f}")]
    return datev_form.Posting(
        amount, number, contra, tax_key, day, credit_note or order,
        f"{_WORDS[kind]} {order} {account}", tuple(info),
    )  # fmt: skip


def _rates(wanted: list[tuple[str, str, date]]) -> dict[tuple, Decimal]:
    """Units of home for one of the currency on each day. Raises Refused where one is missing."""
    found = {}
    for currency, home, day in wanted:
        known = ONE if currency == home else _rate(currency, home, day)
        found[currency, home, day] = known
    return found


def _rate(currency: str, home: str, day: date) -> Decimal:
    if not (found := fx.rate_at(currency, home, day)):
        raise Refused(
            "rate_missing",
            _("There is no exchange rate of %(currency)s for %(day)s; enter it first.")
            % {"currency": currency, "day": day.isoformat()},
        )
    return found[0]


kinds.register(
    kinds.Kind(
        key=ReportRun.Kind.DATEV.value,
        label=gettext_lazy("DATEV export"),
        description=gettext_lazy("The journal of whole months as a posting batch for DATEV."),
        stem="EXTF_Buchungsstapel",
        table="datev_report",
        fill=fill,
        columns=COLUMNS,
        order="currency, journal, account, country, rate",
        totals=TOTALS,
        total_columns=TOTAL_COLUMNS,
        formats=("csv",),
        needs_seller=True,
        check=check,
        write_csv=write,
    )
)
