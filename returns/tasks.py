"""The room's tasks: thin doors. What they do is in the module each one names."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="returns.tasks.send_messages")
def send_messages() -> int:
    """Send queued mail."""
    from returns import messages

    return messages.send_queued()


@shared_task(name="returns.tasks.expire_unshipped")
def expire_unshipped() -> dict[str, int]:
    """Warn about and close what was not sent back in time."""
    from returns import nightly

    return nightly.expire_unshipped(timezone.now())


@shared_task(name="returns.tasks.settle_refunded")
def settle_refunded() -> int:
    """Close what the settlement has confirmed."""
    from returns import matching

    return matching.settle_refunded()
