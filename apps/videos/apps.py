from django.apps import AppConfig
from django.db.models.signals import post_delete


class VideosConfig(AppConfig):
    name = "apps.videos"
    label = "videos"

    def ready(self) -> None:
        from apps.videos.deletion import remove_files_on_commit
        from apps.videos.models import Video

        post_delete.connect(remove_files_on_commit, sender=Video, dispatch_uid="videos.remove_files")
