"""Handing issued documents over, as tracked children: e-mail to the buyer, Amazon's upload package.

A delivery never changes its document; what cannot go out stays with its problem and the next step.
Mails leave in `delivery_mail.py`; the integration with Amazon uploads packages later.
"""

from datetime import timedelta

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import delivery_package as package
from invoicing.delivery_texts import mail
from invoicing.models import Artifact, Delivery, Document, DocumentRules, TaxFact
from invoicing.models.document import Issuer
from invoicing.refund_row import need_reason
from invoicing.states import DocumentState
from orders.models import Buyer

log = structlog.get_logger(__name__)
Channel, State = Delivery.Channel, Delivery.State
LATELY = timedelta(days=2)  # how long the sweeper looks for documents nobody prepared
BATCH = 100
VIDR_TAKES = timedelta(days=3)  # until a report shows the transaction of a refund, as a rule
JOINED = ("seller", "marketplace", "order", "buyer", "corrects")
NO_BUYER = "Nobody knows the buyer of this order. Name the buyer, or upload the file at Amazon."


def prepare(document: Document, *, by) -> list[Delivery]:
    """Prepare what an issued document of ours is due to: each channel once, whoever asks.

    E-mail where the seller wants it (`DocumentRules.email_documents`), Amazon's package where its
    feed takes documents. Returns what was made now; nothing for drafts and recorded documents.
    """
    with trail("prepare_delivery", by=by):
        locked = _lock(document.pk)
        if locked.state != DocumentState.ISSUED or locked.issuer != Issuer.RETOUR:
            return []
        known = set(locked.deliveries.values_list("channel", flat=True))
        made = []
        if Channel.EMAIL not in known and _wants_mail(locked):
            made.append(_email(locked, by=by))
        if Channel.AMAZON not in known and package.is_taken(locked):
            made.append(_package(locked, by=by))
        for delivery in made:
            delivery.save()
        if any(row.channel == Channel.EMAIL and row.state == State.PREPARED for row in made):
            transaction.on_commit(hurry)
    return made


def send(document: Document, *, by, to: str = "") -> Delivery:
    """Mail a document to the buyer now, or to another address: a new delivery each time.

    Refused: "forbidden", "state" (no file), "waiting" (a mail is on its way), "address".
    """
    require(by, "invoicing.send_delivery")
    with trail("send_document", by=by):
        locked = _lock(document.pk)
        _check_free(locked, Channel.EMAIL, State.PREPARED)
        mailed = _email(locked, by=by, to=_address(to) if to.strip() else "")
        if mailed.state == State.FAILED:
            raise Refused("address", mailed.problem)
        mailed.save()
        transaction.on_commit(hurry)
    return mailed


def resend(delivery: Delivery, *, by, to: str = "") -> Delivery:
    """Hand the document over once more: a new delivery, the old one stays as it went.

    ``to``: another address than the buyer's. Refused as `send`.
    """
    if delivery.channel == Channel.EMAIL:
        return send(delivery.document, by=by, to=to)
    require(by, "invoicing.send_delivery")
    with trail("resend_delivery", by=by):
        document = _lock(delivery.document_id)
        _check_free(document, Channel.AMAZON, State.PREPARED, State.SENT, State.ACCEPTED)
        again = _package(document, by=by)
        again.save()
    return again


def cancel(delivery: Delivery, *, by, reason: str) -> Delivery:
    """Take back what was not sent yet, or close what failed; the trail keeps the reason.

    Refused: "forbidden", "reason", "state".
    """
    require(by, "invoicing.send_delivery")
    with trail("cancel_delivery", by=by, reason=need_reason(reason)):
        _lock(delivery.document_id)
        locked = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if locked.state not in (State.PREPARED, State.FAILED):
            state = locked.get_state_display().lower()
            raise Refused("state", f"This delivery is {state}; it cannot be cancelled.")
        locked.state = State.CANCELLED
        change(locked, "state")
    return locked


def came_back(delivery: Delivery, *, by) -> Delivery:
    """The mail came back after it was sent: its address gets no more, somebody finds another.

    Refused: "forbidden", "state".
    """
    require(by, "invoicing.send_delivery")
    with trail("delivery_came_back", by=by):
        locked = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if locked.channel != Channel.EMAIL or locked.state != State.SENT:
            raise Refused("state", "Only a sent e-mail comes back.")
        refuse(locked)
    return locked


def refuse(delivery: Delivery) -> None:
    """Mark a locked mail as not taken for good, and its address as bad where it is the buyer's."""
    delivery.state = State.FAILED
    to = delivery.to[:200]  # the longest address would not fit into the problem
    delivery.problem = f"Mail to {to} came back. Find another address and send it again."
    change(delivery, "state", "problem")
    Buyer.objects.filter(pk=delivery.document.buyer_id, email=delivery.to).update(
        email_bounced=True
    )


def change(delivery: Delivery, *fields: str) -> None:
    """Save some fields of a locked delivery; its version grows by one."""
    delivery.version += 1
    delivery.save(update_fields=[*fields, "version"])


def with_problems() -> QuerySet[Delivery]:
    """What somebody must do something about, the oldest first; not what was sent again since, and
    not a package that waits for the days VIDR takes to show its transaction.
    """
    fresh = Q(channel=Channel.AMAZON, created_at__gt=timezone.now() - VIDR_TAKES)
    stuck = Q(state=State.FAILED) | (Q(state=State.PREPARED) & ~fresh)
    later = Delivery.objects.filter(
        document=OuterRef("document"), channel=OuterRef("channel"), pk__gt=OuterRef("pk")
    )
    return Delivery.objects.exclude(problem="").filter(stuck, ~Exists(later)).order_by("id")


