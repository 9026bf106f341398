"""Report types of money, and what follows an import: matching."""

import structlog
from django.db import OperationalError

from orders.imports import registry
from orders.models import ImportFile

log = structlog.get_logger(__name__)


def match_after(import_file: ImportFile) -> None:
    """Money may have come, or an order it waited for: match what is untied of this seller.

    The import stands whatever happens here; beat matches what a deadlock or a time-out left.
    """
    from invoicing.matching import match_refunds

    try:
        match_refunds([import_file.seller_id])
    except OperationalError as error:
        log.warning("matching_waits", import_file=import_file.pk, error=type(error).__name__)


def register() -> None:
    """Add the report types and the hook; called when the app is ready."""
    from invoicing.imports import opening_balance, settlement_v2

    registry.register(settlement_v2.REPORT)
    registry.register(opening_balance.REPORT)
    registry.after_import.append(match_after)
