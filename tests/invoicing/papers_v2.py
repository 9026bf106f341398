"""Complete sample payloads of the semantic model v2: a tax case, a kind, a number of lines.

All companies are obviously demo. Amounts are those of `invoicing.exact`, so they fit to the cent.
Numbers of registers, VAT and tax offices have correct check digits and belong to nobody known.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from config.core.money import ONE, ZERO, round_money, tax_on
from invoicing import texts
from invoicing.exact import Exact, Row, settle
from invoicing.payload import (
    AllowanceCharge,
    Delivery,
    Line,
    NationalTax,
    Note,
    Party,
    Payload,
    PrecedingInvoice,
    TaxRegistration,
)

D = Decimal

SELLERS = {
    "DE": Party("Demo Handwerk GmbH", ("Werkzeugstraße 12",), "DE", "10115", "Berlin",
                registrations=(TaxRegistration("DE", "VAT", "DE136695976"),),
                email="belege@demo-handwerk.example", contact="Rechnungsstelle",
                phone="+49 30 5550100", legal_id="HRB 99999 B",
                endpoint="DE136695976", endpoint_scheme="9930"),
    "FR": Party("Démo Outillage SARL", ("8 rue de l’Exemple",), "FR", "69002", "Lyon",
                registrations=(TaxRegistration("FR", "VAT", "FR40303265045"),),
                email="factures@demo-outillage.example", contact="Comptabilité",
                phone="+33 4 5550 0100", legal_id="303265045", legal_id_scheme="0002",
                endpoint="303265045", endpoint_scheme="0225"),
    "GB": Party("Demo Trade Supplies Ltd", ("4 Sample Lane",), "GB", "SW1A 1AA", "London",
                registrations=(TaxRegistration("GB", "VAT", "GB980780684"),),
                email="invoices@demo-trade.example", contact="Accounts",
                phone="+44 20 5550 100", endpoint="GB980780684", endpoint_scheme="9932"),
    "US": Party("Demo Industrial Supply Inc.", ("100 Example Avenue",), "US", "98101", "Seattle",
                "WA", email="billing@demo-supply.example", contact="Billing",
                phone="+1 206 555 0100", legal_id="00-0000000",
                endpoint="080012345", endpoint_scheme="0060"),
    "CA": Party("Demo Supplies Canada Ltd.", ("55 Sample Street",), "CA", "M5H 2N2", "Toronto",
                "ON", registrations=(TaxRegistration("CA", "GST", "123456782 RT0001"),),
                email="billing@demo-canada.example", contact="Billing", phone="+1 416 555 0100",
                legal_id="123456782", endpoint="080012346", endpoint_scheme="0060"),
    "JP": Party("デモ工具株式会社", ("見本一丁目2番3号",), "JP", "100-0001", "千代田区", "東京都",
                registrations=(TaxRegistration("JP", "JCT", "T7000012050002"),),
                email="keiri@demo-kogu.example", contact="経理部", phone="+81 3 5550 0100",
                legal_id="7000012050002", legal_id_scheme="0188",
                endpoint="T7000012050002", endpoint_scheme="0221"),
}  # fmt: skip
BUYERS = {
    "DE": Party("Demo Maschinenbau Überseestraße AG & Co. KG", ("Hafenring 7", "Tor 3"), "DE",
                "20457", "Hamburg", vat_id="DE129274202", contact="Einkauf",
                email="einkauf@demo-maschinenbau.example",
                endpoint="DE129274202", endpoint_scheme="9930"),
    "FR": Party("Démo Bâtiment SAS", ("120 avenue du Modèle",), "FR", "75011", "Paris",
                vat_id="FR83404833048", legal_id="404833048", legal_id_scheme="0002",
                endpoint="404833048", endpoint_scheme="0225"),
    "IT": Party("Demo Costruzioni S.p.A.", ("Corso Campione 3",), "IT", "10121", "Torino", "TO",
                vat_id="IT12345670017", endpoint="IT12345670017", endpoint_scheme="0211"),
    "NL": Party("Demo Installatie B.V.", ("Voorbeeldkade 9",), "NL", "1011 AB", "Amsterdam",
                vat_id="NL004495445B01", endpoint="NL004495445B01", endpoint_scheme="9944"),
    "CH": Party("Demo Apparatebau AG", ("Musterplatz 2",), "CH", "8001", "Zürich",
                email="einkauf@demo-apparate.example",
                endpoint="CHE109322551MWST", endpoint_scheme="9927"),
    "GB": Party("Demo Facilities & Sons plc", ("Unit 9, Placeholder Park",), "GB", "M1 1AE",
                "Manchester", vat_id="GB434031494", contact="Accounts payable",
                endpoint="GB434031494", endpoint_scheme="9932"),
    "US": Party("Demo Office Services LLC", ("1 Placeholder Plaza", "Suite 400"), "US", "60601",
                "Chicago", "IL", email="ap@demo-office.example",
                endpoint="080012347", endpoint_scheme="0060"),
    "CA": Party("Demo Bureau Inc.", ("900 Rue Exemple",), "CA", "H2Y 1C6", "Montréal", "QC",
                email="ap@demo-bureau.example",
                endpoint="080012348", endpoint_scheme="0060"),
    "JP": Party("デモ商事株式会社", ("例示町4-5-6", "サンプルビル8階"), "JP", "530-0001",
                "大阪市北区", "大阪府", contact="購買部", email="koubai@demo-shoji.example",
                endpoint="T3000012050003", endpoint_scheme="0221"),
}  # fmt: skip
GOODS = {
    "de": "Akku-Bohrschrauber 18 V mit Zubehörkoffer und zwei Ersatzakkus, blau",
    "fr": "Perceuse-visseuse sans fil 18 V avec coffret d’accessoires",
    "it": "Trapano avvitatore a batteria 18 V con valigetta di accessori",
    "es": "Taladro atornillador a batería de 18 V con maletín de accesorios",
    "ja": "充電式ドライバードリル 18V アクセサリーケース付き(予備バッテリー2個)",
    "nl": "Accuboormachine 18 V met accessoirekoffer en twee reserveaccu’s, blauw",
    "pl": "Wiertarko-wkrętarka akumulatorowa 18 V z walizką akcesoriów, żółta",
    "en": "Cordless drill driver 18 V with accessory case & two spare batteries",
}


@dataclass(frozen=True)
class Case:
    """A tax case: who sells to whom, in which categories, each with its rate."""

    seller: str
    buyer: str
    shares: tuple[tuple[str, str], ...]
    currency: str = "EUR"
    country: str = ""
    language: str = "en"
    exemption: str = ""


CASES = {
    "S19": Case("DE", "DE", (("S", "0.19"),), language="de"),
    "S19+S7": Case("DE", "DE", (("S", "0.19"), ("S", "0.07")), language="de"),
    "mixed": Case("DE", "NL", (("S", "0.19"), ("S", "0.07"), ("K", "0"), ("E", "0"), ("Z", "0")),
                  language="de", exemption="exempt"),
    "FR": Case("FR", "FR", (("S", "0.2"), ("S", "0.055")), language="fr"),
    "DE-FR": Case("DE", "FR", (("K", "0"),), language="fr"),
    "DE-in-FR": Case("DE", "FR", (("S", "0.2"),), country="FR", language="fr"),
    "K": Case("DE", "IT", (("K", "0"),), language="it"),
    "AE": Case("DE", "IT", (("AE", "0"),), country="IT", language="it"),
    "G": Case("DE", "CH", (("G", "0"),), language="de"),
    "E": Case("DE", "DE", (("E", "0"),), language="de", exemption="exempt"),
    "Z": Case("GB", "GB", (("Z", "0"),), currency="GBP"),
    "O": Case("US", "US", (("O", "0.0825"),), currency="USD"),
    "GB": Case("GB", "GB", (("S", "0.2"),), currency="GBP"),
    "GB-export": Case("GB", "CH", (("G", "0"),), currency="GBP"),
    "JP": Case("JP", "JP", (("S", "0.1"), ("S", "0.08")), currency="JPY", language="ja"),
    "CA": Case("CA", "CA", (("S", "0.13"), ("S", "0.05")), currency="CAD"),
    "national": Case("GB", "GB", (("S", "0.2"),), currency="EUR"),
}  # fmt: skip


def sample(
    case: str = "S19",
    kind: str = "invoice",
    lines: int = 5,
    language: str = "",
    profiles: tuple[str, ...] = (),
    **over,
) -> Payload:
    """A payload of `CASES[case]` that every official rule set accepts in every profile it names.

    `lines` are those of the goods; an invoice with three or more also charges freight, a credit
    note then deducts a restocking fee and return freight. `over` replaces fields of the payload.
    """
    of, credit = CASES[case], kind == "credit_note"
    language = language or of.language
    rows = _rows(of, credit, lines)
    exact = settle(rows, of.currency, texts.regime(_country(of)), credit=credit)
    payload = Payload(
        schema=2,
        kind="credit_note" if credit else "invoice",
        number="RK-2026-000123" if credit else "RE-2026-000877",
        issue_date=date(2026, 11, 21),
        currency=of.currency,
        language=language,
        seller=_seller(case, of),
        buyer=BUYERS[of.buyer],
        marketplace_name=f"Amazon.{_country(of).lower()}",
        marketplace_country=_country(of),
        tax_country=_country(of),
        lines=tuple(_line(n, index, exact, of, language) for n, index in _positions(rows)),
        allowances=_allowances(rows, exact, of, language, credit),
        rates=tuple(replace(row, exemption=_exemption(of, row.category)) for row in exact.rates),
        totals=exact.totals,
        tax_point=date(2026, 11, 20) if credit else date(2026, 11, 18),
        original_supply_date=date(2026, 10, 2) if credit else None,
        delivery=_delivery(BUYERS[of.buyer], credit),
        purchase_order="PO-4500-7781",
        order_ids=("028-1234567-7654321",),
        shipment_ids=("DDz1WcXyB",),
        rma_number="RMA-2026-000123" if credit else "",
        preceding=(PrecedingInvoice("RE-2026-000612", date(2026, 10, 2)),) if credit else (),
        payment_note="refund_via_amazon" if credit else "paid_via_amazon",
        payment_means="68",
        national_tax=_sterling(exact) if case == "national" else None,
        notes=(Note("Demo: & <quoted> note"),),
        profiles=profiles,
        mode="seller",
        occasion="refund" if credit else "supply",
    )  # fmt: skip
    return replace(payload, **over)


def _country(of: Case) -> str:
    return of.country or SELLERS[of.seller].country


def _seller(case: str, of: Case) -> Party:
    """The seller, registered where it is taxed."""
    seller = SELLERS[of.seller]
    more = {
        "AE": (TaxRegistration("IT", "VAT", "IT00743110157"),),
        "DE-FR": (TaxRegistration("FR", "VAT", "FR40303265045"),),
        "DE-in-FR": (TaxRegistration("FR", "VAT", "FR40303265045"),),
    }
    return replace(seller, registrations=(*seller.registrations, *more.get(case, ())))


def _rows(of: Case, credit: bool, lines: int) -> list[Row]:
    """Goods in turn over the shares, then freight, or a restocking fee and return freight."""
    scale = 100 if of.currency == "JPY" else 1
    goods = [_row(of, n, D("129.35") * n % 997 * scale + scale, D(1 + n % 3)) for n in range(lines)]
    if lines < 3:
        return goods
    if not credit:
        return [*goods, _row(of, 0, D("9.90") * scale)]
    fees = (_row(of, 0, D(25) * scale), _row(of, 0, D(10) * scale))
    return goods + [Row(-r.net, -r.tax, r.category, r.rate, D(1), deduction=True) for r in fees]


def _row(of: Case, n: int, net: Decimal, quantity: Decimal = ONE) -> Row:
    category, rate = of.shares[n % len(of.shares)]
    amount = round_money(net, of.currency)
    return Row(amount, tax_on(amount, D(rate), of.currency), category, D(rate), quantity)


def _positions(rows: list[Row]) -> list[tuple[int, int]]:
    """Position and index of the rows that are lines."""
    return [(n, n - 1) for n, row in enumerate(rows, 1) if not row.deduction]


def _line(position: int, index: int, exact: Exact, of: Case, language: str) -> Line:
    row = exact.rows[index]
    freight = index == len(exact.rows) - 1 and len(exact.rows) > 3
    return Line(
        position=position,
        description=texts.component("shipping", language) if freight else GOODS[language],
        quantity=D(1) if freight else D(1 + index % 3),
        unit_price=row.unit_price,
        net=row.net,
        category=row.category,
        rate=row.rate,
        tax=row.tax,
        gross=row.gross,
        component="shipping" if freight else "item",
        sku="" if freight else f"DRL-18V-{position:04}",
        asin="" if freight else f"B0DEMO{position:04}",
        note="" if position > 1 else GOODS["en"],
        price_quantity=row.price_quantity,
    )


def _allowances(
    rows: list[Row], exact: Exact, of: Case, language: str, credit: bool
) -> tuple[AllowanceCharge, ...]:
    """The restocking fee and return freight, and the sales tax of the United States."""
    fees = [row for row in exact.rows if row.deduction]
    names = ("restocking_fee", "return_freight")
    parts = [
        AllowanceCharge(False, -row.net, row.category, row.rate, -row.tax, -row.gross,
                        texts.component(name, language), name)
        for name, row in zip(names, fees, strict=False)
    ]  # fmt: skip
    if exact.sales_tax:
        parts.append(
            AllowanceCharge(True, exact.sales_tax, "O", ZERO, ZERO, exact.sales_tax,
                            texts.tax_name(language, "US"), "sales_tax")
        )  # fmt: skip
    return tuple(parts)


def _exemption(of: Case, category: str) -> str:
    return {
        "AE": "reverse_charge", "K": "intra_community", "G": "export", "O": "outside_scope",
        "E": of.exemption,
    }.get(category, "")  # fmt: skip


def _delivery(buyer: Party, credit: bool) -> Delivery:
    day = date(2026, 10, 2) if credit else date(2026, 11, 18)
    return Delivery(buyer.country, buyer.legal_name, buyer.address, buyer.postcode, buyer.city,
                    buyer.region, day)  # fmt: skip


def _sterling(exact: Exact) -> NationalTax:
    tax = round_money(exact.totals.tax * D("0.8412"), "GBP")
    return NationalTax("GBP", tax, D("0.8412"), "HMRC", date(2026, 11, 1))
