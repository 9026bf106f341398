"""How long documents are kept, what holds them longer, and how they are erased afterwards.

The time is counted in `retention_sql.py`, by which the database itself refuses earlier deletes.
Only `erase_expired`, in the owner's role, deletes; it leaves an `Erasure` as proof.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import connection, connections
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing.models import Document, LegalHold, RetentionRule, TaxFact
from invoicing.models.document import Kind
from invoicing.refund_row import need_reason
from invoicing.retention_sql import DEFAULT_YEARS, FLOORS, KEPT_UNTIL, RULE
from invoicing.states import DocumentState

# Country, years, and the law that says so (facts on tax by country); empty: everywhere else.
RULES = (
    ("DE", 8, "§ 14b UStG, § 147 AO: 8 years since 2025"),
    ("GB", 6, "VAT Notice 700/21: 6 years"),
    ("FR", 10, "Art. L123-22 Code de commerce: 10 years"),
    ("IT", 10, "Art. 2220 Codice civile: 10 years"),
    ("JP", 7, "Consumption Tax Act, qualified invoices: 7 years"),
    ("", DEFAULT_YEARS, "House rule: 10 years where no shorter time is known to be enough"),
)
# Where an order's documents point at each other they go together, or not at all.
_EXPIRED = f"""
    SELECT d.order_id FROM invoicing_document d
    WHERE d.order_id IN (SELECT old.order_id FROM invoicing_document old
                         WHERE old.issue_date < %(soonest)s)
    GROUP BY d.order_id
    HAVING bool_and(d.state = 'issued') AND max(d.issue_date) < %(soonest)s
       AND max({KEPT_UNTIL.format(d="d")}) < current_date
       AND NOT bool_or(EXISTS (SELECT FROM invoicing_legalhold h
                               WHERE h.document_id = d.id AND h.lifted_at IS NULL))
    ORDER BY d.order_id LIMIT %(limit)s
"""
_PROVE = f"""
    INSERT INTO invoicing_erasure (
        number, kind, seller_code, order_id, country, issue_date, kept_until,
        payload_sha256, previous_hash, chain_hash, series_id, year, sequence, refund_id,
        erased_at, rule)
    SELECT d.number, d.kind, s.code, d.order_id, m.country, d.issue_date,
        {KEPT_UNTIL.format(d="d")},
        d.payload_sha256, d.previous_hash, d.chain_hash, d.series_id, d.year, d.sequence, r.id,
        now(), left({RULE.format(d="d")}, 200)
    FROM invoicing_document d
    JOIN orders_seller s ON s.id = d.seller_id
    JOIN orders_marketplace m ON m.id = d.marketplace_id
    LEFT JOIN invoicing_refund r ON r.document_id = d.id
    WHERE d.id = ANY(%(ids)s)
"""


def load_rules(using: str) -> None:
    """Insert the rules that are missing; what people changed stays as it is."""
    rows = RetentionRule.objects.using(using)
    known = set(rows.values_list("kind", "country"))
    missing = [
        RetentionRule(kind=kind, country=country, years=years, source=source)
        for kind in Kind.values
        for country, years, source in RULES
        if (kind, country) not in known
    ]
    if missing:
        with trail("migrate", by=User.objects.db_manager(using).system(), using=using):
            rows.bulk_create(missing)


def keep_until(document: Document) -> date | None:
    """The last day a document must be kept; None for a draft.

    The end of the calendar year of issue plus the years of its country and the seller's, the
    longer of both. A legal hold keeps it beyond.
    """
    return _ask(document, KEPT_UNTIL)


def rule_of(document: Document) -> str:
    """Which countries' years apply, such as "DE 8, GB 6"."""
    return _ask(document, RULE) or ""


def place_hold(document: Document, *, by, reason: str) -> LegalHold:
    """Keep a document whatever its age while a dispute or audit runs.

    Refused: "forbidden", "reason", "state" (a draft), "held".
    """
    require(by, "invoicing.hold_document")
    with trail("place_hold", by=by, reason=need_reason(reason)):
        locked = _lock(document.pk)
        if locked.state == DocumentState.DRAFT:
            raise Refused("state", "A draft is not kept; it gets its number first.")
        if locked.holds.filter(lifted_at=None).exists():
            raise Refused("held", f"{locked} is on hold already.")
        return LegalHold.objects.create(document=locked, reason=reason.strip()[:300], placed_by=by)


