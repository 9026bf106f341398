"""The sentences that explain a number on a document, as data by language.

The calculation of a refund makes them as template and values (`config.core.sentence`); here is what
each template says in the languages of documents. A sentence nobody put into the buyer's language
is left out: half a document in another language is worse than a number without a comment.
"""

from config.core.sentence import Sentence
from invoicing.labels import LANGUAGES

Translations = tuple[str, str, str, str, str, str, str]

# English template → de, fr, it, es, nl, pl, ja.
EXPLANATIONS: dict[str, Translations] = {
    "Restocking fee of %(percent)s%% of the item on %(title)s": (
        "Wiedereinlagerungsgebühr von %(percent)s %% des Artikels für %(title)s",
        "Frais de remise en stock de %(percent)s %% de l’article pour %(title)s",
        "Spese di reso a magazzino del %(percent)s%% dell’articolo per %(title)s",
        "Gasto de reposición del %(percent)s %% del artículo por %(title)s",
        "Terugnamekosten van %(percent)s%% van het artikel voor %(title)s",
        "Opłata za przyjęcie zwrotu %(percent)s%% ceny towaru: %(title)s",
        "%(title)s の返品手数料(商品代金の%(percent)s%%)",
    ),
    "Restocking fee of %(percent)s%% of the item on %(title)s: %(because)s": (
        "Wiedereinlagerungsgebühr von %(percent)s %% des Artikels für %(title)s: %(because)s",
        "Frais de remise en stock de %(percent)s %% de l’article pour %(title)s : %(because)s",
        "Spese di reso a magazzino del %(percent)s%% dell’articolo per %(title)s: %(because)s",
        "Gasto de reposición del %(percent)s %% del artículo por %(title)s: %(because)s",
        "Terugnamekosten van %(percent)s%% van het artikel voor %(title)s: %(because)s",
        "Opłata za przyjęcie zwrotu %(percent)s%% ceny towaru: %(title)s: %(because)s",
        "%(title)s の返品手数料(商品代金の%(percent)s%%):%(because)s",
    ),
    "Return freight of %(gross)s, paid by the buyer": (
        "Rücksendekosten von %(gross)s, vom Käufer getragen",
        "Frais de retour de %(gross)s, à la charge de l’acheteur",
        "Spese di restituzione di %(gross)s, a carico dell’acquirente",
        "Gastos de devolución de %(gross)s, a cargo del comprador",
        "Retourzendkosten van %(gross)s, voor rekening van de koper",
        "Koszt przesyłki zwrotnej %(gross)s, ponosi nabywca",
        "返送料 %(gross)s(お客様負担)",
    ),
    "Goodwill of %(gross)s on %(title)s": (
        "Kulanz von %(gross)s für %(title)s",
        "Geste commercial de %(gross)s sur %(title)s",
        "Rimborso a titolo commerciale di %(gross)s per %(title)s",
        "Abono comercial de %(gross)s por %(title)s",
        "Coulance van %(gross)s voor %(title)s",
        "Rabat uznaniowy %(gross)s: %(title)s",
        "%(title)s の特別値引き %(gross)s",
    ),
    "Price credit of %(percent)s%% on %(title)s: %(net)s of %(paid)s net": (
        "Preisnachlass von %(percent)s %% auf %(title)s: %(net)s von %(paid)s netto",
        "Réduction de prix de %(percent)s %% sur %(title)s : %(net)s sur %(paid)s HT",
        "Riduzione di prezzo del %(percent)s%% su %(title)s: %(net)s di %(paid)s netti",
        "Reducción de precio del %(percent)s %% en %(title)s: %(net)s de %(paid)s netos",
        "Prijsverlaging van %(percent)s%% op %(title)s: %(net)s van %(paid)s netto",
        "Obniżka ceny o %(percent)s%%: %(title)s: %(net)s z %(paid)s netto",
        "%(title)s の値引き %(percent)s%%:税抜 %(paid)s のうち %(net)s",
    ),
    "Price credit on %(title)s: %(net)s of %(paid)s net": (
        "Preisnachlass auf %(title)s: %(net)s von %(paid)s netto",
        "Réduction de prix sur %(title)s : %(net)s sur %(paid)s HT",
        "Riduzione di prezzo su %(title)s: %(net)s di %(paid)s netti",
        "Reducción de precio en %(title)s: %(net)s de %(paid)s netos",
        "Prijsverlaging op %(title)s: %(net)s van %(paid)s netto",
        "Obniżka ceny: %(title)s: %(net)s z %(paid)s netto",
        "%(title)s の値引き:税抜 %(paid)s のうち %(net)s",
    ),
    "%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net": (
        "%(units)s von %(ordered)s Stück %(title)s: %(net)s von %(paid)s netto",
        "%(units)s unité(s) sur %(ordered)s de %(title)s : %(net)s sur %(paid)s HT",
        "%(units)s di %(ordered)s pezzi di %(title)s: %(net)s di %(paid)s netti",
        "%(units)s de %(ordered)s unidades de %(title)s: %(net)s de %(paid)s netos",
        "%(units)s van %(ordered)s stuks %(title)s: %(net)s van %(paid)s netto",
        "%(units)s z %(ordered)s szt. %(title)s: %(net)s z %(paid)s netto",
        "%(title)s %(ordered)s点のうち%(units)s点:税抜 %(paid)s のうち %(net)s",
    ),
    ("%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net, cut to what is left"): (
        (
            "%(units)s von %(ordered)s Stück %(title)s: %(net)s von %(paid)s netto, "
            "gekürzt auf den Rest"
        ),
        (
            "%(units)s unité(s) sur %(ordered)s de %(title)s : %(net)s sur %(paid)s HT, "
            "limité au solde"
        ),
        (
            "%(units)s di %(ordered)s pezzi di %(title)s: %(net)s di %(paid)s netti, "
            "ridotto al residuo"
        ),
        (
            "%(units)s de %(ordered)s unidades de %(title)s: %(net)s de %(paid)s netos, "
            "limitado al resto"
        ),
        (
            "%(units)s van %(ordered)s stuks %(title)s: %(net)s van %(paid)s netto, "
            "beperkt tot wat resteert"
        ),
        (
            "%(units)s z %(ordered)s szt. %(title)s: %(net)s z %(paid)s netto, "
            "ograniczono do pozostałej kwoty"
        ),
        "%(title)s %(ordered)s点のうち%(units)s点:税抜 %(paid)s のうち %(net)s(残額まで)",
    ),
    (
        "%(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net, "
        "last unit takes the remainder"
    ): (
        (
            "%(units)s von %(ordered)s Stück %(title)s: %(net)s von %(paid)s netto, "
            "die letzte Einheit trägt den Rest"
        ),
        (
            "%(units)s unité(s) sur %(ordered)s de %(title)s : %(net)s sur %(paid)s HT, "
            "la dernière unité porte le reste"
        ),
        (
            "%(units)s di %(ordered)s pezzi di %(title)s: %(net)s di %(paid)s netti, "
            "l’ultimo pezzo assorbe il resto"
        ),
        (
            "%(units)s de %(ordered)s unidades de %(title)s: %(net)s de %(paid)s netos, "
            "la última unidad absorbe el resto"
        ),
        (
            "%(units)s van %(ordered)s stuks %(title)s: %(net)s van %(paid)s netto, "
            "het laatste stuk draagt de rest"
        ),
        (
            "%(units)s z %(ordered)s szt. %(title)s: %(net)s z %(paid)s netto, "
            "ostatnia sztuka przejmuje resztę"
        ),
        (
            "%(title)s %(ordered)s点のうち%(units)s点:税抜 %(paid)s のうち %(net)s"
            "(端数は最後の1点に含む)"
        ),
    ),
    "Shipping of %(title)s, all that is left: %(net)s of %(paid)s net": (
        "Versand von %(title)s, der ganze Rest: %(net)s von %(paid)s netto",
        "Livraison de %(title)s, tout le solde : %(net)s sur %(paid)s HT",
        "Spedizione di %(title)s, tutto il residuo: %(net)s di %(paid)s netti",
        "Envío de %(title)s, todo el resto: %(net)s de %(paid)s netos",
        "Verzending van %(title)s, alles wat resteert: %(net)s van %(paid)s netto",
        "Wysyłka %(title)s, cała pozostała kwota: %(net)s z %(paid)s netto",
        "%(title)s の配送料(残額すべて):税抜 %(paid)s のうち %(net)s",
    ),
    "Shipping for %(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net": (
        "Versand für %(units)s von %(ordered)s Stück %(title)s: %(net)s von %(paid)s netto",
        "Livraison pour %(units)s unité(s) sur %(ordered)s de %(title)s : %(net)s sur %(paid)s HT",
        "Spedizione per %(units)s di %(ordered)s pezzi di %(title)s: %(net)s di %(paid)s netti",
        "Envío de %(units)s de %(ordered)s unidades de %(title)s: %(net)s de %(paid)s netos",
        "Verzending voor %(units)s van %(ordered)s stuks %(title)s: %(net)s van %(paid)s netto",
        "Wysyłka %(units)s z %(ordered)s szt. %(title)s: %(net)s z %(paid)s netto",
        "%(title)s %(ordered)s点のうち%(units)s点の配送料:税抜 %(paid)s のうち %(net)s",
    ),
    "Gift wrap for %(units)s of %(ordered)s units of %(title)s: %(net)s of %(paid)s net": (
        (
            "Geschenkverpackung für %(units)s von %(ordered)s Stück %(title)s: "
            "%(net)s von %(paid)s netto"
        ),
        (
            "Emballage cadeau pour %(units)s unité(s) sur %(ordered)s de %(title)s : "
            "%(net)s sur %(paid)s HT"
        ),
        (
            "Confezione regalo per %(units)s di %(ordered)s pezzi di %(title)s: "
            "%(net)s di %(paid)s netti"
        ),
        "Envoltorio de %(units)s de %(ordered)s unidades de %(title)s: %(net)s de %(paid)s netos",
        (
            "Cadeauverpakking voor %(units)s van %(ordered)s stuks %(title)s: "
            "%(net)s van %(paid)s netto"
        ),
        "Pakowanie %(units)s z %(ordered)s szt. %(title)s: %(net)s z %(paid)s netto",
        "%(title)s %(ordered)s点のうち%(units)s点のギフト包装:税抜 %(paid)s のうち %(net)s",
    ),
}


def explain(says: Sentence, language: str) -> str:
    """The sentence in a language of `LANGUAGES`, numbers as written there; empty if unknown."""
    if language == "en":
        return says.render(language="en")
    row = EXPLANATIONS.get(says.template)
    if row is None:
        return ""
    return says.render(lambda _: row[LANGUAGES.index(language) - 1], language)
