"""Sending prepared mails with their documents; one that fails never holds up the others.

Each mail is sent and marked in its own transaction, so a crash repeats at most one. What the mail
server's answers mean is in `config/core/post.py`, what a delivery becomes of it in `delivery.py`.
"""

import time

import structlog
from django.core.mail import EmailMessage
from django.utils import timezone

from config.core import post
from config.core.models import User
from config.core.trail import trail
from invoicing.delivery import Channel, State, change, refuse
from invoicing.delivery_texts import mail
from invoicing.models import Artifact, Delivery

log = structlog.get_logger(__name__)
BATCH = 200
BUDGET = 150.0  # seconds, below the task's limit
PATIENCE = 100  # tries, about one a minute, until "later" means no
# Inside the PDF already, or ours.
NOT_ATTACHED = ("facturx", "report")
TYPES = {"pdf": ("pdf", "application/pdf")}
XML = ("xml", "application/xml")


def send_prepared(limit: int = BATCH) -> int:
    """Send what is prepared, oldest first; two workers never take the same mail. Returns how many
    were sent or refused for good.
    """
    until, done, later = time.monotonic() + BUDGET, 0, []
    while done + len(later) < limit and time.monotonic() < until:
        delivery_id, outcome = _send_next(later)
        if delivery_id is None or outcome == post.AWAY:
            break
        if outcome == post.LATER:
            later.append(delivery_id)
        else:
            done += 1
    return done


def message_of(delivery: Delivery) -> EmailMessage:
    """The mail with its files: the PDF, and the e-invoice the buyer takes besides."""
    document = delivery.document
    _, body = mail(
        document.kind,
        document.occasion,
        delivery.language,
        number=document.number,
        original=document.corrects.number if document.corrects else "",
        order=document.order.amazon_order_id,
        seller=document.seller.legal_name,
    )
    message = EmailMessage(delivery.subject, body, to=[delivery.to])
    if document.seller.email:
        message.reply_to = [document.seller.email]
    for file in Artifact.objects.filter(document=document).exclude(kind__in=NOT_ATTACHED):
        suffix, kind = TYPES.get(file.kind, XML)
        message.attach(f"{file_name(document.number)}.{suffix}", bytes(file.content), kind)
    return message


def file_name(number: str) -> str:
    """A document's number as the name of its file."""
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in number)


def _send_next(later: list[int]) -> tuple[int | None, str]:
    """Take the oldest mail and send it; its id and what came of it."""
    taken, system = None, User.objects.system()
    try:
        with trail("send_delivery", by=system):
            delivery = _take(later)
            if delivery is None:
                return None, post.AWAY
            taken = delivery.pk
            return taken, _send(delivery)
    except Exception as error:
        if taken is None:
            raise
        log.exception("delivery_not_sent", delivery=taken)
        _keep_fault(taken, type(error).__name__, by=system)
        return taken, post.REFUSED


def _take(later: list[int]) -> Delivery | None:
    """The oldest prepared mail that nobody holds, locked; ``later`` wait for the next round."""
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    rows = rows.filter(channel=Channel.EMAIL, state=State.PREPARED).exclude(pk__in=later)
    joined = rows.select_related("document__seller", "document__order", "document__corrects")
    return joined.order_by("id").first()


def _send(delivery: Delivery) -> str:
    outcome = post.hand_over(message_of(delivery), delivery=delivery.pk)
    if outcome == post.AWAY:
        return outcome
    delivery.attempts += 1
    if outcome == post.SENT:
        delivery.state, delivery.sent_at, delivery.problem = State.SENT, timezone.now(), ""
        change(delivery, "state", "sent_at", "problem", "attempts")
    elif outcome == post.REFUSED or delivery.attempts >= PATIENCE:
        delivery.save(update_fields=["attempts"])
        refuse(delivery)
        outcome = post.REFUSED
    else:
        delivery.problem = "The buyer's mail server asked to try again later; it is tried again."
        change(delivery, "problem", "attempts")
    return outcome


def _keep_fault(delivery_id: int, what: str, *, by) -> None:
    """A fault of ours stays on the mail, in a transaction of its own."""
    with trail("send_delivery", by=by):
        delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
        if delivery.state == State.PREPARED:
            delivery.state, delivery.attempts = State.FAILED, delivery.attempts + 1
            delivery.problem = f"A fault of Retour ({what}) is in the way. Send it again later."
            change(delivery, "state", "problem", "attempts")
