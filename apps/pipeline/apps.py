from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "apps.pipeline"
    label = "pipeline"

    def ready(self) -> None:
        from apps.pipeline import announcements, workers
        from apps.search import outbox

        outbox.set_waker(announcements.wake_indexer)
        workers.connect()
