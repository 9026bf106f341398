"""Which journals a report of the ledger covers: months as booked, or days as posted.

A late fact is booked in the first month that is open, so that a closed month stays as it was
exported; its posted day remains its own.
"""

from calendar import monthrange

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.refused import Refused
from invoicing.reports.kinds import Choice, Scope

MONTHS, DAYS = "months", "days"
BY = Choice(
    "by",
    gettext_lazy("Counts by"),
    (
        (MONTHS, gettext_lazy("Booked in these months")),
        (DAYS, gettext_lazy("Posted on these days")),
    ),
    MONTHS,
)
_SCOPE = """
    (%(seller)s::bigint IS NULL OR j.seller_id = %(seller)s)
    AND (%(marketplace)s::bigint IS NULL OR j.marketplace_id = %(marketplace)s)
"""
_BY = {
    MONTHS: "p.month BETWEEN %(from)s AND %(to)s",
    DAYS: "j.posted_on BETWEEN %(from)s AND %(to)s",
}


def where(scope: Scope) -> str:
    """The condition on ``invoicing_journal j`` and its ``invoicing_period p``."""
    return f"{_BY[scope.chosen.get(BY.key, MONTHS)]} AND {_SCOPE}"


def check(scope: Scope) -> None:
    """Months are whole. Raises Refused("months")."""
    if scope.chosen.get(BY.key, MONTHS) == MONTHS:
        check_months(scope)


def check_months(scope: Scope) -> None:
    """The first day of a month to the last of one. Raises Refused("months")."""
    last = monthrange(scope.date_to.year, scope.date_to.month)[1]
    if scope.date_from.day != 1 or scope.date_to.day != last:
        raise Refused(
            "months",
            _("Books go by whole months: choose the first day of a month and the last of one."),
        )
