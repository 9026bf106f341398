"""The words of Amazon's date range report: columns and types in the account's language, its dates.

Data and pure functions. Column words of US, DE and JP as in real files; those of UK, FR, IT and ES
as public parsers meet them, those of NL, SE and PL (`ASSUMED`) as such parsers list them. The
types of chargebacks outside English are assumed, but for the German one. Amazon changes words
without notice: an unknown type is the account's money.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from invoicing.imports.settlement_terms import ACCOUNT, BUYER, FEE, REFUNDS, WITHHELD
from orders.imports.kinds import MONTHS
from orders.imports.registry import normalise

# Field → header words, English first.
HEADERS = {
    "date_time": "date/time|Datum/Uhrzeit|date/heure|Data/Ora|Data/Ora:|fecha y hora|fecha/hora"
    "|日付/時間|日付 / 時間",
    "settlement_id": "settlement id|Abrechnungsnummer|numéro de versement|Identifiant du paiement"
    "|Numero pagamento|identificador de pago|決済番号",
    "type": "type|Typ|Tipo|トランザクションの種類",
    "order_id": "order id|Bestellnummer|numéro de la commande|Numero ordine|número de pedido"
    "|注文番号",
    "sku": "sku",
    "quantity": "quantity|Menge|quantité|Quantità|cantidad|数量",
    "marketplace_name": "marketplace|store|site de vente|web de Amazon|Amazon 出品サービス",
    "status": "transaction status|Transaktionsstatus|statut de la transaction"
    "|stato della transazione|estado de la transacción",
    "product_sales": "product sales|Umsätze|ventes de produits|Vendite|ventas de productos"
    "|商品売上|商品の売上",
    "product_sales_tax": "product sales tax|Produktumsatzsteuer|Taxes sur la vente des produits"
    "|imposta sulle vendite dei prodotti|impuesto de ventas de productos|商品の売上税",
    "shipping_credits": "shipping credits|postage credits|Gutschrift für Versandkosten"
    "|crédits d'expédition|crédits d’expédition|Accrediti per le spedizioni|abonos de envío"
    "|配送料",
    "shipping_credits_tax": "shipping credits tax|postage credits tax|Steuer auf Versandgutschrift"
    "|taxe sur les crédits d’expédition|taxe sur les crédits d'expédition"
    "|imposta accrediti per le spedizioni|impuestos por abonos de envío|配送料の税金",
    "gift_wrap_credits": "gift wrap credits|Gutschrift für Geschenkverpackung"
    "|crédits sur l'emballage cadeau|crédits d’emballage-cadeau|Accrediti per confezioni regalo"
    "|abonos de envoltorio para regalo|ギフト包装手数料",
    "gift_wrap_credits_tax": "giftwrap credits tax|gift wrap credits tax"
    "|Steuer auf Geschenkverpackungsgutschriften|Taxes sur les crédits cadeaux"
    "|imposta sui crediti confezione regalo|ギフト包装クレジットの税金",
    "regulatory_fee": "Regulatory Fee",
    "regulatory_fee_tax": "Tax On Regulatory Fee",
    "promotional_rebates": "promotional rebates|Rabatte aus Werbeaktionen|Rabais promotionnels"
    "|Total des réductions|Sconti promozionali|devoluciones promocionales|プロモーション割引額",
    "promotional_rebates_tax": "promotional rebates tax|Steuer auf Aktionsrabatte"
    "|Taxes sur les remises promotionnelles|imposta sugli sconti promozionali"
    "|プロモーション割引の税金",
    "sales_tax_collected": "sales tax collected|taxe de ventes prélevée",
    "withheld_tax": "marketplace withheld tax|Einbehaltene Steuer auf Marketplace"
    "|Taxes retenues sur le site de vente|trattenuta IVA del marketplace"
    "|impuesto retenido en el sitio web|源泉徴収税を伴うマーケットプレイス",
    "facilitator_tax": "marketplace facilitator tax|taxe marketplace facilitator",
    "selling_fees": "selling fees|Verkaufsgebühren|frais de vente|Commissioni di vendita"
    "|tarifas de venta|手数料",
    "fba_fees": "fba fees|Gebühren zu Versand durch Amazon|Frais Expédié par Amazon"
    "|Frais pour le service Expédié par Amazon|Costi del servizio Logistica di Amazon"
    "|tarifas de Logística de Amazon|FBA 手数料",
    "other_fees": "other transaction fees|Andere Transaktionsgebühren|autres frais de transaction"
    "|Altri costi relativi alle transazioni|tarifas de otras transacciones"
    "|トランザクションに関するその他の手数料",
    "points": "Amazonポイントの費用",
    "other": "other|Andere|autre|autres|Altro|otro|その他",
    "total": "total|Gesamt|totale|合計",
}
# Dutch, Swedish and Polish: no file was seen, only what public parsers of such files look for.
# Their reports have no columns of tax besides what Amazon collects.
ASSUMED = {
    "date_time": "datum/tijd|datum/tid|data/godzina",
    "settlement_id": "schikkings-ID|reglerings-id|identyfikator rozliczenia",
    "order_id": "bestelnummer|beställnings-id|identyfikator zamówienia",
    "quantity": "aantal|antal|ilość",
    "marketplace_name": "marknadsplats|rynek",
    "status": "transactiestatus|status transakcji",
    "product_sales": "verkoop van producten|productverkoop|försäljning av produkter"
    "|sprzedaż produktów",
    "shipping_credits": "Verzendtegoeden|verzendtegoed|fraktkrediter|noty kredytowe za wysyłkę",
    "gift_wrap_credits": "kredietpunten cadeauverpakking|cadeauverpakking tegoed"
    "|krediter för presentinslagning|środki na pokrycie pakowania na prezent",
    "promotional_rebates": "promotiekortingen|kampanjrabatter|rabaty promocyjne",
    "sales_tax_collected": "geïnde omzetbelasting|inkasserad moms|pobrany podatek od sprzedaży",
    "facilitator_tax": "Belasting voor marketplace-facilitator|skatt för marknadsplatsförmedlare"
    "|podatek od transakcji marketplace facilitator",
    "selling_fees": "verkoopkosten|försäljningsavgifter|opłaty za sprzedaż",
    "fba_fees": "fba-vergoedingen|fba-kosten|fba-avgifter|opłaty za fba",
    "other_fees": "overige transactiekosten|övriga transaktionsavgifter|inne opłaty transakcyjne",
    "other": "overige|overig|övrigt|inne",
    "total": "totaal|totalt|suma",
}
# Money column → whose money, component, whether tax.
AMOUNTS = {
    "product_sales": (BUYER, "item", False),
    "product_sales_tax": (BUYER, "item", True),
    "shipping_credits": (BUYER, "shipping", False),
    "shipping_credits_tax": (BUYER, "shipping", True),
    "gift_wrap_credits": (BUYER, "gift_wrap", False),
    "gift_wrap_credits_tax": (BUYER, "gift_wrap", True),
    "regulatory_fee": (BUYER, "", False),
    "regulatory_fee_tax": (BUYER, "", True),
    "promotional_rebates": (BUYER, "item", False),
    "promotional_rebates_tax": (BUYER, "item", True),
    "sales_tax_collected": (BUYER, "item", True),
    "withheld_tax": (WITHHELD, "", False),
    "facilitator_tax": (WITHHELD, "", False),
    "selling_fees": (FEE, "", False),
    "fba_fees": (FEE, "", False),
    "other_fees": (FEE, "", False),
    "points": (FEE, "", False),
    "other": (ACCOUNT, "", False),
}
_ORDERS = frozenset({"order", "bestellung", "commande", "ordine", "pedido", "注文",
                     "bestelling", "beställning", "zamówienie"})  # fmt: skip
_PLAIN_REFUNDS = frozenset(
    {"refund", "erstattung", "remboursement", "rimborso", "reembolso", "返金",
     "terugbetaling", "återbetalning", "återbäring", "zwrot kosztów"}
)  # fmt: skip
_OTHER_REFUNDS = REFUNDS | {
    "a-to-z guarantee claim",
    "erstattung durch rückbuchung",
    "remboursement par rétrofacturation",
    "rimborso per storno",
    "reembolso por contracargo",
    "チャージバックの返金",
}


def names(field: str) -> tuple[str, ...]:
    """The header words of a field as headers are compared, English first, each once."""
    known = [*HEADERS[field].split("|"), *filter(None, ASSUMED.get(field, "").split("|"))]
    return tuple(dict.fromkeys(normalise(word) for word in known))


def meaning(word: str) -> tuple[str, bool]:
    """(the type in one language, whether it gives the buyer's money back).

    The same row downloaded in two languages is then the same row; "order" is a sale.
    """
    plain = " ".join(word.casefold().split())
    if plain in _PLAIN_REFUNDS:
        return "refund", True
    if plain in _ORDERS:
        return "order", False
    return plain, plain in _OTHER_REFUNDS


def decimal_sign(header: frozenset[str]) -> str:
    """The decimal sign of the header's language, for a file in which no number tells it."""
    comma = ("datum/uhrzeit", "date/heure", "data/ora", "data/ora:", "fecha-y-hora",
             *map(normalise, ASSUMED["date_time"].split("|")))  # fmt: skip
    return "," if not header.isdisjoint(comma) else "."


# --- Dates -----------------------------------------------------------------------------------

_MONTH = {word: int(number) for number, words in MONTHS.items() for word in words.split()}
_POLISH = "sty lut mar kwi maj cze lip sie wrz paź lis gru"  # the others begin as those above
_MONTH |= {name: number for number, name in enumerate(_POLISH.split(), 1)}
_MONTH |= {"janvier": 1, "sept": 9, "gennaio": 1, "july": 7, "june": 6}
_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2}))?\s*(?P<half>[ap]\.?\s?m\.?)?"
    r"\s*(?P<zone>[a-z]{2,4})?\s*(?P<offset>[+-]\d{1,2}(:?\d{2})?)?"
)
_FORMS = [
    re.compile(rf"{day}[,\s]+{_TIME}")
    for day in (
        r"(?P<name>[^\W\d_]+)\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[\s/-](de\s)?(?P<name>[^\W\d_]+)\.?[\s/-](de\s)?(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4})",
        r"(?P<year>\d{4})[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})",
    )
]
_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "bst": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "jst": 9,
    "pst": -8, "pdt": -7, "mst": -7, "mdt": -6, "cst": -6, "cdt": -5, "est": -5, "edt": -4,
}  # fmt: skip


