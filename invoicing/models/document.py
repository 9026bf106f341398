"""Invoices and credit notes: frozen snapshots. Once numbered, the database refuses any change;
a correction is a new document.
"""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from invoicing.retention_sql import MAY_ERASE
from invoicing.states import DOCUMENT_TRANSITIONS, Component, DocumentState, Occasion
from orders.models import Buyer, Marketplace, Order, OrderLine, Seller


class Kind(models.TextChoices):
    """What a document is (UNTDID 1001: 380 and 381)."""

    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")


class Issuer(models.TextChoices):
    """Who made the document: we, or Amazon (then we only record its number)."""

    RETOUR = "retour", _("Retour")
    AMAZON = "amazon", _("Amazon")
    EARLIER = "earlier", _("An earlier system")


@tracked()
class NumberSeries(models.Model):
    """A gapless series of numbers; ``pattern`` takes {year} and {number}."""

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="number_series")
    kind = models.CharField(max_length=12, choices=Kind)
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="number_series")
    pattern = models.CharField(max_length=40)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "kind", "marketplace"], name="one_series_a_kind"
            ),
            models.UniqueConstraint(fields=["pattern"], name="pattern_once"),
        ]

    def __str__(self):
        return self.pattern


_FROZEN = pgtrigger.Func(
    """
    IF OLD.state <> 'draft' AND ROW(
        NEW.kind, NEW.issuer, NEW.seller_id, NEW.marketplace_id, NEW.order_id, NEW.buyer_id,
        NEW.series_id, NEW.year, NEW.sequence, NEW.number, NEW.issue_date, NEW.tax_point,
        NEW.currency, NEW.language, NEW.payload, NEW.payload_sha256, NEW.previous_hash,
        NEW.chain_hash, NEW.corrects_id, NEW.net, NEW.tax, NEW.gross, NEW.origin,
        NEW.occasion, NEW.revision, NEW.shipment_id, NEW.whole_order, NEW.mode,
        NEW.accepted
    ) IS DISTINCT FROM ROW(
        OLD.kind, OLD.issuer, OLD.seller_id, OLD.marketplace_id, OLD.order_id, OLD.buyer_id,
        OLD.series_id, OLD.year, OLD.sequence, OLD.number, OLD.issue_date, OLD.tax_point,
        OLD.currency, OLD.language, OLD.payload, OLD.payload_sha256, OLD.previous_hash,
        OLD.chain_hash, OLD.corrects_id, OLD.net, OLD.tax, OLD.gross, OLD.origin,
        OLD.occasion, OLD.revision, OLD.shipment_id, OLD.whole_order, OLD.mode,
        OLD.accepted
    ) THEN
        RAISE EXCEPTION 'document % is numbered and cannot be changed', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
    """
)
_CHILD_FROZEN = pgtrigger.Func(
    """
    IF EXISTS (
        SELECT 1 FROM invoicing_document d
        WHERE d.id = COALESCE(OLD.document_id, NEW.document_id) AND d.state <> 'draft'
    ) THEN
        RAISE EXCEPTION 'rows of a numbered document cannot be changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
    """
)


_KEPT = f"""
    IF OLD.state = 'draft' OR ({MAY_ERASE}) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'document % is kept and cannot be deleted', OLD.number
        USING ERRCODE = 'restrict_violation';
"""
_NOT_AGAIN = """
    IF EXISTS (SELECT FROM invoicing_erasure e WHERE e.order_id = NEW.order_id) THEN
        RAISE EXCEPTION 'the documents of this order were erased; it gets no new ones'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
"""
# Files stay as long as their document; retention deletes the document first.
_FILE_KEPT = """
    IF EXISTS (SELECT FROM invoicing_document d WHERE d.id = OLD.document_id) THEN
        RAISE EXCEPTION 'a stored file is kept as long as its document'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
"""


def _frozen_child() -> pgtrigger.Trigger:
    """Rows join a document while it is a draft, and stay as they are afterwards."""
    return pgtrigger.Trigger(
        name="frozen",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=_CHILD_FROZEN,
    )


