"""The kinds of cells as SQL: what a text means, given the forms of its file. Pure strings.

Each expression is NULL for a cell it cannot read, so that a filled cell with a NULL value is a
bad one. Casts stand behind a check of the form, for a failed cast would stop the whole import.
"""

import json
from dataclasses import dataclass

TRUE = ("true", "t", "y", "yes", "1", "ja", "oui", "sí", "si", "sì", "はい")
FALSE = ("false", "f", "n", "no", "0", "nein", "non", "いいえ")
SPACES = " \u00a0\u202f\u2009'’"
MONTHS = {
    "01": "jan gen ene janv jän",
    "02": "feb fév févr fev",
    "03": "mar mär mrz mars mrt",
    "04": "apr avr abr",
    "05": "may mai mag mei",
    "06": "jun juin giu",
    "07": "jul juil lug",
    "08": "aug août aou ago",
    "09": "sep sept set",
    "10": "oct okt ott",
    "11": "nov",
    "12": "dec dez déc dic",
}
_MONTH_NUMBERS = json.dumps(
    {word: number for number, words in MONTHS.items() for word in words.split()},
    ensure_ascii=False,
)
_ZONES = "Z|UTC|GMT|BST|CET|CEST|MEZ|MESZ|EET|EEST|PST|PDT|MST|MDT|CST|CDT|EST|EDT|JST"
_TIME = (
    r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
    rf"( ?({_ZONES}|[+-](0\d|1[0-4])(:?[0-5]\d)?))?"
)
_DAY = r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
# The usual forms, read without the long patterns below: half of an import's time went there.
_USUAL_TIME = (
    r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d[+-]0\d:00$"
)
_USUAL_NUMBER = r"^\d+(\.\d+)?$"
NUMBERS_ONLY_DATE = r"\d{1,2}[/-]\d{1,2}[/-]\d{4}"


@dataclass(frozen=True)
class Forms:
    """How a file writes numbers and dates, decided once for the whole file.

    ``decimal`` is its decimal sign, None when ``1,234`` could be either; ``grouped`` whether any
    number has a comma or blank at all; ``day_first`` how 12/10/2026 is read, None: not at all.
    """

    decimal: str | None = "."
    grouped: bool = False
    day_first: bool | None = None


def expression(kind: str, cell: str, forms: Forms) -> str:
    """SQL that turns the text expression ``cell`` into a value of ``kind``, or NULL."""
    if kind == "text":
        return cell
    if kind == "int":
        return (
            f"CASE WHEN {cell} = '' THEN NULL WHEN {cell} ~ '^[+-]?\\d{{1,9}}$' THEN {cell}::int"
            f" WHEN {cell} ~ '^\\d{{1,9}}[.,]0+$'"
            f" THEN regexp_replace({cell}, '[.,]0+$', '')::int END"
        )
    if kind == "bool":
        true, false = (", ".join(f"'{word}'" for word in words) for words in (TRUE, FALSE))
        word = f"lower({cell})"
        return f"CASE WHEN {word} IN ({true}) THEN true WHEN {word} IN ({false}) THEN false END"
    if kind == "decimal":
        return _decimal(cell, forms)
    return _moment(kind, cell, forms.day_first)


SQL_TYPES = {
    "text": "text",
    "int": "integer",
    "decimal": "numeric",
    "date": "date",
    "datetime": "timestamptz",
    "bool": "boolean",
}


