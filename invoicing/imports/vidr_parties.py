"""The buyers that VIDR names: company, VAT id, billing address and order number, which an invoice
must show.

Companies only: a private buyer is known by its order alone. What people wrote down stays as it is.
"""

from orders.buyers import check_tax_id
from orders.imports.staging import Batch
from orders.models import Buyer, BuyerTaxId, Marketplace
from orders.models.buyer import match_key

TABLE = "tax_buyers"
_NAMED = """
SELECT t.buyer_company_name, min(upper(left(t.bill_country, 2))), min(t.marketplace_pk)
FROM {table} t WHERE t.buyer_company_name <> '' GROUP BY 1 ORDER BY 1
"""
_ORDERS = f"""
UPDATE orders_order o SET buyer_id = b.buyer_id
FROM (SELECT DISTINCT ON (t.order_id) t.order_id, x.buyer_id FROM {{table}} t
    JOIN {TABLE} x ON x.name = t.buyer_company_name ORDER BY t.order_id, t.line) b
WHERE o.seller_id = %(seller)s AND o.amazon_order_id = b.order_id AND o.buyer_id IS NULL
"""
_ORDER_NUMBERS = """
UPDATE orders_order o SET is_business = o.is_business OR n.business,
    po_number = CASE o.po_number WHEN '' THEN n.number ELSE o.po_number END
FROM (SELECT t.order_id, max(t.purchase_order_number) AS number,
        coalesce(bool_or(t.is_business_order), false) AS business
    FROM {table} t GROUP BY t.order_id) n
WHERE o.seller_id = %(seller)s AND o.amazon_order_id = n.order_id
    AND ((o.po_number = '' AND n.number <> '') OR (n.business AND NOT o.is_business))
"""
_ADDRESSES = f"""
INSERT INTO orders_buyeraddress
    (buyer_id, kind, name, line1, line2, line3, postal_code, city, state, country)
SELECT DISTINCT ON (b.buyer_id) b.buyer_id, 'billing',
    CASE WHEN t.billing_name = t.buyer_company_name THEN '' ELSE t.billing_name END,
    t.bill_address_1, t.bill_address_2, t.bill_address_3, t.bill_postal_code, t.bill_city,
    t.bill_state, upper(left(t.bill_country, 2))
FROM {{table}} t JOIN {TABLE} b ON b.name = t.buyer_company_name
WHERE t.bill_address_1 <> '' AND t.bill_country <> '' AND NOT EXISTS (
    SELECT FROM orders_buyeraddress a WHERE a.buyer_id = b.buyer_id AND a.kind = 'billing')
ORDER BY b.buyer_id, t.shipment_date DESC NULLS LAST, t.line
"""
# The two letters in front say whose number it is; a bare one is of the country billed to.
_TAX_IDS = f"""
SELECT DISTINCT b.buyer_id, CASE WHEN n.number ~ '^[A-Z]{{{{2}}}}' THEN
        CASE left(n.number, 2) WHEN 'EL' THEN 'GR' WHEN 'UK' THEN 'GB' ELSE left(n.number, 2) END
        ELSE upper(left(t.bill_country, 2)) END AS country, n.number
FROM {{table}} t JOIN {TABLE} b ON b.name = t.buyer_company_name,
    LATERAL (SELECT upper(regexp_replace(t.buyer_vat_number, '[ .-]', '', 'g')) AS number) n
WHERE n.number <> ''
ORDER BY 1, 2, 3
"""


def take_over(batch: Batch) -> None:
    """Add buyers, and the billing addresses and VAT ids they lack; name the buyer of its order."""
    params = {"seller": batch.seller.pk}
    batch.execute(_ORDER_NUMBERS.format(table=batch.table), params)
    named = batch.rows(_NAMED.format(table=batch.table))
    if not named:
        return
    _find_buyers(batch, named)
    batch.execute(_ORDERS.format(table=batch.table), params)
    batch.execute(_ADDRESSES.format(table=batch.table))
    BuyerTaxId.objects.bulk_create(
        [
            BuyerTaxId(
                buyer_id=buyer, country=country, number=number[:40],
                valid_form=check_tax_id(country, "VAT", number),
            )
            for buyer, country, number in batch.rows(_TAX_IDS.format(table=batch.table))
            if country
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _find_buyers(batch: Batch, named: list[tuple]) -> None:
    languages = dict(Marketplace.objects.values_list("pk", "language"))
    wanted = {
        match_key(name): Buyer(
            legal_name=name, match_key=match_key(name), country=country or "",
            language=languages[place],
        )
        for name, country, place in named
    }  # fmt: skip
    Buyer.objects.bulk_create(wanted.values(), ignore_conflicts=True)
    found = Buyer.objects.filter(match_key__in=wanted)
    ids = dict(found.values_list("match_key", "pk"))
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")
    batch.execute(f"CREATE TEMP TABLE {TABLE} (name text, buyer_id bigint) ON COMMIT DROP")
    batch.execute(
        f"INSERT INTO {TABLE} SELECT * FROM unnest(%s::text[], %s::bigint[])",
        [[name for name, *_ in named], [ids[match_key(name)] for name, *_ in named]],
    )
