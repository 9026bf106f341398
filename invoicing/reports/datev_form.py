"""The shape of a DATEV posting batch (EXTF, header 700, category 21, format version 13). Pure.

As DATEV describes it (developer.datev.de, DATEV-Format: Header, Buchungsstapel): fields by
semicolon, text in quotation marks, lines end in CR LF, Windows-1252, decimal comma, document dates
as day and month, amounts positive with S or H for the account. Columns of no use here stay empty.
Which bookings there are is decided in ``datev.py``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from config.core.money import ZERO, round_money

ENCODING = "cp1252"
MOST_ROWS = 99_999  # postings of one batch
HEADER_FIELDS = 31
TEXT, DOCUMENT_NUMBER, INFO = 60, 36, 210


def _numbered(count: int, *names: str) -> tuple[str, ...]:
    return tuple(f"{name} {number}" for number in range(1, count + 1) for name in names)


COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs",
    "Basis-Umsatz", "WKZ Basis-Umsatz", "Konto", "Gegenkonto (ohne BU-Schlüssel)",
    "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext",
    "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt",
    "Zinssperre", "Beleglink",
    *_numbered(8, "Beleginfo - Art", "Beleginfo - Inhalt"),
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge",
    "EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart",
    "Sachverhalt L+L", "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp",
    "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
    *_numbered(20, "Zusatzinformation - Art", "Zusatzinformation- Inhalt"),
    "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr",
    "Zugeordnete Fälligkeit", "Skontotyp", "Auftragsnummer", "Buchungstyp",
    "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)",
    "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID",
    "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername",
    "Beteiligtennummer", "Identifikationsnummer", "Zeichnernummer", "Postensperre bis",
    "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung",
    "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)",
    "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position",
    "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_NOT_IN_NUMBERS = re.compile(r"[^A-Za-z0-9$%&*+\-/]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Batch:
    """What the header says: whose books, which fiscal year and period, in which currency."""

    consultant: int
    client: int
    year_begins: date
    account_length: int
    date_from: date
    date_to: date
    name: str
    currency: str
    chart: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """One booking of two accounts. ``amount`` is in the batch's currency, positive as debit of
    ``account``; ``info`` are pairs of name and content, eight at most.
    """

    amount: Decimal
    account: str
    contra: str
    tax_key: str
    day: date
    document: str
    text: str
    info: tuple[tuple[str, str], ...] = ()


def header(batch: Batch) -> str:
    """The first line: what the file is and whose."""
    made = f"{batch.made_at:%Y%m%d%H%M%S}{batch.made_at.microsecond // 1000:03d}"
    fields = (
        _text("EXTF"), "700", "21", _text("Buchungsstapel"), "13", made, "", _text("RE"),
        _text(""), _text(""), str(batch.consultant), str(batch.client),
        f"{batch.year_begins:%Y%m%d}", str(batch.account_length), f"{batch.date_from:%Y%m%d}",
        f"{batch.date_to:%Y%m%d}", _text(batch.name[:30]), _text(""), "1", "0", "0",
        _text(batch.currency), "", _text(""), "", "", _text(batch.chart), "", "", _text(""),
        _text(""),
    )  # fmt: skip
    return ";".join(fields)


def heading() -> str:
    """The second line: the names of the columns."""
    return ";".join(COLUMNS)


def line(posting: Posting) -> str:
    """One posting as its line. Raises ValueError for an amount of nothing."""
    if not posting.amount:
        raise ValueError("a posting moves money")
    cells = [""] * len(COLUMNS)
    said = {
        "Umsatz (ohne Soll/Haben-Kz)": f"{abs(posting.amount):.2f}".replace(".", ","),
        "Soll/Haben-Kennzeichen": _text("S" if posting.amount > 0 else "H"),
        "Konto": posting.account,
        "Gegenkonto (ohne BU-Schlüssel)": posting.contra,
        "BU-Schlüssel": _text(posting.tax_key.zfill(4)) if posting.tax_key else "",
        "Belegdatum": f"{posting.day:%d%m}",
        "Belegfeld 1": _text(document_number(posting.document)),
        "Buchungstext": _text(posting.text[:TEXT]),
        "Festschreibung": "0",
    }
    for number, (name, content) in enumerate(posting.info[:8], start=1):
        said[f"Beleginfo - Art {number}"] = _text(name[:20])
        said[f"Beleginfo - Inhalt {number}"] = _text(content[:INFO])
    for name, value in said.items():
        cells[_PLACE[name]] = value
    return ";".join(cells)


def document_number(number: str) -> str:
    """A document's number as Belegfeld 1 takes it: its end, without what is not allowed there."""
    return _NOT_IN_NUMBERS.sub("", number)[-DOCUMENT_NUMBER:]


def encoded(text: str) -> bytes:
    """A line in Windows-1252 with its CR LF; what that cannot say becomes a question mark."""
    return text.encode(ENCODING, "replace") + b"\r\n"


def _text(value: str) -> str:
    return '"' + _CONTROL.sub(" ", value).replace('"', '""') + '"'


def converted(amounts: Sequence[Decimal], rate: Decimal, currency: str) -> list[Decimal]:
    """Amounts of one journal in another currency: together what their sum is worth, each rounded,
    the cent that is left over on the largest.
    """
    found = [round_money(amount * rate, currency) for amount in amounts]
    rest = round_money(sum(amounts, ZERO) * rate, currency) - sum(found, ZERO)
    largest = max(range(len(found)), key=lambda place: abs(found[place]))
    found[largest] += rest
    return found


def year_begins(day: date, month: int) -> date:
    """The first day of the fiscal year that ``day`` is in; the year begins with ``month``."""
    return date(day.year if day.month >= month else day.year - 1, month, 1)
