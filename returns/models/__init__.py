"""The process, one file a noun."""

from returns.models.evidence import Evidence
from returns.models.goods import Inspection, Parcel, Receipt
from returns.models.message import Message, Note, WorkItem
from returns.models.policy import Policy
from returns.models.rma import RMA, RMALine

__all__ = [
    "RMA",
    "Evidence",
    "Inspection",
    "Message",
    "Note",
    "Parcel",
    "Policy",
    "RMALine",
    "Receipt",
    "WorkItem",
]