def prepare_missing(limit: int = BATCH) -> int:
    """Prepare what a worker that died left out, and packages whose transaction id came meanwhile.

    Returns how many deliveries were made or completed. One that fails holds up no other.
    """
    done, system = 0, User.objects.system()
    for document in _without_delivery()[:limit]:
        try:
            done += len(prepare(document, by=system))
        except Exception:
            log.exception("delivery_not_prepared", document=document.pk)
    for delivery_id in _told_meanwhile().values_list("pk", flat=True)[:limit]:
        done += _complete(delivery_id, by=system)
    return done


def hurry() -> None:
    """Ask a worker to send now; without a broker the sweeper does it within a minute."""
    from invoicing.tasks import publish, send_deliveries

    publish(send_deliveries)


# --- Parts ---------------------------------------------------------------------------------------


def _lock(document_id: int) -> Document:
    """Two who prepare or resend the same document take turns."""
    rows = Document.objects.select_related(*JOINED)
    return rows.select_for_update(of=("self",), no_key=True).get(pk=document_id)


def _check_free(document: Document, channel: str, *busy: str) -> None:
    """Refuse what is on its way there, and what has no file of ours to send."""
    if document.state != DocumentState.ISSUED or document.issuer != Issuer.RETOUR:
        raise Refused("state", "Only an issued document of ours can be sent.")
    if document.deliveries.filter(channel=channel, state__in=busy).exists():
        raise Refused("waiting", "This document is on its way there already.")


def _wants_mail(document: Document) -> bool:
    return DocumentRules.objects.filter(seller_id=document.seller_id, email_documents=True).exists()


def _without_delivery() -> QuerySet[Document]:
    """Documents issued lately that have no delivery but may want one."""
    lately = Document.objects.filter(
        state=DocumentState.ISSUED,
        issuer=Issuer.RETOUR,
        issue_date__gte=(timezone.now() - LATELY).date(),
        deliveries=None,
    )
    mailed = Q(seller__document_rules__email_documents=True)
    uploaded = Q(marketplace__code__in=package.MARKETPLACES, occasion__in=package.OCCASIONS)
    return lately.filter(mailed | uploaded).order_by("id")


def _told_meanwhile() -> QuerySet[Delivery]:
    """Incomplete packages whose order has rows of VIDR that may name their transaction, the newest
    first; those that no report ever names are not asked for again and again.
    """
    rows = TaxFact.objects.filter(
        order=OuterRef("document__order"),
        report=TaxFact.Report.VIDR,
        transaction_type__in=(TaxFact.Type.REFUND, TaxFact.Type.RETURN),
    )
    waiting = Delivery.objects.filter(channel=Channel.AMAZON, state=State.PREPARED)
    told = ~Q(document__transaction_id="") | Exists(rows)
    return waiting.exclude(problem="").filter(told).order_by("-id")


def _email(document: Document, *, by, to: str = "") -> Delivery:
    """An unsaved mail; without an address it is a problem with its next step."""
    buyer, corrected = document.buyer, document.corrects
    subject, _ = mail(
        document.kind,
        document.occasion,
        document.language,
        number=document.number,
        original=corrected.number if corrected else "",
        order=document.order.amazon_order_id,
        seller=document.seller.legal_name,
    )
    problem = "" if to else _no_address(buyer)
    return Delivery(
        document=document,
        artifact=_pdf(document),
        channel=Channel.EMAIL,
        state=State.FAILED if problem else State.PREPARED,
        to=to or (buyer.email if buyer and not problem else ""),
        language=document.language,
        subject=subject,
        problem=problem,
        created_by=by,
    )


def _no_address(buyer: Buyer | None) -> str:
    if buyer is None:
        return NO_BUYER
    if buyer.email and not buyer.email_bounced:
        return ""
    what = "came back last time" if buyer.email else "is not known"
    return f"The e-mail address of {buyer.legal_name[:150]} {what}. Enter one and send it again."


def _address(to: str) -> str:
    try:
        validate_email(to.strip())
    except ValidationError as error:
        raise Refused("address", f"{to.strip()} is not an e-mail address.") from error
    return to.strip()


def _package(document: Document, *, by) -> Delivery:
    """An unsaved package for Amazon's feed."""
    return Delivery(
        document=document,
        artifact=_pdf(document),
        channel=Channel.AMAZON,
        language=document.language,
        options=package.options(document),
        problem=package.problem(document),
        created_by=by,
    )


def _complete(delivery_id: int, *, by) -> int:
    """Fill in what VIDR told meanwhile; 1 when nothing is missing any more."""
    with trail("complete_delivery", by=by):
        document = _lock(Delivery.objects.values_list("document", flat=True).get(pk=delivery_id))
        rows = Delivery.objects.select_for_update(of=("self",))
        delivery = rows.filter(pk=delivery_id, state=State.PREPARED).first()
        if delivery is None:
            return 0
        found = package.options(document), package.problem(document)
        if found == (delivery.options, delivery.problem):
            return 0
        delivery.options, delivery.problem = found
        change(delivery, "options", "problem")
        return int(not delivery.problem)


def _pdf(document: Document) -> Artifact:
    return Artifact.objects.defer("content").get(document=document, kind="pdf")
