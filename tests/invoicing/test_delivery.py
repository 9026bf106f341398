"""Deliveries: mails with their documents, Amazon's packages, what cannot go out and what then."""

import smtplib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.trail import trail
from invoicing import (
    corrections,
    delivery,
    delivery_mail,
    delivery_package,
    documents,
    finishing,
    tasks,
)
from invoicing.delivery_texts import LANGUAGES, TEXTS
from invoicing.delivery_texts import mail as mail_text
from invoicing.models import Delivery, Document, DocumentRules
from tests.factories import make_buyer, make_user
from tests.invoicing.test_races import no_row_lock, race, slow_reader  # noqa: F401
from tests.kept import make_tax_fact
from tests.papers import make_invoice, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_tasks(monkeypatch):
    """Tasks are sent nowhere."""
    monkeypatch.setattr(tasks, "publish", lambda task, *args: None)
    monkeypatch.setattr(finishing, "_deliver", lambda document: None)


def system() -> User:
    """The system actor."""
    return User.objects.system()


def wanted(seller, value=True) -> None:
    """The seller wants its documents mailed."""
    with trail("setup", by=system()):
        DocumentRules.objects.update_or_create(seller=seller, defaults={"email_documents": value})


def issued(*, mails=True, email="einkauf@demo.example", **order) -> Document:
    """An issued invoice whose seller wants mails, or not."""
    buyer = order.pop("buyer", None) or make_buyer(email=email)
    order = make_shipped_order(buyer=buyer, **order)
    wanted(order.seller, mails)
    invoice = make_invoice(order)
    documents.finish_documents()
    return Document.objects.get(pk=invoice.pk)


def email_of(document: Document) -> Delivery:
    delivery.prepare(document, by=system())
    return document.deliveries.get(channel="email")


def package_of(document: Document) -> Delivery:
    delivery.prepare(document, by=system())
    return document.deliveries.get(channel="amazon")


# --- Mails ---------------------------------------------------------------------------------------


def test_issued_document_is_mailed_with_its_pdf_in_the_buyers_language():
    invoice = issued(buyer=make_buyer(email="einkauf@demo.example", language="de"))
    email_of(invoice)
    assert delivery_mail.send_prepared() == 1
    [sent] = mail.outbox
    assert sent.to == ["einkauf@demo.example"]
    assert sent.subject == f"Rechnung {invoice.number}"
    assert invoice.order.amazon_order_id in sent.body
    [(name, content, kind)] = sent.attachments
    assert (name, kind) == (f"{invoice.number}.pdf", "application/pdf")
    assert content == bytes(invoice.artifacts.get(kind="pdf").content)
    row = invoice.deliveries.get(channel="email")
    assert (row.state, row.attempts, row.problem) == ("sent", 1, "")
    assert row.sent_at


def test_e_invoice_the_buyer_takes_goes_along():
    buyer = make_buyer(
        email="einkauf@demo.example", invoice_profile="en16931-ubl", buyer_reference="PO-1"
    )
    invoice = issued(buyer=buyer)
    email_of(invoice)
    delivery_mail.send_prepared()
    assert {name: kind for name, _, kind in mail.outbox[0].attachments} == {
        f"{invoice.number}.pdf": "application/pdf",
        f"{invoice.number}.xml": "application/xml",
    }


def test_issuing_prepares_deliveries_after_the_commit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        invoice = issued()
    assert set(invoice.deliveries.values_list("channel", "state")) == {
        ("email", "sent"),
        ("amazon", "prepared"),
    }


def test_seller_who_does_not_want_mails_sends_none():
    invoice = issued(mails=False)
    delivery.prepare(invoice, by=system())
    assert not invoice.deliveries.filter(channel="email").exists()


def test_preparing_again_makes_nothing_new():
    invoice = issued()
    assert len(delivery.prepare(invoice, by=system())) == 2
    assert delivery.prepare(invoice, by=system()) == []


def test_drafts_and_recorded_documents_are_not_delivered():
    invoice = make_invoice()
    wanted(invoice.seller)
    recorded = make_invoice(recorded=True)
    wanted(recorded.seller)
    assert delivery.prepare(invoice, by=system()) == []
    assert delivery.prepare(recorded, by=system()) == []


