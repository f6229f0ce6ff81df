"""Forms to upload a file and to choose how it is read."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.corpus.imports.columns import choices_of
from apps.corpus.imports.preview import TARGETS, TOOL_TARGETS, Sample, questions_in
from apps.corpus.imports.readers import READERS
from apps.corpus.imports.readers.base import ToolReader
from apps.corpus.imports.readers.meanings import usual_meaning
from apps.corpus.imports.readers.tools.answers import QUESTIONS
from apps.corpus.splitting.steps import SPLITTERS
from apps.dashboard.forms import ServiceForm

SPLITTER_TITLES = {
    "newline": "at each line",
    "blank_line": "at blank lines",
    "numbered": "at numbered steps: Step 1:, ## Step 1, 1., 1), (1)",
    "separator": "at a separator",
}


TOOLS = tuple(name for name, reader in READERS.items() if isinstance(reader, ToolReader))
# The formats whose answers come as one text, which becomes steps.
SPLITTING = ("jsonl", "preference", "kto", "chat", *TOOLS)
MAIN_TARGETS = (
    "problem.statement",
    "solution.text",
    "solution.steps",
    "problem.reference_answer",
    "comparison.left.text",
    "comparison.right.text",
)
MEANING_TITLES = [
    ("", "choose"),
    ("great", "great"),
    ("okay", "okay"),
    ("bad", "bad"),
    ("unsure", "unsure"),
    ("not_judged", "not judged"),
    ("no_error", "no error"),
    ("left", "the left answer"),
    ("right", "the right answer"),
    ("tie", "a tie"),
]


class UploadForm(ServiceForm):
    file = forms.FileField(
        label="File",
        help_text="JSON Lines, a JSON array, CSV, TSV or Parquet; plain, gzip or zstd.",
        widget=forms.ClearableFileInput(attrs={"accept": ".jsonl,.json,.ndjson,.csv,.tsv,.gz,.zst,.parquet"}),
    )


class ImportForm(ServiceForm):
    """How to read an uploaded file as `format_`. Fields of the mapping are named `map:problem.statement` and so on.

    The export of a labeling tool has questions as well, and `means:` fields for what its choices mean. `shown_for` is the
    format that the form was made for.
    """

    shown_for = forms.CharField(required=False, widget=forms.HiddenInput)
    format = forms.ChoiceField(choices=[(name, f"{reader.title} ({name})") for name, reader in READERS.items()])
    split = forms.ChoiceField(
        choices=[(name, SPLITTER_TITLES.get(name, name)) for name in SPLITTERS],
        label="Split texts into steps",
        required=False,
    )
    separator = forms.CharField(
        required=False,
        strip=False,
        max_length=50,
        help_text=r"For “at a separator”. \n is a line break, \t a tab.",
    )

    label_scale = forms.ChoiceField(
        required=False,
        label="A label of 0 means",
        choices=[
            ("", "does not occur"),
            ("binary", "bad: labels are 1 and 0"),
            ("ternary", "okay: labels are 1, 0 and -1"),
        ],
    )

    def __init__(self, *args: Any, sample: Sample, format_: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.format_ = format_
        self.is_tool = format_ in TOOLS
        questions = questions_in(sample, format_)
        for target, label in (TOOL_TARGETS if self.is_tool else TARGETS).items():
            paths = [column.path for column in sample.columns if column.serves(target)]
            self._add_choice(f"map:{target}", label, [("", "not in this file"), *((path, path) for path in paths)])
        if self.is_tool:
            names = [("", "no question"), *((question.name, question.name) for question in questions)]
            for target, label in QUESTIONS.items():
                self._add_choice(f"map:{target}", label, names)
            for choice in choices_of(questions):
                self._add_choice(f"means:{choice}", f"“{choice}” means", MEANING_TITLES)
                self.fields[f"means:{choice}"].initial = usual_meaning(choice)

    def _add_choice(self, name: str, label: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name] = forms.ChoiceField(choices=choices, required=False, label=label)

    def _bound(self, prefix: str) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(prefix)]

    @property
    def path_fields(self) -> list[forms.BoundField]:
        return [field for field in self._bound("map:") if not self.is_tool or field.name[4:] not in QUESTIONS]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """The usual fields, and those for which a path is chosen."""
        return [field for field in self.path_fields if field.name[4:] in MAIN_TARGETS or field.value()]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        main = {field.name for field in self.main_fields}
        return [field for field in self.path_fields if field.name not in main]

    @property
    def question_fields(self) -> list[forms.BoundField]:
        return [field for field in self._bound("map:") if self.is_tool and field.name[4:] in QUESTIONS]

    @property
    def meaning_fields(self) -> list[forms.BoundField]:
        return self._bound("means:")

    @property
    def is_unmapped(self) -> bool:
        """The format needs a mapping, and no path is chosen yet."""
        return self["format"].value() == "jsonl" and not any(field.value() for field in self._bound("map:"))

    def _chosen(self, prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): value
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix) and value
        }

    @property
    def options(self) -> dict[str, Any]:
        """The reader's options. Only some readers have a mapping, and only readers of whole texts split them."""
        format_ = self.cleaned_data.get("format")
        if format_ not in SPLITTING:
            return {}
        mapping = self._chosen("map:") if self.is_tool or format_ == "jsonl" else {}
        options: dict[str, Any] = {"mapping": mapping} if mapping else {}
        if mapping and not self.is_tool and self.cleaned_data.get("label_scale"):
            options["label_scale"] = self.cleaned_data["label_scale"]
        if self.is_tool and (meanings := self._chosen("means:")):
            options["meanings"] = meanings
        split = self.cleaned_data.get("split")
        if split:
            options["split"] = split
        if split == "separator":
            separator = self.cleaned_data["separator"]
            options["separator"] = separator.replace(r"\n", "\n").replace(r"\t", "\t")
        return options
