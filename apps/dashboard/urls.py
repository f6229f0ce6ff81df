"""The URLs of the dashboard's pages."""

from __future__ import annotations

from django.urls import path

from apps.core.http import converters  # noqa: F401 - registers `signed`
from apps.dashboard.account import views as account
from apps.dashboard.audit import views as audit
from apps.dashboard.estimation import endpoint_views as endpoints
from apps.dashboard.estimation import run_views as estimation
from apps.dashboard.estimation import sampling_views as sampling
from apps.dashboard.estimation import scoring_views as scoring
from apps.dashboard.evaluation import views as evaluation
from apps.dashboard.exports import lineage, pushes
from apps.dashboard.exports import views as exports
from apps.dashboard.home import views as home
from apps.dashboard.imports import views as imports
from apps.dashboard.judging import constitution_views as constitutions
from apps.dashboard.judging import item_views as judged_items
from apps.dashboard.judging import playground_views as playground
from apps.dashboard.judging import run_views as judge_runs
from apps.dashboard.judging import views as judging
from apps.dashboard.labeling import views as labeling
from apps.dashboard.labeling import work_views as work
from apps.dashboard.people import hours_views as hours
from apps.dashboard.people import profile_views as profile
from apps.dashboard.people import views as people
from apps.dashboard.problems import views as problems
from apps.dashboard.projects import views as projects
from apps.dashboard.quality import views as quality
from apps.dashboard.removal import views as removal
from apps.dashboard.review import assignment_views as assignments
from apps.dashboard.review import flag_views as flags
from apps.dashboard.review import views as review
from apps.dashboard.rounds import views as rounds
from apps.dashboard.solutions import evidence_views as evidence
from apps.dashboard.solutions import split_views as splitting
from apps.dashboard.solutions import views as solutions
from apps.dashboard.tasks import views as tasks
from apps.dashboard.trust import cascade_views as cascades
from apps.dashboard.trust import views as trust
from apps.labeling.models import Round

