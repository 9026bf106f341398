"""Papers and money, one file a noun."""

from invoicing.models.document import Artifact, Document, DocumentLine, DocumentTax, NumberSeries
from invoicing.models.refund import Refund, RefundLine
from invoicing.models.report import Download, SettlementRun
from invoicing.models.rules import ApprovalLimit, IssuingMode
from invoicing.models.settlement import MoneyFact, Settlement

__all__ = [
    "ApprovalLimit",
    "Artifact",
    "Document",
    "DocumentLine",
    "DocumentTax",
    "Download",
    "IssuingMode",
    "MoneyFact",
    "NumberSeries",
    "Refund",
    "RefundLine",
    "Settlement",
    "SettlementRun",
]
