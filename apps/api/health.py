"""Liveness and readiness for load balancers, without a token."""

from __future__ import annotations

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from apps.core.db.migration_state import pending_migrations, unknown_migrations
from apps.core.faults import RETRY_AFTER_S


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and migrations are fine, else 503 with the failing checks."""
    checks = {"database": _database(), "broker": _broker()}
    checks["migrations"] = _migrations() if checks["database"] == "ok" else "unknown"
    ready = set(checks.values()) == {"ok"}
    body = {"status": "ok" if ready else "not ready", "checks": checks}
    return JsonResponse(body) if ready else JsonResponse(body, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return "unreachable"
    return "ok"


def _broker() -> str:
    try:
        cache.set("readyz", 1, 5)
    except RedisError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    try:
        if unknown_migrations(connection):
            return "unknown to the code"
        return "pending" if pending_migrations(connection) else "ok"
    except (DatabaseError, InterfaceError):
        return "unknown"
