"""Teaches a CTC network: AdamW, linear warm-up and decline, checkpoints by validation loss, exact resumption.

Graves et al., "Connectionist Temporal Classification" (2006), is the loss; the defaults are those with which
wav2vec2-base is commonly fine-tuned on some hours of speech.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from apps.transcription.asr.ahead import ahead
from apps.transcription.asr.evaluation import n_edits
from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.training.batches import (
    READ_AHEAD,
    AugmentOptions,
    Batch,
    Example,
    Sounds,
    plain_batches,
    training_batches,
)
from apps.transcription.asr.training.networks import parameter_groups
from apps.transcription.asr.training.spelling import Speller, n_frames_needed

IMPOSSIBLE = -1e4  # a log-prob; an infinite one would leave no gradient
FEW_FRAMES = 1.5  # a label: where fewer frames are voiced, voice activity is not believed
VALIDATION_BATCH_S = 120.0  # of sound at once


class TrainingError(Exception):
    """The training cannot go on. The message says what to change."""


@dataclass(frozen=True)
class TrainingOptions:
    """`precision` bf16 computes in bfloat16 where that is safe (autocast) and keeps weights in float32.

    `voiced_only`: where nobody speaks, only the blank may be said. A network that sees a whole clip at once otherwise
    likes to say its first letter on its first frame and its last one on its last: right words, wrong times.
    """

    steps: int = 7_000
    batch_size: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 0.005
    warmup_steps: int = 1_000
    checkpoint_every: int = 500
    max_gradient_norm: float = 1.0
    mask_time: float = 0.05  # share of frames that begin a span that is masked
    mask_features: float = 0.0  # the same of features
    precision: Literal["fp32", "bf16"] = "fp32"
    train_feature_encoder: bool = False
    voiced_only: bool = False
    seed: int = 0
    augment: AugmentOptions = field(default_factory=AugmentOptions)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        return self.learning_rate * (self.steps - step) / max(1, self.steps - self.warmup_steps)


@dataclass(frozen=True)
class Measured:
    """A row of the curves: losses are CTC's, per label; error rates of greedy decoding, in per cent."""

    step: int
    training_loss: float
    validation_loss: float
    validation_wer: float
    validation_cer: float
    learning_rate: float
    seconds: float  # of training up to here


