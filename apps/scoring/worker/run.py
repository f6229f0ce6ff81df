"""stub"""

from apps.estimation.worker.schedule import WaitingRun


class ScoringRuns:
    task = "x"

    def waiting(self) -> list[WaitingRun]:
        return []

    def serve(self, run_id: int) -> None:
        pass


SCORING_RUNS = ScoringRuns()
