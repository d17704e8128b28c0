from django.urls import path

from apps.videos import views

app_name = "videos"
urlpatterns = [path("videos/<uuid:video_id>/files/<str:name>", views.file, name="file")]
