"""Addresses of caption files."""

from django.urls import path

from apps.transcription import views

app_name = "transcription"
urlpatterns = [
    path("videos/<uuid:video_id>/captions.<str:language>.<str:form>", views.captions, name="captions"),
]
