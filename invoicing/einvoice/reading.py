"""Reads an e-invoice back into business terms, whichever syntax it is written in.

Pure, and written from the standard's syntax bindings, not from the writer: what the two agree on is
what a buyer's software reads. Nothing is judged here; an element that is not there has no key.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)

Paths = dict[str, str]
Groups = dict[str, tuple[str, Paths]]

_DATES = {"BT-2", "BT-7", "BT-9", "BT-26", "BT-72"}
_NUMBERS = {
    *(f"BT-{n}" for n in (92, 96, 99, 103, *range(106, 118), 119, 129, 131, 146, 149, 152)),
}  # fmt: skip


def read(xml: bytes) -> dict[str, Any]:
    """The document's terms: BT-n as text, date or Decimal, groups (BG-1, 3, 20, 21, 23, 25) as
    lists of such. Rates (BT-96, 103, 119, 152) are percent, as written; schemes are "BT-34-1".

    Raises ValueError when it is no e-invoice.
    """
    try:
        root = etree.fromstring(xml, etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error}") from error
    name = etree.QName(root).localname
    if name == "CrossIndustryInvoice":
        return _document(root, _CII, _CII_GROUPS)
    if name in ("Invoice", "CreditNote"):
        return _ubl(_document(root, _UBL, _UBL_GROUPS))
    raise ValueError(f"not an e-invoice: {name}")


def _document(root: etree._Element, paths: Paths, groups: Groups) -> dict[str, Any]:
    said = _terms(root, paths)
    for group, (path, inside) in groups.items():
        if members := _xpath(path)(root):
            said[group] = [_terms(member, inside) for member in members]
    return said


def _terms(element: etree._Element, paths: Paths) -> dict[str, Any]:
    said = {}
    for term, path in paths.items():
        if found := _xpath(path)(element):
            text = found[0] if isinstance(found[0], str) else found[0].text
            said[term] = _value(term, (text or "").strip())
    return said


@cache
def _xpath(path: str) -> Callable[[etree._Element], list[Any]]:
    """Compiled once a process; every path gives a list of elements or of attribute values."""
    compiled: Callable[[etree._Element], list[Any]] = etree.XPath(path, namespaces=NAMESPACES)
    return compiled


def _value(term: str, text: str) -> str | date | Decimal:
    if term in _DATES:
        return date.fromisoformat(text)
    return Decimal(text) if term in _NUMBERS else text


def _ubl(said: dict[str, Any]) -> dict[str, Any]:
    """What UBL writes in its own way: the subject of a note inside it, NA for no purchase order."""
    if said.get("BT-13") == "NA":
        del said["BT-13"]
    for note in said.get("BG-1", ()):
        if found := _SUBJECT.fullmatch(note["BT-22"]):
            note["BT-21"], note["BT-22"] = found.groups()
    return said


def _party(at: str, numbers: dict[str, int], parts: Paths) -> Paths:
    """The terms of a party whose element is `at`; a part may be followed by -1 for its scheme."""
    said = {}
    for part, path in parts.items():
        name, scheme, _ = part.partition("-1")
        if name in numbers:
            said[f"BT-{numbers[name]}{scheme}"] = f"{at}/{path}"
    return said


_SELLER = {"name": 27, "legal": 30, "vat": 31, "tax": 32, "endpoint": 34, "line1": 35, "line2": 36,
           "line3": 162, "city": 37, "postcode": 38, "region": 39, "country": 40, "contact": 41,
           "phone": 42, "email": 43}  # fmt: skip
_BUYER = {"name": 44, "legal": 47, "vat": 48, "endpoint": 49, "line1": 50, "line2": 51,
          "line3": 163, "city": 52, "postcode": 53, "region": 54, "country": 55, "contact": 56,
          "phone": 57, "email": 58}  # fmt: skip
_PLACE = {"name": 70, "line1": 75, "line2": 76, "line3": 165, "city": 77, "postcode": 78,
          "region": 79, "country": 80}  # fmt: skip

# --- UN/CEFACT CII -----------------------------------------------------------------------------
_CII_ADDRESS = {
    "line1": "ram:PostalTradeAddress/ram:LineOne",
    "line2": "ram:PostalTradeAddress/ram:LineTwo",
    "line3": "ram:PostalTradeAddress/ram:LineThree",
    "city": "ram:PostalTradeAddress/ram:CityName",
    "postcode": "ram:PostalTradeAddress/ram:PostcodeCode",
    "region": "ram:PostalTradeAddress/ram:CountrySubDivisionName",
    "country": "ram:PostalTradeAddress/ram:CountryID",
}
_CII_PARTY = {
    "name": "ram:Name",
    "legal": "ram:SpecifiedLegalOrganization/ram:ID",
    "legal-1": "ram:SpecifiedLegalOrganization/ram:ID/@schemeID",
    "vat": "ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']",
    "tax": "ram:SpecifiedTaxRegistration/ram:ID[@schemeID='FC']",
    "endpoint": "ram:URIUniversalCommunication/ram:URIID",
    "endpoint-1": "ram:URIUniversalCommunication/ram:URIID/@schemeID",
    "contact": "ram:DefinedTradeContact/ram:PersonName",
    "phone": "ram:DefinedTradeContact/ram:TelephoneUniversalCommunication/ram:CompleteNumber",
    "email": "ram:DefinedTradeContact/ram:EmailURIUniversalCommunication/ram:URIID",
    **_CII_ADDRESS,
}
_HEAD = "rsm:ExchangedDocument"
_TRADE = "rsm:SupplyChainTradeTransaction"
_AGREED = f"{_TRADE}/ram:ApplicableHeaderTradeAgreement"
_BROUGHT = f"{_TRADE}/ram:ApplicableHeaderTradeDelivery"
_PAID = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_SUM = f"{_PAID}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_CURRENCY = "../../ram:InvoiceCurrencyCode"
_CII: Paths = {
    "BT-1": f"{_HEAD}/ram:ID",
    "BT-2": f"{_HEAD}/ram:IssueDateTime/udt:DateTimeString",
    "BT-3": f"{_HEAD}/ram:TypeCode",
    "BT-5": f"{_PAID}/ram:InvoiceCurrencyCode",
    "BT-6": f"{_PAID}/ram:TaxCurrencyCode",
    "BT-7": f"{_PAID}/ram:ApplicableTradeTax/ram:TaxPointDate/udt:DateString",
    "BT-9": f"{_PAID}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString",
    "BT-10": f"{_AGREED}/ram:BuyerReference",
    "BT-13": f"{_AGREED}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",
    "BT-14": f"{_AGREED}/ram:SellerOrderReferencedDocument/ram:IssuerAssignedID",
    "BT-16": f"{_BROUGHT}/ram:DespatchAdviceReferencedDocument/ram:IssuerAssignedID",
    "BT-20": f"{_PAID}/ram:SpecifiedTradePaymentTerms/ram:Description",
    "BT-23": "rsm:ExchangedDocumentContext"
    "/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID",
    "BT-24": "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
    **_party(f"{_AGREED}/ram:SellerTradeParty", _SELLER, _CII_PARTY),
    **_party(f"{_AGREED}/ram:BuyerTradeParty", _BUYER, _CII_PARTY),
    **_party(f"{_BROUGHT}/ram:ShipToTradeParty", _PLACE, _CII_PARTY),
    "BT-72": f"{_BROUGHT}/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime"
    "/udt:DateTimeString",
    "BT-81": f"{_PAID}/ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode",
    "BT-82": f"{_PAID}/ram:SpecifiedTradeSettlementPaymentMeans/ram:Information",
    "BT-84": f"{_PAID}/ram:SpecifiedTradeSettlementPaymentMeans"
    "/ram:PayeePartyCreditorFinancialAccount/ram:IBANID",
    "BT-106": f"{_SUM}/ram:LineTotalAmount",
    "BT-107": f"{_SUM}/ram:AllowanceTotalAmount",
    "BT-108": f"{_SUM}/ram:ChargeTotalAmount",
    "BT-109": f"{_SUM}/ram:TaxBasisTotalAmount",
    "BT-110": f"{_SUM}/ram:TaxTotalAmount[@currencyID={_CURRENCY}]",
    "BT-111": f"{_SUM}/ram:TaxTotalAmount[@currencyID!={_CURRENCY}]",
    "BT-112": f"{_SUM}/ram:GrandTotalAmount",
    "BT-113": f"{_SUM}/ram:TotalPrepaidAmount",
    "BT-114": f"{_SUM}/ram:RoundingAmount",
    "BT-115": f"{_SUM}/ram:DuePayableAmount",
}
_LINE_TAX = "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax"
_PRICE = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
_GOODS = "ram:SpecifiedTradeProduct"


def _cii_part(amount: int) -> tuple[str, Paths]:
    """BG-20 starts at BT-92, BG-21 at BT-99; both count on in the same order."""
    charge = "true" if amount == 99 else "false"
    return (
        f"{_PAID}/ram:SpecifiedTradeAllowanceCharge[ram:ChargeIndicator/udt:Indicator='{charge}']",
        {
            f"BT-{amount}": "ram:ActualAmount",
            f"BT-{amount + 3}": "ram:CategoryTradeTax/ram:CategoryCode",
            f"BT-{amount + 4}": "ram:CategoryTradeTax/ram:RateApplicablePercent",
            f"BT-{amount + 5}": "ram:Reason",
            f"BT-{amount + 6}": "ram:ReasonCode",
        },
    )


_CII_GROUPS: Groups = {
    "BG-1": (f"{_HEAD}/ram:IncludedNote", {"BT-21": "ram:SubjectCode", "BT-22": "ram:Content"}),
    "BG-3": (f"{_PAID}/ram:InvoiceReferencedDocument", {
        "BT-25": "ram:IssuerAssignedID",
        "BT-26": "ram:FormattedIssueDateTime/qdt:DateTimeString",
    }),
    "BG-20": _cii_part(92),
    "BG-21": _cii_part(99),
    "BG-23": (f"{_PAID}/ram:ApplicableTradeTax", {
        "BT-116": "ram:BasisAmount",
        "BT-117": "ram:CalculatedAmount",
        "BT-118": "ram:CategoryCode",
        "BT-119": "ram:RateApplicablePercent",
        "BT-120": "ram:ExemptionReason",
        "BT-121": "ram:ExemptionReasonCode",
    }),
    "BG-25": (f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem", {
        "BT-126": "ram:AssociatedDocumentLineDocument/ram:LineID",
        "BT-127": "ram:AssociatedDocumentLineDocument/ram:IncludedNote/ram:Content",
        "BT-129": "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
        "BT-130": "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity/@unitCode",
        "BT-131": "ram:SpecifiedLineTradeSettlement"
        "/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
        "BT-146": f"{_PRICE}/ram:ChargeAmount",
        "BT-149": f"{_PRICE}/ram:BasisQuantity",
        "BT-151": f"{_LINE_TAX}/ram:CategoryCode",
        "BT-152": f"{_LINE_TAX}/ram:RateApplicablePercent",
        "BT-153": f"{_GOODS}/ram:Name",
        "BT-155": f"{_GOODS}/ram:SellerAssignedID",
        "BT-160": f"{_GOODS}/ram:ApplicableProductCharacteristic/ram:Description",
        "BT-161": f"{_GOODS}/ram:ApplicableProductCharacteristic/ram:Value",
    }),
}  # fmt: skip

# --- UBL 2.1 -----------------------------------------------------------------------------------
_UBL_ADDRESS = {
    "line1": "cbc:StreetName",
    "line2": "cbc:AdditionalStreetName",
    "line3": "cac:AddressLine/cbc:Line",
    "city": "cbc:CityName",
    "postcode": "cbc:PostalZone",
    "region": "cbc:CountrySubentity",
    "country": "cac:Country/cbc:IdentificationCode",
}
_UBL_PARTY = {
    "name": "cac:PartyLegalEntity/cbc:RegistrationName",
    "legal": "cac:PartyLegalEntity/cbc:CompanyID",
    "legal-1": "cac:PartyLegalEntity/cbc:CompanyID/@schemeID",
    "vat": "cac:PartyTaxScheme[cac:TaxScheme/cbc:ID='VAT']/cbc:CompanyID",
    "tax": "cac:PartyTaxScheme[cac:TaxScheme/cbc:ID!='VAT']/cbc:CompanyID",
    "endpoint": "cbc:EndpointID",
    "endpoint-1": "cbc:EndpointID/@schemeID",
    "contact": "cac:Contact/cbc:Name",
    "phone": "cac:Contact/cbc:Telephone",
    "email": "cac:Contact/cbc:ElectronicMail",
    **{part: f"cac:PostalAddress/{path}" for part, path in _UBL_ADDRESS.items()},
}
_UBL_PLACE = {
    "name": "cac:DeliveryParty/cac:PartyName/cbc:Name",
    **{part: f"cac:DeliveryLocation/cac:Address/{path}" for part, path in _UBL_ADDRESS.items()},
}
_TOTAL = "cac:LegalMonetaryTotal"
_UBL: Paths = {
    "BT-1": "cbc:ID",
    "BT-2": "cbc:IssueDate",
    "BT-3": "cbc:InvoiceTypeCode|cbc:CreditNoteTypeCode",
    "BT-5": "cbc:DocumentCurrencyCode",
    "BT-6": "cbc:TaxCurrencyCode",
    "BT-7": "cbc:TaxPointDate",
    "BT-9": "cbc:DueDate|cac:PaymentMeans/cbc:PaymentDueDate",
    "BT-10": "cbc:BuyerReference",
    "BT-13": "cac:OrderReference/cbc:ID",
    "BT-14": "cac:OrderReference/cbc:SalesOrderID",
    "BT-16": "cac:DespatchDocumentReference/cbc:ID",
    "BT-20": "cac:PaymentTerms/cbc:Note",
    "BT-23": "cbc:ProfileID",
    "BT-24": "cbc:CustomizationID",
    **_party("cac:AccountingSupplierParty/cac:Party", _SELLER, _UBL_PARTY),
    **_party("cac:AccountingCustomerParty/cac:Party", _BUYER, _UBL_PARTY),
    **_party("cac:Delivery", _PLACE, _UBL_PLACE),
    "BT-72": "cac:Delivery/cbc:ActualDeliveryDate",
    "BT-81": "cac:PaymentMeans/cbc:PaymentMeansCode",
    "BT-82": "cac:PaymentMeans/cbc:PaymentMeansCode/@name",
    "BT-84": "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID",
    "BT-106": f"{_TOTAL}/cbc:LineExtensionAmount",
    "BT-107": f"{_TOTAL}/cbc:AllowanceTotalAmount",
    "BT-108": f"{_TOTAL}/cbc:ChargeTotalAmount",
    "BT-109": f"{_TOTAL}/cbc:TaxExclusiveAmount",
    "BT-110": "cac:TaxTotal/cbc:TaxAmount[@currencyID=/*/cbc:DocumentCurrencyCode]",
    "BT-111": "cac:TaxTotal/cbc:TaxAmount[@currencyID!=/*/cbc:DocumentCurrencyCode]",
    "BT-112": f"{_TOTAL}/cbc:TaxInclusiveAmount",
    "BT-113": f"{_TOTAL}/cbc:PrepaidAmount",
    "BT-114": f"{_TOTAL}/cbc:PayableRoundingAmount",
    "BT-115": f"{_TOTAL}/cbc:PayableAmount",
}


def _ubl_part(amount: int) -> tuple[str, Paths]:
    """BG-20 starts at BT-92, BG-21 at BT-99; both count on in the same order."""
    charge = "true" if amount == 99 else "false"
    return (
        f"cac:AllowanceCharge[cbc:ChargeIndicator='{charge}']",
        {
            f"BT-{amount}": "cbc:Amount",
            f"BT-{amount + 3}": "cac:TaxCategory/cbc:ID",
            f"BT-{amount + 4}": "cac:TaxCategory/cbc:Percent",
            f"BT-{amount + 5}": "cbc:AllowanceChargeReason",
            f"BT-{amount + 6}": "cbc:AllowanceChargeReasonCode",
        },
    )


_UBL_GROUPS: Groups = {
    "BG-1": ("cbc:Note", {"BT-22": "self::*"}),
    "BG-3": ("cac:BillingReference/cac:InvoiceDocumentReference", {
        "BT-25": "cbc:ID",
        "BT-26": "cbc:IssueDate",
    }),
    "BG-20": _ubl_part(92),
    "BG-21": _ubl_part(99),
    "BG-23": ("cac:TaxTotal/cac:TaxSubtotal", {
        "BT-116": "cbc:TaxableAmount",
        "BT-117": "cbc:TaxAmount",
        "BT-118": "cac:TaxCategory/cbc:ID",
        "BT-119": "cac:TaxCategory/cbc:Percent",
        "BT-120": "cac:TaxCategory/cbc:TaxExemptionReason",
        "BT-121": "cac:TaxCategory/cbc:TaxExemptionReasonCode",
    }),
    "BG-25": ("cac:InvoiceLine|cac:CreditNoteLine", {
        "BT-126": "cbc:ID",
        "BT-127": "cbc:Note",
        "BT-129": "cbc:InvoicedQuantity|cbc:CreditedQuantity",
        "BT-130": "(cbc:InvoicedQuantity|cbc:CreditedQuantity)/@unitCode",
        "BT-131": "cbc:LineExtensionAmount",
        "BT-146": "cac:Price/cbc:PriceAmount",
        "BT-149": "cac:Price/cbc:BaseQuantity",
        "BT-151": "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
        "BT-152": "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
        "BT-153": "cac:Item/cbc:Name",
        "BT-155": "cac:Item/cac:SellersItemIdentification/cbc:ID",
        "BT-160": "cac:Item/cac:AdditionalItemProperty/cbc:Name",
        "BT-161": "cac:Item/cac:AdditionalItemProperty/cbc:Value",
    }),
}  # fmt: skip
