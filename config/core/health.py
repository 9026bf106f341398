"""What an operator's monitor asks: does the process live, and can it work? No personal data."""

import os
import shutil
from collections.abc import Callable

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = structlog.get_logger(__name__)
FREE_AT_LEAST = 200 * 1024 * 1024  # bytes; below that uploads and documents start to fail


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """GET /healthz: this process answers. Asks nobody else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """GET /readyz: 200 when every part works, else 503; says which, never why in detail."""
    parts = {name: _works(name, check) for name, check in CHECKS.items()}
    ready = all(parts.values())
    said = {name: "ok" if works else "failed" for name, works in parts.items()}
    return JsonResponse(
        {"status": "ok" if ready else "failed", **said}, status=200 if ready else 503
    )


def _works(name: str, check: Callable[[], bool]) -> bool:
    try:
        works = check()
    except Exception as error:  # noqa: BLE001 whatever it is, this part does not work
        log.warning("not_ready", part=name, error=type(error).__name__)
        return False
    return works


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _broker() -> bool:
    with current_app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=0, timeout=2)
        return True


def _disk() -> bool:
    folder = settings.DATA_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > FREE_AT_LEAST


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "disk": _disk,
}
