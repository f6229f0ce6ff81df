"""Users, API tokens and the audit log in the admin."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.accounts.models import ApiToken, AuditEvent, User
from apps.accounts.services import revoke_token
from apps.core.admin import BaseAdmin, BigTableAdmin, ReadOnlyAdmin


@admin.register(User)
class PersonAdmin(UserAdmin, BaseAdmin):  # type: ignore[type-arg, misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "name", "is_active", "is_staff", "is_imported", "joined_at", "last_login"]
    list_filter = ["is_active", "is_staff", "is_imported"]
    search_fields = ["email", "name"]
    ordering = ["-id"]
    readonly_fields = ["last_login", "joined_at", "is_imported"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("Permissions", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["joined_at", "last_login", "is_imported"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "name", "password1", "password2"]})]

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:  # noqa: FBT001
        """Keep django-allauth's verified address, which sign-in uses, equal to the e-mail entered here."""
        super().save_model(request, obj, form, change)
        EmailAddress.objects.filter(user=obj, primary=True).exclude(email=obj.email).delete()
        EmailAddress.objects.get_or_create(user=obj, email=obj.email, defaults={"verified": True, "primary": True})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Labels keep their labeler, so users are deactivated instead."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = [
        "prefix",
        "user",
        "name",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]
    list_filter = ["revoked_at", "expires_at"]
    list_select_related = ["user"]
    search_fields = ["prefix", "name", "user__email"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected tokens", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        actor = cast("User", request.user)
        tokens = queryset.filter(revoked_at=None)
        self.act(request, tokens, lambda token: revoke_token(token=token, actor=actor), done="revoked")


@admin.register(AuditEvent)
class AuditEventAdmin(BigTableAdmin):
    list_display = ["at", "actor", "project", "verb", "target", "before", "after"]
    list_filter = [("at", RangeDateFilter)]
    list_select_related = ["actor"]
    texts = ("project", "verb", "target", "actor__email")
    search_help_text = "A project's slug, a verb such as member.set, or an e-mail address."


admin.site.unregister([Group, EmailAddress])


@admin.register(Group)
class PeopleGroupAdmin(GroupAdmin, BaseAdmin):  # type: ignore[misc]
    in_menu = False


@admin.register(EmailAddress)
class AddressAdmin(EmailAddressAdmin, BaseAdmin):  # type: ignore[misc]
    in_menu = False
    autocomplete_fields = ["user"]
    raw_id_fields = ()
    list_select_related = ["user"]
