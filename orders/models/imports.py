"""Imported files: what came in, row by row, and what was wrong with it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.models.marketplace import Marketplace
from orders.models.seller import Seller


class ImportFile(models.Model):
    """One report file as it came in. The bytes and raw rows expire, counts and hash stay."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Imported")
        PARTIAL = "partial", _("Imported without its bad lines")
        REFUSED = "refused", _("Refused, nothing imported")

    seller = models.ForeignKey(Seller, models.PROTECT, null=True, related_name="import_files")
    marketplace = models.ForeignKey(Marketplace, models.PROTECT, null=True, related_name="+")
    report_type = models.CharField(max_length=80, blank=True)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    stored_path = models.CharField(max_length=300, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    rows = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    job = models.ForeignKey("core.Job", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("import_report", "Import Amazon reports"),
            ("confirm_identity", "Decide which order line a report row means"),
        ]

    def __str__(self):
        return self.file_name

    def get_absolute_url(self):
        """The page of this row."""
        return f"/imports/{self.pk}/"


class ImportRow(models.Model):
    """A raw row of a file, kept until it expires, so that a fact can be traced to its line.

    Many, and only written by the import that owns the file: the key has no constraint to check.
    """

    import_file = models.ForeignKey(
        ImportFile, models.CASCADE, related_name="raw_rows", db_constraint=False
    )
    line = models.PositiveIntegerField()
    row_hash = models.CharField(max_length=32)
    data = models.TextField(help_text=_("The row's cells, separated by tabs, as decoded."))

    def __str__(self):
        return f"{self.import_file_id}:{self.line}"


class ImportProblem(models.Model):
    """One thing wrong with one cell: line, column, value, and what to do about it."""

    import_file = models.ForeignKey(ImportFile, models.CASCADE, related_name="line_errors")
    line = models.PositiveIntegerField()
    column = models.CharField(max_length=80, blank=True)
    value = models.CharField(max_length=200, blank=True)
    problem = models.CharField(max_length=300)
    remedy = models.CharField(max_length=300)

    class Meta:
        ordering = ["line", "column"]
        indexes = [models.Index(fields=["import_file", "line"])]

    def __str__(self):
        return f"line {self.line}, {self.column}: {self.problem}"
