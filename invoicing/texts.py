"""The words printed on documents, as data by language: en, de, fr, it, es, ja.

A document speaks the buyer's language whatever the reader's screen speaks, and must read the same
in ten years, so these are never gettext strings. Numbers and dates are formatted in `render.py`.
One row per text, languages side by side in the order of `LANGUAGES`. Law: facts on documents by
country; the wordings of reverse charge are those of Directive 2010/45/EU.
"""

from collections.abc import Mapping
from typing import Literal

LANGUAGES = ("en", "de", "fr", "it", "es", "ja")

Regime = Literal["vat", "us", "ca", "jp"]
Row = tuple[str, str, str, str, str, str]

_REGIMES: dict[str, Regime] = {"US": "us", "CA": "ca", "JP": "jp"}

# German: "Gutschrift" means self-billing (§ 14 (4) no. 10 UStG) and never heads a credit note.
# Japanese: 適格… is reserved for documents under the Japanese consumption tax.
_TITLES: dict[tuple[str, str], Row] = {
    ("invoice", ""): ("Invoice", "Rechnung", "Facture", "Fattura", "Factura", "請求書"),
    ("credit_note", ""): (
        "Credit note",
        "Rechnungskorrektur",
        "Avoir",
        "Nota di credito",
        "Factura rectificativa",
        "返還請求書",
    ),
    ("credit_note", "us"): (
        "Credit memo",
        "Rechnungskorrektur",
        "Note de crédit",
        "Nota di credito",
        "Nota de crédito",
        "返金明細書",
    ),
    ("invoice", "jp"): (
        "Qualified invoice (適格請求書)",
        "Qualifizierte Rechnung (適格請求書)",
        "Facture qualifiée (適格請求書)",
        "Fattura qualificata (適格請求書)",
        "Factura cualificada (適格請求書)",
        "適格請求書",
    ),
    ("credit_note", "jp"): (
        "Qualified return invoice (適格返還請求書)",
        "Rechnungskorrektur (適格返還請求書)",
        "Avoir qualifié (適格返還請求書)",
        "Nota di credito qualificata (適格返還請求書)",
        "Factura rectificativa (適格返還請求書)",
        "適格返還請求書",
    ),
}

_TAX_NAMES: dict[Regime, Row] = {
    "vat": ("VAT", "USt.", "TVA", "IVA", "IVA", "付加価値税"),
    "us": ("Sales tax", "Sales Tax", "Sales tax", "Sales tax", "Impuesto sobre ventas", "売上税"),
    "ca": ("GST/HST", "GST/HST", "TPS/TVH", "GST/HST", "GST/HST", "GST/HST"),
    "jp": (
        "Consumption tax",
        "Verbrauchsteuer",
        "Taxe cons.",
        "Imp. consumo",
        "Imp. consumo",
        "消費税",
    ),
}

_REGISTRATIONS: dict[str, Row] = {
    "VAT": ("VAT no.", "USt-IdNr.", "N° TVA", "P. IVA", "NIF-IVA", "VAT登録番号"),
    "OSS": ("VAT no. (OSS)", "USt-IdNr. (OSS)", "N° TVA (OSS)", "P. IVA (OSS)", "NIF-IVA (OSS)",
            "VAT登録番号(OSS)"),
    "JCT": ("Registration no.", "Registrierungsnr.", "N° d’enregistrement", "N. di registrazione",
            "N.º de registro", "登録番号"),
    "GST": ("GST/HST no.", "GST/HST-Nr.", "N° TPS/TVH", "N. GST/HST", "N.º GST/HST",
            "GST/HST番号"),
}  # fmt: skip

