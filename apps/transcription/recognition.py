"""Which recogniser this portal has for a language, from its settings."""

import functools
from collections.abc import Sequence

from django.conf import settings

from apps.transcription.asr.beam_search import DecoderOptions
from apps.transcription.asr.hotwords import HotwordOptions, written_names
from apps.transcription.asr.punctuation import NO_PUNCTUATION, PunctuationOptions
from apps.transcription.asr.reading import Punctuator, Reader
from apps.transcription.asr.recognizers.base import Recognizer, SpellsBareWords
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options
from apps.transcription.asr.recognizers.whisper import FALLBACK_TEMPERATURES, WhisperOptions
from apps.transcription.asr.recognizers.whisper_network import Search
from apps.transcription.asr.segments import SegmentOptions
from apps.transcription.asr.transcriber import TranscribeOptions
from apps.videos.languages import LANGUAGE_NAMES

EMBEDDED_LANGUAGE = "en"  # of Whisper tiny.en


class LanguageNotRecognizedError(Exception):
    """No recogniser understands the language. The message tells the video's owner what to do."""


def recognizer_for(language: str) -> Recognizer:
    """The recogniser of a language (ISO 639-1), loaded once per process: 0.3 s and 150 MB, or seconds and a GB.

    Call it in the process that recognises, never before a fork. Raises LanguageNotRecognizedError, and
    RecognizerUnavailableError where the settings name a model that cannot be loaded.
    """
    return _loaded(_options_for(language))


def model_recognizer(model: str, language: str) -> Recognizer:
    """As `recognizer_for`, but the wav2vec2 checkpoint `model` whatever ASR_MODEL says."""
    return _loaded(checkpoint_options(model, language))


def recognized_languages() -> frozenset[str]:
    """The ISO 639-1 codes of all languages that have a recogniser here. Loads nothing."""
    return frozenset({EMBEDDED_LANGUAGE, *configured_models()})


def configured_models() -> dict[str, str]:
    """The checkpoints of the settings by language."""
    return dict(settings.ASR_MODELS) or (
        {settings.ASR_MODEL_LANGUAGE: settings.ASR_MODEL} if settings.ASR_MODEL else {}
    )


def language_model_for(language: str) -> str:
    """What the settings say of the language model beside the checkpoint of `language`; see `Wav2Vec2Options`."""
    return str(settings.ASR_LANGUAGE_MODELS.get(language, settings.ASR_LANGUAGE_MODEL))


def describe() -> str:
    """Which recognisers there are, for operators, as `English: whisper tiny.en (embedded)`. Loads nothing."""
    lines = []
    for language in sorted(recognized_languages()):
        options = _options_for(language)
        model = options.model if isinstance(options, Wav2Vec2Options) else "whisper tiny.en (embedded)"
        lines.append(f"{_name_of(language)}: {model}")
    return "; ".join(lines)


def transcribe_options() -> TranscribeOptions:
    """How files are cut into segments and captions, from the settings."""
    return TranscribeOptions(segments=SegmentOptions(max_segment_s=settings.ASR_MAX_SEGMENT_S))


def reader_for(
    recognizer: Recognizer, language: str, texts: Sequence[str] = (), hotwords: Sequence[str] = ()
) -> Reader | None:
    """What writes the words of `recognizer` for reading; None where it writes them so itself.

    Of `hotwords` those that `texts` write as names are written so. Call it in the process that recognises. Raises
    PunctuationUnavailableError where the settings name a model that cannot be loaded.
    """
    if not isinstance(recognizer, SpellsBareWords) or not recognizer.spells_bare_words:
        return None
    return Reader(language, written_names(texts, hotwords), _punctuator(punctuation_options()))


def punctuation_options() -> PunctuationOptions | None:
    """Which punctuation model the settings want, and how it is run; None where they want none."""
    if settings.ASR_PUNCTUATION_MODEL in ("", NO_PUNCTUATION):
        return None
    return PunctuationOptions(
        model=settings.ASR_PUNCTUATION_MODEL, cache_dir=settings.MODEL_CACHE_DIR, device=settings.ASR_DEVICE
    )


def _options_for(language: str) -> WhisperOptions | Wav2Vec2Options:
    if model := configured_models().get(language):
        return checkpoint_options(model, language)
    if language == EMBEDDED_LANGUAGE:
        return WhisperOptions(
            Search(beam_size=settings.ASR_BEAM_SIZE),
            device=settings.ASR_DEVICE,
            forced_alignment=settings.ASR_FORCED_ALIGNMENT,
            fallback_temperatures=FALLBACK_TEMPERATURES if settings.ASR_TEMPERATURE_FALLBACK else (),
            hotwords=HotwordOptions(max_words=settings.ASR_HOTWORDS),
        )
    raise LanguageNotRecognizedError(
        f"There is no speech recogniser for {_name_of(language)} on this portal. Upload captions instead, or ask the "
        f"operator to set ASR_MODEL to a model that understands it, with ASR_MODEL_LANGUAGE={language}, or to add one "
        "to ASR_MODELS."
    )


def checkpoint_options(model: str, language: str) -> Wav2Vec2Options:
    """How the settings want the wav2vec2 checkpoint `model` to be run."""
    return Wav2Vec2Options(
        model=model,
        language=language,
        cache_dir=settings.MODEL_CACHE_DIR,
        device=settings.ASR_DEVICE,
        precision=settings.ASR_PRECISION,
        compiled=settings.ASR_TORCH_COMPILE,
        chunk_s=settings.ASR_CHUNK_S,
        language_model=language_model_for(language),
        decoder=DecoderOptions(beam_width=settings.ASR_BEAM_WIDTH, hotword_weight=settings.ASR_HOTWORD_WEIGHT),
        hotwords=HotwordOptions(max_words=settings.ASR_HOTWORDS),
    )


def _name_of(language: str) -> str:
    return LANGUAGE_NAMES.get(language, language)


@functools.lru_cache(maxsize=4)
def _loaded(options: WhisperOptions | Wav2Vec2Options) -> Recognizer:
    if isinstance(options, Wav2Vec2Options):
        from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Recognizer

        return Wav2Vec2Recognizer(options)
    from apps.transcription.asr.recognizers.whisper import WhisperRecognizer

    return WhisperRecognizer(options)


@functools.lru_cache(maxsize=1)
def _punctuator(options: PunctuationOptions | None) -> Punctuator | None:
    if options is None:
        return None
    from apps.transcription.asr.punctuation import TokenPunctuator

    return TokenPunctuator(options)