@tracked(exclude=("payload", "gated_at"))
class Document(models.Model):
    """An invoice or credit note, ours or recorded. ``payload`` is what page and XML are made from.

    A supply is a shipment of an order (or the whole order, where no report names shipments) and is
    invoiced once: ``revision`` counts invoices written anew after a correction took the one before
    back. ``due_at`` says that a draft is to be issued; a worker gates and numbers it.
    """

    kind = models.CharField(max_length=12, choices=Kind)
    issuer = models.CharField(max_length=10, choices=Issuer)
    state = models.CharField(
        max_length=10, choices=DocumentState, default=DocumentState.DRAFT, editable=False
    )
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="documents")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="documents")
    order = models.ForeignKey(Order, models.PROTECT, related_name="documents")
    buyer = models.ForeignKey(Buyer, models.PROTECT, null=True, related_name="documents")
    series = models.ForeignKey(NumberSeries, models.PROTECT, null=True, related_name="documents")
    year = models.PositiveSmallIntegerField(null=True)
    sequence = models.PositiveIntegerField(null=True)
    number = models.CharField(max_length=60, blank=True)
    issue_date = models.DateField(null=True)
    tax_point = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=5, default="en")
    occasion = models.CharField(max_length=12, choices=Occasion, default=Occasion.SUPPLY)
    mode = models.CharField(
        max_length=10, blank=True, help_text=_("Issuing mode whose figures these are.")
    )
    shipment_id = models.CharField(
        max_length=60, blank=True, help_text=_("Empty: the document covers the whole order.")
    )
    whole_order = models.BooleanField(default=True)
    transaction_id = models.CharField(
        max_length=80, blank=True, help_text=_("Amazon's transaction of a refund or shipment.")
    )
    revision = models.PositiveSmallIntegerField(default=0)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    origin = models.CharField(max_length=60, blank=True, help_text=_("RMA number, or order."))
    net = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    tax = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    gross = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    payload = models.JSONField(null=True)
    payload_sha256 = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    chain_hash = models.CharField(max_length=64, blank=True)
    findings = models.JSONField(default=list, help_text=_("What the gate found on the draft."))
    accepted = models.JSONField(
        default=list, help_text=_("Findings that a person accepted: who, when and why.")
    )
    gated_at = models.DateTimeField(null=True, help_text=_("When the gate last looked."))
    due_at = models.DateTimeField(null=True, help_text=_("Draft: to be issued from then on."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    numbered_at = models.DateTimeField(null=True)
    issued_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("issue_document", "Issue invoices and credit notes"),
            ("record_document", "Record a document that Amazon or an earlier system issued"),
            ("export_document", "Export issued documents"),
            ("correct_document", "Cancel and correct issued invoices"),
        ]
        indexes = [
            models.Index(fields=["-issue_date", "-id"]),
            models.Index(fields=["order", "kind"]),
            models.Index(
                fields=["state"], condition=~Q(state="issued"), name="document_unfinished"
            ),
            models.Index(fields=["origin"]),
            models.Index(fields=["due_at"], condition=Q(state="draft"), name="document_draft_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["series", "year", "sequence"], name="sequence_once_a_series"
            ),
            models.UniqueConstraint(
                fields=["seller", "number"], condition=~Q(number=""), name="number_once_a_seller"
            ),
            models.UniqueConstraint(
                fields=["order", "shipment_id", "revision"],
                condition=Q(kind="invoice", occasion__in=("supply", "correction")),
                name="one_invoice_a_supply",
            ),
            ExclusionConstraint(
                name="by_order_or_by_shipment",
                expressions=[
                    ("order", RangeOperators.EQUAL),
                    (Cast("whole_order", models.IntegerField()), RangeOperators.NOT_EQUAL),
                ],
                condition=Q(kind="invoice", occasion__in=("supply", "correction")),
            ),
            models.CheckConstraint(
                condition=Q(whole_order=True, shipment_id="")
                | (Q(whole_order=False) & ~Q(shipment_id="")),
                name="shipment_named_unless_whole_order",
            ),
            models.UniqueConstraint(
                fields=["seller", "marketplace", "transaction_id"],
                condition=Q(kind="credit_note") & ~Q(transaction_id=""),
                name="one_credit_note_a_transaction",
            ),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="document_adds_up"),
            models.CheckConstraint(
                condition=Q(state="draft") | (~Q(number="") & Q(issue_date__isnull=False)),
                name="numbered_document_has_number",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="document_states", field="state", transitions=list(DOCUMENT_TRANSITIONS)
            ),
            pgtrigger.Trigger(
                name="frozen", when=pgtrigger.Before, operation=pgtrigger.Update, func=_FROZEN
            ),
            pgtrigger.Trigger(
                name="kept", when=pgtrigger.Before, operation=pgtrigger.Delete, func=_KEPT
            ),
            pgtrigger.Trigger(
                name="not_again", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_NOT_AGAIN
            ),
        ]

    def __str__(self):
        return self.number or f"draft {self.pk}"

    @property
    def follows_refund(self) -> bool:
        """Whether it is the credit note of a refund; those from before occasions were written down
        say supply.
        """
        of_a_refund = self.occasion in (Occasion.REFUND, Occasion.SUPPLY)
        return self.kind == Kind.CREDIT_NOTE and of_a_refund

    def get_absolute_url(self):
        """The page of this row."""
        return f"/documents/{self.pk}/"


