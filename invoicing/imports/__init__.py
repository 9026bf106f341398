"""Report types of money, and what follows an import: matching."""

from datetime import timedelta

import structlog
from django.db import OperationalError

from config.core.trail import trail
from orders.imports import registry
from orders.models import ImportFile

log = structlog.get_logger(__name__)
# The file's own clock and its transaction's differ a little; telling twice does no harm.
SLACK = timedelta(minutes=5)


def match_after(import_file: ImportFile) -> None:
    """Money may have come, or an order it waited for: match what is untied of this seller.

    The import stands whatever happens here; beat matches what a deadlock or a time-out left.
    """
    from invoicing.matching import match_refunds

    try:
        match_refunds([import_file.seller_id], import_file)
    except OperationalError as error:
        log.warning("matching_waits", import_file=import_file.pk, error=type(error).__name__)


def tell_after(import_file: ImportFile) -> None:
    """An opening balance paid what cases still thought was owed: tell who follows refunds."""
    from invoicing import refund_row
    from invoicing.imports.opening_balance import NAME
    from invoicing.models import Refund
    from invoicing.models.refund import Source

    if import_file.report_type != NAME:
        return
    with trail("import_report", by=import_file.by):
        new = Refund.objects.filter(
            source=Source.OPENING,
            seller=import_file.seller_id,
            created_at__gte=import_file.created_at - SLACK,
        )
        found = dict(new.values_list("pk", "order_id"))
        if found:
            refund_row.lock_first([], found.values())
            refund_row.tell(found)


def follow_after(import_file: ImportFile) -> None:
    """Amazon's tax rows may have a document now; beat does what a deadlock or time-out left."""
    from invoicing.supplies import follow_import

    try:
        follow_import(import_file)
    except OperationalError as error:
        log.warning("supplies_wait", import_file=import_file.pk, error=type(error).__name__)


def compare_after(import_file: ImportFile) -> None:
    """Money, papers or cases may have come: compare again what ties; runs after all other hooks.

    Beat compares what a time-out left.
    """
    from invoicing.matches.refresh import refresh

    try:
        refresh([import_file.seller_id])
    except OperationalError as error:
        log.warning("matches_wait", import_file=import_file.pk, error=type(error).__name__)


def register() -> None:
    """Add the report types and the hook; called when the app is ready."""
    from invoicing.imports import (
        date_range,
        finances,
        invariants,  # noqa: F401 registers on import
        opening_balance,
        sc_vat_tax,
        settlement_v2,
        vat_invoice_data,
    )

    registry.register(settlement_v2.REPORT)
    registry.register(date_range.REPORT)
    registry.register(finances.REPORT)
    registry.register(opening_balance.REPORT)
    registry.register(vat_invoice_data.REPORT)
    registry.register(sc_vat_tax.REPORT)
    registry.after_import.append(tell_after)
    registry.after_import.append(match_after)
    registry.after_import.append(follow_after)
