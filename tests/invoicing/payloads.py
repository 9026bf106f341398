"""Complete, lawful sample payloads for eight countries; all companies are obviously demo."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from config.core.money import round_money, tax_on
from invoicing.category import REASONS
from invoicing.payload import (
    AllowanceCharge,
    Amounts,
    Delivery,
    Line,
    NationalTax,
    Party,
    Payload,
    PrecedingInvoice,
    RateRow,
    TaxRegistration,
)

D = Decimal

SELLERS = {
    "DE": Party("Demo Handwerk GmbH", ("Werkzeugstraße 12",), "DE", "10115", "Berlin",
                registrations=(TaxRegistration("DE", "VAT", "DE136695976"),),
                email="belege@demo-handwerk.example"),
    "FR": Party("Démo Outillage SARL", ("8 rue de l’Exemple",), "FR", "69002", "Lyon",
                registrations=(TaxRegistration("FR", "VAT", "FR40303265045"),)),
    "IT": Party("Demo Utensili S.r.l.", ("Via dell’Esempio 21",), "IT", "20121", "Milano", "MI",
                registrations=(TaxRegistration("IT", "VAT", "IT00743110157"),)),
    "ES": Party("Demo Suministros S.L.", ("Calle del Ejemplo 5",), "ES", "28013", "Madrid",
                registrations=(TaxRegistration("ES", "VAT", "ESB58378431"),)),
    "GB": Party("Demo Trade Supplies Ltd", ("4 Sample Lane",), "GB", "SW1A 1AA", "London",
                registrations=(TaxRegistration("GB", "VAT", "GB980780684"),)),
    "US": Party("Demo Industrial Supply Inc.", ("100 Example Avenue",), "US", "98101", "Seattle",
                "WA", legal_id="WA-DEMO-604"),
    "CA": Party("Demo Supplies Canada Ltd.", ("55 Sample Street",), "CA", "M5H 2N2", "Toronto",
                "ON", registrations=(TaxRegistration("CA", "GST", "123456782 RT0001"),),
                legal_id="123456782"),
    "JP": Party("デモ工具株式会社", ("見本一丁目2番3号",), "JP", "100-0001", "千代田区", "東京都",
                registrations=(TaxRegistration("JP", "JCT", "T7000012050002"),),
                legal_id="T7000012050002"),
}  # fmt: skip
BUYERS = {
    "DE": Party("Demo Maschinenbau Überseestraße AG & Co. KG", ("Hafenring 7", "Tor 3"), "DE",
                "20457", "Hamburg", vat_id="DE129274202", contact="Einkauf"),
    "FR": Party("Démo Bâtiment SAS", ("120 avenue du Modèle",), "FR", "75011", "Paris",
                vat_id="FR83404833048"),
    "IT": Party("Demo Costruzioni S.p.A.", ("Corso Campione 3",), "IT", "10121", "Torino", "TO",
                vat_id="IT12345670017"),
    "ES": Party("Demo Construcciones S.A.", ("Avenida de la Muestra 44",), "ES", "08002",
                "Barcelona", vat_id="ESA28015865"),
    "GB": Party("Demo Facilities & Sons plc", ("Unit 9, Placeholder Park",), "GB", "M1 1AE",
                "Manchester", vat_id="GB434031494", contact="Accounts payable"),
    "US": Party("Demo Office Services LLC", ("1 Placeholder Plaza", "Suite 400"), "US", "60601",
                "Chicago", "IL"),
    "CA": Party("Demo Bureau Inc.", ("900 Rue Exemple",), "CA", "H2Y 1C6", "Montréal", "QC"),
    "JP": Party("デモ商事株式会社", ("例示町4-5-6", "サンプルビル8階"), "JP", "530-0001",
                "大阪市北区", "大阪府", contact="購買部"),
}  # fmt: skip
CURRENCIES = {"GB": "GBP", "US": "USD", "CA": "CAD", "JP": "JPY"}
LANGUAGE = {"DE": "de", "FR": "fr", "IT": "it", "ES": "es", "JP": "ja"}
RATES = {"DE": ("0.19", "0.07"), "FR": ("0.2", "0.055"), "IT": ("0.22", "0.1"),
         "ES": ("0.21", "0.1"), "GB": ("0.2", "0.2"), "US": ("0.08875", "0.08875"),
         "CA": ("0.13", "0.05"), "JP": ("0.1", "0.08")}  # fmt: skip
GOODS = {
    "de": "Akku-Bohrschrauber 18 V mit Zubehörkoffer und zwei Ersatzakkus, blau",
    "fr": "Perceuse-visseuse sans fil 18 V avec coffret d’accessoires",
    "it": "Trapano avvitatore a batteria 18 V con valigetta di accessori",
    "es": "Taladro atornillador a batería de 18 V con maletín de accesorios",
    "nl": "Accuboormachine 18 V met accessoirekoffer en twee reserveaccu’s, blauw",
    "pl": "Wiertarko-wkrętarka akumulatorowa 18 V z walizką akcesoriów, żółta",
    "ja": "充電式ドライバードリル 18V アクセサリーケース付き(予備バッテリー2個)",
    "en": "Cordless drill driver 18 V with accessory case and two spare batteries",
}


def sample(country: str = "DE", kind: str = "invoice", lines: int = 1, **over) -> Payload:
    """A payload of `country` that passes the gate; `lines` alternate between two tax rates.

    A credit note ends with a restocking fee and return freight taken off when it has 5 lines or
    more. `over` replaces fields; `language` is the country's unless given.
    """
    language = over.pop("language", LANGUAGE.get(country, "en"))
    currency = over.pop("currency", CURRENCIES.get(country, "EUR"))
    rows = over.pop("rows", None) or _rows(country, kind, lines, language, currency)
    credit = kind == "credit_note"
    supplied = date(2026, 10, 2) if credit else date(2026, 11, 18)
    if country == "US":
        rows = _outside_scope(rows)
    to = BUYERS[country]
    payload = Payload(
        schema=2,
        mode="seller",
        occasion="refund" if credit else "supply",
        payment_means="68",
        tax_country=country,
        shipment_ids=("DEMOSHIP1",),
        delivery=Delivery(
            to.country, postcode=to.postcode, city=to.city, region=to.region, day=supplied
        ),
        kind="credit_note" if credit else "invoice",
        number="RK-2026-000123" if credit else "RE-2026-000877",
        issue_date=date(2026, 11, 21),
        currency=currency,
        language=language,
        seller=SELLERS[country],
        buyer=BUYERS[country],
        marketplace_name=f"Amazon.{country.lower()}",
        marketplace_country=country,
        lines=goods(rows),
        allowances=allowances(rows),
        rates=rate_rows(rows),
        totals=totals(rows),
        tax_point=date(2026, 11, 20) if credit else date(2026, 11, 18),
        original_supply_date=date(2026, 10, 2) if credit else None,
        purchase_order="PO-4500-7781",
        order_ids=("028-1234567-7654321",),
        rma_number="RMA-2026-000123" if credit else "",
        preceding=(PrecedingInvoice("RE-2026-000612", date(2026, 10, 2)),) if credit else (),
        payment_note="refund_via_amazon" if credit else "paid_via_amazon",
    )
    return replace(payload, **over)


def line(position: int, net: str, rate: str, currency: str = "EUR", **over) -> Line:
    """One line of quantity 1 with its tax rounded half up; `over` replaces fields."""
    amount = round_money(D(net), currency)
    tax = over.pop("tax", tax_on(amount, D(rate), currency))
    base = Line(position, "Demo article", D(1), amount, amount, "S", D(rate), tax, amount + tax)
    return replace(base, **over)


def rate_rows(rows: tuple[Line, ...]) -> tuple[RateRow, ...]:
    """The table per category and rate that belongs to these lines."""
    keys = dict.fromkeys((row.category, row.rate) for row in rows)
    return tuple(
        RateRow(
            category,
            rate,
            sum((row.net for row in rows if (row.category, row.rate) == (category, rate)), D(0)),
            sum((row.tax for row in rows if (row.category, row.rate) == (category, rate)), D(0)),
            REASONS.get(category, ""),
        )
        for category, rate in keys
    )


def goods(rows: tuple[Line, ...]) -> tuple[Line, ...]:
    """The rows that stand as lines, counted from one; deductions and sales tax are not lines."""
    kept = [row for row in rows if row.gross >= 0 and row.component != "sales_tax"]
    return tuple(replace(row, position=position) for position, row in enumerate(kept, start=1))


def allowances(rows: tuple[Line, ...]) -> tuple[AllowanceCharge, ...]:
    """Negative rows as deductions from the whole document, sales tax as a charge."""
    return tuple(
        AllowanceCharge(
            charge=row.gross >= 0,
            net=abs(row.net),
            category=row.category,
            rate=row.rate,
            tax=abs(row.tax),
            gross=abs(row.gross),
            reason=row.description or row.component.replace("_", " "),
            component=row.component,
            sku=row.sku,
        )
        for row in rows
        if row.gross < 0 or row.component == "sales_tax"
    )


def totals(rows: tuple[Line, ...]) -> Amounts:
    """The foot that belongs to these rows, paid in full."""
    net = sum((row.net for row in rows), D(0))
    tax = sum((row.tax for row in rows), D(0))
    return Amounts(
        net=net,
        tax=tax,
        gross=net + tax,
        lines=sum((row.net for row in goods(rows)), D(0)),
        allowances=sum((row.net for row in allowances(rows) if not row.charge), D(0)),
        charges=sum((row.net for row in allowances(rows) if row.charge), D(0)),
        paid=net + tax,
    )


# Tax cases of one document (facts on tax by country): name -> seller, buyer, country that taxes.
CASES = {
    "S": ("DE", "DE", "DE"),
    "K": ("DE", "FR", "DE"),
    "AE": ("DE", "ES", "ES"),
    "G": ("DE", "US", "DE"),
    "G-GB": ("GB", "FR", "GB"),
    "E": ("DE", "DE", "DE"),
    "Z": ("GB", "GB", "GB"),
    "O": ("US", "US", "US"),
    "JP": ("JP", "JP", "JP"),
    "CA": ("CA", "CA", "CA"),
    "GB": ("GB", "GB", "GB"),
    "FR": ("FR", "FR", "FR"),
}


def of_case(case: str, kind: str = "invoice", lines: int = 1, **over) -> Payload:
    """A lawful payload of a tax case; `lines` and `over` as in `sample`."""
    seller, buyer, taxed_in = CASES[case]
    category = case[:2].rstrip("-")
    if category not in ("K", "AE", "G", "E", "Z"):
        return sample(taxed_in, kind, lines, **over)
    language = over.pop("language", LANGUAGE.get(buyer, "en"))
    currency = CURRENCIES.get(seller, "EUR")
    rows = tuple(
        replace(r, category=category, rate=D(0), tax=D(0), gross=r.net)
        for r in _rows(seller, kind, lines, language, currency)
    )
    payload = sample(seller, kind, rows=rows, language=language)
    to = BUYERS[buyer]
    there = replace(payload.delivery, country=to.country, postcode=to.postcode, city=to.city)
    own = SELLERS[seller]
    if case == "AE":
        numbers = (TaxRegistration("ES", "VAT", "ESB58378431"),)
        own = replace(own, registrations=numbers)
    changed = {"buyer": to, "delivery": there, "tax_country": taxed_in, "seller": own}
    return replace(payload, **changed | over)


def in_sterling() -> NationalTax:
    """A VAT total in pounds for a euro document."""
    return NationalTax("GBP", D("21.45"), D("0.8412"), "HMRC", date(2026, 11, 1))


def _rows(country: str, kind: str, count: int, language: str, currency: str) -> tuple[Line, ...]:
    scale = 100 if currency == "JPY" else 1
    deductions = kind == "credit_note" and count >= 5
    rows = [
        line(n, f"{129 * n * scale}.00", RATES[country][n % 2 == 0], currency,
             description=GOODS[language], sku=f"DRL-18V-{n:04}", asin=f"B0DEMO{n:04}")
        for n in range(1, count + 1 - 2 * deductions)
    ]  # fmt: skip
    rows = [_once_per_rate(rows, row, currency) for row in rows] if currency == "JPY" else rows
    if deductions:
        rate = RATES[country][0]
        rows += [
            line(count - 1, f"-{25 * scale}.00", rate, currency, component="restocking_fee",
                 description=GOODS[language]),
            line(count, f"-{10 * scale}.00", rate, currency, component="return_freight",
                 description=""),
        ]  # fmt: skip
    return tuple(rows)


def _once_per_rate(rows: list[Line], row: Line, currency: str) -> Line:
    """Japan rounds once per rate: the amounts here are multiples of 100 yen, nothing is left."""
    assert row.tax == row.net * row.rate
    return row


def _outside_scope(rows: tuple[Line, ...]) -> tuple[Line, ...]:
    """The US: no VAT category, sales tax as a charge of its own."""
    tax = sum((row.tax for row in rows), D(0))
    free = [replace(r, category="O", rate=D(0), tax=D(0), gross=r.net) for r in rows]
    if not tax:
        return tuple(free)
    charge = line(len(rows) + 1, str(tax), "0", "USD", category="O", component="sales_tax",
                  description="Sales tax")  # fmt: skip
    return (*free, charge)