_COMPONENTS: dict[str, Row] = {
    "item": ("Item", "Artikel", "Article", "Articolo", "Artículo", "商品"),
    "shipping": ("Shipping", "Versand", "Livraison", "Spedizione", "Envío", "配送料"),
    "gift_wrap": ("Gift wrap", "Geschenkverpackung", "Emballage cadeau", "Confezione regalo",
                  "Envoltorio para regalo", "ギフト包装"),
    "promotion": ("Promotion", "Rabattaktion", "Promotion", "Promozione", "Promoción",
                  "プロモーション割引"),
    "restocking_fee": ("Restocking fee", "Wiedereinlagerungsgebühr", "Frais de remise en stock",
                       "Spese di reso a magazzino", "Gasto de reposición", "返品手数料"),
    "return_freight": ("Return freight", "Rücksendekosten", "Frais de retour",
                       "Spese di restituzione", "Gastos de devolución", "返送料"),
    "goodwill": ("Goodwill credit", "Kulanz", "Geste commercial", "Rimborso a titolo commerciale",
                 "Abono comercial", "特別値引き"),
}  # fmt: skip

# Key → (VATEX code for the XML, wording). Z takes no reason (BR-Z-10), S none either.
EXEMPTIONS: Mapping[str, tuple[str, Row]] = {
    "reverse_charge": ("VATEX-EU-AE", (
        "Reverse charge",
        "Steuerschuldnerschaft des Leistungsempfängers",
        "Autoliquidation",
        "Inversione contabile",
        "Inversión del sujeto pasivo",
        "リバースチャージ (Reverse charge)",
    )),
    "intra_community": ("VATEX-EU-IC", (
        "Intra-Community supply, exempt under art. 138 of Directive 2006/112/EC",
        "Steuerfreie innergemeinschaftliche Lieferung (Art. 138 Richtlinie 2006/112/EG)",
        "Livraison intracommunautaire exonérée (art. 138 de la directive 2006/112/CE)",
        "Cessione intracomunitaria non imponibile (art. 138 direttiva 2006/112/CE)",
        "Entrega intracomunitaria exenta (art. 138 de la Directiva 2006/112/CE)",
        "EU域内供給・免税 (Directive 2006/112/EC, art. 138)",
    )),
    "export": ("VATEX-EU-G", (
        "Export outside the tax territory, zero-rated",
        "Steuerfreie Ausfuhrlieferung",
        "Exportation exonérée de TVA",
        "Cessione all’esportazione non imponibile",
        "Exportación exenta de IVA",
        "輸出免税",
    )),
    "exempt": ("VATEX-EU-132", (
        "Exempt from VAT (art. 132 of Directive 2006/112/EC)",
        "Steuerbefreit (Art. 132 Richtlinie 2006/112/EG)",
        "Exonéré de TVA (art. 132 de la directive 2006/112/CE)",
        "Operazione esente (art. 132 direttiva 2006/112/CE)",
        "Operación exenta (art. 132 de la Directiva 2006/112/CE)",
        "非課税 (Directive 2006/112/EC, art. 132)",
    )),
    "outside_scope": ("VATEX-EU-O", (
        "Not subject to VAT",
        "Nicht steuerbar",
        "Hors champ de la TVA",
        "Fuori campo IVA",
        "No sujeto a IVA",
        "課税対象外",
    )),
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
        "返金はAmazonを通じてご注文時のお支払い方法に行われます。銀行口座のご連絡は不要です。",
    ),
    "paid_via_amazon": (
        "Paid through Amazon. Please make no further payment.",
        "Die Zahlung ist über Amazon erfolgt. Bitte nicht überweisen.",
        "Paiement effectué via Amazon. Merci de ne pas effectuer d’autre règlement.",
        "Pagamento effettuato tramite Amazon. Nessun ulteriore pagamento è dovuto.",
        "Pago realizado a través de Amazon. No realice ningún otro pago.",
        "Amazonを通じてお支払い済みです。別途のお支払いは不要です。",
    ),
}

