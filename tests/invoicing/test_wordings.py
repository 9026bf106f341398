"""A seller's own words: printed and written into the XML, frozen with the document."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from config.core.models import User
from config.core.trail import trail
from invoicing import documents, texts
from invoicing.einvoice import reading, writing
from invoicing.models import Wording
from invoicing.page import page
from invoicing.payload import Payload
from invoicing.payload import Wording as Words
from tests.invoicing.papers_v2 import sample
from tests.papers import make_invoice, make_shipped_order

OWN = "Reverse charge, as our adviser wants it"


def with_words(key: str) -> Payload:
    return replace(sample("AE", "invoice", 1, "en"), wordings=(Words(key, OWN),))


def test_own_wording_is_printed_and_written_into_the_xml():
    payload = with_words("reverse_charge")
    assert OWN in page(payload, "N1", draft=False)["notes"]
    assert OWN.encode() in writing.write(payload, "facturx")
    assert reading.read(writing.write(payload, "facturx"))


def test_wording_of_another_key_changes_nothing():
    payload = with_words("export")
    words = texts.exemption("reverse_charge", "en")
    assert words in page(payload, "N1", draft=False)["notes"]
    assert OWN.encode() not in writing.write(payload, "facturx")


@pytest.mark.django_db
def test_new_documents_freeze_the_words_of_their_language():
    with trail("setup", by=User.objects.system()):
        Wording.objects.create(key="paid_via_amazon", language="de", text="Bezahlt, danke")
        Wording.objects.create(key="paid_via_amazon", language="fr", text="Payé, merci")
    document = make_invoice(make_shipped_order())
    documents.finish_documents()
    document.refresh_from_db()
    own = Payload.from_json(document.payload).own_words
    expected = {"de": "Bezahlt, danke", "fr": "Payé, merci"}.get(document.language)
    assert own == ({"paid_via_amazon": expected} if expected else {})
    assert expected


@pytest.mark.django_db
def test_wording_once_a_language_and_never_empty():
    with trail("setup", by=User.objects.system()):
        Wording.objects.create(key="export", language="de", text="Ausfuhr")
        for text in ("", "Noch einmal"):
            with pytest.raises(IntegrityError), transaction.atomic():
                Wording.objects.create(key="export", language="de", text=text)
