"""What a profile needs is said before it is written, and nothing else is asked for."""

from dataclasses import replace

import pytest

from invoicing.einvoice import checking, parties, rulesets
from invoicing.einvoice.profiles import FACTURX, PROFILES, french_rules, missing_for
from invoicing.einvoice.writing import write
from invoicing.payload import Party, TaxRegistration
from tests.invoicing.papers_v2 import BUYERS, CASES, SELLERS, sample

XRECHNUNG = ("xrechnung-cii", "xrechnung-ubl")


def sentences(key, payload):
    return [str(sentence) for sentence in missing_for(key, payload)]


@pytest.mark.parametrize("key", PROFILES)
@pytest.mark.parametrize("case", CASES)
def test_complete_payload_lacks_nothing(case, key):
    for kind in ("invoice", "credit_note"):
        assert missing_for(key, sample(case, kind)) == []


def test_factur_x_is_always_usable():
    assert FACTURX in rulesets.usable()
    assert all(PROFILES[key].key == key for key in PROFILES)


@pytest.mark.parametrize(
    ("who", "over", "word"),
    [
        ("seller", {"contact": ""}, "contact of the seller"),
        ("seller", {"phone": "n/a"}, "phone number of the seller"),
        ("seller", {"email": "nobody"}, "e-mail address of the seller"),
        ("seller", {"postcode": ""}, "complete the seller"),
        ("buyer", {"city": ""}, "complete the buyer"),
        ("delivery", {"postcode": ""}, "complete the order"),
        ("seller", {"endpoint": "", "email": ""}, "seller's electronic address"),
        ("buyer", {"endpoint": "", "email": "", "vat_id": ""}, "buyer's electronic address"),
    ],
)
@pytest.mark.parametrize("key", XRECHNUNG)
def test_what_xrechnung_needs_is_named(key, who, over, word):
    payload = sample("S19")
    bare = replace(payload, **{who: replace(getattr(payload, who), **over)})
    assert any(word in sentence for sentence in sentences(key, bare))
    assert missing_for(FACTURX, bare) == []


@pytest.mark.parametrize("key", [*XRECHNUNG, "peppol-ubl"])
def test_reference_of_the_buyer_is_needed(key):
    payload = sample("S19", order_ids=(), purchase_order="")
    assert "reference of the buyer" in sentences(key, payload)[0]
    assert missing_for(key, replace(payload, buyer_reference="Kst. 7")) == []


@pytest.mark.parametrize("who", ["seller", "buyer"])
def test_peppol_takes_no_stand_in_for_an_electronic_address(who):
    payload = sample("K")
    bare = replace(getattr(payload, who), endpoint="", endpoint_scheme="")
    (sentence,) = sentences("peppol-ubl", replace(payload, **{who: bare}))
    assert sentence == (
        f"Peppol BIS Billing 3 needs the {who}'s electronic address: add it to the {who}."
    )


def test_peppol_asks_for_a_contact_between_germans_only():
    for case, wanted in (("S19", 1), ("K", 0)):
        payload = sample(case)
        bare = replace(payload, seller=replace(payload.seller, contact=""))
        assert len(missing_for("peppol-ubl", bare)) == wanted


def test_intra_community_supply_needs_a_delivery_country():
    assert "delivery country" in sentences(FACTURX, sample("K", delivery=None))[0]
    assert missing_for(FACTURX, sample("S19", delivery=None)) == []


@pytest.mark.parametrize("case", ["O", "JP", "CA"])
def test_seller_without_vat_id_needs_another_number(case):
    payload = sample(case)
    bare = replace(payload.seller, legal_id="", registrations=())
    assert "register number" in sentences(FACTURX, replace(payload, seller=bare))[0]


@pytest.mark.parametrize(
    ("case", "number"), [("JP", ("7000012050002", "0188")), ("CA", ("123456782", ""))]
)
def test_number_of_the_seller_is_found_inside_its_tax_number(case, number):
    payload = sample(case)
    bare = replace(payload, seller=replace(payload.seller, legal_id="", legal_id_scheme=""))
    assert parties.seller_legal_id(bare) == number
    assert missing_for(FACTURX, bare) == []


# --- France --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "asked"), [("FR", True), ("DE-FR", True), ("DE-in-FR", True), ("K", False)]
)
def test_french_rules_are_asked_of_sellers_known_in_france(case, asked):
    assert french_rules(FACTURX, sample(case)) is asked
    assert not french_rules("peppol-ubl", sample(case))