@lru_cache(maxsize=4096)
def moment(text: str, zone: str) -> datetime | None:
    """A date of the report in UTC; ``zone`` is the marketplace's, for one that names none.

    None for what cannot be read with certainty. Numbers are day first (month names are used where
    it would matter), or year first.
    """
    plain = " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").casefold().split())
    found = next((m for form in _FORMS if (m := form.fullmatch(plain))), None)
    if found is None:
        return None
    part = found.groupdict()
    month = _month(part["name"]) if part.get("name") else int(part["month"])
    hour = int(part["hour"])
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].startswith("p") else 0)
    offset = _offset(part["zone"], part["offset"], zone)
    if month is None or offset is None:
        return None
    try:
        found_at = datetime(
            int(part["year"]), month, int(part["day"]), hour, int(part["minute"]),
            int(part["second"] or 0), tzinfo=offset,
        )  # fmt: skip
    except ValueError:
        return None
    return found_at.astimezone(UTC)


def _month(name: str) -> int | None:
    return _MONTH.get(name) or _MONTH.get(name[:4]) or _MONTH.get(name[:3])


def _offset(zone: str | None, offset: str | None, default: str):
    """The zone of a time: the one it names, moved by an offset such as GMT+9, else the default."""
    if zone is None and offset is None:
        return ZoneInfo(default)
    hours = _ZONES.get(zone or "utc")
    if hours is None:
        return None
    minutes = hours * 60
    if offset:
        digits = offset[1:].replace(":", "").rjust(2, "0")
        more = int(digits[:2]) * 60 + int(digits[2:] or 0)
        minutes += more if offset[0] == "+" else -more
    return timezone(timedelta(minutes=minutes))