class Trainer:
    """A network while it learns. Make it, `restore` what was saved if anything was, and go through `run`."""

    def __init__(
        self,
        network: Any,
        features: Any,
        speller: Speller,
        *,
        training: Sequence[Example],
        validation: Sequence[Example],
        options: TrainingOptions,
        device: str = "cpu",
    ) -> None:
        self._network = network.to(device)
        self._features = features
        self._speller = speller
        self._training = training
        self._validation = validation
        self._options = options
        self._device = device
        self._sounds = Sounds(find_voices=options.voiced_only or options.augment.margin_s is not None)
        self._step = 0
        self._seconds = 0.0
        _prepare(network, options)
        self._optimizer = torch.optim.AdamW(
            parameter_groups(network, options.weight_decay), lr=options.learning_rate, fused=True
        )

    @property
    def step(self) -> int:
        """How many steps were made."""
        return self._step

    def state(self) -> dict[str, Any]:
        """All that `restore` needs beside the network's weights: tensors and numbers."""
        return {"step": self._step, "seconds": self._seconds, "optimizer": self._optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where `state` was taken. The network's weights of that step must have been loaded."""
        self._step, self._seconds = int(state["step"]), float(state["seconds"])
        self._optimizer.load_state_dict(state["optimizer"])

    def run(self) -> Iterator[Measured]:
        """Learns to the last step; a row each `checkpoint_every` steps, when the network is to be saved.

        Raises TrainingError where the loss is no number.
        """
        options = self._options
        losses: list[float] = []
        started_s = time.monotonic() - self._seconds
        made = training_batches(
            self._training,
            self._sounds,
            size=options.batch_size,
            seed=options.seed,
            augment=options.augment,
            start=self._step,
        )
        with ahead(made, READ_AHEAD) as batches:
            while self._step < options.steps:
                losses.append(self._learn(next(batches)))
                self._step += 1
                if self._step % options.checkpoint_every == 0 or self._step == options.steps:
                    self._seconds = time.monotonic() - started_s
                    yield self._measured(float(np.mean(losses)))
                    losses.clear()

    def _learn(self, batch: Batch) -> float:
        """One step; the batch's loss before it."""
        rate = self._options.rate(self._step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        # Dropout and masks follow from seed and step, so that a resumed run draws the same.
        seed = int(np.random.SeedSequence((self._options.seed, self._step)).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        self._network.train()
        loss = self._losses(batch)[0].mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(f"The loss of step {self._step} is {value}: start again with a lower --learning-rate.")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._options.max_gradient_norm)
        self._optimizer.step()
        return value

    def _losses(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Loss per label of each utterance `(B,)`, log-probs `(B, T, n_labels)` and numbers of frames `(B,)`."""
        inputs = self._features(batch.samples, sampling_rate=SAMPLE_RATE, padding=True, return_tensors="pt")
        inputs = {name: tensor.to(self._device) for name, tensor in inputs.items()}
        n_samples = torch.tensor([len(samples) for samples in batch.samples])
        n_frames = self._network._get_feat_extract_output_lengths(n_samples)
        with torch.autocast(self._device, torch.bfloat16, enabled=self._options.precision == "bf16"):
            logits = self._network(**inputs).logits
        log_probs = torch.log_softmax(logits.float(), dim=-1)  # (B, T, n_labels)
        if self._options.voiced_only:
            silent = _silent(batch, n_frames.tolist()).to(self._device)[..., None]  # (B, T, 1)
            is_label = torch.arange(log_probs.shape[-1], device=self._device) != self._speller.alphabet.blank_id
            possible = log_probs.masked_fill(silent & is_label, IMPOSSIBLE)
        else:
            possible = log_probs
        n_labels = torch.tensor([len(ids) for ids in batch.label_ids])
        labels = torch.tensor([label_id for ids in batch.label_ids for label_id in ids])
        losses = torch.nn.functional.ctc_loss(
            possible.transpose(0, 1),
            labels.to(self._device),
            n_frames.to(self._device),
            n_labels.to(self._device),
            blank=self._speller.alphabet.blank_id,
            reduction="none",
            zero_infinity=True,
        )
        return losses / n_labels.to(self._device), log_probs, n_frames

    @torch.inference_mode()
    def _measured(self, training_loss: float) -> Measured:
        """Validation: the loss as in training but without masks and dropout, and greedy decoding."""
        self._network.eval()
        losses: list[float] = []
        words = word_edits = characters = character_edits = 0
        longest_s = max(each.duration_s for each in self._validation)
        size = max(1, int(VALIDATION_BATCH_S / longest_s))
        for batch in plain_batches(self._validation, self._sounds, size=size):
            each, log_probs, n_frames = self._losses(batch)
            losses += each.tolist()
            for said, rows, n in zip(batch.sentences, log_probs.cpu().numpy(), n_frames.tolist(), strict=True):
                heard = self._speller.greedy(rows[:n])
                words, characters = words + len(said.split()), characters + len(said)
                word_edits += n_edits(said.split(), heard.split())
                character_edits += n_edits(said, heard)
        return Measured(
            self._step,
            training_loss,
            float(np.mean(losses)),
            100 * word_edits / words,
            100 * character_edits / characters,
            self._options.rate(self._step - 1),
            self._seconds,
        )


def _prepare(network: Any, options: TrainingOptions) -> None:
    config = network.config
    config.apply_spec_augment = options.mask_time > 0 or options.mask_features > 0
    config.mask_time_prob, config.mask_feature_prob = options.mask_time, options.mask_features
    if not options.train_feature_encoder:
        network.freeze_feature_encoder()


def _silent(batch: Batch, n_frames: list[int]) -> torch.Tensor:
    """On which frames nobody speaks: `(B, T)`."""
    silent = torch.zeros(len(n_frames), max(n_frames), dtype=torch.bool)
    for row, (voiced, label_ids, n) in enumerate(zip(batch.voiced, batch.label_ids, n_frames, strict=True)):
        windows = ((np.arange(n) + 0.5) * len(voiced) / n).astype(int)
        if voiced[windows].sum() >= FEW_FRAMES * n_frames_needed(label_ids):
            silent[row, :n] = torch.from_numpy(~voiced[windows])
    return silent
