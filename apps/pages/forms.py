"""The form in which a person describes a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.videos.details import (
    MAX_DESCRIPTION,
    MAX_TITLE,
    DetailsInvalidError,
    VideoDetails,
    clean_details,
    tags_from_text,
)
from apps.videos.languages import LANGUAGES
from apps.videos.models import Video, Visibility

SORTED_LANGUAGES = sorted(LANGUAGES, key=lambda language: language[1])


class DetailsForm(forms.Form):
    """Title, description, tags, language, visibility. What may stand in them, `apps.videos.details` decides."""

    title = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"maxlength": MAX_TITLE, "autocomplete": "off"})
    )
    description = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"maxlength": MAX_DESCRIPTION, "rows": 5})
    )
    tags = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Words to file it under, separated by commas.",
    )
    language = forms.ChoiceField(
        choices=SORTED_LANGUAGES, label="Spoken language", help_text="Captions are written in it."
    )
    visibility = forms.ChoiceField(choices=Visibility.choices, widget=forms.RadioSelect, label="Who can watch it")

    def __init__(self, *args: Any, untitled: str = "", **kwargs: Any) -> None:
        """`untitled` stands in for an empty title."""
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.untitled = untitled

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            self.details = clean_details(
                VideoDetails(
                    title=cleaned.get("title") or self.untitled,
                    description=cleaned.get("description", ""),
                    tags=tags_from_text(cleaned.get("tags", "")),
                    language=cleaned.get("language", "en"),
                    visibility=cleaned.get("visibility", Visibility.PUBLIC),
                )
            )
        except DetailsInvalidError as error:
            for name, problem in error.problems.items():
                self.add_error(name, problem)
        return cleaned


def initial_details(video: Video) -> Mapping[str, Any]:
    """How `video` stands now, for `DetailsForm(initial=…)`. One query."""
    return {
        "title": video.title,
        "description": video.description,
        "tags": ", ".join(video.tags.order_by("name").values_list("name", flat=True)),
        "language": video.language,
        "visibility": video.visibility,
    }
