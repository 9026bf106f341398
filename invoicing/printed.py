"""The page says what the XML says: every name, number, date and amount of it is printed.

Compares the text of the drawn page with the Factur-X file, the two things that leave the house;
the payload only says how its language writes a figure. Business terms (BT-n) are EN 16931's.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from lxml import etree

from invoicing.formats import Format
from invoicing.pdf_text import plain

_NS = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
_HEAD = "/*/rsm:ExchangedDocument"
_DEAL = "/*/rsm:SupplyChainTradeTransaction"
_LINE = f"{_DEAL}/ram:IncludedSupplyChainTradeLineItem"
_ASKED = f"{_DEAL}/ram:ApplicableHeaderTradeAgreement"
_SELLER, _BUYER = f"{_ASKED}/ram:SellerTradeParty", f"{_ASKED}/ram:BuyerTradeParty"
_SENT = f"{_DEAL}/ram:ApplicableHeaderTradeDelivery"
_PAID = f"{_DEAL}/ram:ApplicableHeaderTradeSettlement"
_SUMS = f"{_PAID}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_TAX = f"{_PAID}/ram:ApplicableTradeTax"
_WORDS = {
    "BT-1": f"{_HEAD}/ram:ID",
    "BT-13": f"{_ASKED}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",
    "BT-14": f"{_ASKED}/ram:SellerOrderReferencedDocument/ram:IssuerAssignedID",
    "BT-16": f"{_SENT}/ram:DespatchAdviceReferencedDocument/ram:IssuerAssignedID",
    "BT-20": f"{_PAID}/ram:SpecifiedTradePaymentTerms/ram:Description",
    "BT-25": f"{_PAID}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID",
    "BT-27": f"{_SELLER}/ram:Name",
    "BT-30": f"{_SELLER}/ram:SpecifiedLegalOrganization/ram:ID",
    "BT-31": f"{_SELLER}/ram:SpecifiedTaxRegistration/ram:ID",
    "BT-35": f"{_SELLER}/ram:PostalTradeAddress/ram:LineOne",
    "BT-37": f"{_SELLER}/ram:PostalTradeAddress/ram:CityName",
    "BT-44": f"{_BUYER}/ram:Name",
    "BT-47": f"{_BUYER}/ram:SpecifiedLegalOrganization/ram:ID",
    "BT-48": f"{_BUYER}/ram:SpecifiedTaxRegistration/ram:ID",
    "BT-50": f"{_BUYER}/ram:PostalTradeAddress/ram:LineOne",
    "BT-52": f"{_BUYER}/ram:PostalTradeAddress/ram:CityName",
    "BT-97": f"{_PAID}/ram:SpecifiedTradeAllowanceCharge/ram:Reason",
    "BT-120": f"{_TAX}/ram:ExemptionReason",
    "BT-153": f"{_LINE}/ram:SpecifiedTradeProduct/ram:Name",
}
_DATES = {
    "BT-2": f"{_HEAD}/ram:IssueDateTime/udt:DateTimeString",
    "BT-7": f"{_TAX}/ram:TaxPointDate/udt:DateString",
    "BT-26": f"{_PAID}/ram:InvoiceReferencedDocument/ram:FormattedIssueDateTime/*",
    "BT-72": f"{_SENT}/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/*",
}
_AMOUNTS = {  # BT-106 to BT-108 explain BT-109; one of them may be all there is to print
    "BT-109": f"{_SUMS}/ram:TaxBasisTotalAmount",
    "BT-112": f"{_SUMS}/ram:GrandTotalAmount",
    "BT-115": f"{_SUMS}/ram:DuePayableAmount",
    "BT-131": f"{_LINE}/ram:SpecifiedLineTradeSettlement"
    "/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
}
_FIGURE = re.compile(r"-?\d+(?:[.,’']\d+)*")
_SIGN_APART = re.compile(r"-(?:[A-Z]{1,3}[$¥]?|[€£$¥])(?=\d)")  # "-£12.00" is the figure -12.00

Term = tuple[str, str]  # business term and how the page writes its value


def unprinted(xml: bytes, runs: Sequence[str], write: Format, *, taxed: bool) -> list[Term]:
    """Return what the Factur-X file says and the page does not, as (BT-n, text as expected).

    `runs` is the page's text (`pdf_text.runs`), `write` its way of writing; `taxed` whether the
    page shows tax at all. An amount must be printed as often as the file names it, and the rows
    of the tax table must stand together.
    """
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    texts = [plain(run) for run in runs]
    page = "".join(texts)
    words = [*_texts(root, _WORDS), *_dates(root, write)]
    missing = [term for term in dict.fromkeys(words) if not _is_on(page, plain(term[1]))]
    printed = [figure for text in texts for figure in _figures_in(text)]
    missing += _lacking(_figures(root, write, taxed=taxed), Counter(printed))
    return missing + (_rows_apart(root, write, printed) if taxed else [])


def _is_on(page: str, text: str) -> bool:
    """Whether a text is printed. Hebrew and Arabic are drawn from right to left, so that their
    letters come in another order: there they all have to be on the page.
    """
    if text in page:
        return True
    backwards = any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)
    return backwards and not Counter(text) - Counter(page)


def _texts(root: etree._Element, paths: dict[str, str]) -> Iterator[Term]:
    for term, path in paths.items():
        yield from ((term, node.text or "") for node in root.iterfind(_below(path), _NS))


def _below(path: str) -> str:
    """lxml's iterfind starts at the root element and knows no absolute paths; it is quick."""
    return path.replace("/*/", "./", 1)


