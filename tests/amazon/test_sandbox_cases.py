"""Amazon's own static sandbox cases through the real client: what a model answers arrives whole."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from orders.amazon import config, official, transport
from orders.amazon.client import Amazon
from orders.amazon.errors import AmazonError, Refusal
from tests import factories
from tests.amazon import replay

pytestmark = pytest.mark.django_db
SHARED = Path(__file__).resolve().parents[3] / "shared" / "amazon" / "models"
COMPOSED = Path(__file__).resolve().parents[1] / "data" / "amazon"
MODELS = ("feeds_2021-06-30", "finances_2024-06-19", "reports_2021-06-30", "tokens_2021-03-01")
CASES = [
    case
    for path in (*sorted(COMPOSED.glob("*.json")), *(SHARED / f"{name}.json" for name in MODELS))
    if path.exists()  # Amazon's models are read where they lie beside the checkout
    for case in replay.read(path)
]


def name_of(case: replay.Case) -> str:
    return f"{case.operation}-{case.status}"


@pytest.fixture
def amazon(fake_amazon):
    fake_amazon.cases = CASES
    return Amazon(factories.make_seller(), factories.make_marketplace())


def ask(amazon: Amazon, case: replay.Case):
    """The case's request through the official client, raw, as ``Amazon`` makes its calls."""
    path, query, body = case.template, [], None
    for name, value in case.parameters.items():
        if case.places.get(name) == "body":
            body = value
        elif case.places.get(name) == "path":
            path = path.replace(f"{{{name}}}", str(value))
        else:
            query.append((name, ",".join(map(str, value)) if isinstance(value, list) else value))
    with official.client(config.endpoint(amazon.region), amazon.tokens) as client:
        raw = client.call_api(
            path, case.method, {}, query, {"Accept": "application/json"}, body=body,
            auth_settings=[], _return_http_data_only=True, _preload_content=False,
            _request_timeout=config.timeouts(), collection_formats={},
        )  # fmt: skip
        return raw.status, transport.read(raw)


@pytest.mark.parametrize("case", [c for c in CASES if c.status < 300], ids=name_of)
def test_answer_of_a_case_arrives_whole(amazon, case):
    status, body = ask(amazon, case)
    assert status == case.status
    assert (json.loads(body) if body else None) == case.response


@pytest.mark.parametrize("case", [c for c in CASES if c.status >= 400], ids=name_of)
def test_error_of_a_case_is_a_refusal_with_its_words(amazon, case):
    from spapi import ApiException

    from orders.amazon import answers

    with pytest.raises(ApiException) as caught:
        ask(amazon, case)
    meaning = answers.meaning(caught.value, "DE1/EU/createFeed", amazon.tokens)
    assert isinstance(meaning, Refusal)
    assert case.response["errors"][0]["message"] in meaning.sentence


def test_cases_of_amazons_models_are_all_read():
    """Where the models are there, none of their static cases is left out."""
    if not SHARED.is_dir():
        assert CASES
        return
    written = sum((SHARED / f"{name}.json").read_text().count('"request": {') for name in MODELS)
    assert len(CASES) >= written > 30


# --- The same through our own methods, on cases of our own composing ---------------------------
def test_composed_feed_is_created_and_read(amazon):
    document_id, url = amazon.create_feed_document("text/xml; charset=UTF-8")
    assert (document_id, url.startswith("http://127.0.0.1")) == ("doc-composed-1", True)
    feed_id = amazon.create_feed("POST_PAYMENT_ADJUSTMENT_DATA", ["A1PA6795UKMFR9"], document_id)
    assert feed_id == "feed-composed-1"
    assert amazon.get_feed(feed_id)["processingStatus"] == "IN_PROGRESS"


def test_composed_refusal_keeps_amazons_words(amazon):
    with pytest.raises(AmazonError, match=r"Invalid input\. Feed type is not known"):
        amazon.create_feed("POST_NOTHING", ["A1PA6795UKMFR9"], "doc-composed-1")


def test_composed_amount_keeps_its_digits(amazon):
    from orders.amazon.client import _parsed

    case = next(one for one in CASES if one.operation == "listTransactions")
    payload = _parsed(ask(amazon, case)[1])["payload"]
    assert payload["transactions"][0]["totalAmount"]["currencyAmount"] == Decimal("-1234567.89")
