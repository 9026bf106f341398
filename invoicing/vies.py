"""VIES, the EU's register of VAT ids: a thin client, and what its answers mean for a document.

Every question and answer is kept (`ViesCheck`), with the consultation number that proves it. VIES
is asked outside of any transaction and never stops a domestic sale; while it is silent, reverse
charge and intra-Community supply wait for a person. VIES_URL empty switches it off: then only the
form of an id is checked (`tax_ids.py`).
"""

from datetime import timedelta
from typing import Any

import httpx
import structlog
from django.conf import settings
from django.utils import timezone

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import require
from config.core.trail import trail
from invoicing import tax_ids
from invoicing.finding import Finding, finding
from invoicing.models import Document, ViesCheck
from invoicing.models.document import Kind
from invoicing.payload import EU, Payload
from invoicing.states import Occasion

log = structlog.get_logger(__name__)
TIMEOUT = httpx.Timeout(10.0, connect=5.0)  # seconds; VIES itself gives up on a state after ten
FRESH = timedelta(days=1)  # an answer that is not asked for again
PATIENCE = timedelta(minutes=10)  # until a silent VIES is asked again
PROOF = timedelta(days=30)  # how old a valid answer may be when the document is issued
FREE = frozenset({"AE", "K"})  # categories that hang on the buyer's id
SALES = (Occasion.SUPPLY, Occasion.CORRECTION)
Answer = ViesCheck.Answer


def switched_on() -> bool:
    """Whether this installation asks VIES."""
    return bool(settings.VIES_URL)


def knows(number: str) -> bool:
    """Whether VIES has ids of this country: the EU's and Northern Ireland's, not Britain's."""
    return tax_ids.country_of(number) in EU | {"XI"}


def check(number: str, *, by: User, requester: str = "") -> ViesCheck:
    """Ask VIES about a VAT id with its prefix and keep the answer; never call it inside a
    transaction. `requester` is our own id, for the consultation number.

    Whatever is not a plain yes or no (time-outs, a state's register down, errors) is "unavailable".
    """
    asked = {"number": tax_ids.plain(number), "asked_by_number": tax_ids.plain(requester)}
    answer = _answer(asked["number"], asked["asked_by_number"])
    with trail("check_vat_id", by=by):
        return ViesCheck.objects.create(**asked, **answer, asked_at=timezone.now(), by=by)


def latest(number: str) -> ViesCheck | None:
    """The newest answer about a number, unavailability included."""
    return ViesCheck.objects.filter(number=tax_ids.plain(number)).first()


def is_valid(number: str) -> bool | None:
    """False for a wrong form or VIES's no, True for its yes; None while nobody knows.

    Switched off, and for ids VIES does not have, the right form is all there is.
    """
    if not tax_ids.has_vat_form(number):
        return False
    if not switched_on() or not knows(number):
        return True
    told = _last_told(number)
    return told and told.answer == Answer.VALID


def ensure(document: Document, *, by: User | None = None) -> ViesCheck | None:
    """Ask about the buyer's id of a draft that is tax free because of it, unless a fresh answer is
    known. Call it before the gate, outside of any transaction.
    """
    number = _number_behind(document)
    if not number or not switched_on() or not knows(number):
        return None
    last = latest(number)
    if last and timezone.now() - last.asked_at < _keeps(last):
        return last
    return check(number, by=by or User.objects.system(), requester=_own_id(document))


def ask_now(document: Document, *, by: User) -> Document:
    """Ask about the buyer's id of a tax-free draft now, whatever was answered before.

    Refused: "vies_off", "no_vat_id". An answer "unavailable" is no refusal: it is kept and said on
    the page.
    """
    require(by, "invoicing.issue_document")
    number = _number_behind(document)
    if not switched_on():
        raise Refused("vies_off", "This installation does not ask VIES.")
    if not number or not knows(number):
        raise Refused("no_vat_id", "This document hangs on no VAT id that VIES has.")
    check(number, by=by, requester=_own_id(document))
    return document


