from django.apps import AppConfig
from django.core.checks import register


class ClassificationConfig(AppConfig):
    name = "apps.classification"
    label = "classification"

    def ready(self) -> None:
        from apps.classification.checks import check_topic_model, check_topic_thresholds

        register(check_topic_model)
        register(check_topic_thresholds)
