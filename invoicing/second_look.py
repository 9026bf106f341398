"""A draft is looked at again before it is checked: facts about the buyer may have come.

It takes the buyer its order has now; once stopped, the category of its untaxed lines is decided
anew. Amounts and rates stay Amazon's.
"""

from django.db.models import F, Q, Sum

from config.core.models import User
from config.core.trail import trail
from invoicing.category import category_of
from invoicing.models import Document, DocumentTax
from invoicing.models.document import Kind
from invoicing.standing import MIRRORS, SALES
from invoicing.states import DocumentState


def meet_buyer(document_id: int) -> bool:
    """Give a draft the buyer that somebody named on its order since; True when it changed.

    What takes a document back keeps the buyer of that document.
    """
    named = Q(order__buyer__isnull=False) & (Q(buyer=None) | ~Q(buyer=F("order__buyer")))
    drafts = Document.objects.filter(pk=document_id, state=DocumentState.DRAFT)
    draft = drafts.filter(named).exclude(occasion__in=MIRRORS).select_related("order").first()
    if draft is None:
        return False
    with trail("meet_buyer", by=User.objects.system()):
        return bool(drafts.update(buyer=draft.order.buyer_id))


def decide_again(document_id: int) -> bool:
    """Write the category anew on a sale's draft that has findings; True when it changed.

    Nothing to do for drafts without findings, credit notes (they follow their invoice), and lines
    that carry tax.
    """
    rows = Document.objects.filter(
        pk=document_id, state=DocumentState.DRAFT, kind=Kind.INVOICE, occasion__in=SALES
    )
    draft = rows.exclude(findings=[]).select_related("order", "seller", "buyer").first()
    if draft is None:
        return False
    untaxed = draft.lines.filter(rate=0)
    known = set(untaxed.values_list("category", flat=True))
    if not known or known == {category_of(draft)}:
        return False
    with trail("decide_treatment", by=User.objects.system()):
        locked = rows.select_for_update(of=("self",), no_key=True).first()
        if locked is None:
            return False
        untaxed.update(category=category_of(locked))
        _rewrite_table(locked)
    return True


def _rewrite_table(document: Document) -> None:
    """The table per category and rate, from the lines."""
    document.taxes.all().delete()
    sums = document.lines.order_by().values("category", "rate")
    DocumentTax.objects.bulk_create(
        DocumentTax(document=document, **row)
        for row in sums.annotate(base=Sum("net"), tax=Sum("tax"))
    )
