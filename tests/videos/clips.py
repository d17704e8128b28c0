"""Clips of one to three seconds, each made when the first test asks for it."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg

TEN_HOURS_S = 36_000


class Clips:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ffmpeg(self, name: str, *arguments: str) -> Path:
        """The file of that name, made by ffmpeg with these arguments if it is not there yet."""
        path = self.folder / name
        if not path.exists():
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments, str(path)]
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        return path

    def made(
        self,
        name: str,
        *arguments: str,
        seconds: float = 3,
        size: str = "64x48",
        rate: int = 25,
        sound: bool = True,
        picture: str = "testsrc",
    ) -> Path:
        """Moving pictures with a tone."""
        return self.ffmpeg(
            name,
            "-f", "lavfi", "-i", f"{picture}=size={size}:rate={rate}:duration={seconds}",
            *(["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if sound else []),
            *arguments,
        )  # fmt: skip

    # --- what browsers play ---

    def mp4(self) -> Path:
        """H.264 and AAC, its index in front."""
        return self.made("plain.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "12", "-movflags", "+faststart")

    def other_mp4(self, number: int = 0) -> Path:
        """Another content each, so that it is no duplicate."""
        return self.made(
            f"other{number}.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart",
            "-metadata", f"title={number}", seconds=1,
        )  # fmt: skip

    def slow_start_mp4(self) -> Path:
        return self.ffmpeg("slow-start.mp4", "-i", str(self.mp4()), "-c", "copy")

    def webm(self) -> Path:
        return self.made("plain.webm", "-c:v", "libvpx", "-c:a", "libopus")

    def silent_mp4(self) -> Path:
        return self.made("silent.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", sound=False)

    # --- what they do not ---

    def hevc(self) -> Path:
        return self.made("hevc.mp4", "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le")

    def portrait(self) -> Path:
        """As a phone records: landscape pictures and a note to turn them."""
        return self.ffmpeg("portrait.mov", "-display_rotation", "90", "-i", str(self.mp4()), "-c", "copy")

    def variable_rate(self) -> Path:
        return self.made(
            "variable.mp4", "-vf", "select='not(mod(n,7))+lt(mod(n,11),3)'", "-fps_mode", "vfr",
            "-c:v", "libx264", "-pix_fmt", "yuv420p", sound=False,
        )  # fmt: skip

    def odd_size(self) -> Path:
        return self.made("odd.mkv", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-c:a", "libopus", size="65x49")

    def interlaced(self) -> Path:
        return self.made(
            "interlaced.mpg", "-vf", "tinterlace=interleave_top,fieldorder=tff", "-c:v", "mpeg2video",
            "-flags", "+ilme+ildct", "-c:a", "mp2", size="128x96", rate=50,
        )  # fmt: skip

    def phone_hdr(self) -> Path:
        return self.made(
            "hdr.mov", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params",
            "log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
        )  # fmt: skip

    def starts_black(self) -> Path:
        """Two of three seconds are black."""
        return self.made(
            "black.mp4", "-vf", "drawbox=c=black:t=fill:enable='lt(t,2)'",
            "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", size="128x96",
        )  # fmt: skip

    # --- what is no video, or no whole one ---

    def written(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def empty(self) -> Path:
        return self.written("empty.mp4", b"")

    def text(self) -> Path:
        return self.written("text.mp4", b"Dear diary, today I renamed a text.\n" * 500)

    def playlist(self, target: Path) -> Path:
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:10", "#EXTINF:10,", f"file://{target}"]
        return self.written("playlist.mp4", "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode())

    def concat_list(self, target: Path) -> Path:
        return self.written("concat.mp4", f"ffconcat version 1.0\nfile '{target}'\n".encode())

    def audio_only(self) -> Path:
        return self.ffmpeg("audio.mp4", "-i", str(self.mp4()), "-vn", "-c", "copy")

    def audio_with_cover(self) -> Path:
        cover = self.ffmpeg("cover.png", "-i", str(self.mp4()), "-frames:v", "1")
        return self.ffmpeg(
            "cover.mp4", "-i", str(self.audio_only()), "-i", str(cover), "-map", "0", "-map", "1",
            "-c:a", "copy", "-c:v", "png", "-disposition:v", "attached_pic",
        )  # fmt: skip

    def truncated(self, whole: Path) -> Path:
        data = whole.read_bytes()
        return self.written(f"truncated-{whole.name}", data[: len(data) * 6 // 10])

    def with_header_of_ten_hours(self) -> Path:
        data = bytearray(self.mp4().read_bytes())
        for box in (b"mvhd", b"mdhd"):
            at = -1
            while (at := data.find(box, at + 1)) >= 0:
                timescale = struct.unpack_from(">I", data, at + 16)[0]
                struct.pack_into(">I", data, at + 20, timescale * TEN_HOURS_S)
        return self.written("ten-hours.mp4", bytes(data))

    def with_header_of_no_size(self) -> Path:
        data = bytearray(self.mp4().read_bytes())
        at = data.index(b"avc1", data.index(b"stsd"))
        struct.pack_into(">HH", data, at + 4 + 24, 0, 0)
        return self.written("no-size.mp4", bytes(data))
