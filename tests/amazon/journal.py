"""What the simulated Amazon keeps: uploaded documents, feeds, and every payment it made.

Written from Amazon's side, on purpose without any code of Retour: it reads the files it is sent by
itself. A payment is made when a feed is taken, whatever is answered afterwards.
"""

import csv
import io
import itertools
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as ET

FLAT = "POST_FLAT_FILE_PAYMENT_ADJUSTMENT_DATA"
XML = "POST_PAYMENT_ADJUSTMENT_DATA"
FLAT_AMOUNTS = (
    "item-price-adj", "item-tax-adj", "shipping-price-adj", "shipping-tax-adj",
    "gift-wrap-price-adj", "gift-wrap-tax-adj",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One record of a feed: a row of the flat file, or an adjusted item of a message."""

    number: int
    order_id: str
    item_id: str
    currency: str
    amounts: dict[str, Decimal]

    @property
    def total(self) -> Decimal:
        return sum(self.amounts.values(), Decimal(0))


@dataclass(frozen=True)
class Payment:
    """Money that went to a buyer."""

    feed_id: str
    message: Message
    refund_id: str
    marketplace_id: str
    posted: datetime

    @property
    def order_id(self) -> str:
        return self.message.order_id

    @property
    def item_id(self) -> str:
        return self.message.item_id

    @property
    def total(self) -> Decimal:
        return self.message.total


@dataclass
class Feed:
    """One feed as Amazon sees it. ``polls`` counts how often its state was asked for."""

    feed_id: str
    feed_type: str
    marketplace_ids: list[str]
    document_id: str
    created: datetime
    outcome: str
    visible_at: float
    polls: int = 0
    report_id: str = ""


@dataclass
class Behaviour:
    """How this Amazon behaves; tests change it as they go. Seconds are real ones."""

    in_progress: int = 0  # getFeed says IN_PROGRESS that often first
    report_late: int = 0  # and then that often DONE without the id of the report
    outcome: str = "DONE"  # DONE, CANCELLED, FATAL, FATAL_WITH_REPORT, FATAL_AFTER_PAYING
    dedupes: bool = False  # the same document again is the same feed (Amazon's does not)
    late: float = 0.0  # createFeed takes effect at once, answers and is listed that much later
    pages_twice: bool = False  # lists and pages come twice
    twice: bool = False  # one effect, two feeds: each with an id and reports of its own
    circle: bool = False  # the token of a page leads to the same page, with the same token
    empty_pages: bool = False  # a page without rows, with a token, before each one
    page_size: int = 100
    rate: str = "50.0"  # what every answer says in x-amzn-RateLimit-Limit; "" for nothing
    gzip: bool = False  # reports are packed
    slow: float = 0.0  # seconds between the pieces of a slow body


@dataclass
class Journal:
    """The books. Every method may be called from any thread."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    documents: dict[str, bytes | None] = field(default_factory=dict)
    feeds: dict[str, Feed] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    rejected: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    # --- asked by tests ---------------------------------------------------------------------
    def paid(self, order_id: str = "") -> list[Payment]:
        """Payments, of one order if given."""
        with self.lock:
            return [one for one in self.payments if order_id in ("", one.order_id)]

    def times_paid(self, order_id: str, item_id: str = "") -> int:
        """How often the buyer was paid for an order (or one item of it)."""
        return sum(item_id in ("", one.item_id) for one in self.paid(order_id))

    def reject(self, order_id: str, sentence: str = "Refund exceeds the limit.", code="18028"):
        """Records of this order are refused from now on, in the processing report."""
        self.rejected[order_id] = (code, sentence)

    def age(self, **span) -> None:
        """All payments so far were posted that much earlier: Amazon shows none for two minutes."""
        with self.lock:
            self.payments[:] = [
                replace(one, posted=one.posted - timedelta(**span)) for one in self.payments
            ]

    # --- what the API does ------------------------------------------------------------------
    def new_document(self) -> str:
        document_id = f"amzn1.tortuga.{uuid.uuid4()}"
        with self.lock:
            self.documents[document_id] = None
        return document_id

    def store(self, document_id: str, content: bytes) -> bool:
        with self.lock:
            if document_id not in self.documents:
                return False
            self.documents[document_id] = content
            return True

    def take(self, feed_type: str, marketplace_ids: list[str], document_id: str) -> Feed | None:
        """Take a feed and pay what it asks for. None: there is no such document."""
        with self.lock:
            if document_id not in self.documents:
                return None
            if self.behaviour.dedupes:
                for feed in self.feeds.values():
                    if feed.document_id == document_id:
                        return feed
            feed = Feed(
                feed_id=str(50_000_000_000 + next(self.numbers)),
                feed_type=feed_type,
                marketplace_ids=marketplace_ids,
                document_id=document_id,
                created=datetime.now(UTC),
                outcome=self.behaviour.outcome,
                visible_at=time.monotonic() + self.behaviour.late,
            )
            self.feeds[feed.feed_id] = feed
            self._process(feed)
            if self.behaviour.twice:  # paid once, said twice
                other = replace(feed, feed_id=str(50_000_000_000 + next(self.numbers)))
                self.feeds[other.feed_id] = other
                self.repeat_report(other)
            return feed

    def repeat_report(self, feed: Feed) -> None:
        """Deliver what a feed's report says once more, as a document of its own."""
        if feed.report_id:
            content, feed.report_id = self.documents[feed.report_id], self.new_document()
            self.documents[feed.report_id] = content

    def status_of(self, feed: Feed) -> str:
        """The processing status the feed shows now."""
        if feed.polls < self.behaviour.in_progress:
            return "IN_QUEUE" if feed.polls == 0 else "IN_PROGRESS"
        return "FATAL" if feed.outcome.startswith("FATAL") else feed.outcome

    def has_report(self, feed: Feed) -> bool:
        """Whether the feed shows where its report is."""
        wait = self.behaviour.in_progress + self.behaviour.report_late
        return bool(feed.report_id) and feed.polls >= wait

    def _process(self, feed: Feed) -> None:
        try:
            messages = read_feed(feed.feed_type, self.documents[feed.document_id] or b"")
        except (ValueError, KeyError, ET.ParseError, InvalidOperation):
            feed.outcome, messages = "FATAL_WITH_REPORT", []
        errors: dict[int, tuple[str, str]] = {}
        pays = feed.outcome in ("DONE", "FATAL_AFTER_PAYING")
        for message in messages:
            if message.order_id in self.rejected:
                errors[message.number] = self.rejected[message.order_id]
            elif not pays:
                errors[message.number] = ("90000", "The feed was not processed.")
            else:
                self._pay(feed, message)
        if feed.outcome in ("DONE", "FATAL_WITH_REPORT"):
            feed.report_id = self.new_document()
            written = flat_report if feed.feed_type == FLAT else xml_report
            self.documents[feed.report_id] = written(messages, errors)

    def _pay(self, feed: Feed, message: Message) -> None:
        refund_id = f"amzn1:crow:{next(self.numbers):012}"
        marketplace = feed.marketplace_ids[0] if feed.marketplace_ids else ""
        self.payments.append(
            Payment(feed.feed_id, message, refund_id, marketplace, datetime.now(UTC))
        )


# --- Files ------------------------------------------------------------------------------------
def read_feed(feed_type: str, content: bytes) -> list[Message]:
    """The records of a refund feed; raises for what Amazon could not read either."""
    found = _read_flat(content) if feed_type == FLAT else _read_xml(content)
    if not found:
        raise ValueError("no records")
    return found


def _read_flat(content: bytes) -> list[Message]:
    rows = csv.DictReader(io.StringIO(content.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        Message(
            number,
            row["order-id"],
            row["order-item-id"],
            row["currency"],
            {name: _positive(row[name]) for name in FLAT_AMOUNTS if (row.get(name) or "").strip()},
        )
        for number, row in enumerate(rows, 1)
    ]


def _read_xml(content: bytes) -> list[Message]:
    found = []
    for message in ET.fromstring(content).iter("Message"):
        number = int(message.findtext("MessageID") or "")
        adjustment = message.find("OrderAdjustment")
        for item in adjustment.iter("AdjustedItem"):
            amounts: dict[str, Decimal] = {}
            currency = ""
            for component in item.iter("Component"):
                amount = component.find("Amount")
                currency = amount.get("currency") or currency
                kind = component.findtext("Type")
                amounts[kind] = amounts.get(kind, Decimal(0)) + _positive(amount.text)
            order_id = adjustment.findtext("AmazonOrderID") or ""
            item_id = item.findtext("AmazonOrderItemCode") or ""
            found.append(Message(number, order_id, item_id, currency, amounts))
    return found


def _positive(text: str) -> Decimal:
    amount = Decimal(text.strip())
    if not amount.is_finite() or amount < 0:
        raise ValueError(text)
    return amount


def flat_report(messages: list[Message], errors: dict[int, tuple[str, str]]) -> bytes:
    """The processing report of a flat file, in the form of real ones."""
    lines = [
        "Feed Processing Summary:\t",
        f"Number of records processed\t\t{len(messages)}\t",
        f"Number of records successful\t\t{len(messages) - len(errors)}",
        "",
        "original-record-number\tsku\terror-code\terror-type\terror-message",
    ]
    lines += [f"{number}\t\t{code}\tError\t{text}" for number, (code, text) in errors.items()]
    return "\n".join(lines).encode()


def xml_report(messages: list[Message], errors: dict[int, tuple[str, str]]) -> bytes:
    """The processing report of an XML feed; counts are of messages, not of items."""
    numbers = {message.number for message in messages}
    root = ET.Element("AmazonEnvelope")
    header = ET.SubElement(root, "Header")
    ET.SubElement(header, "DocumentVersion").text = "1.02"
    ET.SubElement(header, "MerchantIdentifier").text = "A3EXAMPLE"
    ET.SubElement(root, "MessageType").text = "ProcessingReport"
    message = ET.SubElement(root, "Message")
    ET.SubElement(message, "MessageID").text = "1"
    report = ET.SubElement(message, "ProcessingReport")
    ET.SubElement(report, "DocumentTransactionID").text = "215311020302"
    ET.SubElement(report, "StatusCode").text = "Complete"
    summary = ET.SubElement(report, "ProcessingSummary")
    for name, count in (
        ("MessagesProcessed", len(numbers)),
        ("MessagesSuccessful", len(numbers) - len(errors)),
        ("MessagesWithError", len(errors)),
        ("MessagesWithWarning", 0),
    ):
        ET.SubElement(summary, name).text = str(count)
    for number, (code, text) in errors.items():
        result = ET.SubElement(report, "Result")
        ET.SubElement(result, "MessageID").text = str(number)
        ET.SubElement(result, "ResultCode").text = "Error"
        ET.SubElement(result, "ResultMessageCode").text = code
        ET.SubElement(result, "ResultDescription").text = text
    return ET.tostring(root, encoding="UTF-8", xml_declaration=True)
