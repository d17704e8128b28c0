"""The addresses of the pages."""

from django.urls import path

from apps.pages.views import (
    captions,
    editing,
    feed,
    following,
    home,
    moderation,
    my_videos,
    notices,
    playback,
    search,
    sync,
    upload,
    watch,
)

app_name = "pages"

urlpatterns = [
    path("", home.home, name="home"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("topics/<slug:label>/", home.topic, name="topic"),
    path("topics/<slug:label>/feed/", feed.topic_feed, name="topic-feed"),
    path("topics/<slug:label>/follow/", following.follow, name="follow"),
    path("topics/<slug:label>/unfollow/", following.unfollow, name="unfollow"),
    path("following/", following.following, name="following"),
    path("search/", search.search, name="search"),
    path("search/suggest/", search.suggestions, name="suggest"),
    path("search/feed/", feed.search_feed, name="search-feed"),
    path("upload/", upload.upload, name="upload"),
    path("my-videos/", my_videos.my_videos, name="my-videos"),
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.read, name="notices-read"),
    path("watch/<uuid:video_id>/", watch.watch, name="watch"),
    path("watch/<uuid:video_id>/status/", watch.status, name="status"),
    path("watch/<uuid:video_id>/run-again/", watch.run_again, name="run-again"),
    path("watch/<uuid:video_id>/position/", playback.position, name="position"),
    path("watch/<uuid:video_id>/report/", moderation.report, name="report"),
    path("watch/<uuid:video_id>/moderate/", moderation.moderate, name="moderate"),
    path("videos/<uuid:video_id>/edit/", editing.edit, name="edit"),
    path("videos/<uuid:video_id>/delete/", editing.delete, name="delete"),
    path("videos/<uuid:video_id>/sync/", sync.sync, name="sync"),
    path("videos/<uuid:video_id>/sync/repair/", sync.repair, name="sync-repair"),
    path("videos/<uuid:video_id>/sync/undo/", sync.undo, name="sync-undo"),
    path("videos/<uuid:video_id>/captions/", captions.captions, name="captions"),
    path("videos/<uuid:video_id>/captions/delete/", captions.delete, name="captions-delete"),
]
