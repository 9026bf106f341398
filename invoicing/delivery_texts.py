"""What the mail with a document says, by language: data, not UI translations.

Every text is (subject, body) with ``{names}``: number, original (the document it corrects), order,
seller. Greeting and signature are `FRAMES`. Sending is in `delivery_mail.py`.
"""

LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pl", "ja")

# Greeting and signature.
FRAMES: dict[str, tuple[str, str]] = {
    "en": ("Dear customer,", "Kind regards\n{seller}"),
    "de": ("Guten Tag,", "Freundliche Grüße\n{seller}"),
    "fr": ("Madame, Monsieur,", "Cordialement\n{seller}"),
    "it": ("Gentile cliente,", "Cordiali saluti\n{seller}"),
    "es": ("Estimado cliente:", "Un saludo\n{seller}"),
    "nl": ("Geachte klant,", "Met vriendelijke groet\n{seller}"),
    "pl": ("Dzień dobry,", "Z poważaniem\n{seller}"),
    "ja": ("お客様各位", "{seller}"),
}

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "invoice": {
        "en": (
            "Invoice {number}",
            (
                "Please find attached invoice {number} for your Amazon order {order}. It is "
                "paid through Amazon; there is nothing to transfer."
            ),
        ),
        "de": (
            "Rechnung {number}",
            (
                "anbei erhalten Sie die Rechnung {number} zu Ihrer Amazon-Bestellung {order}. "
                "Sie ist über Amazon bezahlt; bitte überweisen Sie nichts."
            ),
        ),
        "fr": (
            "Facture {number}",
            (
                "Veuillez trouver ci-joint la facture {number} de votre commande Amazon "
                "{order}. Elle est réglée via Amazon ; aucun virement n'est nécessaire."
            ),
        ),
        "it": (
            "Fattura {number}",
            (
                "in allegato trova la fattura {number} relativa al Suo ordine Amazon {order}. "
                "È già pagata tramite Amazon; non occorre alcun bonifico."
            ),
        ),
        "es": (
            "Factura {number}",
            (
                "Adjuntamos la factura {number} de su pedido de Amazon {order}. Está pagada a "
                "través de Amazon; no es necesario hacer ninguna transferencia."
            ),
        ),
        "nl": (
            "Factuur {number}",
            (
                "Bijgevoegd vindt u factuur {number} voor uw Amazon-bestelling {order}. De "
                "factuur is via Amazon betaald; u hoeft niets over te maken."
            ),
        ),
        "pl": (
            "Faktura {number}",
            (
                "w załączeniu przesyłamy fakturę {number} do zamówienia Amazon {order}. "
                "Faktura jest opłacona przez Amazon; prosimy nie wykonywać przelewu."
            ),
        ),
        "ja": (
            "請求書 {number}",
            (
                "Amazonでのご注文 {order} の請求書 {number} を添付いたします。お支払いはAmazon"
                "を通じて完了しておりますので、お振込みは不要です。"
            ),
        ),
    },
    "credit_note": {
        "en": (
            "Credit note {number}",
            (
                "Please find attached credit note {number}, which corrects invoice {original} "
                "for your Amazon order {order}. Amazon pays the amount back the way you paid."
            ),
        ),
        "de": (
            "Rechnungskorrektur {number}",
            (
                "anbei erhalten Sie die Rechnungskorrektur {number} zur Rechnung {original} "
                "Ihrer Amazon-Bestellung {order}. Amazon erstattet den Betrag auf dem Weg "
                "Ihrer Zahlung."
            ),
        ),
        "fr": (
            "Avoir {number}",
            (
                "Veuillez trouver ci-joint l'avoir {number} relatif à la facture {original} de "
                "votre commande Amazon {order}. Amazon rembourse le montant par votre moyen de "
                "paiement."
            ),
        ),
        "it": (
            "Nota di credito {number}",
            (
                "in allegato trova la nota di credito {number} relativa alla fattura "
                "{original} del Suo ordine Amazon {order}. Amazon rimborsa l'importo con il "
                "metodo di pagamento usato."
            ),
        ),
        "es": (
            "Factura rectificativa {number}",
            (
                "Adjuntamos la factura rectificativa {number} de la factura {original} de su "
                "pedido de Amazon {order}. Amazon abona el importe por el mismo medio de pago."
            ),
        ),
        "nl": (
            "Creditnota {number}",
            (
                "Bijgevoegd vindt u creditnota {number} bij factuur {original} voor uw "
                "Amazon-bestelling {order}. Amazon betaalt het bedrag terug op de manier "
                "waarop u hebt betaald."
            ),
        ),
        "pl": (
            "Faktura korygująca {number}",
            (
                "w załączeniu przesyłamy fakturę korygującą {number} do faktury {original} "
                "dotyczącej zamówienia Amazon {order}. Amazon zwróci kwotę tą samą metodą "
                "płatności."
            ),
        ),
        "ja": (
            "返還請求書 {number}",
            (
                "Amazonでのご注文 {order} の請求書 {original} に対する返還請求書 {number} "
                "を添付いたします。金額はAmazonよりお支払い方法に応じて返金されます。"
            ),
        ),
    },
    "cancellation": {
        "en": (
            "Cancellation of invoice {original}: {number}",
            (
                "Invoice {original} for your Amazon order {order} is cancelled by the attached "
                "credit note {number}. It moves no money; please replace the invoice in your "
                "books."
            ),
        ),
        "de": (
            "Storno der Rechnung {original}: {number}",
            (
                "die Rechnung {original} zu Ihrer Amazon-Bestellung {order} ist mit der "
                "beigefügten Rechnungskorrektur {number} storniert. Es fließt kein Geld; bitte "
                "buchen Sie die Rechnung aus."
            ),
        ),
        "fr": (
            "Annulation de la facture {original} : {number}",
            (
                "La facture {original} de votre commande Amazon {order} est annulée par "
                "l'avoir {number} ci-joint. Aucun paiement n'a lieu ; merci de l'annuler dans "
                "votre comptabilité."
            ),
        ),
        "it": (
            "Annullamento della fattura {original}: {number}",
            (
                "la fattura {original} del Suo ordine Amazon {order} è annullata con la nota "
                "di credito {number} allegata. Non comporta alcun pagamento; La preghiamo di "
                "stornarla nella Sua contabilità."
            ),
        ),
        "es": (
            "Anulación de la factura {original}: {number}",
            (
                "La factura {original} de su pedido de Amazon {order} queda anulada con la "
                "factura rectificativa {number} adjunta. No supone ningún pago; anúlela en su "
                "contabilidad."
            ),
        ),
        "nl": (
            "Annulering van factuur {original}: {number}",
            (
                "Factuur {original} voor uw Amazon-bestelling {order} wordt met de bijgevoegde "
                "creditnota {number} geannuleerd. Er wordt geen geld overgemaakt; boek de "
                "factuur a.u.b. terug."
            ),
        ),
        "pl": (
            "Anulowanie faktury {original}: {number}",
            (
                "faktura {original} do zamówienia Amazon {order} została anulowana załączoną "
                "fakturą korygującą {number}. Nie wiąże się to z przepływem pieniędzy; prosimy "
                "o korektę w księgach."
            ),
        ),
        "ja": (
            "請求書 {original} の取消（{number}）",
            (
                "Amazonでのご注文 {order} の請求書 {original} は、添付の {number} により取り消"
                "されました。金銭の移動はございません。貴社の帳簿から取り消してください。"
            ),
        ),
    },
    "correction": {
        "en": (
            "Corrected invoice {number}",
            (
                "Please find attached invoice {number} for your Amazon order {order}. It "
                "replaces invoice {original}, which is cancelled; there is nothing to pay."
            ),
        ),
        "de": (
            "Korrigierte Rechnung {number}",
            (
                "anbei erhalten Sie die Rechnung {number} zu Ihrer Amazon-Bestellung {order}. "
                "Sie ersetzt die stornierte Rechnung {original}; es ist nichts zu zahlen."
            ),
        ),
        "fr": (
            "Facture corrigée {number}",
            (
                "Veuillez trouver ci-joint la facture {number} de votre commande Amazon "
                "{order}. Elle remplace la facture {original}, annulée ; rien n'est à payer."
            ),
        ),
        "it": (
            "Fattura corretta {number}",
            (
                "in allegato trova la fattura {number} del Suo ordine Amazon {order}. "
                "Sostituisce la fattura {original}, annullata; non c'è nulla da pagare."
            ),
        ),
        "es": (
            "Factura corregida {number}",
            (
                "Adjuntamos la factura {number} de su pedido de Amazon {order}. Sustituye a la "
                "factura {original}, ya anulada; no hay nada que pagar."
            ),
        ),
        "nl": (
            "Gecorrigeerde factuur {number}",
            (
                "Bijgevoegd vindt u factuur {number} voor uw Amazon-bestelling {order}. Deze "
                "vervangt de geannuleerde factuur {original}; u hoeft niets te betalen."
            ),
        ),
        "pl": (
            "Poprawiona faktura {number}",
            (
                "w załączeniu przesyłamy fakturę {number} do zamówienia Amazon {order}. "
                "Zastępuje ona anulowaną fakturę {original}; nie trzeba nic płacić."
            ),
        ),
        "ja": (
            "訂正後の請求書 {number}",
            (
                "Amazonでのご注文 {order} の請求書 {number} "
                "を添付いたします。取り消された請求書 {original} "
                "に代わるもので、お支払いは不要です。"
            ),
        ),
    },
    "reversal": {
        "en": (
            "Reversal of credit note {original}: {number}",
            (
                "The refund of credit note {original} for your Amazon order {order} did not "
                "take place. The attached invoice {number} takes the credit note back."
            ),
        ),
        "de": (
            "Rücknahme der Rechnungskorrektur {original}: {number}",
            (
                "die Erstattung zur Rechnungskorrektur {original} Ihrer Amazon-Bestellung "
                "{order} fand nicht statt. Die beigefügte Rechnung {number} nimmt sie zurück."
            ),
        ),
        "fr": (
            "Annulation de l'avoir {original} : {number}",
            (
                "Le remboursement lié à l'avoir {original} de votre commande Amazon {order} "
                "n'a pas eu lieu. La facture {number} ci-jointe annule cet avoir."
            ),
        ),
        "it": (
            "Storno della nota di credito {original}: {number}",
            (
                "il rimborso relativo alla nota di credito {original} del Suo ordine Amazon "
                "{order} non è avvenuto. La fattura {number} allegata la annulla."
            ),
        ),
        "es": (
            "Anulación de la factura rectificativa {original}: {number}",
            (
                "El reembolso de la factura rectificativa {original} de su pedido de Amazon "
                "{order} no se efectuó. La factura {number} adjunta la anula."
            ),
        ),
        "nl": (
            "Intrekking van creditnota {original}: {number}",
            (
                "De terugbetaling van creditnota {original} voor uw Amazon-bestelling {order} "
                "heeft niet plaatsgevonden. De bijgevoegde factuur {number} trekt de "
                "creditnota in."
            ),
        ),
        "pl": (
            "Wycofanie faktury korygującej {original}: {number}",
            (
                "zwrot środków do faktury korygującej {original} dotyczącej zamówienia Amazon "
                "{order} nie doszedł do skutku. Załączona faktura {number} ją wycofuje."
            ),
        ),
        "ja": (
            "返還請求書 {original} の取消（{number}）",
            (
                "Amazonでのご注文 {order} の返還請求書 {original} "
                "に係る返金は行われませんでした。添付の請求書 {number} により取り消されます。"
            ),
        ),
    },
}


def mail(
    kind: str, occasion: str, language: str, *, number: str, original: str, order: str, seller: str
) -> tuple[str, str]:
    """Subject (one line) and text of the mail with a document, in the nearest known language."""
    known = language if language in LANGUAGES else "en"
    texts = TEXTS[occasion if occasion in TEXTS else kind]
    names = {"number": number, "original": original, "order": order, "seller": seller}
    subject, body = (text.format_map(names) for text in texts[known])
    greeting, signature = (text.format_map(names) for text in FRAMES[known])
    return " ".join(subject.split())[:200], f"{greeting}\n\n{body}\n\n{signature}\n"
