"""One's own account: the name, and the keys of one's scripts."""

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
from apps.dashboard.home.queries import memberships_of


@login_required
@require_http_methods(["GET", "POST"])
def account(request: AuthenticatedRequest) -> HttpResponse:
    form = NameForm(request.POST or None, initial={"name": request.user.name})
    saved = form.run(lambda data: rename_user(user=request.user, **data))
    if saved is not None:
        messages.success(request, "Saved.")
        return redirect("account")
    context = {"form": form, "memberships": memberships_of(request.user)}
    return render(request, "account/account.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def tokens(request: AuthenticatedRequest) -> HttpResponse:
    return render(request, "account/tokens.html", _tokens(request, TokenForm()))


def _tokens(request: AuthenticatedRequest, form: TokenForm, **more: Any) -> dict[str, Any]:
    kept = request.user.tokens.filter(revoked_at=None).order_by("-pk")[:100]
    return {"form": form, "tokens": kept, "now": timezone.now(), **more}


@login_required
@require_POST
@never_cache
def new_token(request: AuthenticatedRequest) -> HttpResponse:
    """The secret is in this answer and nowhere else: only its hash is kept."""
    form = TokenForm(request.POST)
    made = form.run(lambda data: issue_token(user=request.user, **data))
    if made is None:
        return render(request, "account/tokens.html", _tokens(request, form), status=422)
    token, secret = made
    return render(request, "account/tokens.html", _tokens(request, TokenForm(), made=token, secret=secret))


@login_required
@require_POST
def revoke(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=request.user, pk=pk, revoked_at=None)
    revoke_token(token=token, actor=request.user)
    messages.success(request, f"The token {token.prefix}… works no more.")
    return redirect("tokens")
