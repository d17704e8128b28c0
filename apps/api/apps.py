from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        # drf-spectacular finds the scheme of our tokens by its class having been imported.
        from apps.api import schema  # noqa: F401
