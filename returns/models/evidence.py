"""Evidence: photos, proofs and letters. The bytes live in the data folder, the row proves them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked
from returns.models.rma import RMA, RMALine


@tracked(exclude=("file_name",))
class Evidence(models.Model):
    """One file. Images were re-encoded without EXIF; nothing is served inline as HTML."""

    class Kind(models.TextChoices):
        PHOTO = "photo", _("Photo")
        PROOF_OF_DELIVERY = "pod", _("Proof of delivery")
        LETTER = "letter", _("Letter or e-mail")

    rma = models.ForeignKey(RMA, models.PROTECT, related_name="evidence")
    line = models.ForeignKey(RMALine, models.PROTECT, null=True, related_name="evidence")
    kind = models.CharField(max_length=8, choices=Kind)
    file_name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    stored_path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["id"]
        permissions = [("add_evidence_file", "Add evidence")]

    def __str__(self):
        return f"{self.kind} {self.sha256[:8]}"
