"""The ledger: double entry, per currency, only ever added to; and the periods it is booked in."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from invoicing.models.refund import Refund
from invoicing.models.settlement import MoneyFact
from orders.models import Marketplace, OrderLine, Seller


class Account(models.TextChoices):
    """The accounts refunds touch. Debit positive, credit negative."""

    BUYER_REFUNDS = "buyer_refunds", _("Refunds to buyers (goods)")
    FREIGHT = "freight", _("Refunded freight and gift wrap")
    GOODWILL = "goodwill", _("Goodwill")
    VAT = "vat", _("VAT")
    AMAZON_TAX = "amazon_tax", _("Tax that Amazon owes")
    RESTOCKING = "restocking", _("Restocking income")
    RETURN_FREIGHT = "return_freight", _("Return freight charged")
    IN_TRANSIT = "in_transit", _("Refunds on their way")
    AMAZON = "amazon", _("Amazon clearing")
    BANK = "bank", _("Bank clearing")
    DIFFERENCE = "difference", _("Accepted differences")
    FX = "fx", _("Exchange differences")
    FX_CLEARING = "fx_clearing", _("Exchange clearing")


# A journal is of now and of an open month of its own seller and marketplace, never an earlier one.
_OPEN = """
    SELECT * INTO p FROM invoicing_period WHERE id = NEW.period_id FOR SHARE;
    IF p.state <> 'open' THEN
        RAISE EXCEPTION 'the period of this journal is closed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF p.seller_id <> NEW.seller_id OR p.marketplace_id IS DISTINCT FROM NEW.marketplace_id
        OR p.month < date_trunc('month', NEW.posted_on) THEN
        RAISE EXCEPTION 'this journal belongs to another period' USING ERRCODE = 'check_violation';
    END IF;
    NEW.created_at := now();
    RETURN NEW;
"""
# Looks at all lines of one statement at once: twenty thousand refunds are posted together.
_BALANCED = """
    IF EXISTS (
        SELECT FROM new_lines GROUP BY journal_id HAVING sum(amount) <> 0 OR count(*) < 2
    ) THEN
        RAISE EXCEPTION 'the lines of a journal come together and balance'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM new_lines l JOIN invoicing_journal j ON j.id = l.journal_id
        WHERE j.created_at <> now()
    ) THEN
        RAISE EXCEPTION 'no line joins a journal of before' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
"""
_HAS_LINES = """
    IF EXISTS (
        SELECT FROM invoicing_journalline l WHERE l.journal_id = NEW.id
        HAVING count(*) < 2 OR sum(l.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'journal % does not balance', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""
# What was closed stays as it was stored, until a person reopens it and says why.
_CLOSED = """
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'open' THEN RETURN NEW; END IF;
    ELSIF (OLD.seller_id, OLD.marketplace_id, OLD.month)
            IS NOT DISTINCT FROM (NEW.seller_id, NEW.marketplace_id, NEW.month)
        AND (OLD.state = 'open' OR NEW.state = 'open' AND NEW.reason <> '') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a period is closed from open, and reopened with a reason'
        USING ERRCODE = 'restrict_violation';
"""


@tracked()
class Period(models.Model):
    """A month of a seller on a marketplace: posted dates in the marketplace's zone.

    ``totals`` and ``sha256`` are of the journals it held when it was closed.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="periods")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="periods")
    month = models.DateField(help_text=_("Its first day."))
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    totals = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True, help_text=_("Why it was reopened."))
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-month", "seller_id", "marketplace_id"]
        permissions = [("close_period", "Close periods"), ("reopen_period", "Reopen periods")]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "marketplace", "month"],
                name="period_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="period_starts_on_the_first"),
            models.CheckConstraint(
                condition=Q(state="open") | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="closed_period_says_who",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="closed_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_CLOSED,
            ),
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class Journal(models.Model):
    """One booking in one currency. ``source`` names what it books and makes it happen once.

    Its lines come in one statement in the transaction that makes it; its document is the refund's.
    """

    append_only = True

    class Kind(models.TextChoices):
        SENT = "sent", _("Refund sent")
        CONFIRMED = "confirmed", _("Money seen")
        BACK = "back", _("Refund taken back")
        FX = "fx", _("Exchange difference")

    source = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    period = models.ForeignKey(Period, models.PROTECT, related_name="journals")
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="journals")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="journals")
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversed_by")
    currency = models.CharField(max_length=3)
    posted_on = models.DateField(help_text=_("The true day; the period may be a later one."))
    text = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["period", "id"]),
            models.Index(fields=["posted_on", "id"]),
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="open_period",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("p", "invoicing_period%ROWTYPE")],
                func=_OPEN,
            ),
            pgtrigger.Trigger(
                name="has_lines",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_HAS_LINES,
            ),
        ]

    def __str__(self):
        return self.source


class JournalLine(models.Model):
    """One account of a journal; ``country`` and ``rate`` say which VAT, ``fact`` which money."""

    append_only = True

    journal = models.ForeignKey(Journal, models.PROTECT, related_name="lines")
    account = models.CharField(max_length=16, choices=Account)
    country = models.CharField(max_length=2, blank=True)
    rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    component = models.CharField(max_length=16, blank=True)
    order_line = models.ForeignKey(
        OrderLine, models.PROTECT, null=True, related_name="+", db_index=False
    )
    fact = models.ForeignKey(MoneyFact, models.PROTECT, null=True, related_name="+")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    fx_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    fx_day = models.DateField(null=True)

    class Meta:
        ordering = ["journal_id", "id"]
        indexes = [models.Index(fields=["account", "journal"])]
        constraints = [
            # two rates that come to the same are booked as that: nothing, with both rates
            models.CheckConstraint(
                condition=~Q(amount=0) | Q(fx_rate__isnull=False), name="journal_line_moves_money"
            )
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="new_lines"),
                func=_BALANCED,
            ),
        ]

    def __str__(self):
        return f"{self.account} {self.amount}"


@tracked()
class AccountNumber(models.Model):
    """The number an account has in the seller's own chart (SKR03, SKR04 …), for DATEV exports.

    The most exact row wins: country and rate, then country, then neither.
    """

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="account_numbers")
    account = models.CharField(max_length=16, choices=Account)
    country = models.CharField(max_length=2, blank=True)
    rate = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)
    number = models.CharField(max_length=9)
    tax_key = models.CharField(max_length=4, blank=True, help_text=_("BU-Schlüssel"))

    class Meta:
        ordering = ["seller_id", "account", "country", "rate"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "account", "country", "rate"],
                name="account_number_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self):
        return f"{self.account}: {self.number}"
