"""The names that the columns of many published files have, by what they mean. Pure."""

from __future__ import annotations

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "problem.statement": ("problem", "question", "prompt", "instruction", "query", "statement"),
    "solution.text": (
        "solution",
        "response",
        "completion",
        "output",
        "generation",
        "model_output",
        "generated_solution",
    ),
    "solution.steps": ("steps", "completions", "solution_steps"),
    "problem.reference_answer": (
        "answer",
        "ground_truth",
        "expected_answer",
        "reference_answer",
        "gold_answer",
        "target",
    ),
    "problem.reference_solution": ("reference_solution", "ground_truth_solution"),
    "solution.final_answer": ("final_answer", "pred", "prediction", "extracted_answer", "predicted_answer"),
    "solution.is_correct": ("is_correct", "correct", "final_answer_correct", "passed"),
    "solution.source": ("source", "model", "generator", "model_name"),
    "problem.external_id": ("problem_id", "unique_id", "question_id"),
    "solution.external_id": ("id", "solution_id", "sample_id"),
    "problem.subject": ("subject", "type", "category", "topic"),
    "problem.level": ("level", "difficulty"),
    "solution.verifier_score": ("verifier_score", "orm_score"),
    "first_error": ("first_error", "mistake_index", "first_error_step"),
    "error_steps": ("error_steps", "reason_error_section_numbers"),
    "labels": ("process_correctness", "step_labels"),
    "step_scores": ("step_scores", "rating_probs", "prm_scores"),
}
