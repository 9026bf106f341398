"""VIES over a real connection to a local server: answers, silence, and what waits for them."""

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from invoicing import documents, vies
from invoicing.models import Document, ViesCheck
from invoicing.vies import check, check_answers, ensure, is_valid, latest
from orders.models import BuyerTaxId
from tests.factories import make_buyer, make_user
from tests.invoicing.payloads import of_case, sample
from tests.invoicing.test_paper import draft, german
from tests.papers import make_issuing

pytestmark = pytest.mark.django_db
FRENCH, OURS = "FR83404833048", "DE136695976"
VALID = {"valid": True, "userError": "VALID", "name": "DEMO BATIMENT SAS", "address": "---",
         "requestIdentifier": "WAPIAAAAXYZ1"}  # fmt: skip


class Register:
    """A VIES of one test: the next answer, and the questions it was asked."""

    def __init__(self):
        self.status, self.body, self.delay, self.asked = 200, json.dumps(VALID), 0.0, []

    def says(self, body, status=200):
        self.status, self.body = status, body if isinstance(body, str) else json.dumps(body)


@pytest.fixture
def register(settings):
    found = Register()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            found.asked.append((self.path, json.loads(self.rfile.read(length))))
            time.sleep(found.delay)
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(found.body.encode())

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.VIES_URL = f"http://127.0.0.1:{server.server_port}/vies/rest-api/"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def system():
    return User.objects.system()


# --- The client ----------------------------------------------------------------------------------


def test_question_names_both_ids_and_the_answer_is_kept_as_proof(register):
    by = make_user("finance")
    found = check("fr 83 404 833 048", by=by, requester=OURS)
    assert register.asked == [
        (
            "/vies/rest-api/check-vat-number",
            {"countryCode": "FR", "vatNumber": "83404833048",
             "requesterMemberStateCode": "DE", "requesterNumber": "136695976"},
        )
    ]  # fmt: skip
    found.refresh_from_db()
    assert (found.number, found.asked_by_number, found.answer) == (FRENCH, OURS, "valid")
    assert (found.name, found.consultation, found.by) == (
        "DEMO BATIMENT SAS", "WAPIAAAAXYZ1", by
    )  # fmt: skip


def test_no_is_an_answer_and_dashes_are_no_name(register):
    register.says({"valid": False, "userError": "INVALID", "name": "---", "requestIdentifier": ""})
    found = check(FRENCH, by=system())
    assert (found.answer, found.name, found.consultation) == ("invalid", "", "")
    assert register.asked[0][1] == {"countryCode": "FR", "vatNumber": "83404833048"}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"valid": False, "userError": "MS_UNAVAILABLE"}, 200, "MS_UNAVAILABLE"),
        ({"valid": False, "userError": "MS_MAX_CONCURRENT_REQ"}, 200, "MS_MAX_CONCURRENT_REQ"),
        ({"actionSucceed": False, "errorWrappers": [{"error": "SERVICE_UNAVAILABLE"}]}, 200,
         "SERVICE_UNAVAILABLE"),
        ({"actionSucceed": False, "errorWrappers": [{"error": "INVALID_INPUT"}]}, 400,
         "INVALID_INPUT"),
        ({}, 500, "HTTP 500"),
        ({"message": "busy"}, 503, "HTTP 503"),
        ("<html>Maintenance</html>", 200, "JSONDecodeError"),
        ("[]", 200, "HTTP 200"),
        ({"userError": "VALID"}, 200, "no answer in the reply"),
        ({"valid": "true"}, 200, "no answer in the reply"),
    ],
)  # fmt: skip
def test_whatever_is_no_plain_yes_or_no_is_no_answer(register, body, status, detail):
    register.says(body, status)
    found = check(FRENCH, by=system())
    assert (found.answer, found.detail) == ("unavailable", detail)


def test_greece_is_el_for_vies(register):
    check("GR094259216", by=system())
    assert register.asked[0][1] == {"countryCode": "EL", "vatNumber": "094259216"}


def test_silence_ends_after_the_timeout(register, monkeypatch):
    register.delay = 1.0
    monkeypatch.setattr(vies, "TIMEOUT", httpx.Timeout(0.2))
    assert check(FRENCH, by=system()).detail == "ReadTimeout"


def test_nobody_listening_is_no_answer(settings):
    settings.VIES_URL = "http://127.0.0.1:9"
    assert check(FRENCH, by=system()).detail == "ConnectError"


def test_answers_are_never_changed(register):
    found = check(FRENCH, by=system())
    with pytest.raises(DatabaseError), transaction.atomic():
        ViesCheck.objects.filter(pk=found.pk).update(answer="invalid")


# --- What an id is worth -------------------------------------------------------------------------


def test_switched_off_the_form_decides():
    assert is_valid(FRENCH) is True
    assert is_valid("FR83404833049") is False


def test_switched_on_vies_decides_and_silence_decides_nothing(register):
    assert is_valid(FRENCH) is None
    check(FRENCH, by=system())
    assert is_valid(FRENCH) is True
    register.says({}, 500)
    check(FRENCH, by=system())
    assert latest(FRENCH).answer == "unavailable"
    assert is_valid(FRENCH) is True
    register.says({"valid": False, "userError": "INVALID"})
    check(FRENCH, by=system())
    assert is_valid(FRENCH) is False


def test_british_ids_are_not_in_vies_northern_irish_are(register):
    assert is_valid("GB980780684") is True
    assert is_valid("XI980780684") is None


