"""The rules of exceptions that are no SQL: days of grace, sentences by cause, what may be answered.

Pure. Amounts in sentences are what the buyer gets back; days are the marketplace's.
"""

from __future__ import annotations

from config.core.sentence import gettext_noop

# A person may be off by this when a refund is entered, and a paper may take as long.
GRACE_DAYS = 3
# A settlement closes every 14 days: what none shows by then is missing.
CYCLE_DAYS = 14
# Goods that nobody has seen so long after the money left are asked for.
GOODS_DAYS = 30
# Two equal refunds of the same lines within this many days: one decision, paid twice?
TWIN_DAYS = 30

# Why a comparison does not tie. Every sentence may use: expected, seen, difference, tax, seen_tax,
# excess, currency, day, other, order, units, accepted.
SENTENCES = {
    "twice": gettext_noop(
        "Amazon refunded %(seen)s %(currency)s of the same lines on %(day)s, as our refund"
        " %(other)s did: one decision was paid twice, or Amazon decided the same again."
    ),
    "over_paid": gettext_noop(
        "With Amazon's refund of %(seen)s %(currency)s on %(day)s more went back on order %(order)s"
        " than was paid; our refund %(other)s is part of it."
    ),
    "only_amazon": gettext_noop(
        "Amazon refunded %(seen)s %(currency)s on %(day)s. No return here asked for it, and no"
        " credit note is recorded."
    ),
    "taken_back": gettext_noop(
        "On %(day)s Amazon took back %(difference)s %(currency)s of refunds on order %(order)s; no"
        " refund here was reversed by it."
    ),
    "order_unknown": gettext_noop(
        "Amazon shows %(seen)s %(currency)s refunded on %(day)s for order %(order)s, which is not"
        " known or only by name. Import the orders report that holds it."
    ),
    "line_unknown": gettext_noop(
        "Amazon shows %(seen)s %(currency)s refunded on %(day)s for order %(order)s without saying"
        " for which line. Decide what the money means."
    ),
    "no_details": gettext_noop(
        "Amazon shows %(seen)s %(currency)s of order %(order)s going back on %(day)s as a total"
        " without details. The settlement that holds it says what it was: import it."
    ),
    "other_currency": gettext_noop(
        "Amazon shows %(seen)s %(currency)s refunded on %(day)s for order %(order)s, which was paid"
        " in another currency. Decide what the money means."
    ),
    "not_tied": gettext_noop(
        "Amazon shows %(seen)s %(currency)s refunded on %(day)s for order %(order)s; no refund"
        " stands for it yet."
    ),
    "amount": gettext_noop(
        "Decided were %(expected)s %(currency)s, Amazon shows %(seen)s: %(difference)s apart."
    ),
    "still_out": gettext_noop(
        "This refund does not stand any more, yet Amazon shows %(seen)s %(currency)s for it."
    ),
    "document_amount": gettext_noop(
        "Decided were %(expected)s %(currency)s; its credit note %(other)s says another amount."
    ),
    "over_credited": gettext_noop(
        "With credit note %(other)s the credit notes of order %(order)s take back %(excess)s"
        " %(currency)s more than its invoices charged."
    ),
    "vat_left_out": gettext_noop(
        "Amazon shows %(seen)s %(currency)s: the VAT of %(tax)s was not given back."
    ),
    "vat": gettext_noop(
        "The amount ties, but Amazon counts %(seen_tax)s %(currency)s of it as VAT instead of"
        " %(tax)s."
    ),
    "document_vat": gettext_noop(
        "The amount ties, but the credit note %(other)s shows another VAT than %(tax)s"
        " %(currency)s."
    ),
    "unknown": gettext_noop(
        "The answer to this refund of %(expected)s %(currency)s was lost and no money is seen yet:"
        " look in Seller Central, then decide."
    ),
    "contradicted_sent": gettext_noop(
        "A person said that these %(expected)s %(currency)s were sent, Amazon's report of the feed"
        " says that it refused it, or a part of it: look in Seller Central. If the buyer was not"
        " paid, say that it failed."
    ),
    "contradicted_failed": gettext_noop(
        "A person said that this refund on order %(order)s failed, Amazon's report of the feed says"
        " that it accepted it, or a part of it. Do not refund it again: the next settlement tells."
    ),
    "missing": gettext_noop(
        "Sent on %(day)s, but no settlement shows these %(expected)s %(currency)s; by now one"
        " should."
    ),
    "bank_missing": gettext_noop(
        "Sent by bank transfer on %(day)s; nobody has seen the %(expected)s %(currency)s on a bank"
        " statement yet."
    ),
    "no_credit_note": gettext_noop(
        "The money left on %(day)s; the credit note over %(expected)s %(currency)s is not there."
    ),
    "no_invoice": gettext_noop(
        "The money left on %(day)s; no invoice of order %(order)s is on record, so there is no"
        " credit note over %(expected)s %(currency)s either. Issue or record the invoice first."
    ),
    "credit_note_waits": gettext_noop(
        "The money left on %(day)s; the credit note over %(expected)s %(currency)s is still a"
        " draft. Its page says what it waits for."
    ),
    "goods": gettext_noop(
        "%(expected)s %(currency)s were refunded on %(day)s, but goods of %(other)s never came and"
        " nobody gave them up."
    ),
    "units": gettext_noop(
        "Amazon refunded %(seen)s %(currency)s on %(day)s without saying for how many units, and"
        " the amount does not tell."
    ),
    "units_differ": gettext_noop(
        "Units of %(other)s that were refunded: %(units)s. Units that its goods allow after receipt"
        " and inspection: %(accepted)s."
    ),
    "fx": gettext_noop(
        "No exchange rate of the week up to %(day)s is known for %(currency)s, so the exchange"
        " difference cannot be booked."
    ),
    "timing": gettext_noop(
        "Sent on %(day)s; %(expected)s %(currency)s will show in one of the next settlements."
    ),
}

# What a person may say about an exception, and what it means.
ACCEPTED, TIMING, EXTERNAL, CORRECTED, OTHER = (
    "accepted",
    "timing",
    "external",
    "corrected",
    "other",
)
RESOLUTIONS = {
    ACCEPTED: gettext_noop("Accepted as it is"),
    TIMING: gettext_noop("A matter of time"),
    EXTERNAL: gettext_noop("Settled outside Retour"),
    CORRECTED: gettext_noop("Corrected at Amazon"),
    OTHER: gettext_noop("Something else"),
}
# Answers that do not fit a cause: a matter of time is only what may still come.
MAY_BE_TIMING = ("timing", "missing", "unknown", "credit_note", "goods", "fx")
