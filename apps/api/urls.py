"""The addresses of the API."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from apps.api.views import captions, files, finding, moderation, people, stages, sync, videos
from apps.api.views.elsewhere import NoSuchAddressView

app_name = "api"

urlpatterns = [
    path("v1/me/", people.MeView.as_view(), name="me"),
    path("v1/videos/", videos.VideosView.as_view(), name="videos"),
    path("v1/videos/<uuid:video_id>/", videos.VideoView.as_view(), name="video"),
    path("v1/videos/<uuid:video_id>/captions/", captions.CaptionTracksView.as_view(), name="captions"),
    path(
        "v1/videos/<uuid:video_id>/captions/<str:language>/",
        captions.CaptionTrackView.as_view(),
        name="captions-language",
    ),
    path(
        "v1/videos/<uuid:video_id>/captions/<str:language>/matches/",
        finding.MatchesView.as_view(),
        name="captions-matches",
    ),
    path(
        "v1/videos/<uuid:video_id>/captions/<str:language>/<str:form>",
        files.CaptionsFileView.as_view(),
        name="captions-file",
    ),
    path("v1/videos/<uuid:video_id>/files/<str:name>", files.FileView.as_view(), name="file"),
    path("v1/videos/<uuid:video_id>/similar/", finding.SimilarView.as_view(), name="similar"),
    path("v1/videos/<uuid:video_id>/stages/", stages.StagesView.as_view(), name="stages"),
    path(
        "v1/videos/<uuid:video_id>/stages/<str:stage>/run-again/",
        stages.RunAgainView.as_view(),
        name="run-again",
    ),
    path("v1/videos/<uuid:video_id>/sync/repair/", sync.RepairView.as_view(), name="sync-repair"),
    path("v1/videos/<uuid:video_id>/sync/undo/", sync.UndoView.as_view(), name="sync-undo"),
    path("v1/videos/<uuid:video_id>/topic/", moderation.TopicOfVideoView.as_view(), name="video-topic"),
    path("v1/videos/<uuid:video_id>/reports/", moderation.ReportsOfVideoView.as_view(), name="video-reports"),
    path("v1/topics/", finding.TopicsView.as_view(), name="topics"),
    path("v1/topics/<slug:label>/follow/", finding.FollowTopicView.as_view(), name="follow-topic"),
    path("v1/search/", finding.SearchView.as_view(), name="search"),
    path("v1/search/suggestions/", finding.SuggestionsView.as_view(), name="suggestions"),
    path("v1/moderation/videos/", moderation.ModerationQueueView.as_view(), name="moderation-queue"),
    path("v1/moderation/videos/<uuid:video_id>/approve/", moderation.ApproveView.as_view(), name="approve"),
    path("v1/moderation/videos/<uuid:video_id>/reject/", moderation.RejectView.as_view(), name="reject"),
    path("v1/moderation/topics/", moderation.TopicQueueView.as_view(), name="topic-queue"),
    path("v1/moderation/topics/summary/", moderation.TopicSummaryView.as_view(), name="topic-summary"),
    path("v1/moderation/reports/", moderation.ReportsView.as_view(), name="reports"),
    path("v1/moderation/reports/<uuid:report_id>/resolve/", moderation.ResolveReportView.as_view(), name="resolve"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    path(
        "redoc/",
        SpectacularRedocView.as_view(url_name="api:schema", template_name="api/redoc.html"),
        name="redoc",
    ),
    path("v1/<path:rest>", NoSuchAddressView.as_view(), name="elsewhere"),
]
