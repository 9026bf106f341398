"""The journal as a kind of report: every line of the ledger, with what it books.

Debit and credit stand in columns of their own; each journal's lines add up to nothing.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from invoicing.models import ReportRun
from invoicing.reports import booked, kinds
from invoicing.reports.kinds import Column

COLUMNS = (
    Column("journal", "Journal", "count"),
    Column("source", "Source", "word"),
    Column("kind", "Kind", "word"),
    Column("posted_on", "Posted date", "date"),
    Column("month", "Booked in", "word"),
    Column("seller", "Seller"),
    Column("marketplace", "Marketplace"),
    Column("amazon_order_id", "Order"),
    Column("refund", "Refund", "word"),
    Column("rma", "RMA", "word"),
    Column("credit_note", "Credit note"),
    Column("account", "Account", "word"),
    Column("number", "Account number"),
    Column("country", "Country"),
    Column("vat_rate", "VAT rate", "rate"),
    Column("component", "Component", "word"),
    Column("debit", "Debit", "money"),
    Column("credit", "Credit", "money"),
    Column("currency", "Currency"),
    Column("fx_rate", "FX rate", "exact"),
    Column("fx_day", "FX day", "date"),
    Column("reverses", "Takes back", "word"),
)
TOTAL_COLUMNS = (
    Column("currency", "Currency"),
    Column("account", "Account"),
    Column("rows", "Rows", "count"),
    Column("debit", "Debit", "money"),
    Column("credit", "Credit", "money"),
    Column("balance", "Balance", "money"),
)
# The most exact number wins: country and rate, then country, then neither.
NUMBER = """
    SELECT n.number, n.tax_key FROM invoicing_accountnumber n
    WHERE n.seller_id = j.seller_id AND n.account = l.account
      AND n.country IN ('', l.country) AND (n.rate IS NULL OR n.rate = l.rate)
    ORDER BY n.country DESC, n.rate NULLS LAST LIMIT 1
"""
# A view, not a table: the snapshot of the run makes it the same for count, totals and file, and
# what a question does not need is not joined. Only text that the database itself holds is inside.
_VIEW = f"""
CREATE TEMP VIEW journal_report AS
SELECT j.id AS journal, l.id AS line, j.source, j.kind, j.posted_on,
    to_char(p.month, 'YYYY-MM') AS month, s.code AS seller, COALESCE(m.name, '') AS marketplace,
    j.text AS amazon_order_id, r.key::text AS refund,
    CASE WHEN r.origin LIKE 'RMA-%%' THEN r.origin ELSE '' END AS rma,
    COALESCE(d.number, '') AS credit_note, l.account, COALESCE(n.number, '') AS number,
    l.country, trim_scale(l.rate) AS vat_rate, l.component,
    CASE WHEN l.amount > 0 THEN l.amount END AS debit,
    CASE WHEN l.amount < 0 THEN -l.amount END AS credit,
    j.currency, trim_scale(l.fx_rate) AS fx_rate, l.fx_day, COALESCE(b.source, '') AS reverses
FROM invoicing_journal j
JOIN invoicing_journalline l ON l.journal_id = j.id
JOIN invoicing_period p ON p.id = j.period_id
LEFT JOIN orders_seller s ON s.id = j.seller_id
LEFT JOIN orders_marketplace m ON m.id = j.marketplace_id
LEFT JOIN invoicing_refund r ON r.id = j.refund_id
LEFT JOIN invoicing_document d ON d.id = r.document_id
LEFT JOIN invoicing_journal b ON b.id = j.reverses_id
LEFT JOIN LATERAL ({NUMBER}) n ON true
WHERE """
TOTALS = """
SELECT currency, account, count(*) AS rows, COALESCE(sum(debit), 0) AS debit,
    COALESCE(sum(credit), 0) AS credit,
    COALESCE(sum(debit), 0) - COALESCE(sum(credit), 0) AS balance
FROM journal_report GROUP BY 1, 2 ORDER BY 1, 2
"""


def fill(cursor: Any, scope: kinds.Scope) -> None:
    """Create the view of the report's rows."""
    cursor.execute(_VIEW + booked.where(scope), scope.params)


kinds.register(
    kinds.Kind(
        key=ReportRun.Kind.JOURNAL.value,
        label=_("Journal"),
        description=_("Every line of the ledger, debit and credit, as booked."),
        stem="journal",
        table="journal_report",
        fill=fill,
        columns=COLUMNS,
        order="currency, journal, line",
        counted=True,
        totals=TOTALS,
        total_columns=TOTAL_COLUMNS,
        choices=(booked.BY,),
        check=booked.check,
        printed=(
            "journal",
            "kind",
            "posted_on",
            "month",
            "amazon_order_id",
            "credit_note",
            "account",
            "country",
            "vat_rate",
            "debit",
            "credit",
            "currency",
        ),
    )
)
