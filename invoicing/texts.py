"""The words printed on documents, as data by language: en, de, fr, it, es, nl, pl, ja.

A document speaks the buyer's language whatever the reader's screen speaks, and must read the same
in ten years, so these are never gettext strings. Here are the words the law cares about; labels of
the page are in `labels.py`, sentences that explain a number in `explanations.py`, formats in
`page.py`. One row per text, languages side by side in the order of `LANGUAGES`. Law: facts on
documents by country; the wordings of reverse charge are those of Directive 2010/45/EU.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from invoicing.labels import LABELS, LANGUAGES, US_LABELS, Row

__all__ = ["EXEMPTIONS", "LANGUAGES", "PAYMENT_NOTES", "Regime"]

Regime = Literal["vat", "us", "ca", "jp"]

_REGIMES: dict[str, Regime] = {"US": "us", "CA": "ca", "JP": "jp"}

# German: "Gutschrift" means self-billing (§ 14 (4) no. 10 UStG) and never heads a credit note.
# Japanese: 適格… is reserved for documents under the Japanese consumption tax.
_TITLES: dict[tuple[str, str], Row] = {
    ("invoice", ""): ("Invoice", "Rechnung", "Facture", "Fattura", "Factura", "Factuur", "Faktura",
                      "請求書"),
    ("credit_note", ""): ("Credit note", "Rechnungskorrektur", "Avoir", "Nota di credito",
                          "Factura rectificativa", "Creditnota", "Faktura korygująca",
                          "返還請求書"),
    ("cancellation", ""): ("Cancellation credit note", "Stornorechnung", "Avoir d’annulation",
                           "Nota di credito (storno totale)",
                           "Factura rectificativa (anulación)", "Creditnota (annulering)",
                           "Faktura korygująca (anulowanie)", "返還請求書(取消)"),
    ("correction", ""): ("Corrected invoice", "Berichtigte Rechnung", "Facture rectificative",
                         "Fattura corretta", "Factura corregida", "Gecorrigeerde factuur",
                         "Faktura (wystawiona ponownie)", "請求書(修正)"),
    ("reversal", ""): ("Invoice (reversal of a credit)",
                       "Rechnung (Rücknahme einer Korrektur)", "Facture (annulation d’un avoir)",
                       "Nota di debito", "Factura (anulación de un abono)",
                       "Factuur (intrekking van een creditnota)", "Faktura (wycofanie korekty)",
                       "請求書(返還の取消)"),
    ("credit_note", "us"): ("Credit memo", "Rechnungskorrektur", "Note de crédit",
                            "Nota di credito", "Nota de crédito", "Creditnota",
                            "Faktura korygująca", "返金明細書"),
    ("cancellation", "us"): ("Credit memo (cancellation)", "Stornorechnung",
                             "Note de crédit (annulation)", "Nota di credito (storno totale)",
                             "Nota de crédito (anulación)", "Creditnota (annulering)",
                             "Faktura korygująca (anulowanie)", "返金明細書(取消)"),
    ("invoice", "jp"): ("Qualified invoice (適格請求書)", "Qualifizierte Rechnung (適格請求書)",
                        "Facture qualifiée (適格請求書)", "Fattura qualificata (適格請求書)",
                        "Factura cualificada (適格請求書)",
                        "Gekwalificeerde factuur (適格請求書)",
                        "Faktura kwalifikowana (適格請求書)", "適格請求書"),
    ("credit_note", "jp"): ("Qualified return invoice (適格返還請求書)",
                            "Rechnungskorrektur (適格返還請求書)",
                            "Avoir qualifié (適格返還請求書)",
                            "Nota di credito qualificata (適格返還請求書)",
                            "Factura rectificativa (適格返還請求書)",
                            "Gekwalificeerde creditnota (適格返還請求書)",
                            "Faktura korygująca (適格返還請求書)", "適格返還請求書"),
    ("cancellation", "jp"): ("Cancellation (適格返還請求書)", "Stornorechnung (適格返還請求書)",
                             "Avoir d’annulation (適格返還請求書)",
                             "Storno totale (適格返還請求書)", "Anulación (適格返還請求書)",
                             "Annulering (適格返還請求書)", "Anulowanie (適格返還請求書)",
                             "適格返還請求書(取消)"),
    ("correction", "jp"): ("Corrected invoice (適格請求書)", "Berichtigte Rechnung (適格請求書)",
                           "Facture rectificative (適格請求書)",
                           "Fattura corretta (適格請求書)", "Factura corregida (適格請求書)",
                           "Gecorrigeerde factuur (適格請求書)",
                           "Faktura wystawiona ponownie (適格請求書)", "適格請求書(修正)"),
    ("reversal", "jp"): ("Invoice, reversal (適格請求書)", "Rechnung, Rücknahme (適格請求書)",
                         "Facture, annulation d’avoir (適格請求書)",
                         "Nota di debito (適格請求書)",
                         "Factura, anulación de abono (適格請求書)",
                         "Factuur, intrekking (適格請求書)", "Faktura, wycofanie (適格請求書)",
                         "適格請求書(返還の取消)"),
}  # fmt: skip

_TAX_NAMES: dict[Regime, Row] = {
    "vat": ("VAT", "USt.", "TVA", "IVA", "IVA", "Btw", "VAT", "付加価値税"),
    "us": ("Sales tax", "Sales Tax", "Sales tax", "Sales tax", "Impuesto sobre ventas",
           "Sales tax", "Sales tax", "売上税"),
    "ca": ("GST/HST", "GST/HST", "TPS/TVH", "GST/HST", "GST/HST", "GST/HST", "GST/HST", "GST/HST"),
    "jp": ("Consumption tax", "Verbrauchsteuer", "Taxe cons.", "Imp. consumo", "Imp. consumo",
           "Verbruiksbelasting", "Podatek konsumpcyjny", "消費税"),
}  # fmt: skip

_REGISTRATIONS: dict[str, Row] = {
    "VAT": ("VAT no.", "USt-IdNr.", "N° TVA", "P. IVA", "NIF-IVA", "Btw-nr.", "Nr VAT",
            "VAT登録番号"),
    "OSS": ("VAT no. (OSS)", "USt-IdNr. (OSS)", "N° TVA (OSS)", "P. IVA (OSS)", "NIF-IVA (OSS)",
            "Btw-nr. (OSS)", "Nr VAT (OSS)", "VAT登録番号(OSS)"),
    "JCT": ("Registration no.", "Registrierungsnr.", "N° d’enregistrement", "N. di registrazione",
            "N.º de registro", "Registratienr.", "Nr rejestracyjny", "登録番号"),
    "GST": ("GST/HST no.", "GST/HST-Nr.", "N° TPS/TVH", "N. GST/HST", "N.º GST/HST",
            "GST/HST-nr.", "Nr GST/HST", "GST/HST番号"),
}  # fmt: skip

# Registers have names of their own where their scheme (ISO 6523 ICD) is known.
_REGISTERS = {
    "0002": "SIREN",
    "0009": "SIRET",
    "0106": "KvK",
    "0188": "法人番号",
    "0208": "BCE/KBO",
}
_REGISTER: Row = ("Reg. no.", "Registernr.", "N° d’immatriculation", "N. registro", "N.º registro",
                  "Registernr.", "Nr rejestru", "登記番号")  # fmt: skip

_COMPONENTS: dict[str, Row] = {
    "item": ("Item", "Artikel", "Article", "Articolo", "Artículo", "Artikel", "Towar", "商品"),
    "shipping": ("Shipping", "Versand", "Livraison", "Spedizione", "Envío", "Verzending",
                 "Wysyłka", "配送料"),
    "gift_wrap": ("Gift wrap", "Geschenkverpackung", "Emballage cadeau", "Confezione regalo",
                  "Envoltorio para regalo", "Cadeauverpakking", "Pakowanie na prezent",
                  "ギフト包装"),
    "promotion": ("Promotion", "Rabattaktion", "Promotion", "Promozione", "Promoción",
                  "Actiekorting", "Promocja", "プロモーション割引"),
    "restocking_fee": ("Restocking fee", "Wiedereinlagerungsgebühr", "Frais de remise en stock",
                       "Spese di reso a magazzino", "Gasto de reposición", "Terugnamekosten",
                       "Opłata za przyjęcie zwrotu", "返品手数料"),
    "return_freight": ("Return freight", "Rücksendekosten", "Frais de retour",
                       "Spese di restituzione", "Gastos de devolución", "Retourzendkosten",
                       "Koszt przesyłki zwrotnej", "返送料"),
    "goodwill": ("Goodwill credit", "Kulanz", "Geste commercial", "Rimborso a titolo commerciale",
                 "Abono comercial", "Coulance", "Rabat uznaniowy", "特別値引き"),
    "sales_tax": ("Sales tax", "Sales Tax", "Sales tax", "Sales tax", "Impuesto sobre ventas",
                  "Sales tax", "Sales tax", "売上税"),
}  # fmt: skip

# Key → (VATEX code for the XML, wording). Z takes no reason (BR-Z-10), S none either.
EXEMPTIONS: Mapping[str, tuple[str, Row]] = {
    "reverse_charge": ("VATEX-EU-AE", (
        "Reverse charge",
        "Steuerschuldnerschaft des Leistungsempfängers",
        "Autoliquidation",
        "Inversione contabile",
        "Inversión del sujeto pasivo",
        "Btw verlegd",
        "Odwrotne obciążenie",
        "リバースチャージ (Reverse charge)",
    )),
    "intra_community": ("VATEX-EU-IC", (
        "Intra-Community supply, exempt under art. 138 of Directive 2006/112/EC",
        "Steuerfreie innergemeinschaftliche Lieferung (Art. 138 Richtlinie 2006/112/EG)",
        "Livraison intracommunautaire exonérée (art. 138 de la directive 2006/112/CE)",
        "Cessione intracomunitaria non imponibile (art. 138 direttiva 2006/112/CE)",
        "Entrega intracomunitaria exenta (art. 138 de la Directiva 2006/112/CE)",
        "Intracommunautaire levering, vrijgesteld (art. 138 Richtlijn 2006/112/EG)",
        "Wewnątrzwspólnotowa dostawa towarów, zwolniona (art. 138 dyrektywy 2006/112/WE)",
        "EU域内供給・免税 (Directive 2006/112/EC, art. 138)",
    )),
    "export": ("VATEX-EU-G", (
        "Export outside the tax territory, zero-rated",
        "Steuerfreie Ausfuhrlieferung",
        "Exportation exonérée de TVA",
        "Cessione all’esportazione non imponibile",
        "Exportación exenta de IVA",
        "Uitvoer buiten het belastinggebied, nultarief",
        "Eksport towarów, stawka 0%",
        "輸出免税",
    )),
    "exempt": ("VATEX-EU-132", (
        "Exempt from VAT (art. 132 of Directive 2006/112/EC)",
        "Steuerbefreit (Art. 132 Richtlinie 2006/112/EG)",
        "Exonéré de TVA (art. 132 de la directive 2006/112/CE)",
        "Operazione esente (art. 132 direttiva 2006/112/CE)",
        "Operación exenta (art. 132 de la Directiva 2006/112/CE)",
        "Vrijgesteld van btw (art. 132 Richtlijn 2006/112/EG)",
        "Zwolnione z VAT (art. 132 dyrektywy 2006/112/WE)",
        "非課税 (Directive 2006/112/EC, art. 132)",
    )),
    # Printed in the United States too: no word for value added tax.
    # Only sales in the US are O: their papers say no word of VAT, and sales tax is a charge.
    "outside_scope": ("VATEX-EU-O", (
        "No tax other than the sales tax shown",
        "Keine andere Steuer als die ausgewiesene Sales Tax",
        "Aucune autre taxe que la taxe de vente indiquée",
        "Nessuna imposta oltre alla sales tax indicata",
        "Ningún impuesto aparte del impuesto sobre ventas indicado",
        "Geen andere belasting dan de vermelde sales tax",
        "Brak podatku innego niż wykazany podatek od sprzedaży",
        "記載の売上税以外の税はありません",
    )),
}  # fmt: skip

# Short words of the VAT categories (UNTDID 5305) for the table per rate; S is its rate alone.
_CATEGORIES: Mapping[str, Row] = {
    "AE": ("Reverse charge", "Reverse Charge", "Autoliquidation", "Inversione contabile",
           "Inversión del s. p.", "Verlegd", "Odwr. obciążenie", "リバースチャージ"),
    "K": ("Intra-Community", "Innergemeinschaftlich", "Intracommunautaire", "Intracomunitaria",
          "Intracomunitaria", "Intracommunautair", "Wewnątrzwspólnotowa", "EU域内"),
    "G": ("Export", "Ausfuhr", "Exportation", "Esportazione", "Exportación", "Uitvoer", "Eksport",
          "輸出"),
    "E": ("Exempt", "Steuerfrei", "Exonéré", "Esente", "Exento", "Vrijgesteld", "Zwolnione",
          "非課税"),
    "Z": ("Zero rated", "Nullsatz", "Taux zéro", "Aliquota zero", "Tipo cero", "Nultarief",
          "Stawka zerowa", "免税"),
    "O": ("Outside scope", "Nicht steuerbar", "Hors champ", "Fuori campo", "No sujeto",
          "Niet belastbaar", "Nie podlega", "対象外"),
}  # fmt: skip

PAYMENT_NOTES: Mapping[str, Row] = {
    "refund_via_amazon": (
        (
            "The refund goes back through Amazon to the payment method of the order; "
            "no bank details are needed."
        ),
        (
            "Die Erstattung erfolgt über Amazon auf das Zahlungsmittel der Bestellung; "
            "eine Bankverbindung wird nicht benötigt."
        ),
        (
            "Le remboursement est effectué par Amazon sur le moyen de paiement de la commande ; "
            "aucune coordonnée bancaire n’est nécessaire."
        ),
        (
            "Il rimborso avviene tramite Amazon sul metodo di pagamento dell’ordine; "
            "non servono coordinate bancarie."
        ),
        (
            "El reembolso se realiza a través de Amazon en el medio de pago del pedido; "
            "no se necesitan datos bancarios."
        ),
        (
            "De terugbetaling verloopt via Amazon naar de betaalmethode van de bestelling; "
            "bankgegevens zijn niet nodig."
        ),
        (
            "Zwrot następuje przez Amazon na środek płatności użyty w zamówieniu; "
            "dane bankowe nie są potrzebne."
        ),
        "返金はAmazonを通じてご注文時のお支払い方法に行われます。銀行口座のご連絡は不要です。",
    ),
    # A cancellation: the invoice that follows, or a refund with its own document, settles it.
    "no_payment": (
        "No payment is connected with this document.",
        "Mit diesem Beleg ist keine Zahlung verbunden.",
        "Aucun paiement n’est lié à ce document.",
        "A questo documento non è collegato alcun pagamento.",
        "Este documento no conlleva ningún pago.",
        "Aan dit document is geen betaling verbonden.",
        "Z tym dokumentem nie wiąże się żadna płatność.",
        "本書に伴う入出金はありません。",
    ),
    "paid_via_amazon": (
        "Paid through Amazon. Please make no further payment.",
        "Die Zahlung ist über Amazon erfolgt. Bitte nicht überweisen.",
        "Paiement effectué via Amazon. Merci de ne pas effectuer d’autre règlement.",
        "Pagamento effettuato tramite Amazon. Nessun ulteriore pagamento è dovuto.",
        "Pago realizado a través de Amazon. No realice ningún otro pago.",
        "Betaald via Amazon. U hoeft niets meer over te maken.",
        "Zapłacono przez Amazon. Prosimy nie dokonywać kolejnej płatności.",
        "Amazonを通じてお支払い済みです。別途のお支払いは不要です。",
    ),
}


def regime(country: str) -> Regime:
    """Which tax words a country's documents use; `country` is ISO (GB, not UK)."""
    return _REGIMES.get(country, "vat")


