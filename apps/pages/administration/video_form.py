"""What a moderator may change of a video."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError

from apps.videos.details import DetailsInvalidError, VideoDetails, clean_details, tags_from_text
from apps.videos.models import Video


class VideoForm(forms.ModelForm[Video]):
    """Saved by `edit_video` alone, which `cleaned_details` and the revision that the moderator saw are for.

    The names of two fields differ from the model's, so that Django does not write them itself.
    """

    tag_names = forms.CharField(
        label="Tags", required=False, widget=AdminTextInputWidget, help_text="Separated by commas."
    )
    seen_revision = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Video
        fields = ("title", "description", "language", "visibility")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("seen_revision", self.instance.revision)
        names = self.instance.tags.order_by("name").values_list("name", flat=True)
        self.initial.setdefault("tag_names", ", ".join(names))
        self.cleaned_details: VideoDetails | None = None

    def clean(self) -> dict[str, Any] | None:
        """Raises ValidationError where the details cannot stand, or somebody else changed the video meanwhile."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        try:
            self.cleaned_details = clean_details(
                VideoDetails(
                    title=self.cleaned_data["title"],
                    description=self.cleaned_data["description"],
                    tags=tags_from_text(self.cleaned_data["tag_names"]),
                    language=self.cleaned_data["language"],
                    visibility=self.cleaned_data["visibility"],
                )
            )
        except DetailsInvalidError as error:
            renamed = {"tags": "tag_names"}
            raise ValidationError({renamed.get(name, name): text for name, text in error.problems.items()}) from error
        current = Video.objects.values_list("revision", flat=True).get(pk=self.instance.pk)
        if self.cleaned_data["seen_revision"] != current:
            raise ValidationError(
                "Somebody changed this video since you opened this page. Open it again, look at how it stands now, "
                "then make your change."
            )
        return cleaned
