"""`manage.py train_topics --fine-tune`: its options, and what it says while it works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from apps.classification.corrections import articles_to_train_on

if TYPE_CHECKING:
    from apps.classification.bert.finetuning import Epoch


def add_fine_tuning_arguments(parser: CommandParser) -> None:
    """The defaults are those of the thesis (table 2.4) where it names them."""
    group = parser.add_argument_group("fine-tuning of a whole encoder")
    group.add_argument(
        "--fine-tune", metavar="CHECKPOINT", help='a folder, a hub id like bert-base-uncased, or "embedded"'
    )
    group.add_argument("--head", choices=("cls", "sequence"), default="cls", help="linear on [CLS], or transformers'")
    group.add_argument("--learning-rate", type=float, nargs="+", default=[1e-5], help="of Adam (default 1e-5)")
    group.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training each (default 0)")
    group.add_argument("--batch-size", type=int, default=8, help="articles a step (default 8)")
    group.add_argument("--max-tokens", type=int, default=512, help="of an article; the rest is cut (default 512)")
    group.add_argument("--max-epochs", type=int, default=10, help="at most (default 10)")
    group.add_argument("--patience", type=int, default=2, help="epochs without a better validation (default 2)")
    group.add_argument("--views", nargs="+", default=["written"], choices=("written", "spoken", "opening", "title"))
    group.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="bf16: mixed (default fp32)")
    group.add_argument("--cross-validate", action="store_true", help="hold out each of --folds in turn")
    group.add_argument("--fold", type=int, nargs="+", help="with --cross-validate: do only these")


def fine_tune_topics(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Raises CommandError with what to do."""
    from apps.classification.bert.dataset import DatasetError
    from apps.classification.bert.fine_tuning_runs import cross_validate, fine_tune
    from apps.classification.bert.finetuning import FineTuningError, FineTuningOptions
    from apps.classification.bert.model import CheckpointError
    from apps.classification.bert.trainer import TrainingError
    from apps.classification.bert.weights import EncoderError

    asked = FineTuningOptions(
        checkpoint=options["fine_tune"],
        head=options["head"],
        learning_rate=options["learning_rate"][0],
        batch_size=options["batch_size"],
        max_tokens=options["max_tokens"],
        max_epochs=options["max_epochs"],
        patience=options["patience"],
        views=tuple(options["views"]),
        precision=options["precision"],
        language=options["language"],
        seed=options["seed"],
    )
    output: Path = options["output"]

    def report(name: str, epoch: Epoch) -> None:
        write(
            f"{name}, epoch {epoch.epoch}: training loss {epoch.training_loss:.4f}, validation loss"
            f" {epoch.validation_loss:.4f}, accuracy {epoch.validation_accuracy:.2%}, {epoch.seconds:.0f} s"
        )

    try:
        articles = articles_to_train_on(
            options["data"], with_corrections=options["with_corrections"], language=options["language"]
        )
        write(f"{len(articles)} articles, {asked.checkpoint}, head {asked.head}")
        if options["cross_validate"]:
            rows = cross_validate(
                articles, output, asked, n_folds=options["folds"], folds=options["fold"], report=report
            )
            for row in rows:
                shares = ", ".join(f"{name} {row[name]:.2%}" for name in list(row)[2:])
                write(f"fold {row['fold']}, {row['n_held_out']} articles held out: {shares}")
            return
        best = fine_tune(
            articles,
            output,
            asked,
            learning_rates=options["learning_rate"],
            seeds=options["seeds"],
            report=report,
        )
    except (DatasetError, CheckpointError, EncoderError, TrainingError, FineTuningError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error}. Name another --output.") from error
    accuracy = best.best.validation_accuracy
    write(f"Best on validation: {best.name}, {accuracy:.2%}. Use it with TOPIC_MODEL={output.resolve()}")