def title(kind: str, language: str, country: str, occasion: str = "") -> str:
    """Heading of an invoice or credit_note taxed in `country`; `occasion`: `states.Occasion`.

    Supplies, refunds and fees are headed by their kind alone.
    """
    what = occasion if (occasion, "") in _TITLES else kind
    row = _TITLES.get((what, regime(country)), _TITLES[what, ""])
    return _pick(row, language)


def tax_name(language: str, country: str) -> str:
    """What the tax is called: VAT, Sales tax, GST/HST or consumption tax."""
    return _pick(_TAX_NAMES[regime(country)], language)


def registration(scheme: str, language: str) -> str:
    """Label of a tax registration (VAT, OSS, JCT, GST); an unknown scheme labels itself."""
    row = _REGISTRATIONS.get(scheme)
    return _pick(row, language) if row else scheme


def register(scheme: str, language: str) -> str:
    """Label of a company number (BT-30, BT-47) by its ICD scheme: SIRET, KvK, or the word."""
    return _REGISTERS.get(scheme) or _pick(_REGISTER, language)


def component(name: str, language: str) -> str:
    """Name of a component (item, shipping, restocking_fee …)."""
    return _pick(_COMPONENTS[name], language)


def category(code: str, language: str) -> str:
    """Short word for a VAT category; empty for S, which its rate says."""
    row = _CATEGORIES.get(code)
    return _pick(row, language) if row else ""


def exemption(key: str, language: str, own: Mapping[str, str] | None = None) -> str:
    """Legal wording why a rate is zero (BT-120); `key` is one of `EXEMPTIONS`.

    `own` are words that replace ours, as `Payload.own_words`.
    """
    return (own or {}).get(key) or _pick(EXEMPTIONS[key][1], language)


def payment_note(key: str, language: str, own: Mapping[str, str] | None = None) -> str:
    """How the money moves; `key` is one of `PAYMENT_NOTES`, `own` as above."""
    return (own or {}).get(key) or _pick(PAYMENT_NOTES[key], language)


@cache
def texts(language: str, country: str) -> Mapping[str, str]:
    """Every label of the page, the tax already named as in `country`.

    Placeholders other than {tax} stay for the renderer (number, date, currency, amount …).
    """
    tax = tax_name(language, country)
    rows = LABELS | US_LABELS if regime(country) == "us" else LABELS
    return {key: _pick(row, language).replace("{tax}", tax) for key, row in rows.items()}


def _pick(row: Row, language: str) -> str:
    return row[LANGUAGES.index(language)]