@pytest.mark.parametrize(
    ("buyer", "says"), [({"email": ""}, "not known"), ({"email_bounced": True}, "came back")]
)
def test_mail_without_a_good_address_is_a_problem_with_a_next_step(buyer, says):
    row = email_of(issued(buyer=make_buyer(**{"email": "a@demo.example", **buyer})))
    assert (row.state, row.to) == ("failed", "")
    assert says in row.problem
    assert "send it again" in row.problem
    assert row in delivery.with_problems()
    delivery.send(row.document, by=make_user("agent"), to="neu@demo.example")
    assert row not in delivery.with_problems()


class Server(BaseEmailBackend):
    """A mail server that answers by the recipient's name."""

    taken: list[str] = []

    def send_messages(self, email_messages):
        for message in email_messages:
            name = message.to[0].partition("@")[0]
            if name == "never":
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})
            if name == "later":
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (451, b"greylisted")})
            if name == "fault":
                raise RuntimeError("a fault of ours")
            if name == "away":
                raise ConnectionRefusedError
            self.taken.append(message.to[0])
        return len(email_messages)


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = "tests.invoicing.test_delivery.Server"
    Server.taken.clear()
    return Server.taken


def state_of(row: Delivery) -> str:
    row.refresh_from_db()
    return row.state


def test_bad_mails_never_hold_up_the_others(server):
    rows = {
        name: email_of(issued(email=f"{name}@demo.example"))
        for name in ("never", "later", "fault", "good")
    }
    delivery_mail.send_prepared()
    assert server == ["good@demo.example"]
    assert {name: state_of(row) for name, row in rows.items()} == {
        "never": "failed",
        "later": "prepared",
        "fault": "failed",
        "good": "sent",
    }
    assert "Find another address" in rows["never"].problem
    assert rows["never"].document.buyer.email_bounced
    assert "RuntimeError" in rows["fault"].problem
    assert rows["later"].attempts == 1
    assert "tried again" in rows["later"].problem


def test_mail_put_off_too_often_fails(server, monkeypatch):
    monkeypatch.setattr(delivery_mail, "PATIENCE", 2)
    row = email_of(issued(email="later@demo.example"))
    delivery_mail.send_prepared()
    assert state_of(row) == "prepared"
    delivery_mail.send_prepared()
    assert state_of(row) == "failed"


def test_mail_server_that_is_away_changes_nothing(server):
    row = email_of(issued(email="away@demo.example"))
    assert delivery_mail.send_prepared() == 0
    assert (state_of(row), row.attempts, row.problem) == ("prepared", 0, "")


def test_mail_that_came_back_closes_the_address():
    row, agent = email_of(issued()), make_user("agent")
    with pytest.raises(Refused):
        delivery.came_back(row, by=agent)
    delivery_mail.send_prepared()
    delivery.came_back(row, by=agent)
    assert state_of(row) == "failed"
    assert row.document.buyer.email_bounced
    with pytest.raises(Refused) as refused:
        delivery.resend(row, by=agent)
    assert refused.value.code == "address"


def test_resending_makes_a_new_delivery_to_another_address():
    row, agent = email_of(issued()), make_user("agent")
    with pytest.raises(Refused) as refused:
        delivery.resend(row, by=agent)
    assert refused.value.code == "waiting"
    delivery_mail.send_prepared()
    again = delivery.resend(row, by=agent, to="buchhaltung@demo.example")
    delivery_mail.send_prepared()
    assert [message.to for message in mail.outbox] == [
        ["einkauf@demo.example"],
        ["buchhaltung@demo.example"],
    ]
    assert (state_of(row), state_of(again)) == ("sent", "sent")


def test_what_is_no_address_is_refused():
    row = email_of(issued(email=""))
    with pytest.raises(Refused) as refused:
        delivery.resend(row, by=make_user("agent"), to="nobody at home")
    assert refused.value.code == "address"


