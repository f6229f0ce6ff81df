"""The demo project: four people, problems with worked solutions, an open round with some work done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.db.locks import try_advisory_lock
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.run import run_import
from apps.corpus.services import create_import
from apps.demo.critic import judge_word_problems, plan_word_problems_cascade
from apps.estimation.models import SamplingRun
from apps.estimation.runs.services import start_run
from apps.estimation.sampling.services import resume_sampling, run_sampling, start_sampling
from apps.evaluation.models import EvaluationKind
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.evaluation.sources.truth import first_error_truth
from apps.inference.addresses import address_entry
from apps.inference.models import Endpoint
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project, Role
from apps.projects.services import add_member, create_project, publish_guidelines
from apps.quality.consensus.recompute import recompute_project
from apps.scoring.apply import apply_scores
from apps.scoring.models import RewardModel, ScoringRun
from apps.scoring.reward_model import set_reward_model
from apps.scoring.services import resume_scoring, start_scoring
from apps.scoring.worker.run import run_scoring_slice

CONTENT = Path(__file__).parent / "data"
SLUG, WORD_PROBLEMS = "demo", "word-problems"
# Endpoints are offered in the order of their names: the one that writes comes before the reward model.
REASONER, PRM, CRITIC = "reasoner", "reasoner-prm", "critic"
PRM_PROMPT = {"preset": "annotate"}
SAMPLES = 8  # Solutions of each word problem.
ROUND_SIZE = 40
LOCK = "word problems of the demo"
SEED = 2026
PASSWORD = "annotate-demo"  # noqa: S105 - printed at every start; the demo is for a server on this machine


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    name: str
    role: Role


ACCOUNTS = (
    Account("owner@demo.example", "Olga Owner", Role.OWNER),
    Account("reviewer@demo.example", "Ravi Reviewer", Role.REVIEWER),
    Account("labeler@demo.example", "Lena Labeler", Role.LABELER),
    Account("colleague@demo.example", "Carl Colleague", Role.LABELER),
)

# The colleague labels this many tasks, so that progress, labels and exports have something to show. The reviewer labels
# none, since reviewers may not review their own work.
LABELED_TASKS = 8


def seed_demo(*, report: Callable[[str], None] = lambda _: None) -> Project:
    """Create the demo project with its accounts, solutions and round, as far as they do not exist yet.

    `report` is told what is being done.
    """
    report("Creating the demo project and its accounts")
    with transaction.atomic():
        project = Project.objects.filter(slug=SLUG).first() or _create_project(
            SLUG,
            "Demo: find the first error",
            "Problems and solutions for trying out Annotate. About half of the solutions contain an error.",
        )
    if not project.solutions.exists():
        report("Importing problems and solutions")
        _import(project, "problems.jsonl")
    if not project.rounds.exists():
        report("Opening a round and labeling some of it")
        _open_round(project)
    if not project.evaluations.exists():
        report("Computing the consensus and two evaluations")
        # Labelers are measured by the marks that come with the consensus; workers would compute it in a few seconds.
        recompute_project(project)
        _evaluate(project, EvaluationKind.PROCESSBENCH, EvaluationKind.STEPS)
    return project


def _evaluate(project: Project, *kinds: EvaluationKind) -> None:
    owner = User.objects.get(email=ACCOUNTS[0].email)
    for kind in kinds:
        evaluation = create_evaluation(project=project, kind=kind, requested_by=owner, enqueue=False)
        run_evaluation(evaluation_id=evaluation.pk)


def _create_project(slug: str, name: str, description: str) -> Project:
    owner, *members = [_get_or_create_user(account) for account in ACCOUNTS]
    project = create_project(slug=slug, name=name, owner=owner, description=description)
    for account, user in zip(ACCOUNTS[1:], members, strict=True):
        add_member(project=project, user=user, role=account.role, actor=owner)
    publish_guidelines(project=project, text=(CONTENT / "guidelines.md").read_text(), author=owner)
    return project


def _get_or_create_user(account: Account) -> User:
    user = User.objects.filter(email=account.email).first()
    return user or create_user(
        email=account.email, password=PASSWORD, name=account.name, is_staff=account.role == Role.OWNER
    )


def _import(project: Project, name: str) -> None:
    path = CONTENT / name
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl", enqueue=False)
    batch = run_import(batch_id=batch.pk)
    if batch.error or batch.rejected:
        findings = batch.findings.all()[:5]
        reasons = "; ".join(f"line {finding.line}, {finding.field}: {finding.reason}" for finding in findings)
        raise DomainError(f"The import of the demo's {name} failed. {batch.error} {reasons}")


@transaction.atomic
def _open_round(project: Project) -> None:
    owner = User.objects.get(email=ACCOUNTS[0].email)
    round_ = open_round(
        project=project, protocol="first_error", redundancy=2, name="Find the first error", created_by=owner
    )
    colleague = User.objects.get(email=ACCOUNTS[3].email)
    for _ in range(LABELED_TASKS):
        _label_one_task(round_, colleague)


def _label_one_task(round_: Round, labeler: User) -> None:
    """Submit the gold labels of the demo, as a careful labeler would."""
    assignment = claim(round=round_, labeler=labeler)
    if not isinstance(assignment, Assignment):
        return
    gold = GoldLabel.objects.filter(step__solution=assignment.task.solution).order_by("step__position")
    steps = [SubmittedStep(position=label.step.position, rating=label.rating) for label in gold.select_related("step")]
    finish = "found_error" if any(step.rating == -1 for step in steps) else "solution"
    submit(
        assignment=assignment,
        submission=Submission(steps=steps, finish_reason=finish, active_ms=9_000 * len(steps), idle_ms=0),
    )


# --- word problems: solved and judged by the bundled reasoner ------------------------------------------------


def create_word_problems() -> Project:
    """The second demo project, with problems only. `sample_word_problems` adds the solutions."""
    with transaction.atomic():
        project = Project.objects.filter(slug=WORD_PROBLEMS).first() or _create_project(
            WORD_PROBLEMS,
            "Demo: word problems of the reasoner",
            "The bundled small language model wrote these solutions, and continued from each of their steps many times "
            "to find out which steps are wrong.",
        )
    if not project.problems.exists():
        _import(project, "word_problems.jsonl")
    return project


def sample_word_problems() -> None:
    """Sample solutions, score, evaluate and judge them, open rounds, estimate, and plan a cascade.

    Whatever exists already stays as it is, and what was left unfinished is completed. One process at a time does it.
    """
    project = Project.objects.filter(slug=WORD_PROBLEMS).first()
    endpoint = Endpoint.objects.filter(project=None, name=REASONER).first()
    if project is None or endpoint is None:
        return
    with try_advisory_lock(LOCK, project.pk) as claimed:
        if claimed:
            _fill_word_problems(project, endpoint, User.objects.get(email=ACCOUNTS[0].email))


def _fill_word_problems(project: Project, endpoint: Endpoint, owner: User) -> None:
    # Repeated texts are kept, because votes and best-of-N count a text as often as it is sampled.
    sampling = project.sampling_runs.order_by("number").first() or start_sampling(
        project=project,
        endpoint=endpoint,
        per_problem=SAMPLES,
        sampling={"max_tokens": 200},
        seed=SEED,
        keeps_repeated=True,
        created_by=owner,
        enqueue=False,
    )
    if _was_interrupted(sampling):
        resume_sampling(run=sampling)
    if not run_sampling(run_id=sampling.pk).has_ended:
        return
    scoring = _score(project, owner)
    if scoring is not None and scoring.status == JobStatus.FINISHED:
        for kind in (EvaluationKind.BEST_OF_N, EvaluationKind.CALIBRATION):
            _evaluate_once(project, kind, owner, scorer=f"run {scoring.number}")
    is_erroneous = first_error_truth(project, EvaluationOptions()).is_erroneous
    if is_erroneous.any() and not is_erroneous.all():
        # People have labeled some since an earlier start.
        _evaluate_once(project, EvaluationKind.PROCESSBENCH, owner)
    if not project.rounds.exists():
        has_scores = project.solutions.wrong().filter(verifier_score__isnull=False).exists()
        open_round(
            project=project,
            protocol="first_error",
            name="Where does the reasoner fail?",
            select=f"{'by:convincing' if has_scores else 'wrong'},sample:{ROUND_SIZE}",
            created_by=owner,
        )
    started = set(project.estimation_runs.values_list("strategy", flat=True))
    for strategy in ("math-shepherd", "posterior-search"):
        if strategy not in started:
            start_run(
                project=project,
                endpoint=endpoint,
                strategy=strategy,
                sampling={"max_tokens": 200},
                seed=SEED,
                keeps_rollouts=True,
                created_by=owner,
            )
    critic = Endpoint.objects.filter(project=None, name=CRITIC).first()
    if critic is not None:
        judge_run = judge_word_problems(project, critic, owner)
        plan_word_problems_cascade(project, judge_run, owner, User.objects.get(email=ACCOUNTS[3].email))


def _was_interrupted(run: SamplingRun | ScoringRun) -> bool:
    """Whether it failed or paused by itself. One that a user has paused has no error and stays so."""
    return run.can_be_resumed and bool(run.error) and run.endpoint is not None


def _score(project: Project, owner: User) -> ScoringRun | None:
    """The scoring run of the bundled reward model, worked on until it ends or pauses; None where it is not served."""
    endpoint = Endpoint.objects.filter(project=None, name=PRM).first()
    if endpoint is None:
        return None
    run = project.scoring_runs.filter(endpoint=endpoint).order_by("number").first()
    if run is None:
        if not RewardModel.objects.filter(project=project).exists():
            set_reward_model(project=project, endpoint=endpoint, prompt=PRM_PROMPT, actor=owner)
        run = start_scoring(project=project, endpoint=endpoint, prompt=PRM_PROMPT, created_by=owner)
    if _was_interrupted(run):
        resume_scoring(run=run)
    # Workers, if there are any, do their part.
    while run_scoring_slice(run_id=run.pk):
        pass
    apply_scores(run_id=run.pk)
    run.refresh_from_db()
    return run


def _evaluate_once(project: Project, kind: EvaluationKind, owner: User, **options: str) -> None:
    """An evaluation whose worker was killed is computed again, and one that failed is followed by another."""
    wanted = {f"options__{name}": value for name, value in options.items()}
    same = project.evaluations.exclude(status=JobStatus.FAILED).filter(kind=kind, **wanted)
    evaluation = same.first() or create_evaluation(
        project=project, kind=kind, options=options, requested_by=owner, enqueue=False
    )
    run_evaluation(evaluation_id=evaluation.pk)


def register_reasoner(*, url: str) -> Endpoint:
    """The bundled model that writes."""
    # The server has 16 slots, and a request for eight rollouts takes eight of them.
    return _register(REASONER, "reasoner", url, max_in_flight=4, most_choices=16, counts_first_only=True)


def register_prm(*, url: str) -> Endpoint:
    """The bundled reward model. The server has 8 slots."""
    return _register(PRM, "prm", url, max_in_flight=8)


def register_critic(*, url: str) -> Endpoint:
    """The critic, where one was trained: it has a prompt of its own. The server has 16 slots."""
    return _register(
        CRITIC,
        "critic",
        url,
        max_in_flight=16,
        most_choices=16,
        counts_first_only=True,
        problem_template="{problem}",
        prefix_end="",
        judge_prompt="critic",
    )


def _register(name: str, model: str, url: str, **settings: int | str) -> Endpoint:
    """An endpoint for all projects. Its port changes at every start, and its address comes from the supervisor."""
    endpoint, _ = Endpoint.objects.update_or_create(
        project=None,
        name=name,
        defaults={
            "url": url,
            "for_all": True,
            "vouched_address": address_entry(url),
            "model": model,
            "transport": "completions",
            "problem_template": "Problem: {problem}\n",
            "prefix_end": "\n",
            **settings,
        },
    )
    return endpoint