class DocumentLine(models.Model):
    """A line of a document: what, how many, at which rate. Amounts are positive in both kinds,
    except deductions (restocking fee, return freight), which are negative."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="document_lines")
    original = models.ForeignKey("self", models.PROTECT, null=True, related_name="credits")
    component = models.CharField(max_length=16, choices=Component)
    sku = models.CharField(max_length=80)
    description = models.CharField(max_length=500)
    quantity = models.PositiveIntegerField(default=0)
    net = models.DecimalField(max_digits=14, decimal_places=2)
    tax = models.DecimalField(max_digits=14, decimal_places=2)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    rate = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    category = models.CharField(max_length=2, default="S", help_text=_("UNTDID 5305."))
    sentence = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["document_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["document", "position"], name="position_once"),
            models.CheckConstraint(
                condition=Q(gross=F("net") + F("tax")), name="document_line_adds_up"
            ),
        ]
        indexes = [models.Index(fields=["order_line", "component"])]
        triggers = [_frozen_child()]

    def __str__(self):
        return f"{self.document_id}/{self.position}"


class DocumentTax(models.Model):
    """The per-rate table of a document."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="taxes")
    category = models.CharField(max_length=2, default="S")
    rate = models.DecimalField(max_digits=7, decimal_places=4)
    base = models.DecimalField(max_digits=14, decimal_places=2)
    tax = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        verbose_name_plural = "document taxes"
        ordering = ["document_id", "-rate"]
        constraints = [
            models.UniqueConstraint(fields=["document", "category", "rate"], name="rate_once")
        ]
        triggers = [_frozen_child()]

    def __str__(self):
        return f"{self.rate}: {self.tax}"


class Artifact(models.Model):
    """A file of a document, stored once; the second download is these bytes.

    ``kind``: "pdf" (with the Factur-X XML inside), "facturx" (that XML), another profile of
    `einvoice.profiles`, or "report" (what the gate checked, as JSON).
    """

    append_only = True

    document = models.ForeignKey(Document, models.PROTECT, related_name="artifacts")
    kind = models.CharField(max_length=16, default="pdf")
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    versions = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "kind"], name="artifact_once_a_kind")
        ]
        triggers = [
            pgtrigger.Protect(name="unchanged", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="kept", when=pgtrigger.Before, operation=pgtrigger.Delete, func=_FILE_KEPT
            ),
        ]

    def __str__(self):
        return f"{self.document_id}.{self.kind}"
