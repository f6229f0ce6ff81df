"""The user's own account: name and API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import ApiToken
from apps.accounts.services import issue_token, rename_user, revoke_token
from apps.dashboard.account.forms import NameForm, TokenForm
from apps.dashboard.projects.queries import memberships_of

SHOWN_TOKENS = 100


@login_required
@require_http_methods(["GET", "POST"])
def account(request: AuthenticatedRequest) -> HttpResponse:
    form = NameForm(request.POST or None, initial={"name": request.user.name})
    saved = form.run(lambda data: rename_user(user=request.user, **data))
    if saved is not None:
        messages.success(request, "Name saved.")
        return redirect("account")
    context = {"form": form, "memberships": memberships_of(request.user)}
    return render(request, "account/account.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def tokens(request: AuthenticatedRequest) -> HttpResponse:
    return render(request, "account/tokens.html", _tokens(request, TokenForm()))


def _tokens(request: AuthenticatedRequest, form: TokenForm, **more: Any) -> dict[str, Any]:
    tokens = request.user.tokens.filter(revoked_at=None).order_by("-pk")[:SHOWN_TOKENS]
    return {"form": form, "tokens": tokens, "now": timezone.now(), **more}


@login_required
@require_POST
@never_cache
def new_token(request: AuthenticatedRequest) -> HttpResponse:
    """The secret is in this response only: the database keeps its hash."""
    form = TokenForm(request.POST)
    issued = form.run(lambda data: issue_token(user=request.user, **data))
    if issued is None:
        return render(request, "account/tokens.html", _tokens(request, form), status=422)
    token, secret = issued
    return render(request, "account/tokens.html", _tokens(request, TokenForm(), new_token=token, secret=secret))


@login_required
@require_POST
def revoke(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=request.user, pk=pk, revoked_at=None)
    revoke_token(token=token, actor=request.user)
    messages.success(request, f"Token {token.prefix}… revoked.")
    return redirect("tokens")
