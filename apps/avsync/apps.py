from django.apps import AppConfig
from django.core.checks import register


class AvsyncConfig(AppConfig):
    name = "apps.avsync"
    label = "avsync"
    verbose_name = "lip sync"

    def ready(self) -> None:
        from apps.avsync.checks import check_sync_files

        register(check_sync_files)
