"""Work that takes time and shows its progress: imports, exports, bulk actions, reports.

Running a job is in ``jobs.py``; this file only holds what a job is.
"""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """One run of one kind of work, with its owner, progress, errors and result file."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    params = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    summary = models.CharField(max_length=500, blank=True)
    counts = models.JSONField(default=dict)
    errors = models.JSONField(default=list, help_text=_("The first problems, each as a row."))
    result_name = models.CharField(max_length=200, blank=True)
    result_path = models.CharField(max_length=300, blank=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "created_at"]),
            models.Index(fields=["owner", "-id"]),
        ]

    def __str__(self):
        return f"{self.title} ({self.status})"

    def get_absolute_url(self):
        """The page of this row."""
        return reverse("core:job", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in (self.Status.DONE, self.Status.FAILED)

    @property
    def percent(self) -> int | None:
        """Progress from 0 to 100, or None while the total is not known."""
        return min(100, 100 * self.done // self.total) if self.total else None
