"""Which comparison an amount of Amazon's belongs to, found by indexes alone.

How comparisons are computed is in ``sql.py``.
"""

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from invoicing.matches.sql import MONEY_KEY
from invoicing.models import Match, MoneyFact

_KEY = f"SELECT {MONEY_KEY} FROM invoicing_moneyfact f WHERE f.id = %s"


def of_money(fact: MoneyFact) -> Match | None:
    """The refund's comparison where the amount stands for a refund, else that of its transaction;
    None for money that is nobody's refund.
    """
    return query_of(fact).first()


def query_of(fact: MoneyFact) -> QuerySet[Match]:
    """At most one row."""
    if fact.refund_id:
        return Match.objects.filter(refund=fact.refund_id)
    if not fact.is_refund:
        return Match.objects.none()
    # the name of its transaction is what an import never changes later
    return Match.objects.filter(key=RawSQL(_KEY, [fact.pk]))  # noqa: S611 our own text
