"""Document texts: complete in eight languages, and the words the law wants or forbids."""

import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest

from config.core.sentence import Sentence, say
from invoicing import texts
from invoicing.explanations import EXPLANATIONS, explain
from invoicing.labels import LABELS, US_LABELS
from invoicing.payload import Component
from invoicing.states import Occasion
from returns import refund

COUNTRIES = ("DE", "FR", "IT", "ES", "GB", "US", "CA", "JP")
ROWS = {
    **{f"title {key}": row for key, row in texts._TITLES.items()},
    **{f"tax {key}": row for key, row in texts._TAX_NAMES.items()},
    **{f"registration {key}": row for key, row in texts._REGISTRATIONS.items()},
    **{f"component {key}": row for key, row in texts._COMPONENTS.items()},
    **{f"exemption {key}": row for key, (_, row) in texts.EXEMPTIONS.items()},
    **{f"payment {key}": row for key, row in texts.PAYMENT_NOTES.items()},
    **{f"category {key}": row for key, row in texts._CATEGORIES.items()},
    "register": texts._REGISTER,
    **{f"us {key}": row for key, row in US_LABELS.items()},
    **LABELS,
}
COMPONENTS = {*Component.__args__, *texts._COMPONENTS}
MAY_BE_EMPTY = {"honorific", "page_before", "page_after"}


@pytest.mark.parametrize("name", ROWS)
def test_text_is_complete_in_every_language(name):
    row = ROWS[name]
    assert len(row) == len(texts.LANGUAGES)
    assert name in MAY_BE_EMPTY or all(text.strip() for text in row)


@pytest.mark.parametrize("name", ROWS)
def test_text_has_the_same_placeholders_in_every_language(name):
    english, *others = [set(re.findall(r"\{\w+\}", text)) - {"{tax}"} for text in ROWS[name]]
    assert all(found == english for found in others)


@pytest.mark.parametrize(
    ("country", "language", "invoice", "credit"),
    [
        ("DE", "de", "Rechnung", "Rechnungskorrektur"),
        ("GB", "en", "Invoice", "Credit note"),
        ("CA", "en", "Invoice", "Credit note"),
        ("US", "en", "Invoice", "Credit memo"),
        ("FR", "fr", "Facture", "Avoir"),
        ("NL", "nl", "Factuur", "Creditnota"),
        ("PL", "pl", "Faktura", "Faktura korygująca"),
        ("IT", "it", "Fattura", "Nota di credito"),
        ("ES", "es", "Factura", "Factura rectificativa"),
        ("JP", "ja", "適格請求書", "適格返還請求書"),
        ("DE", "ja", "請求書", "返還請求書"),
        ("JP", "en", "Qualified invoice (適格請求書)", "Qualified return invoice (適格返還請求書)"),
    ],
)
def test_title(country, language, invoice, credit):
    assert texts.title("invoice", language, country) == invoice
    assert texts.title("credit_note", language, country) == credit


@pytest.mark.parametrize(
    ("occasion", "kind", "german"),
    [
        ("supply", "invoice", "Rechnung"),
        ("refund", "credit_note", "Rechnungskorrektur"),
        ("cancellation", "credit_note", "Stornorechnung"),
        ("correction", "invoice", "Berichtigte Rechnung"),
        ("reversal", "invoice", "Rechnung (Rücknahme einer Korrektur)"),
        ("fee", "invoice", "Rechnung"),
    ],
)
def test_title_says_why_the_document_exists(occasion, kind, german):
    assert texts.title(kind, "de", "DE", occasion) == german


def test_every_occasion_has_a_title():
    for occasion in Occasion:
        for country in COUNTRIES:
            kind = "credit_note" if occasion in ("refund", "cancellation") else "invoice"
            titles = {texts.title(kind, lang, country, occasion) for lang in texts.LANGUAGES}
            assert all(titles)


def everything(language, country):
    """Every word a document of this language and country may print."""
    return "\n".join(
        [
            *texts.texts(language, country).values(),
            *(texts.title("invoice", language, country, occasion) for occasion in Occasion),
            *(texts.title("credit_note", language, country, occasion) for occasion in Occasion),
            texts.tax_name(language, country),
            *(texts.component(name, language) for name in COMPONENTS),
            *(texts.payment_note(key, language) for key in texts.PAYMENT_NOTES),
            texts.exemption("outside_scope", language),
        ]
    )


@pytest.mark.parametrize("country", COUNTRIES)
def test_german_documents_never_say_gutschrift(country):
    """The word means self-billing, § 14 (4) no. 10 UStG."""
    assert "gutschrift" not in everything("de", country).lower()


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_us_documents_have_no_vat_words(language):
    words = r"\b(VAT|USt|MwSt|TVA|IVA|Btw|btw)\b|付加価値税|消費税"
    assert re.search(words, everything(language, "US")) is None
    assert re.search(words, everything(language, "GB"))


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("country", [country for country in COUNTRIES if country != "JP"])
def test_only_japan_issues_qualified_invoices(country, language):
    assert "適格" not in everything(language, country)


@pytest.mark.parametrize(
    ("language", "wording"),
    [("de", "Steuerschuldnerschaft des Leistungsempfängers"), ("en", "Reverse charge"),
     ("fr", "Autoliquidation"), ("es", "Inversión del sujeto pasivo"),
     ("it", "Inversione contabile"), ("nl", "Btw verlegd"), ("pl", "Odwrotne obciążenie")],
)  # fmt: skip
def test_reverse_charge_wording_of_the_directive(language, wording):
    assert texts.exemption("reverse_charge", language) == wording


def test_refund_note_asks_for_no_bank_details():
    assert "no bank details" in texts.payment_note("refund_via_amazon", "en")


def test_unknown_registration_scheme_labels_itself():
    assert texts.registration("XYZ", "de") == "XYZ"


# --- Sentences that explain a number ------------------------------------------------------------


def written_templates():
    """Every template the calculation of a refund writes on a line, with what its values are."""
    source = Path(refund.__file__).read_text()
    tree = ast.parse(source)
    writers = {"_item_sentence", "_share_template", "_write_fee", "_write_freight",
               "_write_shipping", "_write_gift_wrap", "_write_goodwill"}  # fmt: skip
    found = {
        call.args[0].value
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in writers
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "gettext_noop"
    }
    return {template for template in found if "is cut to" not in template}


def test_every_sentence_of_a_refund_line_is_known_in_every_language():
    assert written_templates() == set(EXPLANATIONS)


@pytest.mark.parametrize("template", EXPLANATIONS)
def test_explanation_keeps_its_values_in_every_language(template):
    names = re.findall(r"%\((\w+)\)s", template)
    says = say(template, **{name: f"<{name}>" for name in names})
    for language in texts.LANGUAGES:
        text = explain(says, language)
        assert sorted(re.findall(r"<(\w+)>", text)) == sorted(names)
        assert "%%" not in text


def test_explanation_writes_figures_as_the_language_does():
    says = say("Return freight of %(gross)s, paid by the buyer", gross=Decimal("1234.50"))
    assert explain(says, "de") == "Rücksendekosten von 1.234,50, vom Käufer getragen"
    assert explain(says, "en") == "Return freight of 1,234.50, paid by the buyer"


def test_unknown_explanation_is_left_out_but_in_english():
    assert explain(Sentence("Something else"), "pl") == ""
    assert explain(Sentence("Something else"), "en") == "Something else"