def test_cancelled_mail_is_not_sent():
    row, agent = email_of(issued()), make_user("agent")
    delivery.cancel(row, by=agent, reason="The buyer fetches it himself")
    assert delivery_mail.send_prepared() == 0
    assert mail.outbox == []
    with pytest.raises(Refused) as refused:
        delivery.cancel(row, by=agent, reason="Again")
    assert refused.value.code == "state"


@pytest.mark.parametrize("role", ["inspector", "auditor", "admin"])
def test_who_may_not_send_is_refused(role):
    row, person = email_of(issued()), make_user(role)
    for verb in (
        lambda: delivery.resend(row, by=person),
        lambda: delivery.cancel(row, by=person, reason="No"),
        lambda: delivery.came_back(row, by=person),
    ):
        with pytest.raises(Refused) as refused:
            verb()
        assert refused.value.code == "forbidden"


def test_sweeper_prepares_what_a_lost_worker_left_out():
    invoice = issued()
    assert delivery.prepare_missing() == 2
    assert invoice.deliveries.count() == 2
    assert delivery.prepare_missing() == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TEXTS)
def test_every_text_says_the_numbers_in_every_language(kind, language):
    names = {"number": "CN-7", "original": "INV-1", "order": "302-1", "seller": "Demo GmbH"}
    subject, body = mail_text(kind, "", language, **names)
    assert "CN-7" in subject
    assert "CN-7" in body
    assert "302-1" in body
    assert "Demo GmbH" in body
    assert kind == "invoice" or "INV-1" in body
    assert "{" not in subject + body
    assert language == "en" or mail_text(kind, "", "en", **names)[1] != body


# --- Amazon's packages ---------------------------------------------------------------------------


def test_package_of_an_invoice_has_what_amazons_feed_asks():
    invoice = issued(mails=False)
    row = package_of(invoice)
    assert (row.state, row.problem) == ("prepared", "")
    assert row.artifact == invoice.artifacts.get(kind="pdf")
    assert row.options == {
        "metadata:orderid": invoice.order.amazon_order_id,
        "metadata:invoicenumber": invoice.number,
        "metadata:totalamount": "119.00",
        "metadata:totalvatamount": "19.00",
        "metadata:documenttype": "Invoice",
    }


@pytest.mark.parametrize("marketplace", ["US", "CA", "JP"])
def test_marketplaces_without_the_feed_get_no_package(marketplace):
    order = make_shipped_order(marketplace=marketplace)
    document = Document(kind="invoice", order=order, marketplace=order.marketplace)
    assert not delivery_package.is_taken(document)


def credited(net="30.00", tax="5.70") -> Document:
    """A credit note that is issued."""
    refund = make_refund("sent", order=issued(mails=False).order, net=net, tax=tax)
    documents.finish_documents()
    return Document.objects.get(refund=refund)


def vidr_refund(order, net="-30.00", tax="-5.70", **fields):
    """A refund as VIDR shows it."""
    return make_tax_fact(
        order, transaction_type="refund", item_net=Decimal(net), item_tax=Decimal(tax), **fields
    )


def test_package_of_a_credit_note_waits_for_amazons_transaction():
    note = credited()
    row = package_of(note)
    assert row.state == "prepared"
    assert "transaction id" in row.problem
    assert row not in delivery.with_problems()  # VIDR takes its days
    with trail("test", by=system()):
        Delivery.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=4))
    assert row in delivery.with_problems()
    assert row.options["metadata:totalamount"] == "-35.70"
    assert row.options["metadata:documenttype"] == "CreditNote"
    delivery.prepare_missing()  # the invoice's
    assert delivery.prepare_missing() == 0
    vidr_refund(note.order, transaction_id="amzn1:crow:DE1")
    assert delivery.prepare_missing() == 1
    row.refresh_from_db()
    note.refresh_from_db()
    assert row.problem == ""
    assert row.options["metadata:transactionid"] == note.transaction_id == "amzn1:crow:DE1"