def lift_hold(document: Document, *, by, reason: str = "") -> LegalHold:
    """End a hold; from then on the document is kept as long as its rule says.

    Refused: "forbidden", "not_held".
    """
    require(by, "invoicing.hold_document")
    with trail("lift_hold", by=by, reason=reason.strip()):
        hold = _lock(document.pk).holds.filter(lifted_at=None).first()
        if hold is None:
            raise Refused("not_held", f"{document} is not on hold.")
        hold.lifted_by, hold.lifted_at = by, timezone.now()
        hold.save(update_fields=["lifted_by", "lifted_at"])
    return hold


def expired(limit: int = 1000) -> list[int]:
    """Ids of documents whose time is over: all of their order's are, none is held or a draft."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, {"soonest": soonest(), "limit": limit})
        orders = [order for (order,) in cursor.fetchall()]
    found = Document.objects.filter(order__in=orders).order_by("order_id", "id")
    return list(found.values_list("pk", flat=True))


def erase_expired(limit: int = 1000) -> list[str]:
    """Erase what `expired` names, an order at a time, in the owner's role; returns the numbers.

    Files, lines, tax facts, deliveries and lifted holds go with their document; refunds and
    downloads stay and forget it. The database checks time, holds and proof of every document again.
    """
    by_order: dict[int, list[int]] = {}
    for pk, order in Document.objects.filter(pk__in=expired(limit)).values_list("pk", "order_id"):
        by_order.setdefault(order, []).append(pk)
    erased = []
    for ids in by_order.values():
        erased += _erase(ids)
    return erased


# --- Parts ---------------------------------------------------------------------------------------


def _lock(pk: int) -> Document:
    return Document.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _ask(document: Document, expression: str):
    if document.issue_date is None:
        return None
    with connection.cursor() as cursor:
        asked = expression.format(d="d")
        cursor.execute(f"SELECT {asked} FROM invoicing_document d WHERE d.id = %s", [document.pk])
        return cursor.fetchone()[0]


def soonest() -> date:
    """Nothing issued after this day can be over: spares looking at young documents."""
    known = RetentionRule.objects.values_list("years", flat=True)
    years = min(DEFAULT_YEARS, *FLOORS.values(), *known)
    return date(timezone.now().year - years, 1, 1)


@contextmanager
def as_owner(verb: str) -> Iterator:
    """A transaction in the owner's role in which retention may delete."""
    system = User.objects.db_manager("owner").system()
    with (
        trail(verb, by=system, reason="Kept as long as the law asks", using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute("SELECT set_config('retour.maintenance', 'on', true)")
        yield cursor


def _erase(ids: list[int]) -> list[str]:
    """Erase the documents of one order together, with their proofs."""
    with as_owner("erase_documents") as cursor:
        cursor.execute(
            "SELECT number FROM invoicing_document WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [ids],
        )
        numbers = [number for (number,) in cursor.fetchall()]
        cursor.execute(_PROVE, {"ids": ids})
        cursor.execute("DELETE FROM invoicing_document WHERE id = ANY(%s)", [ids])
        for statement in _aftermath():
            cursor.execute(statement, [ids])
    return numbers


def _aftermath() -> list[str]:
    """What becomes of rows that name an erased document: optional keys forget it, others go."""
    statements = []
    for relation in Document._meta.get_fields(include_hidden=True):
        if not (relation.one_to_many or relation.one_to_one) or relation.concrete:
            continue
        field, table = relation.field, relation.related_model._meta.db_table
        if relation.related_model._meta.managed is False or relation.related_model is Document:
            continue
        if not field.db_constraint:  # the trail keeps what happened
            continue
        if field.null and relation.related_model is not TaxFact:  # facts for documents go too
            change = f"UPDATE {table} SET {field.column} = NULL"
        else:
            change = f"DELETE FROM {table}"
        statements.append(f"{change} WHERE {field.column} = ANY(%s)")
    return statements
