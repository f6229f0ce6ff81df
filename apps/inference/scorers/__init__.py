"""Kinds of reward model: ways to ask a server for the scores of steps. A new one is a file and a line here."""

from __future__ import annotations

KIND_TITLES = {
    "token_probability": "token probability",
    "pooling": "token classification",
    "json": "plain JSON",
}