# {tax} is the name of the tax where the document is taxed, so that no US paper says "VAT".
_TEXTS: Mapping[str, Row] = {
    "invoice_number": ("Invoice no.", "Rechnungsnr.", "Facture n°", "Fattura n.", "Factura n.º",
                       "請求書番号"),
    "credit_note_number": ("Credit note no.", "Korrekturnr.", "Avoir n°", "Nota n.",
                           "Rectificativa n.º", "返還請求書番号"),
    "credit_memo_number": ("Credit memo no.", "Korrekturnr.", "Note n°", "Nota n.", "Nota n.º",
                           "明細書番号"),
    "issue_date": ("Date", "Datum", "Date", "Data", "Fecha", "発行日"),
    "supply_date": ("Date of supply", "Lieferdatum", "Date de livraison", "Data di consegna",
                    "Fecha de entrega", "取引日"),
    "tax_point": ("Tax point", "Lieferdatum", "Date de livraison", "Data di consegna",
                  "Fecha de entrega", "取引日"),
    "refund_date": ("Refund date", "Erstattungsdatum", "Date du remboursement",
                    "Data del rimborso", "Fecha del reembolso", "返還日"),
    "original_supply_date": ("Original supply", "Ursprüngl. Lieferung", "Livraison initiale",
                             "Fornitura originaria", "Entrega original", "当初の取引日"),
    "purchase_order": ("PO number", "Bestellnr. Kunde", "Bon de commande", "Ordine cliente",
                       "Pedido del cliente", "発注番号"),
    "order_ids": ("Amazon order", "Amazon-Bestellung", "Commande Amazon", "Ordine Amazon",
                  "Pedido de Amazon", "Amazon注文番号"),
    "rma_number": ("Return (RMA)", "Retoure (RMA)", "Retour (RMA)", "Reso (RMA)",
                   "Devolución (RMA)", "返品番号 (RMA)"),
    "marketplace": ("Marketplace", "Marktplatz", "Place de marché", "Marketplace", "Marketplace",
                    "マーケットプレイス"),
    "issuer_reference": ("Our reference", "Unser Zeichen", "Notre référence",
                         "Nostro riferimento", "Nuestra referencia", "当社参照番号"),
    "preceding": ("Corrected invoice", "Korrigierte Rechnung", "Facture rectifiée",
                  "Fattura rettificata", "Factura rectificada", "対象請求書"),
    "invoice_of": ("{number} of {date}", "{number} vom {date}", "{number} du {date}",
                   "{number} del {date}", "{number} de {date}", "{number}({date})"),
    "corrects": (
        "This document corrects invoice {invoices}.",
        "Dieser Beleg korrigiert die Rechnung {invoices}.",
        "Ce document rectifie la facture {invoices}.",
        "Il presente documento rettifica la fattura {invoices}.",
        "Este documento rectifica la factura {invoices}.",
        "本書は請求書 {invoices} に対する返還請求書です。",
    ),
    "bill_to": ("Bill to", "Rechnungsempfänger", "Facturé à", "Destinatario", "Cliente", "宛先"),
    "credit_to": ("Credit to", "Empfänger", "Crédité à", "Destinatario", "Cliente", "宛先"),
    "seller": ("Seller", "Verkäufer", "Vendeur", "Venditore", "Vendedor", "発行者"),
    "contact": ("Attn.", "z. Hd.", "À l’attention de", "C.a.", "A/A", "ご担当"),
    "position": ("#", "Pos.", "N°", "N.", "N.º", "No."),
    "description": ("Description", "Bezeichnung", "Désignation", "Descrizione", "Descripción",
                    "品名・摘要"),
    "quantity": ("Qty", "Menge", "Qté", "Q.tà", "Cant.", "数量"),
    "unit_price": ("Unit price", "Einzelpreis", "Prix unitaire", "Prezzo unit.", "Precio unit.",
                   "単価(税抜)"),
    "net": ("Net", "Netto", "HT", "Imponibile", "Base", "金額(税抜)"),
    "rate": ("Rate", "Satz", "Taux", "Aliquota", "Tipo", "税率"),
    "tax": ("{tax}", "{tax}", "{tax}", "{tax}", "{tax}", "{tax}"),
    "gross": ("Gross", "Brutto", "TTC", "Totale", "Total", "金額(税込)"),
    "amounts_in": ("All amounts in {currency}", "Alle Beträge in {currency}",
                   "Montants en {currency}", "Importi in {currency}", "Importes en {currency}",
                   "金額の単位 {currency}"),
    "summary": ("{tax} summary", "{tax}-Aufstellung", "Récapitulatif {tax}", "Riepilogo {tax}",
                "Desglose de {tax}", "税率別内訳"),
    "base": ("Taxable amount", "Bemessungsgrundlage", "Base HT", "Imponibile", "Base imponible",
             "対象金額(税抜)"),
    "total_net": ("Total net", "Summe netto", "Total HT", "Totale imponibile", "Base imponible",
                  "税抜合計"),
    "total_tax": ("{tax} total", "Summe {tax}", "Total {tax}", "Totale {tax}", "Total {tax}",
                  "{tax}合計"),
    "invoice_total": ("Total", "Rechnungsbetrag", "Total TTC", "Totale fattura", "Total factura",
                      "合計金額"),
    "credit_note_total": ("Total credited", "Korrekturbetrag", "Total de l’avoir",
                          "Totale accreditato", "Total abonado", "返還金額合計"),
    "national_tax": (
        "{tax} total in {currency}: {amount} (rate {rate}, {source}, {date})",
        "Summe {tax} in {currency}: {amount} (Kurs {rate}, {source}, {date})",
        "Total {tax} en {currency} : {amount} (taux {rate}, {source}, {date})",
        "Totale {tax} in {currency}: {amount} (cambio {rate}, {source}, {date})",
        "Total {tax} en {currency}: {amount} (cambio {rate}, {source}, {date})",
        "{currency}建{tax}合計 {amount}(レート {rate}、{source}、{date})",
    ),
    "reduced_rate": (
        "※ reduced tax rate applies",
        "※ ermäßigter Steuersatz",
        "※ taux réduit",
        "※ aliquota ridotta",
        "※ tipo reducido",
        "※ は軽減税率対象",
    ),
    "honorific": ("", "", "", "", "", " 御中"),
    "page_before": ("Page ", "Seite ", "Page ", "Pagina ", "Página ", ""),
    "page_between": (" of ", " von ", " sur ", " di ", " de ", " / "),
    "page_after": ("", "", "", "", "", " ページ"),
    "draft": (
        "Draft – not a valid document",
        "Entwurf – kein gültiger Beleg",
        "Brouillon – document non valable",
        "Bozza – documento non valido",
        "Borrador – documento no válido",
        "下書き – 無効な書類",
    ),
}  # fmt: skip


