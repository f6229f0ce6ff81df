"""The pages."""

from __future__ import annotations

from django.urls import path

from apps.core import converters  # noqa: F401 - registers `signed`
from apps.dashboard.views import (
    account,
    corpus,
    endpoints,
    estimation,
    evidence,
    exports,
    home,
    imports,
    labeling,
    people,
    projects,
    review,
    rounds,
    splitting,
    turns,
)
from apps.labeling.models import Round

_OF_PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("moving", home.moving, name="moving"),
    path("projects/new", home.new_project, name="project-new"),
    path("join/<str:secret>/", people.join, name="join"),
    path("account", account.account, name="account"),
    path("account/tokens", account.tokens, name="tokens"),
    path("account/tokens/new", account.new_token, name="token-new"),
    path("account/tokens/<int:pk>/revoke", account.revoke, name="token-revoke"),
    path(_OF_PROJECT, projects.project, name="project"),
    path(f"{_OF_PROJECT}overview/rounds", projects.project_rounds, name="project-rounds"),
    path(f"{_OF_PROJECT}settings", projects.project_settings, name="project-settings"),
    path(f"{_OF_PROJECT}guidelines", projects.guidelines, name="guidelines"),
    path(f"{_OF_PROJECT}guidelines/<int:version>", projects.guidelines, name="guidelines-version"),
    path(f"{_OF_PROJECT}guidelines/edit", projects.edit_guidelines, name="guidelines-edit"),
    path(f"{_OF_PROJECT}guidelines/preview", projects.preview_guidelines, name="guidelines-preview"),
    path(f"{_OF_PROJECT}solutions", corpus.solutions, name="solutions"),
    path(f"{_OF_PROJECT}solutions/<int:pk>", evidence.solution, name="solution"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/standing", evidence.standing, name="solution-standing"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/settle", evidence.settle, name="solution-settle"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/split", splitting.split, name="solution-split"),
    path(f"{_OF_PROJECT}review", review.review, name="review"),
    path(f"{_OF_PROJECT}review/turns", turns.turns, name="turns"),
    path(f"{_OF_PROJECT}review/turns/accept", turns.accept_some, name="turns-accept"),
    path(f"{_OF_PROJECT}review/turns/<int:pk>", turns.turn, name="turn"),
    path(f"{_OF_PROJECT}review/turns/<int:pk>/accept", turns.accept_one, name="turn-accept"),
    path(f"{_OF_PROJECT}review/turns/<int:pk>/return", turns.return_one, name="turn-return"),
    path(f"{_OF_PROJECT}review/turns/<int:pk>/correct", turns.correct_one, name="turn-correct"),
    path(f"{_OF_PROJECT}review/<slug:kind>", review.queue, name="review-queue"),
    path(f"{_OF_PROJECT}review/<slug:kind>/together", review.together, name="review-together"),
    path(f"{_OF_PROJECT}imports", imports.imports, name="imports"),
    path(f"{_OF_PROJECT}imports/new", imports.new_import, name="import-new"),
    path(f"{_OF_PROJECT}imports/uploads/<int:pk>", imports.upload, name="upload"),
    path(f"{_OF_PROJECT}imports/uploads/<int:pk>/discard", imports.discard, name="upload-discard"),
    path(f"{_OF_PROJECT}imports/<int:pk>", imports.import_, name="import"),
    path(f"{_OF_PROJECT}imports/<int:pk>/cancel", imports.cancel, name="import-cancel"),
    path(f"{_OF_PROJECT}imports/<int:pk>/again", imports.again, name="import-again"),
    path(f"{_OF_PROJECT}imports/<int:pk>/rejected", imports.rejected_rows, name="import-rejected"),
    path(f"{_OF_PROJECT}imports/<int:pk>/findings.csv", imports.findings, name="import-findings"),
    path(f"{_OF_PROJECT}exports", exports.exports, name="exports"),
    path(f"{_OF_PROJECT}exports/new", exports.new_export, name="export-new"),
    path(f"{_OF_PROJECT}exports/<int:pk>", exports.export, name="export"),
    path(f"{_OF_PROJECT}exports/<int:pk>/cancel", exports.cancel, name="export-cancel"),
    path(f"{_OF_PROJECT}exports/<int:pk>/parts/<int:index>", exports.part, name="export-part"),
    path(f"{_OF_PROJECT}exports/<int:pk>/manifest.json", exports.manifest, name="export-manifest"),
    path(f"{_OF_PROJECT}rounds", rounds.rounds, name="rounds"),
    path(f"{_OF_PROJECT}rounds/new", rounds.new_round, name="round-new"),
    path(f"{_OF_PROJECT}rounds/new/fit", rounds.fit, name="round-fit"),
    path(f"{_OF_PROJECT}rounds/<signed:number>", rounds.round_, name="round"),
    path(f"{_OF_PROJECT}rounds/<signed:number>/label", labeling.label, name="label"),
    *(
        path(
            f"{_OF_PROJECT}rounds/<signed:number>/{verb}",
            rounds.set_status,
            {"status": status},
            name=f"round-{verb}",
        )
        for verb, status in (
            ("open", Round.Status.OPEN),
            ("pause", Round.Status.PAUSED),
            ("close", Round.Status.CLOSED),
        )
    ),
    path(f"{_OF_PROJECT}estimation", estimation.runs, name="estimation"),
    path(f"{_OF_PROJECT}estimation/new", estimation.new_run, name="run-new"),
    path(f"{_OF_PROJECT}estimation/new/forecast", estimation.forecast, name="run-forecast"),
    path(f"{_OF_PROJECT}estimation/<int:number>", estimation.run, name="run"),
    *(
        path(f"{_OF_PROJECT}estimation/<int:number>/{act}", estimation.change, {"act": act}, name=f"run-{act}")
        for act in ("pause", "resume", "cancel")
    ),
    path(f"{_OF_PROJECT}endpoints", endpoints.endpoints, name="endpoints"),
    path(f"{_OF_PROJECT}endpoints/new", endpoints.new_endpoint, name="endpoint-new"),
    path(f"{_OF_PROJECT}endpoints/<int:pk>", endpoints.edit_endpoint, name="endpoint"),
    path(f"{_OF_PROJECT}endpoints/<int:pk>/check", endpoints.check, name="endpoint-check"),
    path(f"{_OF_PROJECT}endpoints/<int:pk>/remove", endpoints.remove, name="endpoint-remove"),
    path(f"{_OF_PROJECT}people", people.people, name="people"),
    path(f"{_OF_PROJECT}people/<int:pk>/role", people.set_role, name="member-role"),
    path(f"{_OF_PROJECT}people/<int:pk>/suspend", people.suspend, name="member-suspend"),
    path(f"{_OF_PROJECT}people/<int:pk>/reinstate", people.reinstate, name="member-reinstate"),
    path(f"{_OF_PROJECT}people/invitations", people.new_invitation, name="invitation-new"),
    path(f"{_OF_PROJECT}people/invitations/<int:pk>/revoke", people.revoke, name="invitation-revoke"),
]
