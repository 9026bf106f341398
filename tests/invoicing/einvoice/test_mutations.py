"""A valid document with one thing wrong is stopped, each time by the rule that is about it."""

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import pytest
from lxml import etree

from invoicing import gate
from invoicing.einvoice import checking, rulesets
from invoicing.einvoice.writing import write
from tests.invoicing.papers_v2 import sample

D = Decimal


class Fault(NamedTuple):
    """What is wrong, in which sample or profile, and the rule that must say so.

    With RULES_DIR the rules of EN 16931 name wrong codes (BR-CL-…), without it those of Factur-X
    do, by numbers: either will do where both are given.
    """

    what: str
    where: str
    before: str
    after: str
    rule: str


VAT_ID = '<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">IT12345670017</ram:ID>'
VAT_ID += "</ram:SpecifiedTaxRegistration>"
SHIP_TO_END = "<ram:CountrySubDivisionName>TO</ram:CountrySubDivisionName>"
SHIP_TO_END += "</ram:PostalTradeAddress></ram:ShipToTradeParty>"
DAY = '<ram:OccurrenceDateTime><udt:DateTimeString format="102">20261118</udt:DateTimeString>'
DAY += "</ram:OccurrenceDateTime></ram:ActualDeliverySupplyChainEvent>"
RATE = "<ram:RateApplicablePercent>{}</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
CODE = "|FX-SCH-A-"
CII = [
    Fault("total", "S19", "<ram:GrandTotalAmount>", "<ram:GrandTotalAmount>1", "BR-CO-15"),
    Fault("due", "S19", "<ram:DuePayableAmount>0", "<ram:DuePayableAmount>1", "BR-CO-16"),
    Fault("line", "S19", "<ram:LineTotalAmount>1.00", "<ram:LineTotalAmount>2.00", "BR-CO-10"),
    Fault("VAT", "S19", "<ram:CalculatedAmount>", "<ram:CalculatedAmount>9", "BR-CO-17"),
    Fault("VAT total", "S19", 'currencyID="EUR">', 'currencyID="EUR">9', "BR-CO-14"),
    Fault("rate", "S19", RATE.format(19), RATE.format(20), "BR-CO-17"),
    Fault("buyer VAT id gone", "AE", VAT_ID, "", "BR-AE-02"),
    Fault("buyer VAT id gone", "K", VAT_ID, "", "BR-IC-02"),
    Fault("category", "K", "<ram:CategoryCode>K", "<ram:CategoryCode>Z", "BR-Z-10"),
    Fault("exempt and taxed", "AE", "<ram:CategoryCode>AE", "<ram:CategoryCode>S", "BR-S-10"),
    Fault("reason gone", "G", "ram:ExemptionReason>", "ram:Reason>", "XSD"),
    Fault("delivery country", "K", f"<ram:CountryID>IT</ram:CountryID>{SHIP_TO_END}", SHIP_TO_END,
          "XSD"),
    Fault("delivery day", "K", f"<ram:ActualDeliverySupplyChainEvent>{DAY}", "", "BR-IC-11"),
    Fault("currency", "S19", "Code>EUR<", "Code>XXQ<", "BR-CL-04" + CODE),
    Fault("type 999", "S19", "<ram:TypeCode>380", "<ram:TypeCode>999", "BR-CL-01" + CODE),
    Fault("exemption code", "AE", "VATEX-EU-AE", "VATEX-EU-XX", "BR-CL-22" + CODE),
    Fault("BT-24", "S19", "urn:cen.eu:en16931:2017", "urn:cen.eu:en16931:2099", CODE[1:]),
    Fault("number gone", "S19", "RE-2026-000877", "", "BR-02"),
    Fault("VAT id without country", "S19", ">DE136695976<", ">136695976<", "BR-CO-09"),
]  # fmt: skip
INCLUSIVE = '<cbc:TaxInclusiveAmount currencyID="EUR">'
TAX = '<cbc:TaxAmount currencyID="EUR">'
UBL = [
    Fault("total", "S19", INCLUSIVE, INCLUSIVE + "1", "BR-CO-15"),
    Fault("VAT", "S19", TAX, TAX + "9", "BR-CO-17"),
    Fault("exemption code", "AE", "VATEX-EU-AE", "VATEX-EU-XX", "BR-CL-22"),
    Fault("buyer VAT id gone", "K", "<cac:PartyTaxScheme><cbc:CompanyID>IT12345670017"
          "</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
          "</cac:PartyTaxScheme>", "", "BR-IC-02"),
    Fault("type 999", "S19", "Code>380<", "Code>999<", "BR-CL-01"),
]  # fmt: skip
REFERENCE = "Reference>028-1234567-7654321<"
PROFILED = [
    Fault("e-mail", "peppol-ubl", 'schemeID="9930"', 'schemeID="EM"', "PEPPOL-EN16931-CL008"),
    Fault("process", "peppol-ubl", ">urn:fdc:peppol.eu:2017:poacc:billing:01:1.0", ">B1",
          "PEPPOL-EN16931-R007"),
    Fault("price", "peppol-ubl", ">65.175</cbc:PriceAmount>", ">66.175</cbc:PriceAmount>",
          "PEPPOL-EN16931-R120"),
    Fault("BT-10 empty", "xrechnung-ubl", REFERENCE, "Reference> <", "BR-DE-15"),
    Fault("BT-10 empty", "xrechnung-cii", REFERENCE, "Reference> <", "BR-DE-15"),
    Fault("phone gone", "xrechnung-ubl", "<cbc:Telephone>+49 30 5550100</cbc:Telephone>", "",
          "BR-DE-6"),
]  # fmt: skip


