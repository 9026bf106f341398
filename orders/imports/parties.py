"""Products and buyers that an orders report names: found, added, and products' titles kept new."""

from orders.imports.staging import Batch
from orders.models import Buyer, Marketplace
from orders.models.buyer import match_key

BUYERS, PRODUCTS = "import_buyers", "import_products"


def find_buyers(batch: Batch) -> None:
    """Fill ``import_buyers`` (name, buyer_id); a company name not seen before becomes a Buyer.

    Country and language come from an order of that buyer; what people changed later stays.
    """
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{BUYERS}")
    batch.execute(
        f"CREATE TEMP TABLE {BUYERS} (name text PRIMARY KEY, buyer_id bigint) ON COMMIT DROP"
    )
    if not batch.has("buyer_company_name"):
        return
    named = batch.rows(
        "SELECT t.buyer_company_name, min(upper(t.ship_country)) FILTER"
        " (WHERE length(t.ship_country) = 2), min(p.id)"
        f" FROM {batch.table} t JOIN import_places p ON p.name = t.sales_channel"
        " AND p.currency = t.currency WHERE t.buyer_company_name <> '' GROUP BY 1 ORDER BY 1"
    )
    languages = dict(Marketplace.objects.values_list("pk", "language"))
    wanted: dict[str, Buyer] = {}
    for name, country, place in named:
        wanted.setdefault(
            match_key(name),
            Buyer(
                legal_name=name, match_key=match_key(name), country=country or "",
                language=languages[place],
            ),
        )  # fmt: skip
    ids = _ids(wanted)
    Buyer.objects.bulk_create(
        [buyer for key, buyer in wanted.items() if key not in ids],
        ignore_conflicts=True,  # another seller's import may name the same buyer right now
        batch_size=2000,
    )
    ids = _ids(wanted)
    batch.execute(
        f"INSERT INTO {BUYERS} SELECT * FROM unnest(%s::text[], %s::bigint[])",
        [[name for name, *_ in named], [ids[match_key(name)] for name, *_ in named]],
    )


def _ids(wanted: dict[str, Buyer]) -> dict[str, int]:
    keys = list(wanted)
    return dict(Buyer.objects.filter(match_key__in=keys).values_list("match_key", "pk"))


def find_products(batch: Batch, rows: str) -> None:
    """Fill ``import_products`` (sku, asin, title, at, product_id) and add the missing products.

    The title is that of the latest order in the file.
    """
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{PRODUCTS}")
    batch.execute(
        f"CREATE TEMP TABLE {PRODUCTS} ON COMMIT DROP AS SELECT DISTINCT ON (sku) sku, title,"
        " at, max(asin) OVER (PARTITION BY sku) AS asin, NULL::bigint AS product_id FROM"
        " (SELECT sku, product_name AS title, max(asin) AS asin, max(last_updated_date) AS at"
        f" FROM {rows} GROUP BY 1, 2) AS named"
        " ORDER BY sku, title = '', at DESC NULLS LAST, title"
    )
    batch.execute(
        "INSERT INTO orders_product (seller_id, sku, asin, title, category, custom_made)"
        f" SELECT %(seller)s, n.sku, n.asin, n.title, '', false FROM {PRODUCTS} n WHERE NOT EXISTS"
        " (SELECT FROM orders_product p WHERE p.seller_id = %(seller)s AND p.sku = n.sku)"
        " ORDER BY n.sku",
        {"seller": batch.seller.pk},
    )
    batch.execute(
        f"UPDATE {PRODUCTS} AS n SET product_id = p.id FROM orders_product p"
        " WHERE p.seller_id = %s AND p.sku = n.sku",
        [batch.seller.pk],
    )
    batch.execute(f"ANALYZE {PRODUCTS}")


def update_titles(batch: Batch) -> None:
    """Give known products the title of their latest order, and a missing ASIN."""
    batch.execute(
        f"UPDATE orders_product AS p SET title = CASE WHEN n.renamed THEN n.title ELSE p.title END,"
        " asin = CASE p.asin WHEN '' THEN n.asin ELSE p.asin END"
        " FROM (SELECT x.*, q.title <> x.title AND x.title <> '' AND NOT EXISTS"
        " (SELECT FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id"
        " WHERE l.product_id = x.product_id AND l.confirmed AND l.title NOT IN ('', x.title)"
        f" AND o.last_updated_at > x.at) AS renamed FROM {PRODUCTS} x"
        " JOIN orders_product q ON q.id = x.product_id"
        " WHERE q.title <> x.title OR (q.asin = '' AND x.asin <> '')) AS n"
        " WHERE p.id = n.product_id AND (n.renamed OR (p.asin = '' AND n.asin <> ''))"
    )