def test_foreign_seller_without_french_number_writes_a_foreign_invoice():
    payload = sample("DE-FR")
    abroad = replace(payload, seller=SELLERS["DE"])
    assert not french_rules(FACTURX, abroad)
    assert missing_for(FACTURX, abroad) == []
    assert checking.check(write(abroad, FACTURX), FACTURX) == []


def test_sale_taxed_in_another_country_is_no_french_invoice():
    """French rules know French rates only (BR-FR-16): 19 % of Germany could never pass them."""
    payload = replace(sample("S19"), seller=SELLERS["FR"], buyer=BUYERS["FR"])
    assert not french_rules(FACTURX, payload)
    assert french_rules(FACTURX, replace(sample("FR"), buyer=BUYERS["FR"]))


def test_french_seller_needs_its_siren():
    payload = sample("FR")
    bare = replace(payload.seller, registrations=(), legal_id="", endpoint="", email="")
    found = sentences(FACTURX, replace(payload, seller=bare))
    assert any("SIREN" in sentence for sentence in found)
    assert any("seller's electronic address" in sentence for sentence in found)


def test_siren_inside_the_vat_id_will_do():
    payload = sample("FR")
    seller = replace(payload.seller, legal_id="", legal_id_scheme="", endpoint="", email="")
    buyer = replace(payload.buyer, legal_id="", legal_id_scheme="", endpoint="")
    bare = replace(payload, seller=seller, buyer=buyer)
    assert missing_for(FACTURX, bare) == []
    assert checking.check(write(bare, FACTURX), FACTURX, french=True) == []


@pytest.mark.parametrize("number", ["AV 2026/1", "AV#1", "A" * 36])
def test_number_that_france_does_not_allow_is_named(number):
    assert "change the series" in sentences(FACTURX, sample("FR", number=number))[0]
    assert missing_for(FACTURX, sample("S19", number=number)) == []


@pytest.mark.parametrize(
    ("party", "siren"),
    [
        (Party("", (), "FR", legal_id="404 833 048", legal_id_scheme="0002"), "404833048"),
        (Party("", (), "FR", legal_id="40483304800022", legal_id_scheme="0009"), "404833048"),
        (Party("", (), "FR", vat_id="FR 83 404833048"), "404833048"),
        (Party("", (), "DE", registrations=(TaxRegistration("FR", "VAT", "FR40303265045"),)),
         "303265045"),
        (Party("", (), "DE", legal_id="123456789"), ""),
        (Party("", (), "DE", vat_id="DE129274202"), ""),
    ],
)  # fmt: skip
def test_siren_is_found(party, siren):
    assert parties.siren(party) == siren


# --- VAT ids -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "country", "written"),
    [
        ("de 129.274.202", "DE", "DE129274202"),
        ("129274202", "DE", "DE129274202"),
        ("B58378431", "ES", "ESB58378431"),
        ("094259216", "GR", "EL094259216"),
        ("GR094259216", "GR", "EL094259216"),
        ("NL004495445B01", "DE", "NL004495445B01"),
        ("XI980780684", "GB", "XI980780684"),
        ("12-3456789", "US", "123456789"),
    ],
)
def test_vat_id_is_written_with_its_prefix(number, country, written):
    assert parties.vat_number(number, country) == written


@pytest.mark.parametrize(("case", "shown"), [("JP", ""), ("O", ""), ("K", "IT12345670017")])
def test_number_of_a_tax_that_is_not_vat_is_no_vat_id(case, shown):
    payload = sample(case)
    buyer = replace(payload.buyer, vat_id=payload.buyer.vat_id or "T3000012050003")
    assert parties.buyer_vat_id(replace(payload, buyer=buyer)) == shown


def test_vat_id_of_the_taxing_country_is_shown():
    rows = (
        TaxRegistration("DE", "OSS", "DE999999999"),
        TaxRegistration("DE", "VAT", "DE136695976"),
        TaxRegistration("FR", "VAT", "FR40303265045"),
    )
    payload = sample("S19")
    many = replace(payload, seller=replace(payload.seller, registrations=rows))
    shown = {"DE": "DE136695976", "FR": "FR40303265045", "IT": "DE999999999"}
    for country, number in shown.items():
        assert parties.seller_vat_id(replace(many, tax_country=country)) == number
