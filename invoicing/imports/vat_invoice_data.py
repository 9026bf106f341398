"""The VAT invoice data report (VIDR): what a seller must invoice, with Amazon's tax figures.

One row for each line of a shipment, a return (goods) or a refund (money), as a tab-separated file.
Rows become TaxFacts; which documents follow from them is decided in ``supplies.py``.
"""

from invoicing.imports import tax_fact_sql as sql
from invoicing.imports import vidr_parties
from orders.imports import stubs
from orders.imports.registry import Check, Column, Counts, ReportType
from orders.imports.staging import Batch

NAME = "GET_FLAT_FILE_VAT_INVOICE_DATA_REPORT"
# Amazon's word for a component and its promotion → ours.
WORDS = {"item": ("item", "item-promo"), "shipping": ("shipping", "shipping-promo"),
         "gift_wrap": ("gift-wrap", "gift-promo")}  # fmt: skip
PARTS = ("vat-incl-amount", "vat-amount", "vat-excl-amount")
_MONEY = tuple(f"{word}-{part}" for words in WORDS.values() for word in words for part in PARTS)
CITATIONS = ("de", "fr", "it", "es", "en")
COLUMNS = (
    Column("marketplace-id", required=True, needed=True, max_length=40),
    Column("order-id", required=True, needed=True, max_length=30),
    Column("order-item-id", required=True, max_length=30),
    Column("shipping-id", required=True, max_length=40),
    Column("transaction-id", required=True, needed=True, max_length=80),
    Column("transaction-type", required=True, needed=True),
    Column("invoice-number", max_length=60),
    Column("invoice-status", required=True, max_length=40),
    Column("invoice-status-description", max_length=300, cut=True),
    Column("is-amazon-invoiced", "bool"),
    Column("order-date", "datetime"),
    Column("shipment-date", "datetime"),
    Column("buyer-vat-number", max_length=40),
    Column("seller-vat-number", max_length=40),
    Column("asin", max_length=20),
    Column("sku", required=True, needed=True, max_length=80),
    Column("product-name", max_length=500, cut=True),
    Column("quantity-purchased", "int", required=True, needed=True),
    Column("currency", required=True, needed=True),
    *(Column(name, "decimal", required=name.startswith("item-vat")) for name in _MONEY),
    *(Column(f"{word}-vat-rate", "decimal") for word, _ in WORDS.values()),
    Column("bottle-deposit-vat-excl-amount", "decimal"),
    Column("is-business-order", "bool"),
    Column("purchase-order-number", max_length=100, cut=True),
    Column("ship-country"),
    Column("ship-from-country"),
    Column("billing-name", max_length=200, cut=True),
    *(Column(f"bill-address-{n}", max_length=200, cut=True) for n in (1, 2, 3)),
    Column("bill-city", max_length=100, cut=True),
    Column("bill-state", max_length=60, cut=True),
    Column("bill-postal-code", max_length=20, cut=True),
    Column("bill-country"),
    Column("buyer-company-name", max_length=200, cut=True),
    *(Column(f"citation-{language}", max_length=300, cut=True) for language in CITATIONS),
    Column("export-outside-eu", "bool"),
    Column("is-invoice-corrected", "bool"),
    Column("original-vat-invoice-number", max_length=60),
    Column("invoice-correction-details", max_length=300, cut=True),
)
CHECKS = (
    *sql.header_checks("order-id", "transaction-type", "currency"),
    Check("shipping-id", "t.shipping_id = '' AND upper(t.transaction_type) = 'SHIPMENT'",
          "a shipment without its id", "Download the report again; its cells may have moved."),
    Check("bottle-deposit-vat-excl-amount", "t.bottle_deposit_vat_excl_amount <> 0",
          "bottle deposits cannot be invoiced here",
          "Leave the line out and invoice it in another system."),
    *sql.money_checks(
        COLUMNS, [(f"{w}-vat-incl-amount", f"{w}-vat-amount", f"{w}-vat-excl-amount")
                  for words in WORDS.values() for w in words]),
)  # fmt: skip


def _field(name: str) -> str:
    return name.replace("-", "_")


def _amounts(component: str) -> str:
    word, off = WORDS[component]
    gross, tax, net = (_field(f"{word}-{part}") for part in PARTS)
    off_gross, off_tax, off_net = (_field(f"{off}-{part}") for part in PARTS)
    return sql.amounts(component, gross=gross, tax=tax, net=net, off=(off_gross, off_tax, off_net))


