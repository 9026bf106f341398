"""Sentences a country's law wants on every invoice to a buyer there (BG-1), as data.

Legal wording in the country's own language; the words of the page are in `texts.py`.
"""

from invoicing.payload import Note, iso_country

# France, art. L441-9 and D441-5 Code de commerce: recovery costs, late payment, discount; wanted
# as notes PMT, PMD and AAB (BR-FR-05), even when nothing is left to pay.
_MENTIONS = {
    "FR": (
        Note("Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : "
             "40 euros.", "PMT"),
        Note("En cas de retard de paiement, pénalités calculées sur la base de trois fois le taux "
             "d’intérêt légal.", "PMD"),
        Note("Aucun escompte n’est accordé pour paiement anticipé.", "AAB"),
    ),
}  # fmt: skip


def mentions(country: str) -> tuple[Note, ...]:
    """The notes for a buyer in the country; none for most."""
    return _MENTIONS.get(iso_country(country), ())
