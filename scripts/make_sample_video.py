"""Makes the sample video, `samples/talk.mp4`, and what is said in it, `samples/talk.txt`.

    python scripts/make_sample_video.py [--output-dir samples]

A talk of two minutes in two synthetic voices (Debian's flite) over slides that `sample_slides.py` draws. The same
flite, Pillow and ffmpeg make the same bytes. Takes about 20 seconds.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from sample_slides import HEIGHT, SLIDES, WIDTH, draw_slide

Samples = npt.NDArray[np.float32]
Frame = npt.NDArray[np.uint8]

VOICES = ("rms", "awb")  # of flite's voices, the two that recognisers understand best
SAMPLE_RATE = 16_000  # Hz, what flite writes
LOUDNESS = 0.09  # root mean square of a sentence, full scale 1.0: the voices differ by several decibels
LEAD_S, BETWEEN_SENTENCES_S, BETWEEN_SLIDES_S = 0.8, 0.45, 1.1
FRAMES_PER_SECOND = 15
FADE_FRAMES = 6
TIMELINE = (210, 80, 43)  # RGB of the line that grows along the lower edge
MAX_BYTES = 3_000_000
ENCODER_TIMEOUT_S = 300


class SampleVideoError(Exception):
    """The sample cannot be made. The message says what to do."""


def spoken_text() -> str:
    """Everything that is said, one slide a line."""
    return "".join(" ".join(slide.sentences) + "\n" for slide in SLIDES)


def speak(sentence: str, voice: str, folder: Path) -> Samples:
    """`sentence` as float32 samples `(n_samples,)` at 16 kHz, all sentences equally loud.

    Raises SampleVideoError where flite is missing, fails, or writes something else than 16 kHz mono.
    """
    path = folder / "sentence.wav"
    command = ["flite", "-voice", voice, "-t", sentence, "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise SampleVideoError(f"flite failed on {sentence!r}: {done.stderr[-500:]}")
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise SampleVideoError(f"flite's voice {voice} is not 16-bit mono at 16 kHz: install Debian's flite 2.2.")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / 32_768
    loud = samples * (LOUDNESS / float(np.sqrt(np.mean(samples**2))))
    return np.clip(loud, -0.98, 0.98).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def narrate(folder: Path) -> list[Samples]:
    """What is heard over each slide, pauses included; the voices take turns."""
    spoken = []
    for index, slide in enumerate(SLIDES):
        parts = [silence(LEAD_S if index == 0 else BETWEEN_SLIDES_S / 2)]
        for position, sentence in enumerate(slide.sentences):
            if position:
                parts.append(silence(BETWEEN_SENTENCES_S))
            parts.append(speak(sentence, VOICES[index % len(VOICES)], folder))
        parts.append(silence(LEAD_S if index == len(SLIDES) - 1 else BETWEEN_SLIDES_S / 2))
        spoken.append(np.concatenate(parts))
    return spoken


def frames(durations_s: list[float]) -> Iterator[Frame]:
    """Pictures `(720, 1280, 3)` in RGB: each slide for its time, fading into the next, a timeline below."""
    slides = [np.asarray(draw_slide(slide, number=index + 1)) for index, slide in enumerate(SLIDES)]
    ends = np.round(np.cumsum(durations_s) * FRAMES_PER_SECOND).astype(int)
    number = 0
    for index, end in enumerate(ends):
        first = number
        while number < end:
            weight = min(1.0, (number - first + 1) / FADE_FRAMES) if index else 1.0
            frame = slides[index].copy()
            if weight < 1.0:
                mixed = slides[index - 1].astype(np.float32) * (1 - weight) + slides[index].astype(np.float32) * weight
                frame = np.rint(mixed).astype(np.uint8)
            frame[HEIGHT - 6 :, : round(WIDTH * (number + 1) / ends[-1])] = TIMELINE
            yield frame
            number += 1


def encode(sound: Samples, pictures: Iterator[Frame], output: Path, folder: Path) -> None:
    """Writes an H.264/AAC MP4 with its index in front. Raises SampleVideoError with the end of ffmpeg's words."""
    wav = folder / "talk.wav"
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(sound * 32_767).astype("<i2").tobytes())
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    command += ["-protocol_whitelist", "file,pipe", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}"]
    command += ["-r", str(FRAMES_PER_SECOND), "-i", "pipe:0"]
    command += ["-protocol_whitelist", "file,pipe", "-i", str(wav)]
    # A fixed number of threads and the bitexact flags: the same bytes on every machine with this ffmpeg.
    command += ["-c:v", "libx264", "-preset", "medium", "-tune", "stillimage", "-crf", "24", "-pix_fmt", "yuv420p"]
    command += ["-g", str(FRAMES_PER_SECOND * 5), "-threads", "2", "-c:a", "aac", "-b:a", "72k", "-ar", "44100"]
    command += [
        "-fflags",
        "+bitexact",
        "-flags",
        "+bitexact",
        "-map_metadata",
        "-1",
        "-movflags",
        "+faststart",
        str(output),
    ]
    errors = folder / "ffmpeg.log"
    with errors.open("wb") as log, subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log) as process:
        assert process.stdin is not None
        try:
            for picture in pictures:
                process.stdin.write(picture.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg has ended; its status and its words below say why
        status = process.wait(timeout=ENCODER_TIMEOUT_S)
    if status:
        raise SampleVideoError(f"ffmpeg failed: {errors.read_text(errors='replace')[-1000:]}")


def make_sample_video(output_dir: Path) -> Path:
    """Writes `talk.mp4` and `talk.txt` into `output_dir`, and returns the video's path. Raises SampleVideoError."""
    if shutil.which("flite") is None:
        raise SampleVideoError("flite is not installed; on Debian: sudo apt-get install flite")
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sample-video-") as name:
        folder = Path(name)
        narration = narrate(folder)
        unfinished = folder / "talk.mp4"
        encode(np.concatenate(narration), frames([len(part) / SAMPLE_RATE for part in narration]), unfinished, folder)
        size = unfinished.stat().st_size
        if size > MAX_BYTES:
            raise SampleVideoError(f"The video has {size} bytes, more than {MAX_BYTES}: raise -crf or lower -b:a.")
        shutil.copyfile(unfinished, output_dir / "talk.mp4")
    (output_dir / "talk.txt").write_text(spoken_text(), encoding="utf-8")
    return output_dir / "talk.mp4"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the sample video of the portal.")
    repository = Path(__file__).resolve().parent.parent
    parser.add_argument("--output-dir", type=Path, default=repository / "samples")
    try:
        path = make_sample_video(parser.parse_args().output_dir)
    except SampleVideoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
