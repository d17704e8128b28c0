from django.apps import AppConfig


class AvsyncConfig(AppConfig):
    name = "apps.avsync"
    label = "avsync"
