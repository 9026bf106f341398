"""From Amazon's tax facts to documents, after an import and by beat.

VIDR: each shipment whose invoice is pending gets a draft of ours that issues itself, each refund's
transaction goes to its credit note. SC_VAT_TAX: Amazon's invoices and credit notes are recorded.
What a group of rows asks for is decided in `tax_groups.py`; what waits is `open_supplies`.
Rows of returns are goods, not money: they ask for nothing here.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from django.db import connection
from django.utils import timezone

from config.core.models import User
from config.core.trail import trail
from invoicing import refund_row, tax_groups
from invoicing.caps import lock_lines
from invoicing.drafting import new_document
from invoicing.imports.tax_fact_sql import TIE_LINES
from invoicing.lines import fact_rows, store_lines
from invoicing.models import Document, IssuingMode, Refund, TaxFact
from invoicing.models.document import Issuer, Kind
from invoicing.numbering import send_to_worker
from invoicing.on_record import MONEY, Known, may_conflict, ready
from invoicing.standing import SALES
from invoicing.states import MONEY_LEFT, DocumentState, Occasion
from invoicing.tax_groups import Group, Verdict
from orders.models import ImportFile

log = structlog.get_logger(__name__)
CHUNK = 200  # orders in one transaction
BUDGET = 150.0  # seconds a run takes on new work, below the task's limit; beat does the rest
TOLD = 20  # conflicts named on the import's page; the documents page lists all
LOUD = ("double", "number", "other")


@dataclass
class Followed:
    """What one run did, in documents; ``loud`` are sentences about documents that must not be."""

    drafted: list[int] = field(default_factory=list)
    recorded: list[int] = field(default_factory=list)
    tied: list[int] = field(default_factory=list)
    loud: list[str] = field(default_factory=list)


def follow_import(import_file: ImportFile) -> None:
    """After an import of any type: orders became known, or rows of money asked for documents."""
    seller = import_file.seller_id
    if not TaxFact.objects.filter(seller=seller).exists():
        return
    with trail("follow_supplies", by=User.objects.system()), connection.cursor() as cursor:
        cursor.execute(TIE_LINES, {"seller": seller, "file": import_file.pk})
    found = follow([seller])
    if found.loud:
        kept = ImportFile.objects.filter(pk=import_file.pk).values_list("notes", flat=True).get()
        notes = [*kept, *(said for said in found.loud[:TOLD] if said not in kept)]
        ImportFile.objects.filter(pk=import_file.pk).update(notes=notes)


def follow(seller_ids: Iterable[int] | None = None) -> Followed:
    """Do what the open rows of these sellers (None: all) ask for; as the system actor.

    Writes nothing where nothing is to do; a run that is stopped is finished by the next one.
    """
    found, orders = Followed(), sorted(set(ready(seller_ids).values_list("order_id", flat=True)))
    until = time.monotonic() + BUDGET
    for start in range(0, len(orders), CHUNK):
        if time.monotonic() > until:
            break
        with trail("follow_supplies", by=User.objects.system()):
            _Chunk(orders[start : start + CHUNK], found).follow()
    return found


class _Chunk:
    """Some orders under their locks: every group gets its verdict, and what it says is done."""

    def __init__(self, order_ids: list[int], found: Followed) -> None:
        self.order_ids, self.found, self.by = order_ids, found, User.objects.system()
        self.known, self.freed = Known([]), False
        self.new: list[tuple[Document, Group]] = []

    def follow(self) -> None:
        """Do everything; invoices first, so that credit notes of the same file find them."""
        unpaired = Refund.objects.filter(
            order_id__in=self.order_ids, document=None, state__in=MONEY_LEFT
        )
        refund_row.lock_first(unpaired.order_by().values_list("origin", flat=True), self.order_ids)
        list(unpaired.order_by("pk").select_for_update(of=("self",), no_key=True))
        lock_lines(self.order_ids)
        self._groups(TaxFact.Type.SHIPMENT)
        if self.freed:  # rows whose draft gave way to Amazon's invoice belong to that one now
            self._groups(TaxFact.Type.SHIPMENT)
        self._groups(TaxFact.Type.REFUND)

    def _groups(self, kind: str) -> None:
        facts = list(
            ready(None)
            .filter(order_id__in=self.order_ids, transaction_type=kind)
            .select_related("order__marketplace", "order__buyer", "order_line")
            .order_by("pk")
        )
        self.known = Known(facts)
        for group in tax_groups.groups(facts):
            self._do(group, self.known.verdict(group))
        self._store()

    def _do(self, group: Group, verdict: Verdict) -> None:
        if verdict.do == "wait":
            if verdict.code in LOUD:
                self.found.loud.append(f"Order {group.order}: {verdict.sentence}")
                log.error("tax_document_conflict", order=str(group.order), code=verdict.code)
            return
        if verdict.do == "tie":
            self._tie(group, verdict.target)
        elif group.kind == TaxFact.Type.REFUND:
            ours = verdict.do == "draft"
            self._credit(group, verdict.target, Issuer.RETOUR if ours else Issuer.AMAZON)
        elif verdict.do == "draft":
            self._draft(group)
        else:
            self._record(group)

    def _tie(self, group: Group, document: Document) -> None:
        """Amazon's transaction goes to a document of ours that lacks it: the upload names it."""
        if document.pk is None:
            self._store()
        needed = group.kind == TaxFact.Type.REFUND or group.corrected
        if needed and document.issuer == Issuer.RETOUR and not document.transaction_id:
            document.transaction_id = group.transaction_id
            document.save(update_fields=["transaction_id"])
        self.found.tied.append(document.pk)
        _stand_for([(document, group)])

    def _draft(self, group: Group) -> None:
        """Our invoice of a shipment from Amazon's figures; it issues itself."""
        self._throw_drafts_away(group)
        document = self._invoice(group, Issuer.RETOUR, mode=IssuingMode.Issuer.VIDR)
        document.due_at = timezone.now()
        self._add(document, group)

    def _record(self, group: Group) -> None:
        """The invoice that Amazon, or another system of the seller, issued for a shipment.

        A supply is known by its shipment or as a whole order, as the one that was taken back was.
        """
        self._throw_drafts_away(group)
        amazon = group.report == TaxFact.Report.AMAZON
        document = self._invoice(group, Issuer.AMAZON if amazon else Issuer.EARLIER)
        before = [one for one in self.known.invoices.get(group.order.pk, []) if one.number]
        if before:
            document.whole_order = before[0].whole_order
            named = group.shipment_id or group.facts[0].shipment_id
            document.shipment_id = "" if document.whole_order else named
            mine = [one.revision for one in before if one.shipment_id == document.shipment_id]
            document.revision = max(mine, default=-1) + 1
        document.number = group.number
        document.issue_date = group.shipped_on or timezone.localdate()
        self._add(document, group)

    def _add(self, document: Document, group: Group) -> None:
        self.known.learn(document)
        self.new.append((document, group))

    def _store(self) -> None:
        """Write what was added: drafts of ours wait for the gate, others are on record at once."""
        if not self.new:
            return
        Document.objects.bulk_create(document for document, _ in self.new)
        store_lines([row for made in self.new for row in fact_rows(*made)])
        _stand_for(self.new)
        ours = [one.pk for one, _ in self.new if one.issuer == Issuer.RETOUR]
        others = [one.pk for one, _ in self.new if one.issuer != Issuer.RETOUR]
        Document.objects.filter(pk__in=others).update(state=DocumentState.ISSUED)
        for document_id in ours:
            send_to_worker(document_id)
        self.found.drafted += ours
        self.found.recorded += others
        self.new = []

    def _credit(self, group: Group, refund: Refund, issuer: str) -> None:
        """The credit note of a refund: Amazon's is recorded, ours is drafted and issues itself."""
        invoice = self.known.credited_invoice(group)
        ours = issuer == Issuer.RETOUR
        day = refund.sent_on or timezone.localdate(refund.confirmed_at)
        more = {"due_at": timezone.now(), "mode": IssuingMode.Issuer.VIDR} if ours else {
            "number": group.number, "issue_date": day, "tax_point": day
        }  # fmt: skip
        document = self._document(
            group, Kind.CREDIT_NOTE, issuer, occasion=Occasion.REFUND, corrects=invoice,
            origin=refund.origin, **more,
        )  # fmt: skip
        document.save()
        store_lines(fact_rows(document, group, invoice))
        _stand_for([(document, group)])
        refund.document = document
        refund.version += 1
        refund.save(update_fields=["document", "version"])
        if ours:
            send_to_worker(document.pk)
            self.found.drafted.append(document.pk)
        else:
            document.state = DocumentState.ISSUED
            document.save(update_fields=["state"])
            self.found.recorded.append(document.pk)
        refund_row.tell([refund.pk])
        self.known.learn(document, refund)

    def _throw_drafts_away(self, group: Group) -> None:
        """Drafts of ours over the supply are written anew, or not at all."""
        drafts = [
            one.pk
            for one in self.known.invoices.get(group.order.pk, [])
            if one.pk
            and one.state == DocumentState.DRAFT
            and one.occasion in SALES
            and (one.whole_order or not group.shipment_id or one.shipment_id == group.shipment_id)
        ]
        if drafts:
            Document.objects.filter(pk__in=drafts, state=DocumentState.DRAFT).delete()
            self.freed = True

    def _invoice(self, group: Group, issuer: str, **more) -> Document:
        return self._document(
            group, Kind.INVOICE, issuer, occasion=Occasion.SUPPLY, origin="order",
            tax_point=group.shipped_on, **more,
        )  # fmt: skip

    def _document(self, group: Group, kind: str, issuer: str, **more) -> Document:
        given = {
            "shipment_id": group.shipment_id,
            "whole_order": not group.shipment_id,
            "transaction_id": group.transaction_id,
            "net": group.net,
            "tax": group.tax,
            "gross": group.gross,
        }
        return new_document(group.order, kind, issuer, self.by, **given | more)


