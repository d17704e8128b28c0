from django.apps import AppConfig
from django.core.checks import register


class SearchConfig(AppConfig):
    name = "apps.search"
    label = "search"

    def ready(self) -> None:
        from apps.search import checks, signals

        signals.connect()
        register(checks.search_index_is_of_this_version)
        register(checks.embedding_model_is_there)
        register(checks.embedding_gpu_is_there)
