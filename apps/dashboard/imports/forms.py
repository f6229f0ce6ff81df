"""Finding solutions, bringing files in."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.corpus.imports.preview import TARGETS
from apps.corpus.imports.readers import READERS
from apps.corpus.splitting.steps import SPLITTERS
from apps.dashboard.forms import ServiceForm
from apps.dashboard.solutions.queries import Facets

SPLIT_WORDS = {
    "newline": "at each line",
    "blank_line": "at blank lines",
    "numbered": "at numbered steps: Step 1:, ## Step 1, 1., 1), (1)",
    "separator": "at a separator",
}


class BrowseForm(forms.Form):
    answer = forms.ChoiceField(
        required=False,
        label="Answer",
        choices=[
            ("", "any"),
            ("right", "right"),
            ("wrong", "wrong"),
            ("ungraded", "not graded"),
            ("differing", "differs from the file"),
        ],
    )
    labels = forms.ChoiceField(
        required=False,
        label="Labels",
        choices=[
            ("", "any"),
            ("people", "by people"),
            ("none", "not by people"),
            ("gold", "gold"),
            ("monte_carlo", "Monte Carlo"),
            ("judges", "judges"),
        ],
    )
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    text = forms.CharField(
        required=False,
        max_length=200,
        label="Statement contains",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    problem = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in (
            ("source", facets.sources),
            ("subject", facets.subjects),
            ("level", facets.levels),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "any"), *((value, value) for value in values)]
            if not values:
                del self.fields[name]


class UploadForm(ServiceForm):
    file = forms.FileField(
        label="File",
        help_text="JSON Lines, a JSON array or Parquet, plain, gzipped or zstd.",
        widget=forms.ClearableFileInput(attrs={"accept": ".jsonl,.json,.ndjson,.gz,.zst,.parquet"}),
    )


class ImportForm(ServiceForm):
    """How to read a kept file. The mapping fields are named `map:problem.statement` and so on."""

    format = forms.ChoiceField(choices=[(name, f"{reader.title} ({name})") for name, reader in READERS.items()])
    split = forms.ChoiceField(
        choices=[(name, SPLIT_WORDS.get(name, name)) for name in SPLITTERS],
        label="Steps are parted",
        required=False,
    )
    separator = forms.CharField(
        required=False,
        strip=False,
        max_length=50,
        help_text=r"For “at a separator”; \n is a line end, \t a tab.",
    )

    label_scale = forms.ChoiceField(
        required=False,
        label="A 0 among the labels is",
        choices=[
            ("", "not among them"),
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
        """Rows of other shapes are to be read, and nobody has said yet what any column holds."""
        targets = (name for name in self.fields if name.startswith("map:"))
        return self["format"].value() == "jsonl" and not any(self[name].value() for name in targets)

    @property
    def mapping(self) -> dict[str, str]:
        return {
            target: self.cleaned_data[f"map:{target}"] for target in TARGETS if self.cleaned_data.get(f"map:{target}")
        }

    @property
    def options(self) -> dict[str, Any]:
        """Options for the readers; only the generic one has a mapping, and only texts that come whole are split."""
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
