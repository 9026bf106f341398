"""Returns reports: the flat file and the XML of seller-fulfilled returns, and FBA's.

Columns and rules; the merge is in ``returns_merge.py``. Codes of reasons, statuses and resolutions
are open sets: what Amazon writes is kept as it is.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from orders.imports import places, returns_merge
from orders.imports.registry import Check, Column, Counts, ReportType, XmlShape, register
from orders.imports.returns_merge import Shape, rank
from orders.imports.staging import Batch
from orders.imports.xmlfile import children, tag_of, text_of

COLUMNS = (
    Column("order-id", required=True, needed=True, max_length=30),
    Column("return-request-date", "date", required=True, needed=True),
    Column("return-request-status", max_length=60),
    Column("amazon-rma-id", max_length=40),
    Column("merchant-rma-id", max_length=40),
    Column("label-type", max_length=40),
    Column("label-cost", "decimal"),
    Column("currency-code", max_length=3),
    Column("return-carrier", max_length=60, cut=True),
    Column("tracking-id", max_length=60),
    Column("label-to-be-paid-by", max_length=20),
    Column("a-to-z-claim", "bool"),
    Column("is-prime", "bool"),
    Column("asin", max_length=20),
    Column("merchant-sku", required=True, max_length=80),
    Column("item-name", max_length=500, cut=True),
    Column("return-quantity", "int", required=True),
    Column("return-reason", max_length=60, aliases=("return-reason-code",)),
    Column("in-policy", "bool"),
    Column("return-type", max_length=40),
    Column("resolution", max_length=40),
    Column("invoice-number", max_length=60),
    Column("return-delivery-date", "date"),
    Column("order-amount", "decimal"),
    Column("order-quantity", "int"),
    Column("safet-action-reason", max_length=200, cut=True),
    Column("safet-claim-id", max_length=40),
    Column("safet-claim-state", max_length=40),
    Column("safet-claim-creation-time", "date"),
    Column("safet-claim-reimbursement-amount", "decimal"),
    Column("refunded-amount", "decimal", aliases=("refund-amount",)),
    Column("category", max_length=80, cut=True),
)
_AMOUNTS = ("label-cost", "order-amount", "safet-claim-reimbursement-amount", "refunded-amount")
CHECKS = (
    Check(
        "return-quantity",
        "t.return_quantity < 0",
        "a negative quantity",
        "Quantities are 0 or more.",
    ),
    Check(
        "order-quantity", "t.order_quantity < 0", "a negative quantity", "Quantities are 0 or more."
    ),
    Check(
        "merchant-sku",
        "t.merchant_sku = '' AND t.asin = ''",
        "neither SKU nor ASIN",
        "A return names what comes back; ask Amazon for the report again.",
    ),
    *(
        Check(
            name,
            f"t.{(f := name.replace('-', '_'))} <> round(t.{f}, CASE t.currency_code WHEN 'JPY'"
            " THEN 0 ELSE 2 END)",
            "more decimals than the currency has",
            "Amounts have the decimals of their currency.",
        )
        for name in _AMOUNTS
    ),
    Check(
        "currency-code",
        f"EXISTS (SELECT FROM {places.TABLE} p WHERE p.currency = t.currency_code"
        f" AND p.fault = '{places.CONTRADICTION}')",
        "another currency than that of the marketplace asked for",
        "Leave the marketplace empty, or choose the one the report is of.",
    ),
)
_KEY = (
    "CASE WHEN t.amazon_rma_id <> '' THEN t.amazon_rma_id || '|' || {thing} || '|' || t.reason_code"
    " ELSE t.order_id || '|' || {thing} || '|' || t.day END"
).format(thing="coalesce(nullif(t.sku, ''), t.asin)")
SELLER_FULFILLED = Shape(
    source="mfn",
    fields={
        "amazon_rma_id": "t.amazon_rma_id",
        "merchant_rma_id": "t.merchant_rma_id",
        "status": "t.return_request_status",
        "sku": "t.merchant_sku",
        "asin": "t.asin",
        "title": "t.item_name",
        "category": "t.category",
        "quantity": "t.return_quantity",
        "reason_code": "t.return_reason",
        "in_policy": "t.in_policy",
        "return_type": "t.return_type",
        "resolution": "t.resolution",
        "currency": "t.currency_code",
        "label_type": "t.label_type",
        "label_cost": "t.label_cost",
        "label_payer": "t.label_to_be_paid_by",
        "carrier": "t.return_carrier",
        "tracking": "t.tracking_id",
        "delivered_on": "t.return_delivery_date",
        "a_to_z": "t.a_to_z_claim",
        "is_prime": "t.is_prime",
        "invoice_number": "t.invoice_number",
        "order_amount": "t.order_amount",
        "order_quantity": "t.order_quantity",
        "safet_reason": "t.safet_action_reason",
        "safet_claim_id": "t.safet_claim_id",
        "safet_state": "t.safet_claim_state",
        "safet_created_on": "t.safet_claim_creation_time",
        "safet_reimbursement": "t.safet_claim_reimbursement_amount",
        "refunded_amount": "t.refunded_amount",
    },
    key=_KEY,
    day="t.return_request_date",
    moment="NULL",
    place=f"(SELECT p.id FROM {places.TABLE} p WHERE p.currency = t.currency_code)",
    newer=f"({rank('n.status')}) >= ({rank('o.status')})",
    order_by=f"({rank('status')}) DESC, line DESC",
)
IN_XML = replace(SELLER_FULFILLED, day="NULL", moment="t.return_request_date")


def _find_places(batch: Batch) -> None:
    places.find_places(batch, name="''", currency="currency_code")


def xml_rows(details: Any) -> Iterator[dict[str, str]]:
    """The rows of one ``return_details``: each item with what stands beside it."""
    shared = {}
    for child in details:
        if tag_of(child) == "item_details":
            continue
        leaves = list(child) or [child]
        shared |= {tag_of(leaf).replace("_", "-"): (leaf.text or "").strip() for leaf in leaves}
    for item in children(details, "item_details"):
        own = {tag_of(leaf).replace("_", "-"): (leaf.text or "").strip() for leaf in item}
        own["return-reason"] = text_of(item, "return_reason_code") or own.get("return-reason", "")
        own["refunded-amount"] = text_of(item, "refund_amount") or own.get("refunded-amount", "")
        yield shared | own


FLAT = ReportType(
    name="GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
    title="Returns (flat file)",
    columns=COLUMNS,
    checks=CHECKS,
    prepare=_find_places,
    merge=lambda batch: returns_merge.merge(batch, SELLER_FULFILLED),
)
XML = ReportType(
    name="GET_XML_RETURNS_DATA_BY_RETURN_DATE",
    title="Returns (XML)",
    columns=tuple(
        replace(c, kind="datetime") if c.name == "return-request-date" else c for c in COLUMNS
    ),
    checks=CHECKS,
    prepare=_find_places,
    merge=lambda batch: returns_merge.merge(batch, IN_XML),
    xml=XmlShape("Returns-Report", "return_details", xml_rows),
)

FBA_COLUMNS = (
    Column("return-date", "datetime", required=True, needed=True),
    Column("order-id", required=True, needed=True, max_length=30),
    Column("sku", required=True, needed=True, max_length=80),
    Column("asin", max_length=20),
    Column("product-name", max_length=500, cut=True),
    Column("quantity", "int", required=True, needed=True),
    Column("fulfillment-center-id", max_length=10),
    Column("detailed-disposition", required=True, max_length=40),
    Column("reason", max_length=60),
    Column("status", max_length=60, cut=True),
    Column("license-plate-number", max_length=40),
    Column("customer-comments", max_length=1000, cut=True),
)
BY_AMAZON = Shape(
    source="fba",
    fields={
        "sku": "t.sku",
        "asin": "t.asin",
        "title": "t.product_name",
        "quantity": "t.quantity",
        "fulfilment_center": "t.fulfillment_center_id",
        "disposition": "t.detailed_disposition",
        "reason_code": "t.reason",
        "status": "t.status",
        "licence_plate": "t.license_plate_number",
        "customer_comment": "t.customer_comments",
    },
    key="t.order_id || '|' || t.sku || '|' || coalesce(nullif(t.licence_plate, ''),"
    " to_char(t.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))",
    day="NULL",
    moment="t.return_date",
    place="",
    newer="n.requested_at >= o.requested_at",
    order_by="requested_at DESC, line DESC",
    keep_earliest=True,
)


def _merge_fba(batch: Batch) -> Counts:
    return returns_merge.merge(batch, BY_AMAZON)


FBA = ReportType(
    name="GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA",
    title="FBA customer returns",
    columns=FBA_COLUMNS,
    checks=(
        Check("quantity", "t.quantity < 0", "a negative quantity", "Quantities are 0 or more."),
    ),
    merge=_merge_fba,
)


def install() -> None:
    """Register the three reports."""
    for report_type in (FLAT, XML, FBA):
        register(report_type)