# --- Before the gate -----------------------------------------------------------------------------


def tax_free(**fields) -> Document:
    buyer = make_buyer(country="FR")
    BuyerTaxId.objects.create(buyer=buyer, country="FR", number=FRENCH)
    return draft(german(buyer=buyer, ship_country="FR", rate="0", **fields))


def test_tax_free_sale_asks_once_with_the_sellers_own_id(register):
    document = tax_free()
    first = ensure(document)
    assert (first.number, first.asked_by_number) == (FRENCH, OURS)
    assert ensure(document) == first
    assert len(register.asked) == 1
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert ensure(document) != first


def test_silent_vies_is_asked_again_after_a_while(register):
    register.says({}, 503)
    document = tax_free()
    assert ensure(document).answer == ensure(document).answer == "unavailable"
    assert len(register.asked) == 1
    register.says(VALID)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert ensure(document).answer == "valid"


def test_domestic_sale_asks_nobody(register):
    assert ensure(draft(german())) is None
    assert register.asked == []


def test_switched_off_asks_nobody():
    assert ensure(tax_free()) is None
    assert not ViesCheck.objects.exists()


# --- What a document waits for -------------------------------------------------------------------


def codes(payload):
    return [one.code for one in check_answers(payload)]


@pytest.mark.parametrize("case", ["K", "AE"])
def test_tax_free_sale_waits_for_vies_goes_on_with_it_stops_at_no(register, case):
    payload = of_case(case)
    number = payload.buyer.vat_id
    assert codes(payload) == ["vies_waiting"]
    register.says({"valid": False, "userError": "MS_UNAVAILABLE"})
    check(number, by=system())
    assert codes(payload) == ["vies_waiting"]
    register.says(VALID)
    check(number, by=system())
    assert codes(payload) == []
    register.says({"valid": False, "userError": "INVALID"})
    check(number, by=system())
    (found,) = check_answers(payload)
    assert found.code == "vies_invalid"
    assert number in str(found.sentence)


def test_old_answer_is_no_proof(register):
    payload = of_case("K")
    with time_machine.travel(timezone.now() - timedelta(days=31)):
        check(payload.buyer.vat_id, by=system())
    assert codes(payload) == ["vies_waiting"]


def test_domestic_sales_and_credit_notes_go_on(register):
    assert codes(sample("DE")) == []
    assert codes(of_case("K", "credit_note")) == []
    assert codes(of_case("K", occasion="reversal")) == []
    british = of_case("AE")
    buyer = replace(british.buyer, vat_id="GB980780684")
    assert codes(replace(british, buyer=buyer)) == []


def test_switched_off_nothing_waits():
    assert codes(of_case("K")) == []


# --- From the page -------------------------------------------------------------------------------


def test_person_asks_again_at_once_and_the_answer_is_kept(register):
    register.says({}, 503)
    document, finance = tax_free(), make_user("finance")
    ensure(document)
    register.says(VALID)
    vies.ask_now(document, by=finance)
    assert latest(FRENCH).by == finance
    assert [row.answer for row in ViesCheck.objects.order_by("pk")] == ["unavailable", "valid"]


def test_nothing_is_asked_that_vies_cannot_answer(register, settings):
    domestic, finance = draft(german()), make_user("finance")
    with pytest.raises(Refused) as refused:
        vies.ask_now(domestic, by=finance)
    assert refused.value.code == "no_vat_id"
    with pytest.raises(Refused) as refused:
        vies.ask_now(tax_free(), by=make_user("agent"))
    assert refused.value.code == "forbidden"
    settings.VIES_URL = ""
    with pytest.raises(Refused) as refused:
        vies.ask_now(tax_free(), by=finance)
    assert refused.value.code == "vies_off"
    assert register.asked == []


def test_draft_that_waits_for_vies_offers_to_ask_and_is_issued_when_it_says_yes(register, client):
    register.says({}, 503)
    document, finance = tax_free(), make_user("finance")
    make_issuing(document.seller)
    with pytest.raises(Refused, match="VIES has not confirmed"):
        documents.number(document, by=finance)
    client.force_login(finance)
    page = client.get(f"/documents/{document.pk}/").content.decode()
    assert "Ask VIES now" in page
    register.says(VALID)
    answer = client.post(f"/documents/{document.pk}/ask_vies/", follow=True)
    assert "VIES was asked" in answer.content.decode()
    issued = documents.number(document, by=finance)
    assert issued.payload["rates"][0]["category"] == "K"
    assert len(register.asked) == 2


def test_draft_with_an_invalid_id_cannot_be_waved_through(register):
    register.says({"valid": False, "userError": "INVALID"})
    document, finance = tax_free(), make_user("finance")
    make_issuing(document.seller)
    with pytest.raises(Refused, match="not a valid VAT id"):
        documents.number(document, by=finance)
    with pytest.raises(Refused) as refused:
        documents.accept_finding(document, by=finance, code="vies_invalid", reason="I know them")
    assert refused.value.code == "not_acceptable"


def test_person_accepts_other_proof_while_vies_is_silent(register):
    register.says({}, 503)
    document, finance = tax_free(), make_user("finance")
    make_issuing(document.seller)
    with pytest.raises(Refused):
        documents.number(document, by=finance)
    documents.accept_finding(document, by=finance, code="vies_waiting", reason="Register extract")
    assert documents.number(document, by=finance).number
