"""Mail that went out, notes people wrote, and work items that wait for somebody."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from returns.models.rma import RMA
from returns.states import NextActor


@tracked(exclude=("to", "subject", "body"))
class Message(models.Model):
    """A mail to the buyer or to an approver, in the reader's language."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        BOUNCED = "bounced", _("Bounced")
        NO_ADDRESS = "no_address", _("No address")

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="messages")
    template = models.CharField(max_length=40)
    to = models.EmailField(blank=True)
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="queued"), name="message_queued")
        ]

    def __str__(self):
        return f"{self.template} {self.status}"


@tracked(exclude=("text",))
class Note(models.Model):
    """What somebody wrote on a case for the others."""

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="notes")
    text = models.TextField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"note {self.pk}"


@tracked()
class WorkItem(models.Model):
    """Something a person must sort out before the case can go on, such as a missing address."""

    class Kind(models.TextChoices):
        NO_ADDRESS = "no_address", _("Buyer has no e-mail address")
        BOUNCED = "bounced", _("Mail came back")
        IDENTITY = "identity", _("Order line not certain")
        INCOMPLETE = "incomplete", _("Order facts incomplete")
        DOCUMENT = "document", _("Document missing")

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="work_items")
    kind = models.CharField(max_length=12, choices=Kind)
    sentence = models.CharField(max_length=300)
    actor = models.CharField(max_length=10, choices=NextActor, default=NextActor.AGENT)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        permissions = [("finish_workitem", "Finish work items")]
        constraints = [
            models.UniqueConstraint(
                fields=["rma", "kind"], condition=Q(done_at=None), name="open_work_item_once"
            )
        ]

    def __str__(self):
        return self.sentence
