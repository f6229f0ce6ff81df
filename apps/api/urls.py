from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from apps.api import contamination, evaluations, health, lineage, me, projects
from apps.api.corpus import imports, problems, solutions
from apps.api.estimation import estimates, sampling
from apps.api.estimation import runs as estimation
from apps.api.exports import diffs, exports, files, policies, pushes
from apps.api.judging import constitutions, judges, prompts, replies, trials, verdicts
from apps.api.judging import runs as judging
from apps.api.labeling import assignments, preferences, rounds, skipped, step_labels, training
from apps.api.quality import evidence, hours, reports
from apps.api.quality import review as reviewing
from apps.api.runs import run_paths
from apps.api.scoring import rewards
from apps.api.scoring import runs as scoring
from apps.api.trust import cascades, samples
from apps.api.trust import judges as trust
from apps.core.http import converters  # noqa: F401 - registers `signed`
from apps.labeling.models import Round

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("projects", projects.ProjectList.as_view()),
    path("projects/<slug:slug>", projects.ProjectDetail.as_view()),
    path("projects/<slug:slug>/imports", imports.ImportList.as_view()),
    path("projects/<slug:slug>/problems", problems.ProblemList.as_view()),
    path("projects/<slug:slug>/solutions", solutions.SolutionList.as_view()),
    path("projects/<slug:slug>/step-labels", step_labels.StepLabelList.as_view()),
    path("projects/<slug:slug>/preferences", preferences.PreferenceList.as_view()),
    path("projects/<slug:slug>/estimates", estimates.EstimateList.as_view()),
    path("projects/<slug:slug>/verdicts", verdicts.VerdictList.as_view()),
    path("projects/<slug:slug>/solution-verdicts", verdicts.SolutionVerdictList.as_view()),
    path("projects/<slug:slug>/comparison-verdicts", verdicts.ComparisonVerdictList.as_view()),
    path("projects/<slug:slug>/revisions", verdicts.RevisionList.as_view()),
    path("projects/<slug:slug>/disputes", reviewing.DisputeList.as_view()),
    path("projects/<slug:slug>/hours", hours.HoursView.as_view()),
    path("projects/<slug:slug>/reports", reports.ReportList.as_view()),
    path("projects/<slug:slug>/rounds", rounds.RoundList.as_view()),
    path("projects/<slug:slug>/rounds/<signed:number>", rounds.RoundDetail.as_view()),
    path("projects/<slug:slug>/rounds/<signed:number>/preview", rounds.RoundPreviewView.as_view()),
    path("projects/<slug:slug>/rounds/<signed:number>/skipped", skipped.SkippedList.as_view()),
    path("projects/<slug:slug>/rounds/<signed:number>/retake", rounds.Retake.as_view()),
    path("projects/<slug:slug>/rounds/<signed:number>/open", rounds.RoundStatus.as_view(status=Round.Status.OPEN)),
    path("projects/<slug:slug>/rounds/<signed:number>/pause", rounds.RoundStatus.as_view(status=Round.Status.PAUSED)),
    path("projects/<slug:slug>/rounds/<signed:number>/close", rounds.RoundStatus.as_view(status=Round.Status.CLOSED)),
    path("projects/<slug:slug>/rounds/<signed:number>/claim", rounds.Claim.as_view()),
    path("projects/<slug:slug>/endpoints", estimation.EndpointList.as_view()),
    path("projects/<slug:slug>/estimation-runs", estimation.RunList.as_view()),
    path("projects/<slug:slug>/sampling-runs", sampling.SamplingList.as_view()),
    path("projects/<slug:slug>/scoring-runs", scoring.ScoringRunList.as_view()),
    path("projects/<slug:slug>/scores", scoring.StepScoreList.as_view()),
    path("projects/<slug:slug>/reward-model", scoring.ProjectRewardModel.as_view()),
    path("projects/<slug:slug>/rewards", rewards.RewardList.as_view()),
    path("projects/<slug:slug>/judges", judges.JudgeList.as_view()),
    path("projects/<slug:slug>/constitutions", constitutions.ConstitutionList.as_view()),
    path("projects/<slug:slug>/judge-runs", judging.JudgeRunList.as_view()),
    path("projects/<slug:slug>/judge-runs/forecast", judging.JudgeRunForecast.as_view()),
    path("projects/<slug:slug>/exports", exports.ExportList.as_view()),
    path("projects/<slug:slug>/exports/preview", exports.ExportPreviewView.as_view()),
    path("projects/<slug:slug>/exports/stream", exports.ExportStream.as_view()),
    path("projects/<slug:slug>/label-policies", policies.PolicyList.as_view()),
    path("projects/<slug:slug>/contamination-lists", contamination.ContaminationLists.as_view()),
    path("projects/<slug:slug>/evaluations", evaluations.EvaluationList.as_view()),
    path("projects/<slug:slug>/trust", trust.Trust.as_view()),
    path("projects/<slug:slug>/choruses", trust.ChorusList.as_view()),
    path("projects/<slug:slug>/blind-rounds", samples.BlindRoundList.as_view()),
    path("projects/<slug:slug>/judge-certificates", samples.CertificateList.as_view()),
    path("projects/<slug:slug>/cascades", cascades.CascadeList.as_view()),
    path("solutions/<int:pk>/evidence", evidence.SolutionEvidenceView.as_view()),
    path("solutions/<int:pk>/adjudicate", reviewing.SolutionAdjudicate.as_view()),
    path("solutions/<int:pk>/gold", reviewing.SolutionGold.as_view()),
    path("solutions/<int:pk>/split", reviewing.SolutionSplit.as_view()),
    path("steps/<int:pk>/adjudicate", reviewing.StepAdjudicate.as_view()),
    path("assignments/<int:pk>/review", reviewing.AssignmentReview.as_view()),
    path("assignments/<int:pk>/dismiss-report", reports.DismissReport.as_view()),
    path("assignments/<int:pk>/reopen-report", reports.ReopenReport.as_view()),
    path("imports/<int:pk>", imports.ImportDetail.as_view()),
    path("imports/<int:pk>/cancel", imports.ImportCancel.as_view()),
    path("me/keys", me.Keys.as_view()),
    path("problems/<int:pk>", problems.ProblemDetail.as_view()),
    path("problems/<int:pk>/retire", problems.Retire.as_view()),
    path("problems/<int:pk>/bring-back", problems.BringBack.as_view()),
    path("assignments/<int:pk>", assignments.OwnAssignment.as_view()),
    path("assignments/<int:pk>/skip", skipped.Skip.as_view()),
    path("assignments/<int:pk>/resume", skipped.Resume.as_view()),
    path("assignments/<int:pk>/correct", assignments.Correct.as_view()),
    path("assignments/<int:pk>/renew", assignments.Renew.as_view()),
    path("assignments/<int:pk>/release", assignments.Release.as_view()),
    path("assignments/<int:pk>/draft", assignments.Draft.as_view()),
    path("assignments/<int:pk>/candidates", assignments.Candidates.as_view()),
    path("assignments/<int:pk>/alternatives", assignments.Alternatives.as_view()),
    path("assignments/<int:pk>/answer", training.TrainingAnswerView.as_view()),
    path("assignments/<int:pk>/submit", assignments.Submit.as_view()),
    path("sampling-runs/<int:pk>", sampling.SamplingDetail.as_view()),
    path("sampling-runs/<int:pk>/cancel", sampling.SamplingCancel.as_view()),
    path("sampling-runs/<int:pk>/pause", sampling.SamplingPause.as_view()),
    path("sampling-runs/<int:pk>/resume", sampling.SamplingResume.as_view()),
    *run_paths("estimation-runs", estimation.ESTIMATION_RUNS),
    path("exports/<int:pk>/lineage", lineage.LineageView.as_view()),
    path("exports/<int:pk>/audit", lineage.ExportAudit.as_view()),
    path("evaluations/<int:pk>", evaluations.EvaluationDetail.as_view()),
    path("evaluations/<int:pk>/cancel", evaluations.EvaluationCancel.as_view()),
    *run_paths("scoring-runs", scoring.SCORING_RUNS),
    *run_paths("judge-runs", judging.JUDGE_RUNS),
    path("judge-runs/<int:pk>/replies", replies.ReplyList.as_view()),
    path("judges/<int:pk>", judges.JudgeDetail.as_view()),
    path("judges/<int:pk>/try", trials.JudgeTrial.as_view()),
    path("judge-prompts", prompts.JudgePromptList.as_view()),
    path("blind-rounds/<int:pk>/certify", samples.BlindRoundCertify.as_view()),
    path("cascades/<int:pk>", cascades.CascadeDetail.as_view()),
    path("cascades/<int:pk>/decide", cascades.CascadeDecide.as_view()),
    path("cascades/<int:pk>/apply", cascades.CascadeApply.as_view()),
    path("cascades/<int:pk>/withdraw", cascades.CascadeWithdraw.as_view()),
    path("exports/<int:pk>", exports.ExportDetail.as_view()),
    path("exports/<int:pk>/cancel", exports.ExportCancel.as_view()),
    path("exports/<int:pk>/download", files.ExportDownload.as_view(), name="export-download"),
    path("exports/<int:pk>/files", files.ExportFiles.as_view()),
    path("exports/<int:pk>/files/<str:name>", files.ExportFileView.as_view(), name="api-export-file"),
    path("exports/<int:pk>/archive", files.ExportArchive.as_view(), name="api-export-archive"),
    path("exports/<int:pk>/pushes", pushes.ExportPushes.as_view()),
    path("exports/<int:pk>/diff", diffs.ExportDiffView.as_view()),
    path("label-policies/<int:pk>", policies.PolicyDetail.as_view()),
]
