"""Which marketplace a row belongs to: named by the file, asked for, or the only one of a currency.

Never guessed: a row that none of these decides, or that contradicts what was asked for, is a
problem. The answer for each distinct (name, currency) of a batch stands in ``import_places``.
"""

from orders.imports.registry import Check
from orders.imports.staging import Batch
from orders.models import Marketplace

TABLE = "import_places"
UNKNOWN, CONTRADICTION, UNDECIDED = "unknown", "contradiction", "undecided"


def find_places(batch: Batch, *, name: str, currency: str) -> None:
    """Fill ``import_places`` (name, currency, id, inclusive, digits, zone, fault) for a batch.

    ``name`` and ``currency`` are staging fields. ``inclusive``: its prices include tax;
    ``digits``: decimals of its currency; ``id`` is NULL where ``fault`` says why.
    """
    every = list(Marketplace.objects.all())
    pairs = batch.rows(
        f"SELECT DISTINCT coalesce({name}, ''), coalesce({currency}, '') FROM {batch.table}"
    )
    batch.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")
    batch.execute(
        f"CREATE TEMP TABLE {TABLE} (name text, currency text, id bigint, inclusive boolean,"
        " digits integer, own_currency text, fault text, PRIMARY KEY (name, currency))"
        " ON COMMIT DROP"
    )
    for pair in pairs:
        place, fault = decide(every, *pair, given=batch.marketplace)
        batch.execute(
            f"INSERT INTO {TABLE} VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                *pair,
                place and place.pk,
                place and place.prices_include_tax,
                0 if (pair[1] or (place and place.currency)) == "JPY" else 2,
                place.currency if place else "",
                fault,
            ],
        )


def decide(
    every: list[Marketplace], name: str, currency: str, *, given: Marketplace | None
) -> tuple[Marketplace | None, str]:
    """The marketplace of a row, or None and why not.

    ``name`` is the sales channel or marketplace name as the file has it.
    """
    word = name.casefold().removeprefix("www.")
    named = next((m for m in every if m.name.casefold() == word or m.amazon_id == name), None)
    if named is not None:
        contradicts = given is not None and given.pk != named.pk
        return (None, CONTRADICTION) if contradicts else (named, "")
    if word.startswith("amazon."):
        return None, UNKNOWN
    if given is not None:
        contradicts = currency not in ("", given.currency)
        return (None, CONTRADICTION) if contradicts else (given, "")
    fitting = [m for m in every if m.currency == currency]
    return (fitting[0], "") if len(fitting) == 1 else (None, UNDECIDED)


def checks(column: str, *, name: str, currency: str) -> tuple[Check, ...]:
    """The rules that turn a fault into a problem of ``column``."""
    fault = (
        f"EXISTS (SELECT FROM {TABLE} p WHERE p.name = coalesce(t.{name}, '')"
        f" AND p.currency = coalesce(t.{currency}, '') AND p.fault = '%s')"
    )
    return (
        Check(
            column, fault % UNKNOWN, "this marketplace is not known here",
            "An admin adds the marketplace, then import the file again.",
        ),
        Check(
            column, fault % CONTRADICTION, "the line is of another marketplace than asked for",
            "Leave the marketplace empty: the file names it line by line.",
        ),
        Check(
            column, fault % UNDECIDED, "nothing tells which marketplace the line is of",
            "Say which marketplace the report is of.",
        ),
    )  # fmt: skip
