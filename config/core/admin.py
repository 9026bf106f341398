"""Django admin for people, jobs and the trail. Every write there goes into the trail as well.

``TrailedAdmin`` is for all rooms; ``ReadOnlyAdmin`` is for what nobody edits by hand.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from config.core.models import Counter, Job, TrailEvent, User
from config.core.trail import trail

admin.site.site_header = admin.site.site_title = "Retour"
admin.site.index_title = _("Administration")
admin.site.unregister(Group)  # groups mirror the roles of the code and are rewritten by migrate


class TrailedAdmin(admin.ModelAdmin):
    """Writes of the admin site happen inside the trail, under the verb ``admin.<model>``."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add or change one row."""
        with self._trail(request):
            return super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The list, with its actions and editable columns."""
        if request.method != "POST":
            return super().changelist_view(request, *args, **kwargs)
        with self._trail(request):
            return super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Delete one row, where anybody may."""
        with self._trail(request):
            return super().delete_view(request, *args, **kwargs)

    def _trail(self, request: HttpRequest):
        return trail(f"admin.{self.opts.model_name}", by=request.user)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to look at. Neither added, changed nor deleted here, whoever asks."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(User)
class PeopleAdmin(TrailedAdmin, UserAdmin):
    """People and their one role. Who leaves is deactivated; their cases are handed over."""

    list_display = ("username", "get_full_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined", "is_system")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language", "time_zone")}),
        (_("Dates"), {"fields": ("last_login", "date_joined", "is_system")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "role")}),
    )

    def get_queryset(self, request: HttpRequest):
        """The system actor is no person."""
        return super().get_queryset(request).filter(is_system=False)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any):
        """A new password is a change of a tracked row too."""
        with self._trail(request):
            return super().user_change_password(request, *args, **kwargs)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Every job that ran."""

    list_display = ("title", "kind", "owner", "status", "created_at", "finished_at")
    list_filter = ("status", "kind")
    search_fields = ("title", "kind", "owner__username")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"


class SeriesFilter(admin.SimpleListFilter):
    """Counters by what they count: the word before the first colon of their name."""

    title, parameter_name = _("series"), "series"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The words in use."""
        names = Counter.objects.order_by("name").values_list("name", flat=True)
        return [(word, word) for word in dict.fromkeys(name.partition(":")[0] for name in names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The counters of the chosen word."""
        return queryset.filter(name__startswith=f"{self.value()}:") if self.value() else queryset


@admin.register(Counter)
class CounterAdmin(ReadOnlyAdmin):
    """The last number of each gapless series."""

    list_display = ("name", "value")
    list_filter = (SeriesFilter,)
    search_fields = ("name",)


@admin.register(TrailEvent)
class TrailEventAdmin(ReadOnlyAdmin):
    """The trail, as it was written. The page Activity is the pleasant way to read it."""

    list_display = ("at", "model", "obj", "label", "verb", "who")
    list_filter = ("label",)
    search_fields = ("=obj", "=model")
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description=_("Verb"))
    def verb(self, event: TrailEvent) -> str:
        """What was done."""
        return (event.context or {}).get("verb", "")

    @admin.display(description=_("Who"))
    def who(self, event: TrailEvent) -> str:
        """Who did it."""
        return (event.context or {}).get("name", "")