_OF_PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("running-jobs", home.running, name="running-jobs"),
    path("projects/new", projects.new_project, name="project-new"),
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
    path(f"{_OF_PROJECT}solutions", solutions.solutions, name="solutions"),
    path(f"{_OF_PROJECT}solutions/<int:pk>", evidence.solution, name="solution"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/consensus", evidence.consensus, name="solution-consensus"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/adjudicate", evidence.adjudicate, name="solution-adjudicate"),
    path(f"{_OF_PROJECT}solutions/<int:pk>/split", splitting.split, name="solution-split"),
    path(f"{_OF_PROJECT}review", review.review, name="review"),
    path(f"{_OF_PROJECT}review/assignments", assignments.assignments, name="assignments"),
    path(f"{_OF_PROJECT}review/assignments/accept", assignments.accept_selected, name="assignments-accept"),
    path(f"{_OF_PROJECT}review/assignments/<int:pk>", assignments.assignment, name="assignment"),
    path(f"{_OF_PROJECT}review/<slug:kind>", review.queue, name="review-queue"),
    path(f"{_OF_PROJECT}review/<slug:kind>/selected", review.act_on_selected, name="review-selected"),
    path(f"{_OF_PROJECT}quality", quality.quality, name="quality"),
    path(f"{_OF_PROJECT}quality/<slug:name>.csv", quality.table, name="quality-table"),
    path(f"{_OF_PROJECT}quality/labelers", quality.labelers, name="labelers"),
    path(f"{_OF_PROJECT}quality/labelers/<int:pk>/suspend", quality.suspend_labeler, name="labeler-suspend"),
    path(f"{_OF_PROJECT}quality/labelers/<int:pk>/lift", quality.lift_suspension, name="labeler-lift"),
    path(f"{_OF_PROJECT}quality/rules", quality.rules, name="quality-rules"),
    path(f"{_OF_PROJECT}evaluation", evaluation.evaluations, name="evaluation"),
    path(f"{_OF_PROJECT}evaluation/new", evaluation.new_evaluation, name="evaluation-new"),
    path(f"{_OF_PROJECT}evaluation/<int:pk>", evaluation.evaluation, name="evaluation-detail"),
    path(f"{_OF_PROJECT}evaluation/<int:pk>/cancel", evaluation.cancel, name="evaluation-cancel"),
    path(f"{_OF_PROJECT}evaluation/<int:pk>/<slug:name>.csv", evaluation.table, name="evaluation-table"),
    path(f"{_OF_PROJECT}judging/trust", trust.trust, name="trust"),
    path(f"{_OF_PROJECT}judging/trust.csv", trust.table, name="trust-table"),
    path(f"{_OF_PROJECT}judging/trust/<slug:name>.csv", trust.table, name="trust-other-table"),
    path(f"{_OF_PROJECT}judging/trust/calibrate", trust.calibrate, name="calibrate"),
    path(f"{_OF_PROJECT}judging/trust/calibrate/size", trust.advice, name="calibrate-size"),
    path(f"{_OF_PROJECT}judging/trust/samples/<int:pk>/decide", trust.decide, name="certify"),
    path(f"{_OF_PROJECT}judging/trust/samples/<int:pk>/judge", trust.judge, name="judge-sample"),
    path(f"{_OF_PROJECT}judging/choruses/new", trust.new_chorus, name="chorus-new"),
    path(f"{_OF_PROJECT}judging/cascades", cascades.cascades, name="cascades"),
    path(f"{_OF_PROJECT}judging/cascades/new", cascades.new_cascade, name="cascade-new"),
    path(f"{_OF_PROJECT}judging/cascades/new/size", cascades.size_hint, name="cascade-size"),
    path(f"{_OF_PROJECT}judging/cascades/<int:number>", cascades.cascade, name="cascade"),
    *(
        path(f"{_OF_PROJECT}judging/cascades/<int:number>/{act}", cascades.change, {"act": act}, name=f"cascade-{act}")
        for act in cascades.ACTS
    ),
    path("deletions/<int:pk>", removal.deletion, name="deletion"),
    path("deletions/<int:pk>/continue", removal.go_on, name="deletion-continue"),
    path(f"{_OF_PROJECT}delete/<slug:kind>/<int:pk>", removal.confirm, name="delete"),
    path(f"{_OF_PROJECT}archive/<slug:kind>/<int:pk>", removal.set_archived, {"archived": True}, name="archive"),
    path(f"{_OF_PROJECT}bring-back/<slug:kind>/<int:pk>", removal.set_archived, {"archived": False}, name="bring-back"),
    path(f"{_OF_PROJECT}audit", audit.audit, name="audit"),
    path(f"{_OF_PROJECT}audit.csv", audit.audit_table, name="audit-table"),
    path(f"{_OF_PROJECT}audit.jsonl", audit.audit_file, name="audit-file"),
    path(f"{_OF_PROJECT}problems/<int:pk>", problems.problem, name="problem"),
    path(f"{_OF_PROJECT}problems/<int:pk>/edit", problems.edit, name="problem-edit"),
    path(f"{_OF_PROJECT}problems/<int:pk>/retire", problems.retire, name="problem-retire"),
    path(f"{_OF_PROJECT}problems/<int:pk>/bring-back", problems.bring_back, name="problem-bring-back"),
    path(f"{_OF_PROJECT}work", work.work, name="work"),
    path(f"{_OF_PROJECT}work/hours", hours.own_hours, name="own-hours"),
    path(f"{_OF_PROJECT}work/hours.csv", hours.own_hours_file, name="own-hours-file"),
    path(f"{_OF_PROJECT}tasks", tasks.tasks, name="tasks"),
    path(f"{_OF_PROJECT}tasks.csv", tasks.tasks_file, name="tasks-file"),
    path(f"{_OF_PROJECT}tasks/act", tasks.act, name="tasks-act"),
    path(f"{_OF_PROJECT}tasks/views", tasks.new_view, name="task-view-new"),
    path(f"{_OF_PROJECT}tasks/views/<int:pk>/delete", tasks.remove_view, name="task-view-delete"),
    path(f"{_OF_PROJECT}flags", flags.flags, name="flags"),
    path(f"{_OF_PROJECT}flags/<int:pk>/dismiss", flags.dismiss, name="report-dismiss"),
    path(f"{_OF_PROJECT}flags/<int:pk>/reopen", flags.reopen, name="report-reopen"),
    path(f"{_OF_PROJECT}imports", imports.imports, name="imports"),
    path(f"{_OF_PROJECT}imports/new", imports.new_import, name="import-new"),
    path(f"{_OF_PROJECT}imports/uploads/<int:pk>", imports.upload, name="upload"),
    path(f"{_OF_PROJECT}imports/uploads/<int:pk>/discard", imports.discard, name="upload-discard"),
    path(f"{_OF_PROJECT}imports/<int:pk>", imports.import_, name="import"),
    path(f"{_OF_PROJECT}imports/<int:pk>/cancel", imports.cancel, name="import-cancel"),
    path(f"{_OF_PROJECT}imports/<int:pk>/resume", imports.resume, name="import-resume"),
    path(f"{_OF_PROJECT}imports/<int:pk>/rejected", imports.rejected_rows, name="import-rejected"),
    path(f"{_OF_PROJECT}imports/<int:pk>/findings.csv", imports.findings, name="import-findings"),
    path(f"{_OF_PROJECT}exports", exports.exports, name="exports"),
    path(f"{_OF_PROJECT}exports/new", exports.new_export, name="export-new"),
    path(f"{_OF_PROJECT}exports/preview", exports.preview, name="export-preview"),
    path(f"{_OF_PROJECT}exports/compare", exports.compare, name="export-compare"),
    path(f"{_OF_PROJECT}exports/policies/<int:pk>/delete", exports.delete_saved_policy, name="policy-delete"),
    path(f"{_OF_PROJECT}exports/<int:pk>", exports.export, name="export"),
    path(f"{_OF_PROJECT}exports/<int:pk>/cancel", exports.cancel, name="export-cancel"),
    path(f"{_OF_PROJECT}exports/<int:pk>/row", lineage.row, name="export-row"),
    path(f"{_OF_PROJECT}exports/<int:pk>/lineage/<int:solution_pk>", lineage.lineage, name="export-lineage"),
    path(f"{_OF_PROJECT}exports/<int:pk>/audit", lineage.start, name="export-audit-start"),
    path(f"{_OF_PROJECT}exports/<int:pk>/audit/withdraw", lineage.withdraw, name="export-audit-withdraw"),
    path(f"{_OF_PROJECT}exports/<int:pk>/push", pushes.push, name="export-push"),
    path(f"{_OF_PROJECT}exports/<int:pk>/pushes", pushes.pushes, name="export-pushes"),
    path(f"{_OF_PROJECT}exports/<int:pk>/files/<str:name>", exports.file, name="export-file"),
    path(f"{_OF_PROJECT}exports/<int:pk>/archive", exports.archive, name="export-archive"),
    path(f"{_OF_PROJECT}rounds", rounds.rounds, name="rounds"),
    path(f"{_OF_PROJECT}rounds/new", rounds.new_round, name="round-new"),
    path(f"{_OF_PROJECT}rounds/new/size", rounds.size, name="round-size"),
    path(f"{_OF_PROJECT}rounds/<signed:number>", rounds.round_, name="round"),
    path(f"{_OF_PROJECT}rounds/<signed:number>/edit", rounds.edit, name="round-edit"),
    path(f"{_OF_PROJECT}rounds/<signed:number>/discard", rounds.discard, name="round-discard"),
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
    path(f"{_OF_PROJECT}estimation/sampling", sampling.samplings, name="sampling-runs"),
    path(f"{_OF_PROJECT}estimation/sampling/new", sampling.new_sampling, name="sampling-new"),
    path(f"{_OF_PROJECT}estimation/sampling/new/forecast", sampling.forecast, name="sampling-forecast"),
    path(f"{_OF_PROJECT}estimation/sampling/<int:number>", sampling.sampling, name="sampling"),
    *(
        path(
            f"{_OF_PROJECT}estimation/sampling/<int:number>/{act}",
            sampling.change,
            {"act": act},
            name=f"sampling-{act}",
        )
        for act in ("pause", "resume", "cancel")
    ),
    path(f"{_OF_PROJECT}estimation/scoring", scoring.scorings, name="scoring-runs"),
    path(f"{_OF_PROJECT}estimation/scoring/new", scoring.new_scoring, name="scoring-new"),
    path(f"{_OF_PROJECT}estimation/scoring/new/forecast", scoring.forecast, name="scoring-forecast"),
    path(f"{_OF_PROJECT}estimation/scoring/<int:number>", scoring.scoring, name="scoring"),
    *(
        path(f"{_OF_PROJECT}estimation/scoring/<int:number>/{act}", scoring.change, {"act": act}, name=f"scoring-{act}")
        for act in ("pause", "resume", "cancel")
    ),
    path(f"{_OF_PROJECT}judging", judging.judges, name="judging"),
    path(f"{_OF_PROJECT}judging/new", judge_runs.new_run, name="judge-run-new"),
    path(f"{_OF_PROJECT}judging/new/prompt", judge_runs.prompt, name="judge-run-prompt"),
    path(f"{_OF_PROJECT}judging/new/forecast", judge_runs.forecast, name="judge-run-forecast"),
    path(f"{_OF_PROJECT}judging/playground", playground.playground, name="playground"),
    path(f"{_OF_PROJECT}judging/constitutions", constitutions.constitutions, name="constitutions"),
    path(f"{_OF_PROJECT}judging/constitutions/edit", constitutions.edit_constitution, name="constitution-edit"),
    path(f"{_OF_PROJECT}judging/constitutions/<int:pk>", constitutions.constitutions, name="constitution"),
    path(f"{_OF_PROJECT}judging/runs/<int:number>", judge_runs.run, name="judge-run"),
    path(f"{_OF_PROJECT}judging/runs/<int:number>/resume", judge_runs.resume, name="judge-run-resume"),
    *(
        path(f"{_OF_PROJECT}judging/runs/<int:number>/{act}", judge_runs.change, {"act": act}, name=f"judge-run-{act}")
        for act in ("pause", "cancel")
    ),
    path(f"{_OF_PROJECT}judging/runs/<int:number>/items", judged_items.items, name="judge-run-items"),
    path(f"{_OF_PROJECT}judging/runs/<int:number>/items/<int:pk>", judged_items.item, name="judge-run-item"),
    path(f"{_OF_PROJECT}endpoints", endpoints.endpoints, name="endpoints"),
    path(f"{_OF_PROJECT}endpoints/new", endpoints.new_endpoint, name="endpoint-new"),
    path(f"{_OF_PROJECT}endpoints/<int:pk>", endpoints.edit_endpoint, name="endpoint"),
    path(f"{_OF_PROJECT}endpoints/<int:pk>/check", endpoints.check, name="endpoint-check"),
    path(f"{_OF_PROJECT}people", people.people, name="people"),
    path(f"{_OF_PROJECT}people/hours", hours.hours, name="hours"),
    path(f"{_OF_PROJECT}people/hours.csv", hours.hours_file, name="hours-file"),
    path(f"{_OF_PROJECT}people/<int:pk>", profile.person, name="person"),
    path(f"{_OF_PROJECT}people/<int:pk>/role", people.set_role, name="member-role"),
    path(f"{_OF_PROJECT}people/<int:pk>/skills", people.set_skills, name="member-skills"),
    path(f"{_OF_PROJECT}people/<int:pk>/suspend", people.suspend, name="member-suspend"),
    path(f"{_OF_PROJECT}people/<int:pk>/reinstate", people.reinstate, name="member-reinstate"),
    path(f"{_OF_PROJECT}people/invitations", people.new_invitation, name="invitation-new"),
    path(f"{_OF_PROJECT}people/invitations/<int:pk>/revoke", people.revoke, name="invitation-revoke"),
]
