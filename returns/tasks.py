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


@shared_task(name="returns.tasks.take_in_returns")
def take_in_returns(order_id: int | None = None) -> int:
    """Take in what an import could not finish: a worker died, or something stood in the way.

    ``order_id``: only of this order, about which somebody has decided something.
    """
    from orders.models import Order
    from returns import intake

    order = Order.objects.get(pk=order_id) if order_id else None
    done = intake.intake_returns(order=order)
    return len(done.opened) + len(done.healed)