def named(fault):
    return f"{fault.where} {fault.what}"


def dense(xml):
    """The file on one line, so that a fault is one replacement."""
    root = etree.fromstring(xml, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, encoding="unicode")


def stopped(fault, key, case):
    """Whether the file passes, and no more with the fault, for the reason given."""
    xml = dense(write(sample(case), key))
    assert checking.check(xml.encode(), key) == []
    assert fault.before in xml, "the sample does not say this any more"
    wrong = xml.replace(fault.before, fault.after).encode()
    rules = {finding.rule for finding in checking.check(wrong, key)}
    return any(
        rule.startswith(name) if name.endswith("-") else rule == name
        for rule in rules
        for name in fault.rule.split("|")
    )


@pytest.mark.parametrize("folder", [True, False], ids=["RULES_DIR", "packages"])
@pytest.mark.parametrize("fault", CII, ids=named)
def test_facturx_with_a_fault_is_stopped(settings, folder, fault):
    settings.RULES_DIR = settings.RULES_DIR if folder else ""
    assert stopped(fault, "facturx", fault.where)


@pytest.mark.parametrize("folder", [True, False], ids=["RULES_DIR", "packages"])
@pytest.mark.parametrize("fault", UBL, ids=named)
def test_ubl_with_a_fault_is_stopped(settings, folder, fault):
    settings.RULES_DIR = settings.RULES_DIR if folder else ""
    assert stopped(fault, "en16931-ubl", fault.where)


@pytest.mark.parametrize("fault", PROFILED, ids=named)
def test_a_profile_stops_what_only_it_forbids(fault):
    if fault.where in rulesets.unusable():  # the header of the run says so: it cannot be chosen
        assert "rules_missing" in codes(sample(profiles=(fault.where,)))
        return
    assert stopped(fault, fault.where, "S19+S7")


# --- In the payload ----------------------------------------------------------------------------


def codes(payload):
    return {finding.code for finding in gate.check(payload).findings}


def with_tax(payload, change):
    """The VAT of the first rate and all totals changed together: consistent, and wrong."""
    row, *others = payload.rates
    totals = payload.totals
    return replace(
        payload,
        rates=(replace(row, tax=row.tax + change), *others),
        totals=replace(totals, tax=totals.tax + change, gross=totals.gross + change,
                       rounding=totals.rounding - change),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("change", [D("0.01"), D("-0.01")])
def test_vat_that_is_a_cent_off_is_ours_to_stop(kind, change):
    """The official rules allow nearly a euro; ours know the cent."""
    payload = sample("S19+S7", kind)
    assert codes(payload) == set()
    wrong = with_tax(payload, change)
    assert checking.check(write(wrong, "facturx"), "facturx") == []
    report = gate.check(wrong)
    assert not report.passed
    assert {finding.layer for finding in report.findings} == {gate.OURS}
    assert report.files == {}


@pytest.mark.parametrize(("what", "case", "kind", "over"), [
    ("references gone", "S19", "credit_note", {"preceding": ()}),
    ("no line", "S19", "invoice", {"lines": ()}),
    ("unknown currency", "S19", "invoice", {"currency": "XXQ"}),
    ("supply date gone", "S19", "invoice", {"tax_point": None}),
])  # fmt: skip
def test_a_payload_with_a_fault_never_reaches_the_writer(what, case, kind, over):
    report = gate.check(replace(sample(case, kind), **over))
    assert report.findings
    assert {finding.layer for finding in report.findings} == {gate.OURS}


@pytest.mark.parametrize("case", ["AE", "K"])
def test_a_tax_free_sale_without_the_buyers_vat_id_is_stopped(case):
    payload = sample(case)
    assert "buyer_vat_id" in codes(replace(payload, buyer=replace(payload.buyer, vat_id="")))


def test_totals_that_do_not_add_up_are_stopped():
    payload = sample()
    totals = replace(payload.totals, gross=payload.totals.gross + 1)
    assert codes(replace(payload, totals=totals))
