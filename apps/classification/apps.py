from django.apps import AppConfig
from django.core.checks import register


class ClassificationConfig(AppConfig):
    name = "apps.classification"
    label = "classification"

    def ready(self) -> None:
        from apps.classification import checks

        register(checks.check_topic_model)
        register(checks.check_topic_thresholds)
        register(checks.check_topic_gpu)
        register(checks.check_taught_head)