def _decimal(cell: str, forms: Forms) -> str:
    plain = f"WHEN {cell} ~ '^[+-]?\\d{{1,12}}(\\.\\d+)?$'"
    if not forms.grouped:
        return (
            f"CASE WHEN {cell} = '' THEN NULL WHEN {cell} ~ '{_USUAL_NUMBER}' AND"
            f" octet_length({cell}) <= 12 THEN {cell}::numeric {plain} THEN {cell}::numeric END"
        )
    clean = f"translate({cell}, '−{SPACES.replace(chr(39), chr(39) * 2)}', '-')"
    if forms.decimal is None:
        return f"CASE WHEN {clean} ~ '^[+-]?\\d{{1,12}}$' THEN {clean}::numeric END"
    point, comma = (r"\.", ",") if forms.decimal == "." else (",", r"\.")
    form = rf"^[+-]?(\d{{1,12}}|\d{{1,3}}({comma}\d{{3}})+)({point}\d+)?$"
    number = f"replace({clean}, ',', '')"
    if forms.decimal == ",":
        number = f"replace(replace({clean}, '.', ''), ',', '.')"
    return f"CASE WHEN {cell} = '' THEN NULL WHEN {clean} ~ '{form}' THEN ({number})::numeric END"


def _moment(kind: str, cell: str, day_first: bool | None) -> str:
    """ISO at full speed; every other form is first rewritten to it."""
    text, cast = (cell, "timestamptz") if kind == "datetime" else (f"left({cell}, 10)", "date")
    iso = f"{cell} ~ '^{_DAY}([T ]{_TIME})?$' AND {_in_month(f'left({cell}, 10)')}"
    moment = "(d || coalesce(' ' || r, ''))::timestamptz" if kind == "datetime" else "d::date"
    other = (
        f"(SELECT CASE WHEN d ~ '^{_DAY}$' AND {_in_month('d')} THEN {moment} END"
        f" FROM (SELECT {_day_of(day_first)} AS d, r, b FROM"
        f" (SELECT split_part({cell}, ' ', 1) AS w,"
        f" substring({cell} from '^\\S+ ({_TIME})$') AS r,"
        f" {cell} ~ ' ' AND {cell} !~ '^\\S+ ({_ZONES})$' AS b OFFSET 0) AS parts"
        " OFFSET 0) AS day WHERE r IS NOT NULL OR NOT b)"
    )
    usual = f"{cell} ~ '{_USUAL_TIME}' THEN {text}::{cast}"
    return (
        f"CASE WHEN {cell} = '' THEN NULL WHEN {usual} WHEN {iso} THEN {text}::{cast}"
        f" ELSE {other} END"
    )


def _in_month(day: str) -> str:
    """Whether the month of an ISO day really has that day."""
    return (
        f"CASE WHEN right({day}, 2) <= '28' THEN true ELSE right({day}, 2)::int <= extract(day from"
        f" (left({day}, 8) || '01')::date + interval '1 month' - interval '1 day') END"
    )


def _day_of(day_first: bool | None) -> str:
    """The first word ``w`` of a cell as an ISO day, NULL for forms nobody can read for certain."""
    first, second, year = (f"(regexp_split_to_array(w, '[/.-]'))[{n}]" for n in (1, 2, 3))
    day_month = f"{year} || '-' || lpad({second}, 2, '0') || '-' || lpad({first}, 2, '0')"
    month_day = f"{year} || '-' || lpad({first}, 2, '0') || '-' || lpad({second}, 2, '0')"
    month = f"('{_MONTH_NUMBERS}'::jsonb ->> rtrim(lower(split_part(w, '-', 2)), '.'))"
    named = f"split_part(w, '-', 3) || '-' || {month} || '-' || lpad(split_part(w, '-', 1), 2, '0')"
    numbers = {True: day_month, False: month_day, None: "NULL"}[day_first]
    return (
        "CASE WHEN w ~ '^\\d{4}/\\d{2}/\\d{2}$' THEN replace(w, '/', '-')"
        f" WHEN w ~ '^\\d{{1,2}}\\.\\d{{1,2}}\\.\\d{{4}}$' THEN {day_month}"
        " WHEN w ~ '^\\d{1,2}-[^- 0-9]{3,5}-\\d{4}$'"
        f" THEN {named}"
        f" WHEN w ~ '^{NUMBERS_ONLY_DATE}$' THEN {numbers} END"
    )
