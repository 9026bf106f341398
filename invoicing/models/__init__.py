"""Papers and money, one file a noun."""

from invoicing.models.document import Artifact, Document, DocumentLine, DocumentTax, NumberSeries
from invoicing.models.keeping import Delivery, Erasure, LegalHold, RetentionRule
from invoicing.models.refund import Refund, RefundLine
from invoicing.models.report import Download, SettlementRun
from invoicing.models.rules import ApprovalLimit, DocumentRules, IssuingMode, Wording
from invoicing.models.settlement import MoneyFact, Settlement
from invoicing.models.tax import FxRate, TaxFact, VatRate, ViesCheck

__all__ = [
    "ApprovalLimit",
    "Artifact",
    "Delivery",
    "Document",
    "DocumentLine",
    "DocumentRules",
    "DocumentTax",
    "Download",
    "Erasure",
    "FxRate",
    "IssuingMode",
    "LegalHold",
    "MoneyFact",
    "NumberSeries",
    "Refund",
    "RefundLine",
    "RetentionRule",
    "Settlement",
    "SettlementRun",
    "TaxFact",
    "VatRate",
    "ViesCheck",
    "Wording",
]
