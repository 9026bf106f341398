"""Mail in the buyer's language; what cannot go out becomes work for somebody."""

import smtplib
import string

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from returns import messages, workflow
from returns.message_parts import APPROVER, FRAMES, INSTRUCTIONS, LANGUAGES
from returns.message_texts import TEXTS
from returns.models import Message
from tests.factories import make_buyer, make_order, make_rma, make_user

pytestmark = pytest.mark.django_db


def names(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("template", [*TEXTS, "approval_waiting"])
def test_every_language_says_the_same_things(template):
    texts = APPROVER if template == "approval_waiting" else TEXTS[template]
    assert set(texts) == set(LANGUAGES) == set(FRAMES)
    said = {language: (names(subject), names(body)) for language, (subject, body) in texts.items()}
    assert all(found[1] == said["en"][1] for found in said.values()), said
    assert all(len(subject) <= 120 for subject, _body in texts.values())


def test_instructions_exist_in_every_language():
    assert all(set(texts) == set(LANGUAGES) for texts in INSTRUCTIONS.values())


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("de", "Retoure"),
        ("fr", "retour"),
        ("it", "reso"),
        ("es", "devolución"),
        ("ja", "返品"),
        ("en", "return"),
        ("sv", "return"),
    ],
)
def test_buyer_reads_the_own_language(language, word):
    order = make_order(buyer=make_buyer(language=language))
    rma = make_rma("approved", order=order)
    message = rma.messages.get(template="approved")
    assert word in message.subject
    assert rma.number in message.body
    assert "{" not in message.body


def test_queued_mail_is_sent_once():
    make_rma("approved")
    assert messages.send_queued() == 2
    assert messages.send_queued() == 0
    assert len(mail.outbox) == 2
    assert mail.outbox[0].to == ["einkauf@demo.example"]
    assert not Message.objects.exclude(status="sent").exists()


def test_missing_address_becomes_a_work_item():
    rma = make_rma("approved", order=make_order(buyer=make_buyer(email="")))
    assert set(rma.messages.values_list("status", flat=True)) == {"no_address"}
    assert rma.work_items.get().kind == "no_address"  # once, though two mails could not go


def test_buyer_whose_mail_came_back_gets_none():
    rma = make_rma("requested", order=make_order(buyer=make_buyer(email_bounced=True)))
    assert rma.work_items.get().kind == "bounced"
    assert messages.send_queued() == 0


class Refusing(EmailBackend):
    """A mail server that knows nobody."""

    def send_messages(self, email_messages):
        raise smtplib.SMTPRecipientsRefused({"einkauf@demo.example": (550, b"unknown")})


class Away(EmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, email_messages):
        raise ConnectionRefusedError


def test_bounced_mail_marks_the_buyer_and_makes_work(settings):
    rma = make_rma("requested")
    settings.EMAIL_BACKEND = "tests.returns.test_messages.Refusing"
    assert messages.send_queued() == 1
    assert rma.messages.get().status == "bounced"
    rma.buyer.refresh_from_db()
    assert rma.buyer.email_bounced
    assert rma.work_items.get().kind == "bounced"


def test_server_that_is_away_costs_delay_only(settings):
    rma = make_rma("requested")
    settings.EMAIL_BACKEND = "tests.returns.test_messages.Away"
    assert messages.send_queued() == 0
    assert rma.messages.get().status == "queued"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert messages.send_queued() == 1


class Greylisting(EmailBackend):
    """A mail server that wants the mails of one company later and takes the others."""

    def send_messages(self, email_messages):
        (message,) = email_messages
        if "later@demo.example" in message.to:
            raise smtplib.SMTPRecipientsRefused({"later@demo.example": (450, b"try again")})
        return super().send_messages(email_messages)


class TakingNoText(EmailBackend):
    """A mail server that refuses the first mail's text for good, as a spam filter does."""

    refused: tuple[str, ...] = ("einkauf@demo.example",)

    def send_messages(self, email_messages):
        (message,) = email_messages
        if set(self.refused) & set(message.to):
            raise smtplib.SMTPDataError(554, b"rejected")
        return super().send_messages(email_messages)


class NotOurs(EmailBackend):
    """A mail server that does not let us in: no fault of any address."""

    def send_messages(self, email_messages):
        raise smtplib.SMTPAuthenticationError(535, b"bad credentials")


def _two_mails(first: str):
    """The mails of two cases; the older one goes to ``first``."""
    return [
        make_rma("requested", order=make_order(buyer=make_buyer(email=email))).messages.get()
        for email in (first, "second@demo.example")
    ]


def _statuses(mails) -> list[str]:
    return [Message.objects.get(pk=one.pk).status for one in mails]


@pytest.mark.parametrize(
    ("backend", "first", "status", "handled"),
    [
        ("Greylisting", "later@demo.example", "queued", 1),
        ("TakingNoText", "einkauf@demo.example", "bounced", 2),
    ],
)
def test_mail_that_is_refused_holds_up_no_other(settings, backend, first, status, handled):
    mails = _two_mails(first)
    settings.EMAIL_BACKEND = f"tests.returns.test_messages.{backend}"
    assert messages.send_queued() == handled
    assert _statuses(mails) == [status, "sent"]


def test_mail_with_an_impossible_address_holds_up_no_other():
    mails = _two_mails("first@demo.example")
    Message.objects.filter(pk=mails[0].pk).update(to="a@demo.example\nBcc: b@demo.example")
    assert messages.send_queued() == 2
    assert _statuses(mails) == ["bounced", "sent"]


def test_server_that_does_not_let_us_in_bounces_nobody(settings):
    mails = _two_mails("first@demo.example")
    settings.EMAIL_BACKEND = "tests.returns.test_messages.NotOurs"
    assert messages.send_queued() == 0
    assert _statuses(mails) == ["queued", "queued"]


def test_bounce_of_the_approvers_mail_is_not_the_buyers():
    rma = make_rma("requested")
    messages.send_queued()
    message, _problem = messages.compose_for_approver(
        rma, list(rma.lines.select_related("order_line__order")), amount="1 €", who="Ada"
    )
    message.save()
    messages.bounced(message.pk)
    rma.buyer.refresh_from_db()
    assert not rma.buyer.email_bounced
    item = rma.work_items.get()
    assert (item.kind, item.actor) == ("bounced", "lead")
    assert "approver" in item.sentence


def test_late_bounce_is_recorded():
    rma = make_rma("requested")
    messages.send_queued()
    messages.bounced(rma.messages.get().pk)
    assert rma.messages.get().status == "bounced"
    assert rma.work_items.get().kind == "bounced"


def test_finished_work_item_stays_finished():
    rma, agent = make_rma("requested", order=make_order(buyer=None)), make_user("agent")
    item = workflow.finish_work_item(rma.work_items.get().pk, by=agent)
    assert item.done_by == agent
    with pytest.raises(workflow.Refused) as refused:
        workflow.finish_work_item(item.pk, by=agent)
    assert refused.value.code == "done"


@pytest.mark.django_db(transaction=True)
def test_commit_hands_the_mail_to_a_worker():
    make_rma("requested")
    assert len(mail.outbox) == 1
