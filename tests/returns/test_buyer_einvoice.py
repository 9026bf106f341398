"""The e-invoice a buyer takes is chosen on the buyer's page, among those whose rules are here."""

import pytest
from django.urls import reverse

from invoicing.einvoice import rulesets
from invoicing.einvoice.profiles import FACTURX, PROFILES
from tests.factories import make_buyer, make_user

pytestmark = pytest.mark.django_db
SAYS = "Peppol BIS Billing 3 cannot be chosen here"


@pytest.fixture
def finance(client):
    client.force_login(make_user("finance"))


def page_of(client, buyer) -> str:
    return client.get(reverse("returns:buyer", args=[buyer.pk])).content.decode()


def choose(client, buyer, profile):
    url = reverse("returns:buyer-verb", args=[buyer.pk, "e-invoice"])
    return client.post(url, {"invoice_profile": profile, "buyer_reference": "PO-1"})


def test_profile_whose_rules_are_missing_is_not_offered_and_the_page_says_why(
    client, finance, settings
):
    settings.RULES_DIR = ""
    buyer = make_buyer()
    page = page_of(client, buyer)
    assert SAYS in page
    assert "RULES_DIR" in page
    for key in rulesets.unusable():
        assert f'value="{key}"' not in page
        assert choose(client, buyer, key).status_code == 422
    buyer.refresh_from_db()
    assert buyer.invoice_profile == ""


def test_profile_whose_rules_are_here_is_chosen(client, finance, settings):
    settings.RULES_DIR = ""
    buyer = make_buyer()
    assert 'value="en16931-ubl"' in page_of(client, buyer)
    assert choose(client, buyer, "en16931-ubl").status_code == 302
    buyer.refresh_from_db()
    assert (buyer.invoice_profile, buyer.buyer_reference) == ("en16931-ubl", "PO-1")
    assert PROFILES["en16931-ubl"].label in page_of(client, buyer)


def test_every_installed_profile_is_offered_beside_the_pdf(client, finance):
    page = page_of(client, make_buyer())
    for key in rulesets.usable():
        assert (f'value="{key}"' in page) == (key != FACTURX)


def test_profile_whose_rules_went_away_is_said_on_the_page(client, finance, settings):
    settings.RULES_DIR = ""
    assert page_of(client, make_buyer(invoice_profile="peppol-ubl")).count(SAYS) == 2
