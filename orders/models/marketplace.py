"""Amazon's marketplaces: the facts a date, a price or a document depends on."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.core.trail import tracked


@tracked()
class Marketplace(models.Model):
    """One marketplace. ``prices_include_tax`` is the price basis of its reports."""

    code = models.CharField(max_length=2, unique=True, help_text=_("Country code, UK for Britain."))
    country = models.CharField(max_length=2, help_text=_("ISO 3166, GB for Britain."))
    amazon_id = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=40, unique=True)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=5)
    time_zone = models.CharField(max_length=40)
    prices_include_tax = models.BooleanField()
    region = models.CharField(max_length=2)

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return self.name
