"""Until when a document is kept, as SQL: one text for the trigger that refuses and for `retention`.

A leaf without imports of ours, because the models' triggers are made from it.
"""

# Years by law, end of the calendar year of issue (facts on tax by country: DE § 14b UStG, GB VAT
# Notice 700/21, FR and IT accounting law, JP consumption tax). No rule may go below these.
FLOORS = {"DE": 8, "GB": 6, "FR": 10, "IT": 10, "JP": 7}
DEFAULT_YEARS = 10

# The countries whose law binds a document ({d}: its row): the one whose tax it shows, and the
# seller's own. The longest period counts.
_PLACES = """
    SELECT CASE x.code WHEN 'UK' THEN 'GB' WHEN 'EL' THEN 'GR' ELSE x.code END AS country
    FROM (
        SELECT coalesce(nullif({d}.payload ->> 'tax_country', ''), m.country)
        FROM orders_marketplace m WHERE m.id = {d}.marketplace_id
        UNION SELECT s.country FROM orders_seller s WHERE s.id = {d}.seller_id
    ) AS x(code)
"""
_YEARS = f"""
    SELECT coalesce(
        (SELECT r.years FROM invoicing_retentionrule r
         WHERE r.kind = {{d}}.kind AND r.country = place.country),
        (SELECT r.years FROM invoicing_retentionrule r
         WHERE r.kind = {{d}}.kind AND r.country = ''), {DEFAULT_YEARS}) AS years, place.country
    FROM ({_PLACES}) AS place
"""
KEPT_UNTIL = f"""(
    SELECT make_date(extract(year FROM {{d}}.issue_date)::int + max(binding.years), 12, 31)
    FROM ({_YEARS}) AS binding
)"""
# "DE 8, GB 6": what a proof of erasure says.
RULE = f"""(
    SELECT string_agg(binding.country || ' ' || binding.years, ', ' ORDER BY binding.country)
    FROM ({_YEARS}) AS binding
)"""

# A numbered document goes only in the owner's role, during retention, after its time, unheld, and
# with its proof written before.
MAY_ERASE = f"""
    current_setting('retour.maintenance', true) = 'on'
    AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    AND {KEPT_UNTIL.format(d="OLD")} < current_date
    AND NOT EXISTS (SELECT FROM invoicing_legalhold h
                    WHERE h.document_id = OLD.id AND h.lifted_at IS NULL)
    AND EXISTS (SELECT FROM invoicing_erasure e
                WHERE e.number = OLD.number AND e.chain_hash = OLD.chain_hash
                  AND e.issue_date = OLD.issue_date)
"""
