"""Changing how a project settles labels."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError, NotAllowed
from apps.projects.models import Project
from apps.projects.permissions import can, membership_of
from apps.quality.aggregation import rule_of
from apps.quality.models import QualityRules

TERMS = (
    "rule",
    "options",
    "suspends",
    "pass_mark",
    "minimum",
    "min_labelers",
    "convincing",
    "hourly_cost",
    "allows_self_review",
)


def rules_for(project: Project) -> QualityRules:
    return QualityRules.objects.get_or_create(project=project)[0]


@transaction.atomic
def change_rules(*, project: Project, actor: User, **terms: Any) -> QualityRules:
    """Other terms; everything is computed again by them. Raises DomainError that names the invalid term, and NotAllowed
    when somebody other than an owner changes `allows_self_review`."""
    rules = QualityRules.objects.select_for_update().get(pk=rules_for(project).pk)
    before = _told(rules)
    _check_owner(project, actor, before, terms)
    for name, value in terms.items():
        if name not in TERMS:
            raise DomainError(f"There is no term {name!r}.", fields={name: f"one of {', '.join(TERMS)}"})
        setattr(rules, name, value)
    _check(rules)
    after = _told(rules)
    if after == before:
        return rules
    # Who may judge is no reason to compute labels again.
    rules.stale_all |= any(before[name] != after[name] for name in TERMS if name != "allows_self_review")
    rules.save()
    record_event(actor=actor, verb="quality.rules", target=rules.rule, project=project.slug, before=before, after=after)
    return rules


def _check_owner(project: Project, actor: User, before: Mapping[str, Any], terms: Mapping[str, Any]) -> None:
    """Whether people may judge themselves is not for those to say who would."""
    wanted = terms.get("allows_self_review", before["allows_self_review"])
    if wanted != before["allows_self_review"] and not can(membership_of(actor, project), "manage_members"):
        raise NotAllowed(
            "Only an owner decides whether reviewers may judge what they labeled.",
            fields={"allows_self_review": "needs the role owner"},
        )


def _check(rules: QualityRules) -> None:
    rule_of(rules.rule, rules.options)
    bounds = {
        "pass_mark": ("a share between 0 and 1", 0 < rules.pass_mark < 1),
        "minimum": ("1 to 100 tasks", 1 <= rules.minimum <= 100),
        "min_labelers": ("empty, or 1 to 99 labelers", rules.min_labelers is None or 1 <= rules.min_labelers <= 99),
        "convincing": ("a score from 0 to 1", 0 <= rules.convincing <= 1),
        "hourly_cost": ("not below 0", rules.hourly_cost is None or rules.hourly_cost >= 0),
    }
    wrong = {name: said for name, (said, holds) in bounds.items() if not holds}
    if wrong:
        raise DomainError("These rules cannot be.", fields=wrong)


def _told(rules: QualityRules) -> dict[str, Any]:
    told = {name: getattr(rules, name) for name in TERMS}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in told.items()}
