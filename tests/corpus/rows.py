"""One small valid row of each format that can be imported, as its publishers write it."""

from __future__ import annotations

from typing import Any

VALID: dict[str, dict[str, Any]] = {
    "prm800k": {
        "labeler": "340d89bc-f5b7-45e9-b272-909ba68ee363",
        "timestamp": "2023-01-22T04:34:27.052924",
        "generation": 9,
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {"problem": "What is 1 + 1?", "ground_truth_answer": "2"},
        "label": {
            "steps": [
                {
                    "completions": [
                        {"text": "One and one.", "rating": -1, "flagged": False},
                        {"text": "We count.", "rating": 1, "flagged": None},
                    ],
                    "human_completion": None,
                    "chosen_completion": 1,
                },
                {
                    "completions": [{"text": "# Answer\n\n2", "rating": 1, "flagged": False}],
                    "human_completion": None,
                    "chosen_completion": 0,
                },
            ],
            "total_time": 278270,
            "finish_reason": "solution",
        },
    },
    "gsm8k": {"question": "What is 1 + 1?", "answer": "We add: <<1+1=2>>2.\nThat is it.\n#### 2"},
    "gsm8k-solutions": {
        "question": "What is 1 + 1?",
        "ground_truth": "We add.\n#### 2",
        "6b_finetuning": {"solution": "It is 3.\n#### 3", "is_correct": False},
    },
    "math": {
        "problem": "What is 1 + 1?",
        "solution": "We add. So \\boxed{2}.",
        "answer": "2",
        "subject": "Algebra",
        "level": 1,
    },
    "math-shepherd": {
        "input": "What is 1 + 1? Step 1: We add. \u043a\u0438\nStep 2: The answer is: 3 \u043a\u0438",
        "label": "What is 1 + 1? Step 1: We add. +\nStep 2: The answer is: 3 -",
        "task": "GSM8K",
    },
    "processbench": {
        "id": "gsm8k-0",
        "generator": "some-model",
        "problem": "What is 1 + 1?",
        "steps": ["We add.", "It is 3."],
        "final_answer_correct": False,
        "label": 1,
    },
    "trl-prm": {"prompt": "What is 1 + 1?", "completions": ["We add.", "It is 3."], "labels": [True, False]},
    "preference": {
        "prompt": [{"role": "user", "content": "What is 1 + 1?"}],
        "chosen": [{"role": "assistant", "content": "We add.\nIt is 2."}],
        "rejected": [{"role": "assistant", "content": "It is 3."}],
        "margin": 2,
    },
    "kto": {"prompt": "What is 1 + 1?", "completion": "We add.\nIt is 3.", "label": False},
    "chat": {
        "conversations": [
            {"from": "human", "value": "What is 1 + 1?"},
            {"from": "gpt", "value": "We add.\nIt is 3."},
        ]
    },
    "label-studio": {
        "id": 12,
        "data": {"problem": "What is 1 + 1?", "solution": "We add.\nIt is 3."},
        "annotations": [
            {
                "id": 31,
                "completed_by": 7,
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-01-02T03:04:05.678901Z",
                "lead_time": 12.5,
                "result": [
                    {
                        "id": "a1",
                        "from_name": "rate_0",
                        "to_name": "step_0",
                        "type": "choices",
                        "value": {"choices": ["good"]},
                    },
                    {
                        "id": "a2",
                        "from_name": "rate_1",
                        "to_name": "step_1",
                        "type": "choices",
                        "value": {"choices": ["bad"]},
                    },
                ],
            }
        ],
        "predictions": [
            {
                "model_version": "critic-7b",
                "score": None,
                "result": [
                    {"from_name": "rate_1", "to_name": "step_1", "type": "choices", "value": {"choices": ["bad"]}}
                ],
            }
        ],
    },
    "argilla": {
        "id": "r-1",
        "fields": {"problem": "What is 1 + 1?", "solution": "We add.\nIt is 3."},
        "metadata": {},
        "suggestions": {"step_2": {"value": "bad", "score": 0.5, "agent": "critic-7b"}},
        "responses": {
            "step_1": [{"value": "good", "user_id": "00000000-0000-0000-0000-000000000001"}],
            "step_2": [{"value": "bad", "user_id": "00000000-0000-0000-0000-000000000001"}],
        },
        "vectors": {},
        "status": "completed",
        "_server_id": None,
    },
    "jsonl": {
        "problem": {"statement": "What is 1 + 1?", "reference_answer": "2", "verifier": "math"},
        "solution": {
            "steps": [
                {"position": 0, "candidate": 0, "text": "We add."},
                {"position": 1, "candidate": 0, "text": "It is 3."},
            ],
            "source": "some-model",
            "is_correct": False,
        },
        "people": [
            {
                "labeler": "one",
                "finish_reason": "found_error",
                "submitted_at": "2026-01-01T00:00:00Z",
                "steps": [{"position": 0, "rating": 1}, {"position": 1, "rating": -1}],
                "progress": 0,
                "critiques": [
                    {"position": 1, "text": "It is 2.", "origin": "model", "source": "critic", "rating": 1},
                    {"position": 1, "text": "One too many.", "is_own": True},
                ],
            }
        ],
        "gold": {"steps": [{"position": 1, "rating": -1}]},
        "monte_carlo": [{"run": 1, "steps": [{"position": 0, "rollouts": 8, "successes": 3}]}],
        "judges": [
            {
                "judge": "critic",
                "version": 3,
                "run": 2,
                "steps": [
                    {"position": 0, "rating": 1, "confidence": 0.9, "reason": "It adds."},
                    {"position": 1, "candidate": 0, "rating": -1},
                ],
            }
        ],
        "scores": [
            {"scorer": "prm", "run": 4, "steps": [{"position": 0, "score": 0.9}, {"position": 1, "score": 0.2}]}
        ],
    },
}
