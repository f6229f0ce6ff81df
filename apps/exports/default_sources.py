"""The sources of labels of a policy that names none: the team's own labels come first."""

from __future__ import annotations

from collections.abc import Collection

from apps.projects.models import Project
from apps.quality.models import Consensus
from apps.quality.models.consensus import ConsensusMethod

# Which ratings by people count: the consensus was computed without regard to these.
ABOUT_PEOPLE = frozenset({"people", "rounds", "finish_reasons", "quality_control", "screening", "suspended"})


def default_sources(project: Project, keys: Collection[str] = ()) -> tuple[str, ...]:
    """What reviewers vouch for, the consensus and people's ratings, as far as the project has them; then rollouts.

    `keys` are those that the policy names: the consensus is no default where one of them chooses among people's ratings.
    """
    consensus = Consensus.objects.filter(project=project)
    adjudicated = ["adjudicated"] if consensus.filter(how=ConsensusMethod.ADJUDICATED).exists() else []
    settled = ["consensus"] if ABOUT_PEOPLE.isdisjoint(keys) and consensus.settled().exists() else []
    return (*adjudicated, "gold", *settled, "human", "monte_carlo_hard")
