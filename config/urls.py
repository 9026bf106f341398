"""All addresses: each room brings its own, the highest room first (its pages join the others)."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

ROOMS = ("returns", "invoicing", "orders", "config.core")

urlpatterns = [
    path("admin/", admin.site.urls),
    *(path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")),
]
