"""The admin of topics, for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html

from apps.classification.models import Topic, TopicExample
from apps.classification.shipped_head import shipped_head
from apps.classification.teaching import example_problem
from apps.pages.administration.access import deletion_summary
from apps.pages.administration.links import link_to_video
from apps.pages.administration.topic_teaching import TopicTeaching
from apps.pages.people import signed_in

EXCERPT_CHARACTERS = 400  # of an example: a whole talk is no reading for a list


class ExampleForm(forms.ModelForm[TopicExample]):
    """A text that somebody pastes."""

    class Meta:
        model = TopicExample
        fields = ("text",)
        widgets = {"text": forms.Textarea(attrs={"rows": 4, "cols": 100})}

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].strip()
        if problem := example_problem(text):
            raise ValidationError(problem)
        return text


class KeptExamples(admin.TabularInline[TopicExample, Topic]):
    """Those that a topic has. They tell who added what, so that they are removed, and never changed."""

    model = TopicExample
    verbose_name_plural = "Examples to learn it from"
    fields = ("excerpt", "origin")
    readonly_fields = ("excerpt", "origin")
    max_num = 0

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TopicExample]:
        return super().get_queryset(request).select_related("video", "added_by")

    @admin.display(description="text")
    def excerpt(self, example: TopicExample) -> str:
        return truncatechars(example.text, EXCERPT_CHARACTERS)

    @admin.display(description="added")
    def origin(self, example: TopicExample) -> str:
        who = f"by {example.added_by or 'a deleted account'}, {example.added_at:%Y-%m-%d}"
        if example.video_id is None:
            return who
        return format_html("{}, from the video {}", who, link_to_video(example.video_id, example.video))


class NewExamples(admin.StackedInline[TopicExample, Topic]):
    """Empty boxes for more."""

    model = TopicExample
    form = ExampleForm
    verbose_name_plural = "Add examples"
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False  # `KeptExamples` shows them

    has_change_permission = has_view_permission

    def get_extra(self, request: HttpRequest, obj: Topic | None = None, **kwargs: Any) -> int:  # noqa: ARG002
        """As many as are missing, and one."""
        kept = obj.examples.count() if obj else 0
        return max(0, settings.TOPIC_MIN_EXAMPLES - kept) + 1


@admin.register(Topic)
class TopicAdmin(TopicTeaching):
    """Topics are added, taught and renamed. The classifier knows a topic by its label, which therefore stays as it was
    made."""

    list_display = ("name", "label", "position", "video_count", "example_count")
    fields = ("name", "label", "position")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        # By a query of their own: joined to the videos of a topic, each example would be counted once a video.
        examples = TopicExample.objects.filter(topic=OuterRef("pk")).order_by().values("topic")
        n_examples = Coalesce(Subquery(examples.annotate(n=Count("pk")).values("n")), 0)
        return super().get_queryset(request).annotate(prediction_count=Count("predictions"), n_examples=n_examples)

    @admin.display(description="videos", ordering="prediction_count")
    def video_count(self, topic: Topic) -> int:
        count: int = topic.prediction_count  # type: ignore[attr-defined]  # annotated above
        return count

    @admin.display(description="examples", ordering="n_examples")
    def example_count(self, topic: Topic) -> int:
        count: int = topic.n_examples  # type: ignore[attr-defined]  # annotated above
        return count

    def get_readonly_fields(self, request: HttpRequest, obj: Topic | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("label",) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Topic | None) -> Any:  # noqa: ARG002
        """Examples are for what the classifier was not trained on, where it can be taught at all."""
        base = shipped_head()
        if base is None or (obj is not None and obj.label in base.labels):
            return ()
        return (NewExamples,) if obj is None else (KeptExamples, NewExamples)

    def get_form(self, request: HttpRequest, obj: Topic | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        base = shipped_head()
        if base is not None and obj is not None and obj.label in base.labels:
            text = "The classifier was trained on this topic. It learns nothing of it from examples."
        else:
            text = (
                "The classifier's name for it. Moderators file videos under a new topic at once. Videos are filed under"
                " it by themselves once the classifier has learned it: from examples (Teach topics), or by training"
                " (manage.py train_topics)."
            )
        kwargs["help_texts"] = {"label": text}
        return super().get_form(request, obj, **kwargs)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        for inline_form in formset.extra_forms:
            inline_form.instance.added_by = signed_in(request)
        super().save_formset(request, form, formset, change)

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        """Only of a topic without videos, which would lose it."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not obj.predictions.exists()

    def get_deleted_objects(self, objs: Iterable[Topic], request: HttpRequest) -> Any:  # noqa: ARG002
        return deletion_summary(objs, "topics", "with its examples, and nobody follows it any more")
