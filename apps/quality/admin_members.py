"""Suspending members in the admin: by the services that also decide whose labels count."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.projects.admin import MembershipAdmin
from apps.projects.models import Membership
from apps.quality.gold.suspensions import lift, suspend

admin.site.unregister(Membership)


@admin.register(Membership)
class MemberSuspensionAdmin(MembershipAdmin):
    actions = ["suspend", "reinstate"]

    @admin.action(description="Suspend the selected members", permissions=["act"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        actor = cast("User", request.user)
        self.act(
            request,
            queryset.select_related("user", "project"),
            lambda member: suspend(membership=member, reason="By an administrator.", by=actor),
            done="suspended",
        )

    @admin.action(description="Reinstate the selected members", permissions=["act"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        actor = cast("User", request.user)
        members = queryset.select_related("user", "project")
        self.act(request, members, lambda member: lift(membership=member, by=actor), done="reinstated")
