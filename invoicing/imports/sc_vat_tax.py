"""The VAT calculation report (SC_VAT_TAX_REPORT): invoices and credit notes that Amazon issued.

One row for each line of a shipment, a return or a refund, as CSV; each line may be wrapped in a
pair of quotes of its own. Rows become TaxFacts; ``supplies.py`` records the documents they name.
"""

from invoicing.imports import tax_fact_sql as sql
from invoicing.imports.vat_invoice_data import merge_rows, prepare
from orders.imports.registry import Column, Counts, ReportType
from orders.imports.staging import Batch

NAME = "SC_VAT_TAX_REPORT"
WORDS = {"item": "our-price", "shipping": "shipping", "gift_wrap": "giftwrap"}
PAID = ("tax-inclusive-selling-price", "tax-amount", "tax-exclusive-selling-price")
OFF = ("tax-inclusive-promo-amount", "tax-amount-promo", "tax-exclusive-promo-amount")
_MONEY = tuple(f"{word}-{part}" for word in WORDS.values() for part in (*PAID, *OFF))


def _column(name: str, *args, **kwargs) -> Column:
    """A column that also answers to its name without blanks, as Amazon's documentation has it."""
    short = name.replace("-", "")
    return Column(name, *args, aliases=(short, short.replace("our", "our-", 1)), **kwargs)


COLUMNS = (
    _column("marketplace-id", required=True, needed=True, max_length=40),
    _column("order-date", "datetime"),
    _column("transaction-type", required=True, needed=True),
    _column("is-invoice-corrected", "bool"),
    _column("order-id", required=True, needed=True, max_length=30),
    _column("shipment-date", "datetime"),
    _column("shipment-id", required=True, max_length=40),
    _column("transaction-id", required=True, needed=True, max_length=80),
    _column("asin", max_length=20),
    _column("sku", required=True, needed=True, max_length=80),
    _column("quantity", "int", required=True, needed=True),
    _column("tax-rate", "decimal"),
    _column("currency", required=True, needed=True),
    _column("tax-collection-responsibility", max_length=40),
    *(_column(name, "decimal", required=name.startswith("our-price-tax")) for name in _MONEY),
    _column("seller-tax-registration", max_length=40),
    _column("buyer-tax-registration", max_length=40),
    _column("vat-invoice-number", required=True, max_length=60),
    _column("export-outside-eu", "bool"),
    _column("ship-from-country"),
    _column("ship-to-country"),
    _column("is-amazon-invoiced", "bool"),
    _column("original-vat-invoice-number", max_length=60),
    _column("invoice-correction-details", max_length=300, cut=True),
)
CHECKS = (
    *sql.header_checks("order-id", "transaction-type", "currency"),
    *sql.money_checks(
        COLUMNS, [(f"{w}-{p[0]}", f"{w}-{p[1]}", f"{w}-{p[2]}")
                  for w in WORDS.values() for p in (PAID, OFF)]),
)  # fmt: skip


def _amounts(component: str) -> str:
    word = WORDS[component]
    (gross, tax, net), off = (
        tuple(f"{word}-{part}".replace("-", "_") for part in parts) for parts in (PAID, OFF)
    )
    return sql.amounts(component, gross=gross, tax=tax, net=net, off=off)


EXPRESSIONS = {
    "transaction_id": "t.transaction_id",
    "transaction_type": "k.kind",
    "amazon_order_id": "t.order_id",
    "order_item_code": "''::text",
    "shipment_id": "t.shipment_id",
    "marketplace_id": "t.marketplace_pk",
    "sku": "t.sku",
    "asin": "t.asin",
    "title": "''::text",
    "quantity": "abs(t.quantity)",
    "currency": "t.currency",
    **{f"amounts {name}": _amounts(name) for name in WORDS},
    **{f"{name}_rate": "t.tax_rate" for name in WORDS},
    "invoice_number": "t.vat_invoice_number",
    "original_number": "t.original_vat_invoice_number",
    "status": "''::text",
    "status_description": "''::text",
    "amazon_invoiced": "t.is_amazon_invoiced",
    "deemed_supplier": "lower(t.tax_collection_responsibility) IN ('marketplace', 'amazon')"
    f" OR t.vat_invoice_number ~ '{sql.DEEMED_NUMBER}'",
    "export": "t.export_outside_eu",
    "corrected": "coalesce(t.is_invoice_corrected, false) OR t.transaction_id LIKE 'Correction%%'",
    "correction_details": "t.invoice_correction_details",
    "seller_tax_id": "t.seller_tax_registration",
    "buyer_tax_id": "t.buyer_tax_registration",
    "ship_from_country": "upper(left(t.ship_from_country, 2))",
    "ship_to_country": "upper(left(t.ship_to_country, 2))",
    "citation": "''::text",
    "ordered_at": "t.order_date",
    "shipped_at": "t.shipment_date",
}


def merge(batch: Batch) -> Counts:
    """Store rows that are new, and take over numbers that Amazon gave meanwhile.

    The report has no item codes: equal rows are lines of the same SKU, not one said twice.
    """
    return merge_rows(
        batch, "sc_vat_tax", sql.rows(batch.table, EXPRESSIONS, repeats=False), coded=False
    )


REPORT = ReportType(
    name=NAME,
    title="VAT calculation (SC_VAT_TAX)",
    columns=COLUMNS,
    checks=CHECKS,
    prepare=prepare,
    merge=merge,
    group="order_id",
)
