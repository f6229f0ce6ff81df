"""Changing a project's quality rules."""

from __future__ import annotations

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

SETTINGS = (
    "rule",
    "options",
    "suspends",
    "pass_mark",
    "minimum",
    "min_labelers",
    "convincing",
    "hourly_cost",
    "allows_self_review",
    "judge_bar",
    "reading_speed",
)
# Changes that leave every label as it is: who may review, and what a certificate of a judge needs.
_WITHOUT_EFFECT_ON_LABELS = ("allows_self_review", "judge_bar")


def rules_for(project: Project) -> QualityRules:
    return QualityRules.objects.get_or_create(project=project)[0]


def labor_cost(project: Project, hours: float | None) -> float | None:
    """What that many hours of labelers cost; None where the hours or the project's hourly cost are unknown."""
    hourly_cost = QualityRules.objects.filter(project=project).values_list("hourly_cost", flat=True).first()
    return None if hours is None or hourly_cost is None else hours * float(hourly_cost)


@transaction.atomic
def change_rules(*, project: Project, actor: User, **settings: Any) -> QualityRules:
    """Change some settings; everything is computed again by those that labels depend on.

    Raises DomainError, which names the invalid setting, and NotAllowed if a user other than an owner changes
    `allows_self_review`.
    """
    rules = QualityRules.objects.select_for_update().get(pk=rules_for(project).pk)
    before = _to_dict(rules)
    allows_self_review = settings.get("allows_self_review", before["allows_self_review"])
    if allows_self_review != before["allows_self_review"] and not can(membership_of(actor, project), "manage_members"):
        raise NotAllowed(
            "Only an owner can change whether reviewers may review solutions that they labeled.",
            fields={"allows_self_review": "requires the role owner"},
        )
    for name, value in settings.items():
        if name not in SETTINGS:
            raise DomainError(f"Unknown setting {name!r}.", fields={name: f"must be one of {', '.join(SETTINGS)}"})
        setattr(rules, name, value)
    _check(rules)
    after = _to_dict(rules)
    if after == before:
        return rules
    rules.stale_all |= any(before[name] != after[name] for name in SETTINGS if name not in _WITHOUT_EFFECT_ON_LABELS)
    rules.save()
    record_event(actor=actor, verb="quality.rules", target=rules.rule, project=project.slug, before=before, after=after)
    return rules


def _check(rules: QualityRules) -> None:
    rule_of(rules.rule, rules.options)
    bounds = {
        "pass_mark": ("must be between 0 and 1, both excluded", 0 < rules.pass_mark < 1),
        "minimum": ("must be between 1 and 100", 1 <= rules.minimum <= 100),
        "min_labelers": (
            "must be empty or between 1 and 99",
            rules.min_labelers is None or 1 <= rules.min_labelers <= 99,
        ),
        "convincing": ("must be between 0 and 1", 0 <= rules.convincing <= 1),
        "hourly_cost": ("must be empty or at least 0", rules.hourly_cost is None or rules.hourly_cost >= 0),
        "reading_speed": (
            "must be empty or between 200 and 5,000",
            rules.reading_speed is None or 200 <= rules.reading_speed <= 5000,
        ),
        "judge_bar": ("must be between 0 and 1, both excluded", 0 < rules.judge_bar < 1),
    }
    invalid = {name: text for name, (text, is_valid) in bounds.items() if not is_valid}
    if invalid:
        raise DomainError("These rules are not valid.", fields=invalid)


def _to_dict(rules: QualityRules) -> dict[str, Any]:
    values = {name: getattr(rules, name) for name in SETTINGS}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}
