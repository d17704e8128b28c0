"""`manage.py finetune_asr --data CORPUS --output FOLDER`: speech and its text -> a checkpoint for ASR_MODEL."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Trains a wav2vec2, HuBERT, WavLM or data2vec checkpoint, or a fresh small network, by CTC on recordings with "
        "transcripts. The folder that it writes is what ASR_MODEL takes. Stopped and started again with the same "
        "options, it goes on where it was."
    )
    requires_system_checks = ()  # a wrong ASR_MODEL shall not keep anybody from training a right one
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        data = parser.add_argument_group("data")
        data.add_argument(
            "--data",
            nargs="+",
            type=Path,
            default=[],
            metavar="CORPUS",
            help="folder of sound and .txt files, manifest of JSON lines, LibriSpeech tree, or Common Voice TSV",
        )
        data.add_argument("--dataset", metavar="NAME", help="a data set of Hugging Face, wants the library datasets")
        data.add_argument("--dataset-config", metavar="NAME", help="which of its configurations")
        data.add_argument("--dataset-split", default="train", metavar="NAME", help="which of its parts (default train)")
        data.add_argument("--more", nargs="+", type=Path, default=[], metavar="CORPUS", help="for learning alone")
        data.add_argument("--only", default="*", metavar="PATTERN", help="of --data, only paths like this, as '*/s1/*'")
        data.add_argument("--validation", type=float, default=0.1, help="share of sentences that choose (default 0.1)")
        data.add_argument("--test", type=float, default=0.0, help="share of sentences kept apart (default 0)")
        data.add_argument("--split-seed", type=int, default=0, help="which sentences those are (default 0)")
        data.add_argument("--max-clip-s", type=float, default=20.0, help="longer recordings are refused (default 20)")
        data.add_argument("--skip-unusable", action="store_true", help="leave such out instead of refusing them")
        start = parser.add_argument_group("start")
        start.add_argument("--model", help="a checkpoint: folder, or hub id downloaded before")
        start.add_argument("--fresh", choices=("tiny", "small", "medium"), help="an untrained network instead")
        start.add_argument(
            "--alphabet",
            choices=("checkpoint", "english", "text"),
            help="its labels: kept (default with --model), English letters (with --fresh), letters of the transcripts",
        )
        parser.add_argument("--output", type=Path, required=True, help="the folder to write, or to go on in")
        parser.add_argument("--select", type=int, metavar="STEP", help="only choose this checkpoint of --output")
        self._add_training_arguments(parser)

    def _add_training_arguments(self, parser: ArgumentParser) -> None:
        training = parser.add_argument_group("training")
        training.add_argument("--steps", type=int, default=7_000)
        training.add_argument("--batch", type=int, default=4, help="recordings a step (default 4)")
        training.add_argument("--learning-rate", type=float, default=1e-4)
        training.add_argument("--weight-decay", type=float, default=0.005)
        training.add_argument("--warmup", type=int, default=1_000, metavar="STEPS")
        training.add_argument("--checkpoint-every", type=int, default=500, metavar="STEPS")
        training.add_argument("--mask-time", type=float, default=0.05, help="SpecAugment, share of frames that start")
        training.add_argument("--mask-features", type=float, default=0.0, help="the same of features")
        training.add_argument("--margin-s", type=float, help="keep up to so much silence around speech, at random")
        training.add_argument("--speed", type=float, default=0.0, help="play faster or slower by up to this share")
        training.add_argument("--bands", type=int, default=0, help="silence so many bands of frequency")
        training.add_argument("--noise", type=float, default=0.0, help="add noise up to this share of the sound")
        training.add_argument(
            "--train-feature-encoder",
            action="store_true",
            help="let convolutions learn, too (they do in fresh networks)",
        )
        training.add_argument(
            "--voiced-only",
            action="store_true",
            help="let labels lie only where somebody speaks: for word times, of short clips with silence around them",
        )
        training.add_argument("--bf16", action="store_true", help="mixed precision, where the processor has it")
        training.add_argument("--seed", type=int, default=0)
        training.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
        from apps.transcription.asr.training.corpora import CorpusError
        from apps.transcription.asr.training.finetuning import Data, Start, describe, finetune
        from apps.transcription.asr.training.networks import NetworkError
        from apps.transcription.asr.training.run_folder import RunFolder, RunFolderError
        from apps.transcription.asr.training.spelling import SpellingError
        from apps.transcription.asr.training.trainer import TrainingError

        output: Path = options["output"]
        errors = (CorpusError, SpellingError, NetworkError, RunFolderError, TrainingError, RecognizerUnavailableError)
        try:
            if options["select"] is not None:
                RunFolder(output).select(options["select"])
                self.stdout.write(self.style.SUCCESS(f"Use it: ASR_MODEL={output.resolve()}"))
                return
            chosen = finetune(
                output,
                self._start(options, Start),
                self._data(options, Data),
                self._training(options),
                device=self._device(options["device"]),
                say=self._say,
            )
        except errors as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Chosen: {describe(chosen)}")
        self.stdout.write(self.style.SUCCESS(f"Use it: ASR_MODEL={output.resolve()}"))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _start(self, options: dict[str, Any], make: Any) -> Any:
        from apps.transcription.asr.recognizers.wav2vec2 import checkpoint_folder

        if bool(options["model"]) == bool(options["fresh"]):
            raise CommandError("Give either --model, a checkpoint to start from, or --fresh, a preset.")
        if options["fresh"]:
            if options["alphabet"] == "checkpoint":
                raise CommandError("A fresh network has no alphabet to keep: give --alphabet english or text.")
            return make(None, options["fresh"], options["alphabet"] or "english")
        folder = checkpoint_folder(options["model"], settings.MODEL_CACHE_DIR)
        return make(folder, "", options["alphabet"] or "checkpoint")

    def _data(self, options: dict[str, Any], make: Any) -> Any:
        from apps.transcription.asr.training.hugging_face import DatasetOptions

        if not options["data"] and not options["dataset"]:
            raise CommandError("Give --data or --dataset, the recordings to learn from.")
        name, config, split = (options[key] for key in ("dataset", "dataset_config", "dataset_split"))
        return make(
            corpora=tuple(options["data"]),
            dataset=DatasetOptions(name, config, split) if name else None,
            more=tuple(options["more"]),
            only=options["only"],
            validation_share=options["validation"],
            test_share=options["test"],
            split_seed=options["split_seed"],
            max_clip_s=options["max_clip_s"],
            skip_unusable=options["skip_unusable"],
        )

    def _training(self, options: dict[str, Any]) -> Any:
        from apps.transcription.asr.training.batches import AugmentOptions
        from apps.transcription.asr.training.trainer import TrainingOptions

        return TrainingOptions(
            steps=options["steps"],
            batch_size=options["batch"],
            learning_rate=options["learning_rate"],
            weight_decay=options["weight_decay"],
            warmup_steps=options["warmup"],
            checkpoint_every=options["checkpoint_every"],
            mask_time=options["mask_time"],
            mask_features=options["mask_features"],
            precision="bf16" if options["bf16"] else "fp32",
            train_feature_encoder=options["train_feature_encoder"] or bool(options["fresh"]),
            voiced_only=options["voiced_only"],
            seed=options["seed"],
            augment=AugmentOptions(
                margin_s=options["margin_s"],
                speed=options["speed"],
                bands=options["bands"],
                noise=options["noise"],
            ),
        )

    def _device(self, wanted: str) -> str:
        import torch

        has_gpu = torch.cuda.is_available()
        if wanted == "cuda" and not has_gpu:
            raise CommandError("--device cuda, but torch sees no GPU: give --device cpu.")
        return "cuda" if has_gpu and wanted != "cpu" else "cpu"