def regime(country: str) -> Regime:
    """Which tax words a country's documents use; `country` is ISO (GB, not UK)."""
    return _REGIMES.get(country, "vat")


def title(kind: str, language: str, country: str) -> str:
    """Heading of an invoice or credit_note taxed in `country`."""
    row = _TITLES.get((kind, regime(country)), _TITLES[(kind, "")])
    return _pick(row, language)


def tax_name(language: str, country: str) -> str:
    """What the tax is called: VAT, Sales tax, GST/HST or consumption tax."""
    return _pick(_TAX_NAMES[regime(country)], language)


def registration(scheme: str, language: str) -> str:
    """Label of a tax registration (VAT, OSS, JCT, GST); an unknown scheme labels itself."""
    row = _REGISTRATIONS.get(scheme)
    return _pick(row, language) if row else scheme


def component(name: str, language: str) -> str:
    """Name of a component (item, shipping, restocking_fee …)."""
    return _pick(_COMPONENTS[name], language)


def exemption(key: str, language: str) -> str:
    """Legal wording why a rate is zero (BT-120); `key` is one of `EXEMPTIONS`."""
    return _pick(EXEMPTIONS[key][1], language)


def payment_note(key: str, language: str) -> str:
    """How the money moves; `key` is one of `PAYMENT_NOTES`."""
    return _pick(PAYMENT_NOTES[key], language)


def texts(language: str, country: str) -> dict[str, str]:
    """Every label of the page, the tax already named as in `country`.

    Placeholders other than {tax} stay for the renderer (number, date, currency, amount …).
    """
    tax = tax_name(language, country)
    return {key: _pick(row, language).replace("{tax}", tax) for key, row in _TEXTS.items()}


def _pick(row: Row, language: str) -> str:
    return row[LANGUAGES.index(language)]
