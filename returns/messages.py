"""Mail to buyers and approvers: composed inside a verb, sent after it by a task.

An address that is missing or came back becomes a work item, never an exception. What the mails
say is in ``message_texts.py``.
"""

from datetime import date, timedelta
from typing import Any

import structlog
from babel.dates import format_date
from django.core.mail import EmailMessage
from django.utils import timezone

from config.core import post
from config.core.models import User
from config.core.trail import trail
from orders.models import Buyer
from returns.message_parts import APPROVER, FRAMES, INSTRUCTIONS, LANGUAGES
from returns.message_texts import TEXTS
from returns.models import RMA, Message, RMALine, WorkItem

log = structlog.get_logger(__name__)
KEPT = timedelta(days=730)  # the text of a mail is personal data; the trail keeps that it went out
BATCH = 200
APPROVAL = "approval_waiting"
DONE, LATER, AWAY = "done", post.LATER, post.AWAY


def compose(
    rma: RMA, lines: list[RMALine], template: str, **params: Any
) -> tuple[Message, WorkItem | None]:
    """A mail to the buyer in the buyer's language, and a work item when it cannot go out.

    Nothing is written. ``params``: reason, amount, ship_by and what else the text names.
    """
    buyer = rma.buyer
    message = _written(rma, lines, template, language_of(rma), params)
    if buyer and buyer.email and not buyer.email_bounced:
        message.to = buyer.email
        return message, None
    message.status = Message.Status.NO_ADDRESS
    return message, _problem(rma, buyer)


def compose_for_approver(
    rma: RMA, lines: list[RMALine], **params: Any
) -> tuple[Message, WorkItem | None]:
    """A mail to the seller's approver: a refund waits for a second person."""
    message = _written(rma, lines, APPROVAL, "en", params)
    if rma.seller.approver_email:
        message.to = rma.seller.approver_email
        return message, None
    message.status = Message.Status.NO_ADDRESS
    return message, _problem_of_approver(rma)


def _problem_of_approver(rma: RMA) -> WorkItem:
    if rma.seller.approver_email:
        kind, what = WorkItem.Kind.BOUNCED, f"Mail to the approver of {rma.seller} came back"
    else:
        kind, what = WorkItem.Kind.NO_ADDRESS, f"{rma.seller} has no approver's e-mail address"
    sentence = f"{what}; tell the approver yourself."
    return WorkItem(rma=rma, kind=kind, sentence=sentence[:300], actor="lead")


def _problem(rma: RMA, buyer: Buyer | None) -> WorkItem:
    if buyer and buyer.email:
        kind, sentence = WorkItem.Kind.BOUNCED, f"Mail to {buyer.legal_name} came back."
    else:
        name = buyer.legal_name if buyer else "The buyer"
        kind, sentence = WorkItem.Kind.NO_ADDRESS, f"{name} has no e-mail address."
    sentence += " Find the address, or tell the buyer through Amazon's messages."
    return WorkItem(rma=rma, kind=kind, sentence=sentence[:300], actor="agent")


def language_of(rma: RMA) -> str:
    """The buyer's language, else the marketplace's, else English."""
    wanted = rma.buyer.language if rma.buyer else rma.marketplace.language
    return wanted[:2] if wanted[:2] in LANGUAGES else "en"


def instructions(payer: str, language: str) -> str:
    """Who pays the freight back, as a sentence; empty where the policy does not say."""
    return INSTRUCTIONS.get(payer, {}).get(language, "")


def _written(rma: RMA, lines: list[RMALine], template: str, language: str, params: dict) -> Message:
    orders = dict.fromkeys(line.order_line.order.amazon_order_id for line in lines)
    names = {
        "number": rma.number,
        "orders": ", ".join(orders),
        "items": "\n".join(_item(line) for line in lines),
        "seller": rma.seller.legal_name,
        "ship_by": rma.ship_by,
        "instructions": "",
    } | params
    if isinstance(names["ship_by"], date):
        names["ship_by"] = format_date(names["ship_by"], "long", locale=language)
    texts = APPROVER if template == APPROVAL else TEXTS[template]
    subject, body = (text.format_map(names) for text in texts[language])
    greeting, signature = (text.format_map(names) for text in FRAMES[language])
    return Message(
        rma=rma,
        template=template,
        language=language,
        subject=" ".join(subject.split())[:200],  # a header is one line
        body=f"{greeting}\n\n{body.strip()}\n\n{signature}\n",
        expires_at=timezone.now() + KEPT,
    )


def _item(line: RMALine) -> str:
    units = line.approved or line.requested
    return f"{units} × {line.order_line.title or line.order_line.sku}"


def hurry() -> None:
    """Ask a worker to send now; without a broker the sweeper does it within a minute."""
    from returns.tasks import send_messages

    try:
        send_messages.delay()
    except Exception as error:  # noqa: BLE001 any broker failure means: later
        log.warning("mail_not_hurried", error=type(error).__name__)


def send_queued(limit: int = BATCH) -> int:
    """Send what is queued, oldest first; two workers never take the same mail. Returns how many.

    Each mail is sent and marked in its own transaction, so a crash repeats at most one. A mail
    that the server wants later holds up no other.
    """
    system, done, later = User.objects.system(), 0, []
    while done + len(later) < limit:
        with trail("send_message", by=system):
            message = _take(later)
            outcome = _deliver(message) if message else AWAY
        if outcome == AWAY:
            break
        if outcome == LATER:
            later.append(message.pk)
        else:
            done += 1
    return done


def _take(later: list[int]) -> Message | None:
    """The oldest queued mail that nobody else holds, locked; ``later`` wait for the next round."""
    queued = Message.objects.select_for_update(skip_locked=True, of=("self",))
    queued = queued.filter(status=Message.Status.QUEUED).exclude(pk__in=later)
    return queued.select_related("rma__buyer", "rma__seller").order_by("created_at", "id").first()


def _deliver(message: Message) -> str:
    """Hand one mail to the server: DONE (sent or came back), LATER (stays queued), or AWAY."""
    mail = EmailMessage(message.subject, message.body, to=[message.to])
    if message.rma.seller.email:
        mail.reply_to = [message.rma.seller.email]
    outcome = post.hand_over(mail, message=message.pk)
    if outcome == post.REFUSED:
        _came_back(message)
        return DONE
    if outcome != post.SENT:
        return outcome
    message.status, message.sent_at = Message.Status.SENT, timezone.now()
    message.save(update_fields=["status", "sent_at"])
    return DONE


def bounced(message_id: int) -> Message:
    """A mail came back later (a bounce read from the mailbox, or a person says so)."""
    with trail("mail_bounced", by=User.objects.system()):
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("rma__buyer", "rma__seller")
            .get(pk=message_id)
        )
        _came_back(message)
    return message


def _came_back(message: Message) -> None:
    """Mark mail and buyer, and give somebody the work of finding an address."""
    message.status = Message.Status.BOUNCED
    message.save(update_fields=["status"])
    buyer = message.rma.buyer
    if message.template == APPROVAL:
        problem = _problem_of_approver(message.rma)
    else:
        if buyer and buyer.email == message.to:
            Buyer.objects.filter(pk=buyer.pk).update(email_bounced=True)
        problem = _problem(message.rma, buyer)
    problem.kind = WorkItem.Kind.BOUNCED
    WorkItem.objects.bulk_create([problem], ignore_conflicts=True)
