"""The frame of a mail, the sentences put into it, and the approver's mail, by language. Data.

What mails to the buyer say is in ``message_texts.py``.
"""

LANGUAGES = ("en", "de", "fr", "it", "es", "ja")

# language → (greeting, signature)
FRAMES = {
    "en": ("Dear customer,", "Kind regards\n{seller}"),
    "de": ("Sehr geehrte Damen und Herren,", "Mit freundlichen Grüßen\n{seller}"),
    "fr": ("Madame, Monsieur,", "Cordialement,\n{seller}"),
    "it": ("Gentile cliente,", "Cordiali saluti\n{seller}"),
    "es": ("Estimados señores:", "Atentamente,\n{seller}"),
    "ja": ("お客様各位", "よろしくお願いいたします。\n{seller}"),
}

# Colleagues read English until they say otherwise; the approver's mail exists in all languages.
APPROVER = {
    "en": (
        "Refund of {amount} for {number} waits for you",
        (
            "{who} proposed a refund of {amount} for {number} (order {orders}). It needs a second "
            "person: open the refund desk to approve or reject it."
        ),
    ),
    "de": (
        "Erstattung von {amount} zu {number} wartet auf Freigabe",
        (
            "{who} hat eine Erstattung von {amount} zu {number} (Bestellung {orders}) "
            "vorgeschlagen. Sie braucht eine zweite Person: bitte in der Erstattungsliste "
            "freigeben "
            "oder ablehnen."
        ),
    ),
    "fr": (
        "Un remboursement de {amount} pour {number} attend votre validation",
        (
            "{who} a proposé un remboursement de {amount} pour {number} (commande {orders}). Une "
            "deuxième personne doit l'approuver ou le rejeter."
        ),
    ),
    "it": (
        "Un rimborso di {amount} per {number} attende approvazione",
        (
            "{who} ha proposto un rimborso di {amount} per {number} (ordine {orders}). Una seconda "
            "persona deve approvarlo o respingerlo."
        ),
    ),
    "es": (
        "Un reembolso de {amount} para {number} espera su aprobación",
        (
            "{who} ha propuesto un reembolso de {amount} para {number} (pedido {orders}). Una "
            "segunda persona debe aprobarlo o rechazarlo."
        ),
    ),
    "ja": (
        "{number} の返金 {amount} が承認待ちです",
        (
            "{who} が {number}（注文 {orders}）に対し {amount} の返金を提案しました。"
            "別の担当者による承認または却下が必要です。"
        ),
    ),
}
# Who pays the label, said in the approval mail.
INSTRUCTIONS = {
    "buyer": {
        "en": "The return freight is yours to pay.",
        "de": "Die Rücksendekosten tragen Sie.",
        "fr": "Les frais de retour sont à votre charge.",
        "it": "Le spese di reso sono a Suo carico.",
        "es": "Los gastos de devolución corren por su cuenta.",
        "ja": "返送料はお客様のご負担となります。",
    },
    "seller": {
        "en": "We pay the return freight; use the label you received.",
        "de": "Die Rücksendekosten tragen wir; bitte nutzen Sie das erhaltene Etikett.",
        "fr": "Nous prenons en charge les frais de retour ; utilisez l'étiquette reçue.",
        "it": "Le spese di reso sono a nostro carico; usi l'etichetta ricevuta.",
        "es": "Nosotros pagamos el envío; utilice la etiqueta recibida.",
        "ja": "返送料は当社が負担します。お送りしたラベルをご利用ください。",
    },
}
