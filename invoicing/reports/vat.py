"""VAT corrections as a kind of report: what refunds take back from declared VAT, by country and
month, one row a refund and rate with its credit note.

Figures are the ledger's, so that the report and the VAT account never tell two things.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from invoicing.models import ReportRun
from invoicing.reports import booked, kinds
from invoicing.reports.kinds import Column

COLUMNS = (
    Column("month", "Booked in"),
    Column("country", "Country"),
    Column("vat_rate", "VAT rate", "rate"),
    Column("net", "Net", "money"),
    Column("vat", "VAT", "money"),
    Column("gross", "Gross", "money"),
    Column("currency", "Currency"),
    Column("kind", "Kind"),
    Column("posted_on", "Posted date", "date"),
    Column("credit_note", "Credit note"),
    Column("issuer", "Issued by"),
    Column("issue_date", "Issue date", "date"),
    Column("invoice", "Invoice"),
    Column("amazon_order_id", "Order"),
    Column("refund", "Refund"),
    Column("seller", "Seller"),
    Column("marketplace", "Marketplace"),
    Column("buyer", "Buyer"),
    Column("national_currency", "Currency of the country"),
    Column("national_rate", "Rate on the credit note", "exact"),
)
TOTAL_COLUMNS = (
    Column("currency", "Currency"),
    Column("month", "Booked in"),
    Column("country", "Country"),
    Column("vat_rate", "VAT rate", "rate"),
    Column("rows", "Rows", "count"),
    Column("credit_notes", "Credit notes", "count"),
    Column("without", "Without credit note", "count"),
    Column("net", "Net", "money"),
    Column("vat", "VAT", "money"),
    Column("gross", "Gross", "money"),
)
# Every line of a sent or taken back refund but the clearing one says its country and rate. Refunds
# of tax that Amazon owes take nothing back from what the seller declared.
_TABLE = """
CREATE TEMP TABLE vat_report ON COMMIT DROP AS
WITH booked AS MATERIALIZED (
    SELECT j.id, l.country, l.rate,
        COALESCE(sum(l.amount) FILTER (WHERE l.account <> 'vat'), 0) AS net,
        COALESCE(sum(l.amount) FILTER (WHERE l.account = 'vat'), 0) AS vat
    FROM invoicing_journal j
    JOIN invoicing_period p ON p.id = j.period_id
    JOIN invoicing_journalline l ON l.journal_id = j.id
    WHERE l.country <> '' AND {where}
      AND NOT EXISTS (SELECT FROM invoicing_journalline a
          WHERE a.journal_id = j.id AND a.account = 'amazon_tax')
    GROUP BY 1, 2, 3
)
SELECT b.id, to_char(p.month, 'YYYY-MM') AS month, b.country, trim_scale(b.rate) AS vat_rate,
    b.net, b.vat, b.net + b.vat AS gross, j.currency, j.kind, j.posted_on,
    COALESCE(d.number, '') AS credit_note, COALESCE(d.issuer, '') AS issuer, d.issue_date,
    COALESCE(i.number, '') AS invoice, o.amazon_order_id, r.key::text AS refund,
    s.code AS seller, COALESCE(m.name, '') AS marketplace, COALESCE(y.legal_name, '') AS buyer,
    COALESCE(d.payload #>> '{{national_tax,currency}}', '') AS national_currency,
    (d.payload #>> '{{national_tax,rate}}')::numeric AS national_rate
FROM booked b
JOIN invoicing_journal j ON j.id = b.id
JOIN invoicing_period p ON p.id = j.period_id
JOIN invoicing_refund r ON r.id = j.refund_id
JOIN orders_order o ON o.id = r.order_id
JOIN orders_seller s ON s.id = j.seller_id
LEFT JOIN orders_marketplace m ON m.id = j.marketplace_id
LEFT JOIN orders_buyer y ON y.id = o.buyer_id
LEFT JOIN invoicing_document d ON d.id = r.document_id AND d.number <> ''
LEFT JOIN invoicing_document i ON i.id = d.corrects_id
"""
TOTALS = """
SELECT currency, month, country, vat_rate, count(*) AS rows,
    count(DISTINCT credit_note) FILTER (WHERE credit_note <> '') AS credit_notes,
    count(*) FILTER (WHERE credit_note = '') AS without,
    sum(net) AS net, sum(vat) AS vat, sum(gross) AS gross
FROM vat_report GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 DESC NULLS LAST
"""


def fill(cursor: Any, scope: kinds.Scope) -> None:
    """Create the temporary table of the report's rows."""
    cursor.execute(_TABLE.format(where=booked.where(scope)), scope.params)


kinds.register(
    kinds.Kind(
        key=ReportRun.Kind.VAT.value,
        label=_("VAT corrections"),
        description=_("What refunds take back from declared VAT, by country, rate and month."),
        stem="vat-corrections",
        table="vat_report",
        fill=fill,
        columns=COLUMNS,
        order="currency, month, country, vat_rate, credit_note, refund, id",
        counted=True,
        totals=TOTALS,
        total_columns=TOTAL_COLUMNS,
        choices=(booked.BY,),
        check=booked.check,
        printed=(
            "month",
            "country",
            "vat_rate",
            "net",
            "vat",
            "gross",
            "currency",
            "kind",
            "posted_on",
            "credit_note",
            "invoice",
            "amazon_order_id",
            "marketplace",
        ),
        exceptions="credit_note = ''",
    )
)
