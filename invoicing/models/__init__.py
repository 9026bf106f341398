"""Papers and money, one file a noun."""

from invoicing.models.document import Artifact, Document, DocumentLine, DocumentTax, NumberSeries
from invoicing.models.keeping import (
    Delivery,
    Erasure,
    LegalHold,
    PayeeErasure,
    RetentionRule,
)
from invoicing.models.ledger import Account, AccountNumber, Journal, JournalLine, Period
from invoicing.models.match import Match
from invoicing.models.refund import Refund, RefundLine
from invoicing.models.report import DatevClient, Download, ReportRun
from invoicing.models.rules import ApprovalLimit, DocumentRules, IssuingMode, Wording
from invoicing.models.sending import (
    Approval,
    BankFile,
    Feed,
    LaneRule,
    Payee,
    PayerAccount,
    RefundAttempt,
)
from invoicing.models.settlement import MoneyFact, Settlement
from invoicing.models.tax import FxRate, TaxFact, VatRate, ViesCheck

__all__ = [
    "Account",
    "AccountNumber",
    "Approval",
    "ApprovalLimit",
    "Artifact",
    "BankFile",
    "DatevClient",
    "Delivery",
    "Document",
    "DocumentLine",
    "DocumentRules",
    "DocumentTax",
    "Download",
    "Erasure",
    "Feed",
    "FxRate",
    "IssuingMode",
    "Journal",
    "JournalLine",
    "LaneRule",
    "LegalHold",
    "Match",
    "MoneyFact",
    "NumberSeries",
    "Payee",
    "PayeeErasure",
    "PayerAccount",
    "Period",
    "Refund",
    "RefundAttempt",
    "RefundLine",
    "ReportRun",
    "RetentionRule",
    "Settlement",
    "TaxFact",
    "VatRate",
    "ViesCheck",
    "Wording",
]
