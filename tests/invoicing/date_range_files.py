"""Date range reports as Seller Central writes them in each language, composed for the tests."""

import csv
import io

from invoicing.imports.date_range_words import HEADERS

LANGUAGES = {
    # language: (place of its words, marketplace, type of a refund, date of the same moment)
    "us": (0, "amazon.com", "Refund", "Oct 20, 2026 11:02:11 AM PDT"),
    "de": (1, "amazon.de", "Erstattung", "20.10.2026 18:02:11 UTC"),
    "fr": (2, "amazon.fr", "Remboursement", "20 oct. 2026 18:02:11 UTC"),
    "it": (3, "amazon.it", "Rimborso", "20 ott 2026 18:02:11 UTC"),
    "es": (4, "amazon.es", "Reembolso", "20 oct 2026 20:02:11 CEST"),
    "uk": (0, "amazon.co.uk", "Refund", "20 Oct 2026 18:02:11 GMT+00:00"),
    "nl": (6, "amazon.nl", "Terugbetaling", "20 okt 2026 18:02:11 UTC"),
    "se": (7, "amazon.se", "Återbetalning", "20 okt. 2026 18:02:11 UTC"),
    "pl": (8, "amazon.pl", "Zwrot kosztów", "20 paź 2026 18:02:11 UTC"),
    "jp": (5, "amazon.co.jp", "返金", "2026/10/21 3:02:11JST"),
}
# Languages whose report has no column of the tax: what Amazon collected stands apart.
COLLECTED = ("nl", "se", "pl")
FIELDS = (
    "date_time", "settlement_id", "type", "order_id", "sku", "quantity", "marketplace_name",
    "product_sales", "product_sales_tax", "shipping_credits", "promotional_rebates",
    "selling_fees", "fba_fees", "other_fees", "other", "total",
)  # fmt: skip
# The words of each language, by field, in the order of LANGUAGES' places; None: as in English.
WORDS = {
    "date_time": ("date/time", "Datum/Uhrzeit", "date/heure", "Data/Ora:", "fecha y hora",
                  "日付/時間", "datum/tijd", "datum/tid", "data/godzina"),
    "settlement_id": ("settlement id", "Abrechnungsnummer", "numéro de versement",
                      "Numero pagamento", "identificador de pago", "決済番号", "schikkings-ID",
                      "reglerings-id", "identyfikator rozliczenia"),
    "type": ("type", "Typ", "type", "Tipo", "tipo", "トランザクションの種類",
             "type", "typ", "typ"),
    "order_id": ("order id", "Bestellnummer", "numéro de la commande", "Numero ordine",
                 "número de pedido", "注文番号", "bestelnummer", "beställnings-id",
                 "identyfikator zamówienia"),
    "sku": ("sku", "SKU", "sku", "SKU", "sku", "SKU", "sku", "sku", "sku"),
    "quantity": ("quantity", "Menge", "quantité", "Quantità", "cantidad", "数量",
                 "aantal", "antal", "ilość"),
    "marketplace_name": ("marketplace", "Marketplace", "Marketplace", "Marketplace",
                         "web de Amazon", "Amazon 出品サービス", "marketplace", "marknadsplats",
                         "rynek"),
    "product_sales": ("product sales", "Umsätze", "ventes de produits", "Vendite",
                      "ventas de productos", "商品売上", "verkoop van producten",
                      "försäljning av produkter", "sprzedaż produktów"),
    "product_sales_tax": ("product sales tax", "Produktumsatzsteuer",
                          "Taxes sur la vente des produits", "imposta sulle vendite dei prodotti",
                          "impuesto de ventas de productos", "商品の売上税",
                          "geïnde omzetbelasting", "inkasserad moms",
                          "pobrany podatek od sprzedaży"),
    "shipping_credits": ("shipping credits", "Gutschrift für Versandkosten",
                         "crédits d'expédition", "Accrediti per le spedizioni",
                         "abonos de envío", "配送料", "Verzendtegoeden", "fraktkrediter",
                         "noty kredytowe za wysyłkę"),
    "promotional_rebates": ("promotional rebates", "Rabatte aus Werbeaktionen",
                            "Rabais promotionnels", "Sconti promozionali",
                            "devoluciones promocionales", "プロモーション割引額",
                            "promotiekortingen", "kampanjrabatter", "rabaty promocyjne"),
    "selling_fees": ("selling fees", "Verkaufsgebühren", "frais de vente",
                     "Commissioni di vendita", "tarifas de venta", "手数料", "verkoopkosten",
                     "försäljningsavgifter", "opłaty za sprzedaż"),
    "fba_fees": ("fba fees", "Gebühren zu Versand durch Amazon", "Frais Expédié par Amazon",
                 "Costi del servizio Logistica di Amazon", "tarifas de Logística de Amazon",
                 "FBA 手数料", "fba-vergoedingen", "fba-avgifter", "opłaty za fba"),
    "other_fees": ("other transaction fees", "Andere Transaktionsgebühren",
                   "autres frais de transaction", "Altri costi relativi alle transazioni",
                   "tarifas de otras transacciones", "トランザクションに関するその他の手数料",
                   "overige transactiekosten", "övriga transaktionsavgifter",
                   "inne opłaty transakcyjne"),
    "other": ("other", "Andere", "autre", "Altro", "otro", "その他", "overige", "övrigt", "inne"),
    "total": ("total", "Gesamt", "total", "totale", "total", "合計", "totaal", "totalt", "suma"),
}  # fmt: skip
assert set(WORDS) <= set(HEADERS)


def number(value: str, language: str) -> str:
    """``1234.56`` as the language writes it."""
    if language == "jp":
        return f"{int(float(value)):,}"
    whole, _, cents = f"{float(value):,.2f}".partition(".")
    if language in ("us", "uk"):
        return f"{whole}.{cents}"
    return f"{whole.replace(',', chr(0xA0) if language in ('fr', 'se', 'pl') else '.')},{cents}"


def report(language: str, *rows: dict, encoding: str = "utf-8-sig") -> bytes:
    """A report with its preamble; each row gives amounts by field (points as decimal sign)."""
    place, market, kind, when = LANGUAGES[language]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for line in ("Includes Amazon Marketplace transactions", "Definitions:", "One: two, three"):
        writer.writerow([line])
    writer.writerow([WORDS[field][place] for field in FIELDS])
    for row in rows:
        given = {"type": kind, "date_time": when, "marketplace_name": market,
                 "settlement_id": "21000000001"} | row  # fmt: skip
        money = FIELDS[FIELDS.index("product_sales") :]
        writer.writerow(
            [
                number(given.get(field, "0"), language) if field in money else given.get(field, "")
                for field in FIELDS
            ]
        )
    return out.getvalue().encode(encoding)