def check_answers(payload: Payload) -> list[Finding]:
    """What VIES's answers say about a new invoice that is tax free because of the buyer's id."""
    number = payload.buyer.vat_id
    free = payload.kind == "invoice" and payload.occasion in SALES and _free(payload)
    if not free or not switched_on() or not knows(number):
        return []
    told = _last_told(number)
    if told is None or timezone.now() - told.asked_at > PROOF:
        return [finding("vies_waiting", "VIES has not confirmed the buyer's VAT id %(number)s yet: "
                        "it is asked again, or accept the id on other proof.",
                        number=number)]  # fmt: skip
    if told.answer == Answer.INVALID:
        return [finding("vies_invalid", "VIES says that %(number)s is not a valid VAT id (asked "
                        "on %(day)s): ask the buyer for the right one, or charge tax.",
                        number=number, day=told.asked_at.date().isoformat())]  # fmt: skip
    return []


def _free(payload: Payload) -> bool:
    return bool(FREE & {row.category for row in payload.rates})


def _last_told(number: str) -> ViesCheck | None:
    told = ViesCheck.objects.filter(number=tax_ids.plain(number))
    return told.exclude(answer=Answer.UNAVAILABLE).first()


def _keeps(check: ViesCheck) -> timedelta:
    return PATIENCE if check.answer == Answer.UNAVAILABLE else FRESH


def _own_id(document: Document) -> str:
    """The seller's VAT id for the question: its own country's, else any of the EU."""
    own = document.seller.tax_registrations.filter(scheme="VAT", country__in=EU)
    mine = own.filter(country=document.seller.country).first() or own.first()
    return mine.number if mine else ""


def _number_behind(document: Document) -> str:
    from invoicing import parties  # reads rows of the same room

    sold = document.kind == Kind.INVOICE and document.occasion in SALES
    if not sold or not document.taxes.filter(category__in=FREE).exists():
        return ""
    return parties.vat_id(document)


# --- The client ----------------------------------------------------------------------------------


def _answer(number: str, requester: str) -> dict[str, str]:
    """Fields of a `ViesCheck`; every failure is an answer too."""
    state, rest = _parts(number)
    asked = {"countryCode": state, "vatNumber": rest}
    if requester:
        state, rest = _parts(requester)
        asked |= {"requesterMemberStateCode": state, "requesterNumber": rest}
    try:
        url = settings.VIES_URL.rstrip("/") + "/check-vat-number"
        response = httpx.post(url, json=asked, timeout=TIMEOUT)
        data = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        log.warning("vies_unavailable", error=type(error).__name__)
        return _unavailable(type(error).__name__)
    return _read(response.status_code, data)


def _parts(number: str) -> tuple[str, str]:
    """State and number as VIES names them: Greece is EL."""
    return {"GR": "EL"}.get(number[:2], number[:2]), number[2:]


def _read(status: int, data: Any) -> dict[str, str]:
    """VIES says "valid" true or false; anything else, and its userError codes, is no answer."""
    if not isinstance(data, dict) or status >= 400 or data.get("actionSucceed") is False:
        return _unavailable(_codes(data) or f"HTTP {status}")
    trouble = str(data.get("userError") or "")
    if trouble not in ("", "VALID", "INVALID"):
        return _unavailable(trouble)
    if not isinstance(data.get("valid"), bool):
        return _unavailable("no answer in the reply")
    return {
        "answer": Answer.VALID if data["valid"] else Answer.INVALID,
        "name": _text(data.get("name")),
        "consultation": _text(data.get("requestIdentifier"))[:40],
        "detail": "",
    }


def _codes(data: Any) -> str:
    """The error codes of a refusal: {"actionSucceed": false, "errorWrappers": [{"error": …}]}."""
    wrappers = data.get("errorWrappers") if isinstance(data, dict) else None
    rows = wrappers if isinstance(wrappers, list) else []
    return ", ".join(str(row.get("error")) for row in rows if isinstance(row, dict))


def _text(value: Any) -> str:
    """A text of VIES; states that tell no names send dashes."""
    text = value.strip() if isinstance(value, str) else ""
    return "" if set(text) <= {"-"} else text[:200]


def _unavailable(detail: str) -> dict[str, str]:
    return {"answer": Answer.UNAVAILABLE, "detail": detail[:200]}
