"""A video's own files, for whoever may open the video."""

import re
import uuid

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.videos.files import original_name_in_folder, original_path, path_of
from apps.videos.models import Video
from apps.videos.serving import file_response

CONTENT_TYPES = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
    "avi": "video/x-msvideo", "mpg": "video/mpeg", "mpeg": "video/mpeg", "ogv": "video/ogg", "ogg": "video/ogg",
    "ts": "video/mp2t", "mts": "video/mp2t", "m2ts": "video/mp2t", "3gp": "video/3gpp", "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv", "jpg": "image/jpeg", "vtt": "text/vtt; charset=utf-8",
}  # fmt: skip
_SHEET = re.compile(r"storyboard-\d{1,3}\.jpg")


@require_safe
def file(request: HttpRequest, video_id: uuid.UUID, name: str) -> HttpResponseBase:
    """A file that the video's row names; `?download=1` makes the browser save it.

    The original, and its copy with the sound moved, are for the owner and moderators, unless they are what is played:
    they may carry more than is shown, such as the place where a phone took it.
    """
    video = get_object_or_404(Video.objects.visible_to(request.user), pk=video_id)
    is_original = name == original_name_in_folder(video)
    is_for_editors = (is_original or name == video.repaired_name) and name != video.web_name
    if is_for_editors:
        get_object_or_404(Video.objects.editable_by(request.user), pk=video_id)
    elif not _is_named_by(video, name):
        raise Http404("This video has no file of that name.")
    path = original_path(video) if is_original else path_of(video, name)
    return file_response(
        request,
        path,
        content_type=CONTENT_TYPES.get(path.suffix.removeprefix("."), "application/octet-stream"),
        download_name=_download_name(video, path.suffix, is_original) if request.GET.get("download") else None,
        # A shared cache asks nobody: it must never keep what only some may have.
        is_public=video.is_listed and not is_for_editors,
    )


def _is_named_by(video: Video, name: str) -> bool:
    named = {video.web_name, video.poster_name, video.storyboard_name, video.preview_name} - {""}
    return name in named or bool(video.storyboard_name and _SHEET.fullmatch(name))


def _download_name(video: Video, suffix: str, is_original: bool) -> str:
    if is_original:
        return video.original_name
    return re.sub(r'[/\\:*?"<>|]', "_", video.title)[:150] + suffix
