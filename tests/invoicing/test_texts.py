"""Document texts: complete in six languages, and the words the law wants or forbids."""

import re

import pytest

from invoicing import texts
from invoicing.payload import Component

COUNTRIES = ("DE", "FR", "IT", "ES", "GB", "US", "CA", "JP")
ROWS = {
    **{f"title {key}": row for key, row in texts._TITLES.items()},
    **{f"tax {key}": row for key, row in texts._TAX_NAMES.items()},
    **{f"registration {key}": row for key, row in texts._REGISTRATIONS.items()},
    **{f"component {key}": row for key, row in texts._COMPONENTS.items()},
    **{f"exemption {key}": row for key, (_, row) in texts.EXEMPTIONS.items()},
    **{f"payment {key}": row for key, row in texts.PAYMENT_NOTES.items()},
    **texts._TEXTS,
}
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


def everything(language, country):
    """Every word a document of this language and country may print."""
    return "\n".join(
        [
            *texts.texts(language, country).values(),
            texts.title("invoice", language, country),
            texts.title("credit_note", language, country),
            texts.tax_name(language, country),
            *(texts.component(name, language) for name in Component.__args__),
            *(texts.payment_note(key, language) for key in texts.PAYMENT_NOTES),
        ]
    )


@pytest.mark.parametrize("country", COUNTRIES)
def test_german_documents_never_say_gutschrift(country):
    """The word means self-billing, § 14 (4) no. 10 UStG."""
    assert "gutschrift" not in everything("de", country).lower()


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_us_documents_have_no_vat_words(language):
    words = r"\b(VAT|USt|MwSt|TVA|IVA)\b|付加価値税|消費税"
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
     ("it", "Inversione contabile")],
)  # fmt: skip
def test_reverse_charge_wording_of_the_directive(language, wording):
    assert texts.exemption("reverse_charge", language) == wording


def test_refund_note_asks_for_no_bank_details():
    assert "no bank details" in texts.payment_note("refund_via_amazon", "en")


def test_unknown_registration_scheme_labels_itself():
    assert texts.registration("XYZ", "de") == "XYZ"
