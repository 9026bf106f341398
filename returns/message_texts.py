"""What mails to the buyer say, by language: data, not UI translations. Sending: ``messages.py``.

Every text is (subject, body) with ``{names}``; greeting, signature and other parts are in
``message_parts.py``. Names: number, orders, items, ship_by, reason, amount, seller, instructions.
"""

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "requested": {
        "en": (
            "We have received your return request {number}",
            (
                "We have received your return request for order {orders}:\n{items}\n\n"
                "Please do not send anything yet. You will hear from us as soon as it is checked. "
                "Quote {number} in all correspondence."
            ),
        ),
        "de": (
            "Ihre Retourenanfrage {number} ist eingegangen",
            (
                "wir haben Ihre Retourenanfrage zur Bestellung {orders} erhalten:\n{items}\n\n"
                "Bitte senden Sie noch nichts zurück. Wir melden uns, sobald die Anfrage geprüft "
                "ist. "
                "Geben Sie bei Rückfragen bitte {number} an."
            ),
        ),
        "fr": (
            "Nous avons bien reçu votre demande de retour {number}",
            (
                "Nous avons bien reçu votre demande de retour pour la commande {orders} "
                ":\n{items}\n\n"
                "Merci de ne rien renvoyer pour le moment. Nous vous répondrons dès que la demande "
                "aura été examinée. Merci de rappeler la référence {number}."
            ),
        ),
        "it": (
            "Abbiamo ricevuto la Sua richiesta di reso {number}",
            (
                "abbiamo ricevuto la Sua richiesta di reso per l'ordine {orders}:\n{items}\n\n"
                "La preghiamo di non spedire ancora nulla. Le risponderemo non appena la richiesta "
                "sarà stata esaminata. Indichi sempre il numero {number}."
            ),
        ),
        "es": (
            "Hemos recibido su solicitud de devolución {number}",
            (
                "Hemos recibido su solicitud de devolución del pedido {orders}:\n{items}\n\n"
                "Por favor, no envíe nada todavía. Le responderemos en cuanto la hayamos revisado. "
                "Indique siempre el número {number}."
            ),
        ),
        "ja": (
            "返品のご依頼を受け付けました（{number}）",
            (
                "ご注文 {orders} の返品のご依頼を受け付けました。\n{items}\n\n"
                "確認が済み次第ご連絡いたしますので、まだ商品を発送しないでください。"
                "お問い合わせの際は {number} をお知らせください。"
            ),
        ),
    },
    "approved": {
        "en": (
            "Your return {number} is approved",
            (
                "Your return for order {orders} is approved:\n{items}\n\n"
                "Please write {number} on the outside of the parcel and send it by {ship_by}; "
                "without a parcel by then the return is closed. {instructions}"
            ),
        ),
        "de": (
            "Ihre Retoure {number} ist genehmigt",
            (
                "Ihre Retoure zur Bestellung {orders} ist genehmigt:\n{items}\n\n"
                "Bitte schreiben Sie {number} außen auf das Paket und senden Sie es bis zum "
                "{ship_by} "
                "ab; danach wird die Retoure geschlossen. {instructions}"
            ),
        ),
        "fr": (
            "Votre retour {number} est accepté",
            (
                "Votre retour pour la commande {orders} est accepté :\n{items}\n\n"
                "Merci d'inscrire {number} sur l'extérieur du colis et de l'expédier au plus "
                "tard le "
                "{ship_by} ; passé ce délai, le retour sera clos. {instructions}"
            ),
        ),
        "it": (
            "Il Suo reso {number} è approvato",
            (
                "il reso dell'ordine {orders} è approvato:\n{items}\n\n"
                "Scriva {number} all'esterno del pacco e lo spedisca entro il {ship_by}; "
                "dopo tale data il reso verrà chiuso. {instructions}"
            ),
        ),
        "es": (
            "Su devolución {number} ha sido aprobada",
            (
                "Su devolución del pedido {orders} ha sido aprobada:\n{items}\n\n"
                "Escriba {number} en el exterior del paquete y envíelo antes del {ship_by}; "
                "después de esa fecha la devolución se cerrará. {instructions}"
            ),
        ),
        "ja": (
            "返品が承認されました（{number}）",
            (
                "ご注文 {orders} の返品が承認されました。\n{items}\n\n"
                "梱包の外側に {number} と記入し、{ship_by} までに発送してください。"
                "期日までに発送がない場合、返品は終了となります。{instructions}"
            ),
        ),
    },
    "declined": {
        "en": (
            "Your return request {number} is declined",
            (
                "We cannot accept your return request for order {orders}:\n{items}\n\n"
                "Reason: {reason}\n\nIf you see this differently, reply to this message."
            ),
        ),
        "de": (
            "Ihre Retourenanfrage {number} wurde abgelehnt",
            (
                "wir können Ihre Retourenanfrage zur Bestellung {orders} leider nicht annehmen:\n"
                "{items}\n\nGrund: {reason}\n\n"
                "Wenn Sie das anders sehen, antworten Sie bitte auf diese Nachricht."
            ),
        ),
        "fr": (
            "Votre demande de retour {number} est refusée",
            (
                "Nous ne pouvons pas accepter votre demande de retour pour la commande {orders} :\n"
                "{items}\n\nMotif : {reason}\n\nEn cas de désaccord, répondez à ce message."
            ),
        ),
        "it": (
            "La Sua richiesta di reso {number} è stata respinta",
            (
                "non possiamo accettare la richiesta di reso dell'ordine {orders}:\n{items}\n\n"
                "Motivo: {reason}\n\nSe non è d'accordo, risponda a questo messaggio."
            ),
        ),
        "es": (
            "Su solicitud de devolución {number} ha sido rechazada",
            (
                "No podemos aceptar su solicitud de devolución del pedido {orders}:\n{items}\n\n"
                "Motivo: {reason}\n\nSi no está de acuerdo, responda a este mensaje."
            ),
        ),
        "ja": (
            "返品のご依頼をお受けできません（{number}）",
            (
                "ご注文 {orders} の返品のご依頼はお受けできません。\n{items}\n\n"
                "理由：{reason}\n\nご不明な点は、このメールにご返信ください。"
            ),
        ),
    },
    "expiring": {
        "en": (
            "Return {number}: please send the goods by {ship_by}",
            (
                "We have not seen a parcel for your return {number} yet:\n{items}\n\n"
                "Please send it by {ship_by}. If your company needs more time for internal "
                "approval, "
                "reply to this message and we will extend the date."
            ),
        ),
        "de": (
            "Retoure {number}: bitte bis zum {ship_by} absenden",
            (
                "zu Ihrer Retoure {number} ist noch kein Paket unterwegs:\n{items}\n\n"
                "Bitte senden Sie es bis zum {ship_by} ab. Wenn Sie für die interne Freigabe "
                "mehr Zeit "
                "brauchen, antworten Sie auf diese Nachricht; wir verlängern die Frist."
            ),
        ),
        "fr": (
            "Retour {number} : merci d'expédier avant le {ship_by}",
            (
                "Nous n'avons pas encore vu de colis pour votre retour {number} :\n{items}\n\n"
                "Merci de l'expédier au plus tard le {ship_by}. Si votre validation interne "
                "demande "
                "plus de temps, répondez à ce message et nous prolongerons le délai."
            ),
        ),
        "it": (
            "Reso {number}: spedire entro il {ship_by}",
            (
                "non risulta ancora alcun pacco per il reso {number}:\n{items}\n\n"
                "La preghiamo di spedirlo entro il {ship_by}. Se Le serve più tempo per "
                "l'autorizzazione interna, risponda a questo messaggio e prorogheremo il termine."
            ),
        ),
        "es": (
            "Devolución {number}: envíe el paquete antes del {ship_by}",
            (
                "Todavía no consta ningún paquete de su devolución {number}:\n{items}\n\n"
                "Envíelo antes del {ship_by}. Si su empresa necesita más tiempo para la "
                "autorización "
                "interna, responda a este mensaje y ampliaremos el plazo."
            ),
        ),
        "ja": (
            "返品 {number}：{ship_by} までに発送してください",
            (
                "返品 {number} の商品の発送がまだ確認できておりません。\n{items}\n\n"
                "{ship_by} までに発送してください。社内承認にお時間が必要な場合は、"
                "このメールにご返信いただければ期限を延長いたします。"
            ),
        ),
    },
    "expired": {
        "en": (
            "Return {number} is closed",
            (
                "We received no parcel by {ship_by}, so return {number} is closed:\n{items}\n\n"
                "If the goods are already on their way, reply with the tracking number and we will "
                "open it again."
            ),
        ),
        "de": (
            "Retoure {number} ist geschlossen",
            (
                "bis zum {ship_by} ist kein Paket eingegangen, die Retoure {number} ist daher "
                "geschlossen:\n{items}\n\nFalls die Ware schon unterwegs ist, nennen Sie uns "
                "bitte die "
                "Sendungsnummer; wir öffnen die Retoure dann wieder."
            ),
        ),
        "fr": (
            "Le retour {number} est clos",
            (
                "Aucun colis ne nous est parvenu au {ship_by} ; le retour {number} est donc clos "
                ":\n"
                "{items}\n\nSi la marchandise est déjà en route, communiquez-nous le numéro de "
                "suivi "
                "et nous le rouvrirons."
            ),
        ),
        "it": (
            "Il reso {number} è chiuso",
            (
                "entro il {ship_by} non è arrivato alcun pacco, perciò il reso {number} è chiuso:\n"
                "{items}\n\nSe la merce è già in viaggio, ci comunichi il numero di tracciamento "
                "e lo "
                "riapriremo."
            ),
        ),
        "es": (
            "La devolución {number} está cerrada",
            (
                "No recibimos ningún paquete antes del {ship_by}, por lo que la devolución "
                "{number} se "
                "ha cerrado:\n{items}\n\nSi la mercancía ya está en camino, indíquenos el número "
                "de "
                "seguimiento y la abriremos de nuevo."
            ),
        ),
        "ja": (
            "返品 {number} は終了しました",
            (
                "{ship_by} までに商品の到着が確認できなかったため、返品 {number} は終了しました。\n"
                "{items}\n\nすでに発送済みの場合は、追跡番号をお知らせください。再開いたします。"
            ),
        ),
    },
    "refunded": {
        "en": (
            "Refund for your return {number}",
            (
                "We have refunded {amount} for your return {number} (order {orders}). Amazon "
                "pays it "
                "back the way you paid; this can take some days."
            ),
        ),
        "de": (
            "Erstattung zu Ihrer Retoure {number}",
            (
                "wir haben Ihnen {amount} zu Ihrer Retoure {number} (Bestellung {orders}) "
                "erstattet. "
                "Amazon zahlt den Betrag auf dem Weg Ihrer Zahlung zurück; das kann einige Tage "
                "dauern."
            ),
        ),
        "fr": (
            "Remboursement de votre retour {number}",
            (
                "Nous avons remboursé {amount} pour votre retour {number} (commande {orders}). "
                "Amazon "
                "effectue le versement par votre moyen de paiement ; cela peut prendre quelques "
                "jours."
            ),
        ),
        "it": (
            "Rimborso del reso {number}",
            (
                "abbiamo rimborsato {amount} per il reso {number} (ordine {orders}). Amazon "
                "accredita "
                "l'importo con il metodo di pagamento usato; possono volerci alcuni giorni."
            ),
        ),
        "es": (
            "Reembolso de su devolución {number}",
            (
                "Hemos reembolsado {amount} por su devolución {number} (pedido {orders}). Amazon "
                "lo "
                "abona por el mismo medio de pago; puede tardar unos días."
            ),
        ),
        "ja": (
            "返品 {number} の返金について",
            (
                "返品 {number}（ご注文 {orders}）につき {amount} を返金いたしました。"
                "Amazonよりお支払い方法に応じて返金されます。反映まで数日かかる場合があります。"
            ),
        ),
    },
    "rejected": {
        "en": (
            "Your return {number} could not be accepted",
            (
                "We have inspected the goods of your return {number} and cannot accept "
                "them:\n{items}\n"
                "\nReason: {reason}\n\nReply to this message to agree how you get the goods back."
            ),
        ),
        "de": (
            "Ihre Retoure {number} konnte nicht angenommen werden",
            (
                "wir haben die Ware Ihrer Retoure {number} geprüft und können sie nicht annehmen:\n"
                "{items}\n\nGrund: {reason}\n\nBitte antworten Sie auf diese Nachricht, um die "
                "Rücksendung an Sie abzustimmen."
            ),
        ),
        "fr": (
            "Votre retour {number} n'a pas pu être accepté",
            (
                "Nous avons contrôlé la marchandise de votre retour {number} et ne pouvons pas "
                "l'accepter :\n{items}\n\nMotif : {reason}\n\nRépondez à ce message pour "
                "convenir de "
                "sa réexpédition."
            ),
        ),
        "it": (
            "Il Suo reso {number} non può essere accettato",
            (
                "abbiamo controllato la merce del reso {number} e non possiamo "
                "accettarla:\n{items}\n\n"
                "Motivo: {reason}\n\nRisponda a questo messaggio per concordare la restituzione."
            ),
        ),
        "es": (
            "Su devolución {number} no ha podido aceptarse",
            (
                "Hemos revisado la mercancía de su devolución {number} y no podemos aceptarla:\n"
                "{items}\n\nMotivo: {reason}\n\nResponda a este mensaje para acordar cómo se la "
                "devolvemos."
            ),
        ),
        "ja": (
            "返品 {number} の商品をお受けできません",
            (
                "返品 {number} の商品を検査いたしましたが、お受けできませんでした。\n{items}\n\n"
                "理由：{reason}\n\n商品のご返送方法については、このメールにご返信ください。"
            ),
        ),
    },
}
