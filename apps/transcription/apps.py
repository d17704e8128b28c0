from django.apps import AppConfig
from django.core.checks import register


class TranscriptionConfig(AppConfig):
    name = "apps.transcription"
    label = "transcription"

    def ready(self) -> None:
        from apps.transcription.checks import check_gpu, check_model_folders

        register(check_gpu)
        register(check_model_folders)