def _dates(root: etree._Element, write: Format) -> Iterator[Term]:
    return ((term, write.date(_day(text))) for term, text in _texts(root, _DATES))


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment


# --- Figures -----------------------------------------------------------------------------------


def _figures(root: etree._Element, write: Format, *, taxed: bool) -> Iterator[Term]:
    for term, text in _texts(root, _AMOUNTS):
        if term in ("BT-109", "BT-115") and not _shown(term, root, taxed):
            continue
        yield term, write.amount(Decimal(text))
    for part in root.iterfind(_below(f"{_PAID}/ram:SpecifiedTradeAllowanceCharge"), _NS):
        charge = part.findtext("ram:ChargeIndicator/udt:Indicator", "", _NS) == "true"
        amount = Decimal(part.findtext("ram:ActualAmount", "0", _NS))
        yield "BT-99" if charge else "BT-92", write.amount(amount if charge else -amount)
    if paid := Decimal(root.findtext(_below(f"{_SUMS}/ram:TotalPrepaidAmount"), "0", _NS)):
        yield "BT-113", write.amount(-paid)
    if taxed:
        yield from _taxes(root, write)


def _shown(term: str, root: etree._Element, taxed: bool) -> bool:
    """Net and tax need a tax to be told apart; what is due only where something was paid."""
    if term == "BT-109":
        return taxed
    return root.find(_below(f"{_SUMS}/ram:TotalPrepaidAmount"), _NS) is not None


def _taxes(root: etree._Element, write: Format) -> Iterator[Term]:
    """The tax total, in the national currency too (BT-111)."""
    for total in root.iterfind(_below(f"{_SUMS}/ram:TaxTotalAmount"), _NS):
        currency, amount = total.get("currencyID", write.currency), Decimal(total.text or "0")
        term = "BT-110" if currency == write.currency else "BT-111"
        yield term, write.money(amount, currency)
    for row in root.iterfind(_below(_TAX), _NS):
        yield from zip(("BT-116", "BT-117"), _row(row, write), strict=True)


def _row(row: etree._Element, write: Format) -> tuple[str, str]:
    """Base and tax of one row of the tax table."""
    base, tax = (
        Decimal(row.findtext(f"ram:{name}", "0", _NS))
        for name in ("BasisAmount", "CalculatedAmount")
    )
    return write.amount(base), write.amount(tax)


def _lacking(expected: Iterator[Term], printed: Counter[str]) -> list[Term]:
    """Terms whose figure is printed less often than the file names it."""
    left, missing = printed.copy(), []
    for term, text in expected:
        figure = _figure(text)
        left[figure] -= 1
        if left[figure] < 0:
            missing.append((term, text))
    return missing


def _figure(text: str) -> str:
    """The number in a formatted amount, its currency sign left out."""
    return "".join(_figures_in(plain(text))[:1])


def _figures_in(text: str) -> list[str]:
    return _FIGURE.findall(_SIGN_APART.sub("-", text))


def _rows_apart(root: etree._Element, write: Format, printed: list[str]) -> list[Term]:
    """Rows of the tax table whose base and tax do not follow each other on the page."""
    pairs = set(pairwise(printed))
    rows = (_row(row, write) for row in root.iterfind(_below(_TAX), _NS))
    return [
        ("BG-23", f"{base} – {tax}")
        for base, tax in rows
        if (_figure(base), _figure(tax)) not in pairs
    ]
