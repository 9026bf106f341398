"""What a rule of the official sets means to the clerk who has to put it right.

Data: rule ids and sentences that name the record to look at. A rule that is not listed speaks
for itself, with its id. English here; pages translate the templates.
"""

import re

from config.core.sentence import Sentence, gettext_noop, say
from invoicing.einvoice.checking import RuleFinding

# Rules that count one thing in several places say the same to the clerk.
_SAME = {
    gettext_noop(
        "The totals of this document do not add up. Nothing was issued: tell an administrator."
    ): (
        "BR-CO-10", "BR-CO-11", "BR-CO-12", "BR-CO-13", "BR-CO-14", "BR-CO-15", "BR-CO-16",
        "PEPPOL-EN16931-R120", "PEPPOL-EN16931-R040",
    ),
    gettext_noop(
        "The tax in the table per rate is not its base times its rate. Nothing was issued: "
        "tell an administrator."
    ): ("BR-CO-17", "BR-S-09", "BR-DE-14"),
    gettext_noop("An amount has more decimals than its currency. Tell an administrator."): (
        "BR-DEC-*", "BR-FR-DEC-*",
    ),
    gettext_noop(
        "The buyer's VAT id is missing or belongs to no country: add it to the buyer, or the sale "
        "must be taxed."
    ): ("BR-AE-02", "BR-AE-03", "BR-AE-04", "BR-IC-02", "BR-IC-03", "BR-IC-04"),
    gettext_noop(
        "The seller's VAT id is missing: add it to the seller's tax registrations."
    ): (
        "BR-S-02", "BR-S-03", "BR-S-04", "BR-Z-02", "BR-Z-03", "BR-Z-04", "BR-E-02", "BR-E-03",
        "BR-E-04", "BR-G-02", "BR-G-03", "BR-G-04", "BR-DE-16",
    ),
    gettext_noop(
        "Nothing identifies the seller: add its VAT id, or its registration number for countries "
        "without one."
    ): ("BR-CO-26",),
    gettext_noop(
        "A VAT id does not start with the code of a country: check seller and buyer."
    ): ("BR-CO-09",),
    gettext_noop(
        "A sale without tax must say why, with its legal reason: check the tax treatment."
    ): ("BR-AE-10", "BR-IC-10", "BR-G-10", "BR-E-10", "BR-O-10"),
    gettext_noop(
        "The legal reason of a sale without tax is not one of the official codes (VATEX)."
    ): ("BR-CL-22",),
    gettext_noop("The legal reason of a sale without tax does not fit its tax category."): (
        "PEPPOL-EN16931-P0104", "PEPPOL-EN16931-P0105", "PEPPOL-EN16931-P0106",
        "PEPPOL-EN16931-P0107", "PEPPOL-EN16931-P0108", "PEPPOL-EN16931-P0109",
        "PEPPOL-EN16931-P0110", "PEPPOL-EN16931-P0111",
    ),
    gettext_noop("A taxed or zero-rated sale must not give a reason for being exempt."): (
        "BR-S-10", "BR-Z-10", "BR-AF-10", "BR-AG-10",
    ),
    gettext_noop("A sale without tax carries tax: check the tax treatment of its lines."): (
        "BR-AE-05", "BR-AE-06", "BR-AE-07", "BR-AE-09", "BR-IC-05", "BR-IC-06", "BR-IC-07",
        "BR-IC-09", "BR-G-05", "BR-G-06", "BR-G-07", "BR-G-09", "BR-E-05", "BR-E-06", "BR-E-07",
        "BR-E-09", "BR-Z-05", "BR-Z-06", "BR-Z-07", "BR-Z-09", "BR-O-05", "BR-O-06", "BR-O-07",
        "BR-O-09",
    ),
    gettext_noop("A taxed line has no tax rate: check the tax treatment of its lines."): (
        "BR-S-05", "BR-S-06", "BR-S-07",
    ),
    gettext_noop(
        "The lines of a tax category and the table per rate do not fit together. Tell an "
        "administrator."
    ): (
        "BR-S-01", "BR-S-08", "BR-AE-01", "BR-AE-08", "BR-IC-01", "BR-IC-08", "BR-G-01",
        "BR-G-08", "BR-E-01", "BR-E-08", "BR-Z-01", "BR-Z-08", "BR-O-01", "BR-O-08", "BR-CO-18",
    ),
    gettext_noop(
        "What is outside the scope of VAT cannot stand on one document with taxed lines: "
        "issue two documents."
    ): ("BR-O-11", "BR-O-12", "BR-O-13", "BR-O-14"),
    gettext_noop("A document outside the scope of VAT must not show a VAT id."): (
        "BR-O-02", "BR-O-03", "BR-O-04",
    ),
    gettext_noop(
        "An intra-Community supply must say when the goods were delivered: the order has no "
        "shipment date."
    ): ("BR-IC-11",),
    gettext_noop(
        "An intra-Community supply must say where the goods went: the order has no delivery "
        "country."
    ): ("BR-IC-12",),
    gettext_noop("The delivery date of the order is missing: record its shipment."): (
        "BR-DE-TMP-32",
    ),
    gettext_noop("The delivery country is missing: complete the order's delivery address."): (
        "BR-57",
    ),
    gettext_noop("The delivery address lacks its place or postcode: complete the order."): (
        "BR-DE-10", "BR-DE-11",
    ),
    gettext_noop("The document has no number."): ("BR-02",),
    gettext_noop("The document has no date of issue."): ("BR-03",),
    gettext_noop("The kind of document (invoice 380, credit note 381) is not a known code."): (
        "BR-04", "BR-CL-01", "BR-DE-17", "PEPPOL-EN16931-P0100", "PEPPOL-EN16931-P0101",
        "BR-FR-04*",
    ),
    gettext_noop("The currency is not a known code."): (
        "BR-05", "BR-CL-03", "BR-CL-04", "BR-CL-05", "PEPPOL-EN16931-R005", "PEPPOL-EN16931-R051",
    ),
    gettext_noop(
        "The VAT total in the national currency is missing: add an exchange rate for that day."
    ): ("BR-53",),
    gettext_noop("The seller's legal name is missing: add it to the seller."): ("BR-06",),
    gettext_noop("The buyer's legal name is missing: add it to the buyer."): ("BR-07",),
    gettext_noop("The seller's address is incomplete: add it to the seller."): (
        "BR-08", "BR-09", "BR-DE-3", "BR-DE-4", "IT-R-002", "IT-R-003", "IT-R-004",
    ),
    gettext_noop("The buyer's address is incomplete: add it to the buyer."): (
        "BR-10", "BR-11", "BR-DE-8", "BR-DE-9",
    ),
    gettext_noop("A country is not a known code: check the addresses of seller and buyer."): (
        "BR-CL-14", "BR-CL-15",
    ),
    gettext_noop("The document has no line."): ("BR-16",),
    gettext_noop("A line lacks its quantity, unit, price, amount or description."): (
        "BR-21", "BR-22", "BR-23", "BR-24", "BR-25", "BR-26", "BR-CO-04",
    ),
    gettext_noop("A unit price is negative: what is taken off must be a deduction."): (
        "BR-27", "BR-28",
    ),
    gettext_noop("A unit of measure is not a known code."): ("BR-CL-23",),
    gettext_noop("A tax category is not a known code."): ("BR-CL-17", "BR-CL-18", "BR-47"),
    gettext_noop("A deduction or charge lacks its amount, tax category or reason."): (
        "BR-31", "BR-32", "BR-33", "BR-36", "BR-37", "BR-38", "BR-CO-05", "BR-CO-06", "BR-CO-21",
        "BR-CO-22", "BR-CL-19", "BR-CL-20",
    ),
    gettext_noop(
        "The invoice this credit note corrects is not named: record its number and date."
    ): ("BR-55", "BR-DE-26", "BR-FR-CO-03*", "BR-FR-CO-04*", "BR-FR-CO-05*"),
    gettext_noop("The way of payment is not a known code."): ("BR-49", "BR-CL-16"),
    gettext_noop("A bank transfer is named without an account: the money moves through Amazon."): (
        "BR-50", "BR-61", "BR-DE-23-a",
    ),
    gettext_noop("The way of payment is missing."): ("BR-DE-1",),
    gettext_noop(
        "The buyer's reference (Leitweg-ID or the reference the buyer asks for) is missing: add "
        "it to the buyer."
    ): ("BR-DE-15",),
    gettext_noop(
        "The buyer wants a reference or its purchase order number on the document: add one to "
        "the buyer or the order."
    ): ("PEPPOL-EN16931-R003",),
    gettext_noop(
        "The seller's contact is incomplete: add name, phone and e-mail to the seller."
    ): ("BR-DE-2", "BR-DE-5", "BR-DE-6", "BR-DE-7", "BR-DE-27", "BR-DE-28"),
    gettext_noop("The seller's electronic address is missing or not allowed in this network."): (
        "BR-62", "PEPPOL-EN16931-R020", "BR-FR-13*",
    ),
    gettext_noop("The buyer's electronic address is missing: add it to the buyer."): (
        "BR-63", "PEPPOL-EN16931-R010", "BR-FR-12*",
    ),
    gettext_noop(
        "An electronic address has a scheme that this network does not know (an e-mail address "
        "is none in Peppol): use the VAT id or company number."
    ): ("PEPPOL-EN16931-CL008", "BR-CL-25"),
    gettext_noop(
        "An electronic address or company number is not written as its scheme wants it: check "
        "seller and buyer."
    ): (
        "PEPPOL-COMMON-*", "SE-R-*", "DK-R-014", "BR-FR-09*", "BR-FR-2*", "BR-FR-32*",
        "BR-FR-CO-10*", "BR-CL-10", "BR-CL-11", "BR-CL-21", "BR-64",
    ),
    gettext_noop(
        "The company number (SIREN, 9 digits) is missing or wrong: French rules want that of "
        "seller and buyer."
    ): ("BR-FR-10*", "BR-FR-11*"),
    gettext_noop(
        "A document number may have 35 characters: letters, digits and + - _ / only. Change the "
        "pattern of the number series."
    ): ("BR-FR-01*", "BR-FR-02*"),
    gettext_noop("A date lies outside the years 2000 to 2099."): ("BR-FR-03*",),
    gettext_noop(
        "The French mentions on late payment, recovery costs and discount are missing or stand "
        "there twice. Tell an administrator."
    ): ("BR-FR-05*", "BR-FR-06*"),
    gettext_noop(
        "The French process code (BT-23) does not fit what was paid. Tell an administrator."
    ): ("BR-FR-08*", "BR-FR-CO-08*", "BR-FR-CO-09*"),
    gettext_noop("A tax rate or category is not one that France knows."): (
        "BR-FR-15*", "BR-FR-16*",
    ),
    gettext_noop("Only one note may stand on a Peppol document."): ("PEPPOL-EN16931-R002",),
    gettext_noop("The file is not built as its schema wants. Tell an administrator."): (
        "XSD", "XML", "CII-SR-*", "CII-DT-*", "UBL-SR-*", "UBL-CR-*", "UBL-DT-*",
        "PEPPOL-EN16931-R008",
    ),
}  # fmt: skip
_SENTENCES = {rule: template for template, rules in _SAME.items() for rule in rules}
_MIRRORED = re.compile(r"DE-R-0*(\d+)")  # Peppol's rules for Germany: DE-R-015 is BR-DE-15
_BEGINNINGS = tuple((rule[:-1], text) for rule, text in _SENTENCES.items() if rule.endswith("*"))


def sentence(finding: RuleFinding) -> Sentence:
    """What the clerk reads about one finding; the rule id is kept beside it as the code."""
    rule = finding.rule
    if template := _SENTENCES.get(rule) or _by_beginning(rule):
        return say(template)
    return say("Rule %(rule)s: %(text)s", rule=rule, text=_without_id(finding))


def _by_beginning(rule: str) -> str:
    if mirrored := _MIRRORED.match(rule):
        return _SENTENCES.get(f"BR-DE-{mirrored[1]}", "")
    return next((text for start, text in _BEGINNINGS if rule.startswith(start)), "")


def _without_id(finding: RuleFinding) -> str:
    """The rule's own words; most publishers begin them with the id in brackets."""
    return finding.text.removeprefix(f"[{finding.rule}]").lstrip("-: ")
