"""The pages of how refunds leave: ways and attempts of a refund, feeds, bank files."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from invoicing import refunds
from invoicing.matching import match_refunds
from invoicing.models import BankFile, Feed, Refund
from invoicing.sending import feeds
from tests.factories import make_seller, make_user
from tests.invoicing.money import make_fact, make_settlement
from tests.invoicing.sending.making import make_feed_refund
from tests.invoicing.sending.test_bank import make_bank
from tests.papers import make_account, make_refund, make_shipped_order

pytestmark = pytest.mark.django_db
IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def finance(client):
    user = make_user("finance")
    client.force_login(user)
    return user


def text_of(response) -> str:
    return response.content.decode()


def page_of(client, refund) -> str:
    return text_of(client.get(refund.get_absolute_url()))


def post(client, refund, verb, **data):
    return client.post(reverse("invoicing:refund-verb", args=[refund.key, verb]), data, follow=True)


def again(row):
    return type(row).objects.get(pk=row.pk)


# --- The refund's page ---------------------------------------------------------------------------


def test_attempts_and_approvals_show_with_who_and_why(client, finance):
    refund = make_refund("failed")
    page = page_of(client, refund)
    assert "Attempts" in page
    assert refund.attempts.get().sentence in page
    assert str(refund.approvals.get().by) in page
    assert "alone" not in page


def test_what_amazon_refunded_meanwhile_shows_before_paying(client, finance):
    refund = make_refund("approved")
    line = refund.order.lines.first()
    make_fact(make_settlement(refund.seller), refund.order, line, "-5.00", adjustment="A1",
              at=timezone.now())  # fmt: skip
    match_refunds()
    theirs = Refund.objects.get(source="amazon")
    page = page_of(client, refund)
    assert "went back elsewhere too" in page
    assert f'href="{theirs.get_absolute_url()}"' in page
    assert "went back elsewhere too" not in page_of(client, theirs)


def test_refund_is_led_another_way_and_waits_for_approval(client, finance):
    refund = make_refund("approved")
    make_account(refund.seller)
    given = {"lane": "bank", "name": "Demo Einkauf AG", "iban": IBAN, "reason": "Account closed"}
    wrong = post(client, refund, "change_lane", **{**given, "iban": "DE00 1234"})
    assert "IBAN cannot be right" in text_of(wrong)
    assert again(refund).lane == "guided"
    told = post(client, refund, "change_lane", **given)
    assert "goes another way now" in text_of(told)
    refund = again(refund)
    assert (refund.lane, refund.state, refund.payee.name) == ("bank", "proposed", given["name"])
    page = page_of(client, refund)
    assert "DE89…3000" in page
    assert "of another content" in page  # the approval before does not count any more
    assert "let the refund go another way" in page


def test_yes_to_a_page_is_not_a_yes_to_what_the_refund_became(client, finance):
    refund = make_refund("proposed")
    page, desk = page_of(client, refund), reverse("invoicing:refunds-approve")
    assert f'name="version" value="{refund.content_hash}"' in page
    preview = text_of(client.post(desk, {"ids": [refund.pk]}))
    seen = f"{refund.key}:{refund.content_hash}"
    assert f'name="seen" value="{seen}"' in preview
    make_account(refund.seller)
    payee = {"name": "Demo Einkauf AG", "iban": IBAN}
    agent = make_user("agent")
    refunds.change_lane(refund.key, by=agent, lane="bank", payee=payee, reason="Closed")
    answer = post(client, refund, "approve", version=refund.content_hash)
    assert "not the refund you looked at" in text_of(answer)
    many = {"ids": [refund.pk], "seen": [seen], "confirm": "1"}
    assert "not the refund you looked at" in text_of(client.post(desk, many, follow=True))
    assert again(refund).state == "proposed"
    post(client, refund, "approve", version=again(refund).content_hash)
    assert again(refund).state == "approved"


def test_form_of_another_way_keeps_what_was_entered(client, finance):
    refund = make_refund("approved")
    answer = post(client, refund, "change_lane", lane="bank", name="Demo Einkauf AG", iban=IBAN)
    assert answer.status_code == 422
    assert IBAN in text_of(answer)


def test_bank_refund_has_no_button_for_hands(client, finance):
    refund = make_bank()
    page = page_of(client, refund)
    assert "Put it into a bank file" in page
    assert "I carry it out now" not in page
    assert "To type into Seller Central" not in page


def test_other_amount_is_accepted_with_a_reason(client, finance):
    refund = make_refund("sent")
    line = refund.order.lines.first()
    make_fact(make_settlement(refund.seller), refund.order, line, f"-{refund.gross - 1}",
              adjustment="A1", at=timezone.now())  # fmt: skip
    match_refunds()
    assert "Accept the other amount" in page_of(client, refund)
    assert post(client, refund, "accept_difference").status_code == 422
    post(client, refund, "accept_difference", reason="Amazon kept a fee.")
    assert again(refund).state == "confirmed"
    assert "accepted the other amount" in page_of(client, refund)


def test_nothing_is_accepted_where_nothing_differs(client, finance):
    assert "Accept the other amount" not in page_of(client, make_refund("sent"))


# --- Bank files ----------------------------------------------------------------------------------


def new_file(client, *refunds, **data):
    ids = [refund.pk for refund in refunds]
    return client.post(reverse("invoicing:bank-file-new"), {"ids": ids, **data}, follow=True)


def say(client, file, verb, **data):
    url = reverse("invoicing:bank-file-verb", args=[file.key, verb])
    return client.post(url, data, follow=True)


def test_file_is_previewed_made_taken_and_carried_out(client, finance):
    seller = make_seller()
    pair, guided = [make_bank(seller), make_bank(seller)], make_refund("approved")
    preview = text_of(new_file(client, *pair, guided))
    assert "Make a bank file of 2 refunds" in preview
    assert "142.80" in preview
    assert "It goes another way: seller central." in preview
    assert not BankFile.objects.exists()
    page = text_of(new_file(client, *pair, confirm="1"))
    file = BankFile.objects.get()
    assert "The file is made." in page
    assert {again(one).state for one in pair} == {"sending"}
    assert f"/bank-files/{file.key}/" in page_of(client, pair[0])
    taken = client.get(reverse("invoicing:bank-file-xml", args=[file.key]))
    assert taken.content == bytes(file.content)
    assert "attachment" in taken["Content-Disposition"]
    assert say(client, file, "executed").status_code == 422
    told = say(client, file, "executed", on=timezone.localdate().isoformat())
    assert "Its refunds are sent" in text_of(told)
    assert {again(one).state for one in pair} == {"sent"}
    assert text_of(client.get("/bank-files/", {"state": "executed"})).count("data-row") == 1
    found = client.get("/bank-files/", {"q": pair[0].order.amazon_order_id})
    assert text_of(found).count("data-row") == 1


def test_transfer_is_confirmed_by_the_statement(client, finance):
    refund = make_bank()
    file = BankFile.objects.get(pk=_made(client, refund))
    today = timezone.localdate().isoformat()
    say(client, file, "executed", on=today)
    assert "The bank statement shows it" in page_of(client, refund)
    post(client, refund, "confirm_paid", on=today, reference="NTRF 4711")
    assert again(refund).state == "confirmed"


def _made(client, refund) -> int:
    answer = post(client, refund, "bank_file")
    assert answer.redirect_chain[-1][0].startswith("/bank-files/")
    return BankFile.objects.get().pk


def test_withdrawn_file_gives_its_refunds_back(client, finance):
    refund = make_bank()
    file = BankFile.objects.get(pk=_made(client, refund))
    assert say(client, file, "withdraw").status_code == 422
    say(client, file, "withdraw", reason="Wrong day")
    assert "pain.001.xml" not in text_of(client.get(f"/bank-files/{file.key}/"))
    told = client.get(reverse("invoicing:bank-file-xml", args=[file.key]), follow=True)
    assert "would pay twice" in text_of(told)
    assert again(refund).state == "approved"
    assert "withdrew the bank file" in text_of(client.get(f"/bank-files/{file.key}/"))
    assert say(client, file, "explode").status_code == 404


def test_sellers_are_not_mixed_in_one_file(client, finance):
    pair = [make_bank(), make_bank()]
    assert "Each seller pays from its own account" in text_of(new_file(client, *pair))
    new_file(client, *pair, confirm="1")
    assert not BankFile.objects.exists()


def test_auditor_sees_bank_files_but_takes_none(client, finance):
    refund = make_bank()
    file = BankFile.objects.get(pk=_made(client, refund))
    client.force_login(make_user("auditor"))
    page = text_of(client.get(f"/bank-files/{file.key}/"))
    assert "Your role may not do this" in page
    assert "pain.001.xml" not in page
    assert client.get(reverse("invoicing:bank-file-xml", args=[file.key])).status_code == 403
    on = (timezone.localdate() - timedelta(days=1)).isoformat()
    assert "Your role may not" in text_of(say(client, file, "executed", on=on))
    assert again(file).state == "made"


# --- Feeds ---------------------------------------------------------------------------------------


@pytest.fixture
def feed(settings) -> Feed:
    refund = make_feed_refund(make_shipped_order())
    settings.AMAZON_CLIENT_ID = settings.AMAZON_CLIENT_SECRET = "set"
    settings.AMAZON_REFRESH_TOKENS = {refund.seller.code: "token"}
    [found] = feeds.collect()
    return found


def test_feed_lists_its_refunds_and_they_link_back(client, finance, feed):
    refund = Refund.objects.get()
    page = text_of(client.get(f"/feeds/{feed.key}/"))
    assert f'href="{refund.get_absolute_url()}"' in page
    assert "1 refund in this file" in page
    assert f"/feeds/{feed.key}/" in page_of(client, refund)
    listed = text_of(client.get("/feeds/", {"q": refund.order.amazon_order_id}))
    assert f"/feeds/{feed.key}/" in listed
    assert "not handed over yet" in listed


def test_refund_of_the_feed_goes_by_itself_or_says_why_not(client, finance):
    refund = make_feed_refund(make_shipped_order())
    page = page_of(client, refund)
    assert "next feed takes it along by itself" in page
    assert "I carry it out now" not in page
    feeds.collect()  # no access to Amazon is set here
    page = page_of(client, refund)
    assert "Left alone for now" in page
    assert "There is no access to Amazon" in page
