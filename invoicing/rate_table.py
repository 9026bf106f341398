"""VAT and sales tax rates with their dates, as reference data for `rates.py`. Pure data.

Checked against eu-vat-rates-data (European Commission, TEDB) and, for standard rates since 2016,
against duty27-eu-vat, both as of autumn 2026. Rates of the years before 2024 that no new invoice
can meet are left out; a start of 2024-01-01 for a reduced rate means "then or earlier".
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Rate(NamedTuple):
    """One row: rate as a fraction, in force from `since` to `until`, both included."""

    country: str
    region: str
    kind: str
    rate: Decimal
    since: date
    until: date | None
    source: str


TEDB = "European Commission, TEDB (eu-vat-rates-data 2026.9.29)"
STANDARD = "Standard rates by date since 2016 (duty27-eu-vat 0.1.0), TEDB"
CHANGES = "VAT changes of EU states 2024 to 2026 (European Commission, Access to Markets; TEDB)"
GUESSED_START = "TEDB (eu-vat-rates-data 2026.9.29); start to be confirmed"
HMRC = "HMRC, VAT rates (gov.uk)"
NTA = "National Tax Agency of Japan, consumption tax rates since 2019-10-01"
CRA = "Canada Revenue Agency, GST/HST rates; provincial sales taxes"

_SOURCES = {"T": TEDB, "S": STANDARD, "C": CHANGES, "G": GUESSED_START, "H": HMRC, "N": NTA,
            "R": CRA}  # fmt: skip

# country[-region] kind percent since until source; "-" leaves a date open.
_ROWS = """
AT standard 20 2016-01-01 - S
AT reduced 10 2024-01-01 - T
AT reduced2 13 2024-01-01 - T
AT super 4.9 2026-07-01 - G
AT-JUN reduced 19 2024-01-01 - T
BE standard 21 2016-01-01 - S
BE reduced 6 2024-01-01 - T
BE reduced2 12 2024-01-01 - T
BG standard 20 2016-01-01 - S
BG reduced 9 2024-01-01 - T
CY standard 19 2016-01-01 - S
CY reduced 5 2024-01-01 - T
CY reduced2 9 2024-01-01 - T
CY super 3 2024-01-01 - T
CZ standard 21 2016-01-01 - S
CZ reduced 12 2024-01-01 - T
DE standard 19 2016-01-01 2020-06-30 S
DE standard 16 2020-07-01 2020-12-31 S
DE standard 19 2021-01-01 - S
DE reduced 7 2021-01-01 - T
DK standard 25 2016-01-01 - S
EE standard 20 2016-01-01 2023-12-31 S
EE standard 22 2024-01-01 2025-06-30 S
EE standard 24 2025-07-01 - S
EE reduced 9 2024-01-01 - T
EE reduced2 13 2025-01-01 - C
EE super 5 2024-01-01 2024-12-31 C
ES standard 21 2016-01-01 - S
ES reduced 10 2024-01-01 - T
ES super 4 2024-01-01 - T
ES reduced2 7.5 2024-10-01 2024-12-31 C
ES super 2 2024-10-01 2024-12-31 C
FI standard 24 2016-01-01 2024-08-31 S
FI standard 25.5 2024-09-01 - S
FI reduced 14 2024-01-01 2025-12-31 C
FI reduced 13.5 2026-01-01 - C
FI reduced2 10 2024-01-01 - T
FR standard 20 2016-01-01 - S
FR reduced 10 2024-01-01 - T
FR reduced2 5.5 2024-01-01 - T
FR super 2.1 2024-01-01 - T
FR-COR reduced 13 2024-01-01 - T
FR-COR super 0.9 2024-01-01 - T
FR-DOM standard 8.5 2024-01-01 - T
FR-DOM super 1.05 2024-01-01 - T
GR standard 24 2016-06-01 - S
GR reduced 13 2024-01-01 - T
GR reduced2 6 2024-01-01 - T
GR-AEG standard 17 2024-01-01 - T
GR-AEG super 4 2024-01-01 - T
HR standard 25 2016-01-01 - S
HR reduced 13 2024-01-01 - T
HR reduced2 5 2024-01-01 - T
HU standard 27 2016-01-01 - S
HU reduced 18 2024-01-01 - T
HU reduced2 5 2024-01-01 - T
IE standard 23 2021-03-01 - S
IE reduced 13.5 2024-01-01 - T
IE reduced2 9 2024-01-01 - T
IT standard 22 2016-01-01 - S
IT reduced 10 2024-01-01 - T
IT reduced2 5 2024-01-01 - T
IT super 4 2024-01-01 - T
LT standard 21 2016-01-01 - S
LT reduced 9 2024-01-01 2025-12-31 C
LT reduced 12 2026-01-01 - C
LT reduced2 5 2024-01-01 - T
LU standard 16 2023-01-01 2023-12-31 S
LU standard 17 2024-01-01 - S
LU reduced 8 2024-01-01 - T
LU reduced2 14 2024-01-01 - T
LU super 3 2024-01-01 - T
LV standard 21 2016-01-01 - S
LV reduced 12 2024-01-01 - T
LV reduced2 5 2024-01-01 - T
MT standard 18 2016-01-01 - S
MT reduced 7 2024-01-01 - T
MT reduced2 5 2024-01-01 - T
MT parking 12 2024-01-01 - T
NL standard 21 2016-01-01 - S
NL reduced 9 2024-01-01 - T
PL standard 23 2016-01-01 - S
PL reduced 8 2024-01-01 - T
PL reduced2 5 2024-01-01 - T
PT standard 23 2016-01-01 - S
PT reduced 13 2024-01-01 - T
PT reduced2 6 2024-01-01 - T
PT-MAD standard 22 2024-01-01 - T
PT-AZO standard 16 2024-01-01 - T
RO standard 19 2017-01-01 2025-07-31 S
RO standard 21 2025-08-01 - S
RO reduced 9 2024-01-01 2025-07-31 C
RO reduced2 5 2024-01-01 2025-07-31 C
RO reduced 11 2025-08-01 - C
SE standard 25 2016-01-01 - S
SE reduced 12 2024-01-01 - T
SE reduced2 6 2024-01-01 - T
SI standard 22 2016-01-01 - S
SI reduced 9.5 2024-01-01 - T
SI reduced2 5 2024-01-01 - T
SK standard 20 2016-01-01 2024-12-31 S
SK standard 23 2025-01-01 - S
SK reduced 10 2024-01-01 2024-12-31 C
SK reduced 19 2025-01-01 - C
SK reduced2 5 2024-01-01 - C
GB standard 20 2011-01-04 - H
GB reduced 5 2024-01-01 - H
JP standard 10 2019-10-01 - N
JP reduced 8 2019-10-01 - N
CA standard 5 2008-01-01 - R
CA-ON standard 13 2010-07-01 - R
CA-NB standard 15 2016-07-01 - R
CA-NL standard 15 2016-07-01 - R
CA-PE standard 15 2016-10-01 - R
CA-NS standard 15 2010-07-01 2025-03-31 R
CA-NS standard 14 2025-04-01 - R
CA-BC standard 12 2013-04-01 - R
CA-MB standard 12 2019-07-01 - R
CA-SK standard 11 2017-03-23 - R
CA-QC standard 14.98 2013-01-01 - R
"""


def rows() -> list[Rate]:
    """All rows; Quebec's 14.975 % stands with the four decimals that rows of documents keep."""
    return [_rate(line.split()) for line in _ROWS.strip().splitlines()]


def _rate(cells: list[str]) -> Rate:
    place, kind, percent, since, until, source = cells
    country, _, region = place.partition("-")
    return Rate(
        country,
        region,
        kind,
        Decimal(percent).scaleb(-2),
        date.fromisoformat(since),
        None if until == "-" else date.fromisoformat(until),
        _SOURCES[source],
    )