def test_packages_that_no_report_names_hold_up_no_other():
    never = credited()
    row = package_of(never)
    delivery.prepare_missing()
    note = credited()
    delivery.prepare_missing()
    vidr_refund(note.order, transaction_id="amzn1:crow:DE2")
    assert delivery.prepare_missing(limit=1) == 1
    assert package_of(note).problem == ""
    row.refresh_from_db()
    assert row.problem


def test_two_transactions_that_fit_are_nobodys():
    note = credited()
    vidr_refund(note.order, transaction_id="T-A", shipment_id="")
    vidr_refund(note.order, transaction_id="T-B", shipment_id="")
    assert package_of(note).problem


def test_transaction_of_another_credit_note_or_amount_is_not_taken():
    note = credited()
    vidr_refund(note.order, net="-29.00", transaction_id="T-A")
    assert delivery_package.transaction_of(note) == ""
    vidr_refund(note.order, transaction_id="T-B")
    assert delivery_package.transaction_of(note) == "T-B"
    other = make_refund("sent", order=note.order, net="30.00", tax="5.70")
    documents.finish_documents()
    other = Document.objects.get(refund=other)
    assert delivery_package.transaction_of(other) == ""


def test_package_on_its_way_is_not_made_twice():
    row, agent = package_of(issued(mails=False)), make_user("agent")
    with pytest.raises(Refused) as refused:
        delivery.resend(row, by=agent)
    assert refused.value.code == "waiting"
    delivery.cancel(row, by=agent, reason="Wrong file")
    again = delivery.resend(row, by=agent)
    assert (again.state, again.options) == ("prepared", row.options)


def test_reversal_of_a_credit_note_is_mailed_but_not_uploaded():
    invoice = issued()
    refund = make_refund("reversed", order=invoice.order, net="30.00", tax="5.70")
    documents.finish_documents()
    note = Document.objects.get(refund=refund)
    back = corrections.reverse_credit_note(note, by=make_user("finance"), reason="It failed")
    documents.finish_documents()
    delivery.prepare(back, by=system())
    assert [row.channel for row in back.deliveries.all()] == ["email"]
    assert note.number in back.deliveries.get().subject


# --- At once -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_prepare_a_document_once(no_tasks):
    invoice = issued()
    race(lambda i: delivery.prepare(invoice, by=system()))
    assert sorted(invoice.deliveries.values_list("channel", flat=True)) == ["amazon", "email"]


@pytest.mark.django_db(transaction=True)
def test_without_the_documents_lock_mails_are_prepared_twice(
    no_tasks, no_row_lock, slow_reader, monkeypatch  # noqa: F811
):  # fmt: skip
    monkeypatch.setattr(delivery_package, "is_taken", lambda document: False)
    invoice = issued()
    slow_reader(delivery, "_wants_mail")
    race(lambda i: delivery.prepare(invoice, by=system()))
    assert invoice.deliveries.filter(channel="email").count() > 1


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_send_every_mail_once(no_tasks):
    rows = [email_of(issued(email=f"buyer{n}@demo.example")) for n in range(3)]
    race(lambda i: delivery_mail.send_prepared())
    assert sorted(message.to[0] for message in mail.outbox) == [row.to for row in rows]


@pytest.mark.django_db(transaction=True)
def test_without_the_mails_lock_one_is_sent_more_than_once(
    no_tasks, no_row_lock, slow_reader  # noqa: F811
):  # fmt: skip
    email_of(issued())
    slow_reader(delivery_mail, "_take")
    race(lambda i: delivery_mail.send_prepared())
    assert len(mail.outbox) > 1


def test_person_sends_a_document_although_the_seller_mails_none():
    invoice, agent = issued(mails=False), make_user("agent")
    row = delivery.send(invoice, by=agent)
    with pytest.raises(Refused) as refused:
        delivery.send(invoice, by=agent)
    assert refused.value.code == "waiting"
    delivery_mail.send_prepared()
    assert state_of(row) == "sent"
    assert delivery.send(invoice, by=agent, to="buchhaltung@demo.example").state == "prepared"


def test_recorded_document_has_no_file_to_send():
    with pytest.raises(Refused) as refused:
        delivery.send(make_invoice(recorded=True), by=make_user("agent"))
    assert refused.value.code == "state"
