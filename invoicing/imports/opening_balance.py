"""The opening balance: invoices issued and refunds paid before Retour, as a plain CSV.

So that caps and credit notes are right from the first day. UTF-8, comma or tab, one line for each
component of an order line; lines of one document repeat its order, number, date and currency.

| column | |
|---|---|
| kind | ``invoice``, or ``refund`` for money the buyer got back |
| order-id | Amazon's order id |
| order-item-id | Amazon's item id; needed where a SKU stands twice in the order |
| sku | the SKU; needed while the order is not imported yet |
| number | number of the invoice, or of the refund's credit note (may be empty) |
| date | issue date of the invoice, day of the refund: ``2026-03-31`` |
| component | item, shipping, gift_wrap; a refund also goodwill, restocking_fee, return_freight |
| quantity | units, 0 or empty for price-only |
| net, tax | amounts as on the document, positive; a refund's fees negative |
| rate | the tax rate as a fraction: ``0.19``; empty: from net and tax |
| currency | ``EUR`` |
| marketplace | ``DE`` or ``Amazon.de``; needed while the order is not imported yet |

The same lines again write nothing. A refund that Retour already knows as made by Amazon only gets
its credit note recorded. What Retour does not accept is named by line, and nothing is imported.
"""

from invoicing.imports import opening_sql as sql
from orders import identity
from orders.imports import stubs
from orders.imports.files import BadFile, Problem
from orders.imports.registry import Check, Column, Counts, ReportType
from orders.imports.staging import Batch

NAME = "OPENING_BALANCE"
COLUMNS = (
    Column("kind", required=True, needed=True),
    Column("order-id", required=True, needed=True, max_length=30),
    Column("order-item-id", max_length=30),
    Column("sku", required=True, max_length=80),
    Column("number", required=True, max_length=45),
    Column("date", "date", required=True, needed=True),
    Column("component", required=True, needed=True),
    Column("quantity", "int"),
    Column("net", "decimal", required=True, needed=True),
    Column("tax", "decimal", required=True, needed=True),
    Column("rate", "decimal"),
    Column("currency", required=True, needed=True),
    Column("marketplace", max_length=40),
)
PAID = "('item', 'shipping', 'gift_wrap')"
FEES = "('restocking_fee', 'return_freight')"
CHECKS = (
    Check("kind", "t.kind NOT IN ('', 'invoice', 'refund')", "is neither invoice nor refund",
          "Write invoice or refund."),
    Check("order-id", "t.order_id <> '' AND t.order_id !~ '^[A-Z0-9]{3}-[0-9]{7}-[0-9]{7}$'",
          "is no Amazon order id", "Write it as 302-1234567-1234567."),
    Check("sku", "t.sku = '' AND t.order_item_id = ''", "neither SKU nor item id",
          "Name the SKU of the order line."),
    Check("number", "t.kind = 'invoice' AND t.number = ''", "an invoice without a number",
          "Write the number as on the invoice."),
    Check("component", f"t.component NOT IN {PAID} AND t.component <> '' AND NOT (t.kind = 'refund'"
          f" AND (t.component = 'goodwill' OR t.component IN {FEES}))",
          "is no component of this kind of line",
          "Write item, shipping or gift_wrap; a refund also knows goodwill, restocking_fee and"
          " return_freight."),
    Check("quantity", "t.quantity < 0", "is below zero", "Write the number of units."),
    Check("net", f"CASE WHEN t.component IN {FEES} THEN t.net > 0 ELSE t.net < 0 END",
          "has the wrong sign", "Amounts are positive; only fees of a refund are negative."),
    Check("tax", f"CASE WHEN t.component IN {FEES} THEN t.tax > 0 ELSE t.tax < 0 END",
          "has the wrong sign", "Amounts are positive; only fees of a refund are negative."),
    Check("net", "round(t.net, 2) <> t.net OR t.net >= 1e12", "is not an amount of money",
          "Write at most two decimals."),
    Check("tax", "round(t.tax, 2) <> t.tax OR t.tax >= 1e12", "is not an amount of money",
          "Write at most two decimals."),
    Check("rate", "t.rate < 0 OR t.rate >= 1", "is no fraction", "Write 0.19 for 19 %."),
    Check("currency", "t.currency !~ '^[A-Z]{3}$'", "is no currency code", "Write EUR, USD, JPY…"),
    Check("date", "t.date > current_date + 1", "lies in the future",
          "The opening balance is about the past."),
    Check("marketplace", "t.marketplace <> '' AND t.marketplace_pk IS NULL", "is not known",
          "Write its code (DE) or name (Amazon.de)."),
    Check("number", "t.differs", "a document with two orders, dates or currencies",
          "Repeat order, date and currency on every line of a document."),
)  # fmt: skip

TEMPLATE = (
    "kind,order-id,order-item-id,sku,number,date,component,quantity,net,tax,rate,currency,"
    "marketplace\n"
    "invoice,302-0000000-0000001,,DEMO-SKU-1,2026-0815,2026-03-02,item,10,500.00,95.00,0.19,EUR,DE\n"
    "invoice,302-0000000-0000001,,DEMO-SKU-1,2026-0815,2026-03-02,shipping,0,5.03,0.96,0.19,EUR,DE\n"
    "refund,302-0000000-0000001,,DEMO-SKU-1,G-2026-0042,2026-03-20,item,2,100.00,19.00,0.19,EUR,DE\n"
)


def prepare(batch: Batch) -> None:
    """Find marketplaces by code or name, and documents that contradict themselves."""
    for statement in sql.PREPARE:
        batch.execute(statement.format(table=batch.table))


def merge(batch: Batch) -> Counts:
    """Store invoices, then refunds with their credit notes; raises BadFile for what cannot be."""
    stubs.ensure_orders(
        batch, batch.table, order="order_id", marketplace="marketplace_pk", currency="currency"
    )
    stubs.ensure_lines(batch, batch.table, order="order_id", sku="sku", code="order_item_id")
    identity.resolve(f"SELECT id FROM {batch.orders_table}")
    params = {
        "seller": batch.seller.pk,
        "by": batch.import_file.by_id,
        "table": batch.table,
    }
    batch.execute(sql.DROP)
    batch.execute(sql.ROWS.format(table=batch.table), params)
    _refuse(batch, sql.UNPLACED)
    _refuse(batch, sql.CONTRADICTIONS)
    inserted = batch.rows(sql.COUNT_NEW)[0][0]
    for statement in sql.STORE:
        batch.execute(statement, params)
    _refuse(batch, sql.ABOVE_PAID)
    _refuse(batch, sql.ABOVE_INVOICED)
    return Counts(inserted=inserted)


def _refuse(batch: Batch, statement: str) -> None:
    problems = [Problem(*row) for row in batch.rows(statement)]
    if problems:
        first = problems[0]
        raise BadFile(
            "bad_lines",
            f"{len(problems)} lines do not fit what is known, nothing was imported. The first is"
            f" line {first.line}, {first.column}: {first.problem}.",
            problems,
        )


REPORT = ReportType(
    name=NAME,
    title="Opening balance",
    columns=COLUMNS,
    merge=merge,
    checks=CHECKS,
    prepare=prepare,
    group="order_id",
)
