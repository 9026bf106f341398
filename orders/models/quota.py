"""How often Amazon may still be asked: a token bucket per account, region and operation."""

from django.db import models


class Quota(models.Model):
    """One bucket of Amazon's usage plan. Workers share it under its row lock."""

    name = models.CharField(
        max_length=120, unique=True, help_text="seller code / region / operation"
    )
    tokens = models.FloatField()
    rate = models.FloatField(help_text="Tokens a second; Amazon's answer corrects it.")
    burst = models.PositiveIntegerField()
    filled_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