EXPRESSIONS = {
    "transaction_id": "t.transaction_id",
    "transaction_type": "k.kind",
    "amazon_order_id": "t.order_id",
    "order_item_code": "t.order_item_id",
    "shipment_id": "t.shipping_id",
    "marketplace_id": "t.marketplace_pk",
    "sku": "t.sku",
    "asin": "t.asin",
    "title": "t.product_name",
    "quantity": "abs(t.quantity_purchased)",
    "currency": "t.currency",
    **{f"amounts {name}": _amounts(name) for name in WORDS},
    **{f"{name}_rate": f"t.{_field(word)}_vat_rate" for name, (word, _) in WORDS.items()},
    "invoice_number": "t.invoice_number",
    "original_number": "t.original_vat_invoice_number",
    "status": "t.invoice_status",
    "status_description": "t.invoice_status_description",
    "amazon_invoiced": "t.is_amazon_invoiced",
    "deemed_supplier": f"t.invoice_number ~ '{sql.DEEMED_NUMBER}'",
    "export": "t.export_outside_eu",
    # Amazon names a reversal CorrectionReversal:… and the row that takes its place Correction:…
    "corrected": "coalesce(t.is_invoice_corrected, false) OR t.transaction_id LIKE 'Correction%%'",
    "correction_details": "t.invoice_correction_details",
    "seller_tax_id": "t.seller_vat_number",
    "buyer_tax_id": "t.buyer_vat_number",
    "ship_from_country": "upper(left(t.ship_from_country, 2))",
    "ship_to_country": "upper(left(t.ship_country, 2))",
    "citation": f"coalesce({', '.join(f'nullif(t.citation_{c}, {chr(39) * 2})' for c in CITATIONS)}"
    ", '')",
    "ordered_at": "t.order_date",
    "shipped_at": "t.shipment_date",
}


def prepare(batch: Batch) -> None:
    """Find the marketplaces of the rows by Amazon's id, code or name."""
    asked = {"asked": batch.marketplace and batch.marketplace.pk}
    for statement in sql.PREPARE:
        batch.execute(statement.format(table=batch.table), asked)


def merge(batch: Batch) -> Counts:
    """Store rows that are new, and take over what Amazon says anew about known ones."""
    counts = merge_rows(batch, "vidr", sql.rows(batch.table, EXPRESSIONS, repeats=True), coded=True)
    vidr_parties.take_over(batch)
    return counts


def merge_rows(batch: Batch, report: str, statement: str, *, coded: bool) -> Counts:
    """Fill ``tax_rows`` by ``statement`` and store its facts; orders and lines become stubs.

    ``coded``: the report names Amazon's order-item codes.
    """
    params = {"report": report, "seller": batch.seller.pk, "file": batch.import_file.pk}
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{sql.ROWS}, pg_temp.{sql.KNOWN}")
    batch.execute(statement, params)
    batch.execute(f"ANALYZE {sql.ROWS}")
    stubs.ensure_orders(
        batch, sql.NAMED, order="named_order", marketplace="marketplace_id", currency="currency"
    )
    code = "order_item_code" if coded else ""
    stubs.ensure_lines(batch, sql.NAMED, order="named_order", sku="sku", asin="asin", code=code)
    batch.execute(sql.KNOWN_ROWS, params)
    batch.execute(f"ANALYZE {sql.KNOWN}")
    updated = batch.execute(sql.UPDATE, params)
    inserted = batch.execute(sql.INSERT, params)
    batch.execute(sql.SHIPMENTS, params)
    _note_differences(batch)
    return Counts(inserted, updated)


def _note_differences(batch: Batch) -> None:
    found = batch.rows(
        f"SELECT t.amazon_order_id, count(*) OVER () FROM {sql.KNOWN} k JOIN {sql.ROWS} t"
        " ON t.line = k.line WHERE k.differs ORDER BY t.line LIMIT 1"
    )
    for order, times in found:
        batch.note(
            f"{times} rows differ from what an earlier report said, the first of order {order}."
            " The earlier amounts stay; compare the two reports."
        )


REPORT = ReportType(
    name=NAME,
    title="VAT invoice data (VIDR)",
    columns=COLUMNS,
    checks=CHECKS,
    prepare=prepare,
    merge=merge,
    group="order_id",
)