def _stand_for(made: list[tuple[Document, Group]]) -> None:
    """Write down which document stands for the rows of each group."""
    facts = []
    for document, group in made:
        for fact in group.facts:
            fact.document = document
            facts.append(fact)
    TaxFact.objects.bulk_update(facts, ["document"], batch_size=1000)


# --- What waits ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenSupply:
    """A group of tax rows without a document, and why; ``target`` is the document in its way."""

    group: Group
    verdict: Verdict


def open_supplies(
    seller_ids: Iterable[int] | None = None, *, order_id: int | None = None, limit: int = 200
) -> list[OpenSupply]:
    """Shipments and refunds of Amazon's tax reports that have no document, newest first.

    For the documents page and the order's; conflicts come first. Read are the orders of the newest
    ``limit`` rows, and of as many more that may be in conflict, whatever their age.
    """
    rows = TaxFact.objects.filter(MONEY, document=None)
    rows = rows.exclude(report=TaxFact.Report.AMAZON, invoice_number="")
    if seller_ids is not None:
        rows = rows.filter(seller_id__in=list(seller_ids))
    if order_id is not None:
        rows = rows.filter(order_id=order_id)
    newest = [some.order_by("-pk").values_list("order_id", flat=True)[:limit]
              for some in (may_conflict(rows), rows)]  # fmt: skip
    whole = rows.filter(order_id__in={order for some in newest for order in some})
    facts = list(whole.select_related("order__marketplace", "order__seller").order_by("-pk"))
    known = Known(facts)
    found = [OpenSupply(group, known.verdict(group)) for group in tax_groups.groups(facts)]
    waiting = [one for one in found if one.verdict.do == "wait"]
    return sorted(
        waiting,
        key=lambda one: (one.verdict.code not in LOUD, -max(f.pk for f in one.group.facts)),
    )
