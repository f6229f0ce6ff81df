"""Forms to upload a file and to choose how it is read."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.corpus.imports.preview import TARGETS
from apps.corpus.imports.readers import READERS
from apps.corpus.splitting.steps import SPLITTERS
from apps.dashboard.forms import ServiceForm

SPLITTER_TITLES = {
    "newline": "at each line",
    "blank_line": "at blank lines",
    "numbered": "at numbered steps: Step 1:, ## Step 1, 1., 1), (1)",
    "separator": "at a separator",
}


class UploadForm(ServiceForm):
    file = forms.FileField(
        label="File",
        help_text="JSON Lines, a JSON array or Parquet; plain, gzip or zstd.",
        widget=forms.ClearableFileInput(attrs={"accept": ".jsonl,.json,.ndjson,.gz,.zst,.parquet"}),
    )


class ImportForm(ServiceForm):
    """How to read an uploaded file. The fields of the column mapping are named `map:problem.statement` and so on."""

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

    def __init__(self, *args: Any, columns: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "not in this file"), *((column, column) for column in columns)]
        for target, label in TARGETS.items():
            self.fields[f"map:{target}"] = forms.ChoiceField(choices=choices, required=False, label=label)

    @property
    def is_unmapped(self) -> bool:
        """The format needs a column mapping, and no column is mapped yet."""
        targets = (name for name in self.fields if name.startswith("map:"))
        return self["format"].value() == "jsonl" and not any(self[name].value() for name in targets)

    @property
    def mapping(self) -> dict[str, str]:
        return {
            target: self.cleaned_data[f"map:{target}"] for target in TARGETS if self.cleaned_data.get(f"map:{target}")
        }

    @property
    def options(self) -> dict[str, Any]:
        """The reader's options. Only the generic reader has a mapping, and only readers of whole texts split them."""
        format_ = self.cleaned_data.get("format")
        if format_ not in ("jsonl", "preference", "kto"):
            return {}
        options: dict[str, Any] = {"mapping": self.mapping} if self.mapping and format_ == "jsonl" else {}
        if options and self.cleaned_data.get("label_scale"):
            options["label_scale"] = self.cleaned_data["label_scale"]
        split = self.cleaned_data.get("split")
        if split:
            options["split"] = split
        if split == "separator":
            separator = self.cleaned_data["separator"]
            options["separator"] = separator.replace(r"\n", "\n").replace(r"\t", "\t")
        return options
