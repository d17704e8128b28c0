"""A small wav2vec2 checkpoint with seeded random weights, saved as those of a model hub are."""

import json
from pathlib import Path

LETTERS = "ETAONIHSRDLUMWCFGYPBVKXJQZ'"


def save_checkpoint(folder: Path, *, sampling_rate: int = 16_000, norm: str = "group") -> Path:
    """Writes network, tokenizer and feature extractor of base-960h's form, small, to `folder`.

    With `norm="layer"` of large-960h-lv60's form, whose feature extractor gives an attention mask.
    """
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    torch.manual_seed(4)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
    config = Wav2Vec2Config(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
        pad_token_id=0,
    )
    network = Wav2Vec2ForCTC(config)
    with torch.no_grad():
        network.lm_head.weight.mul_(40)  # makes the random network decided, as trained ones are
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(
        sampling_rate=sampling_rate, do_normalize=True, return_attention_mask=norm == "layer"
    ).save_pretrained(folder)
    return folder


def put_into_cache(checkpoint: Path, cache_dir: Path, hub_id: str) -> None:
    """Lays a checkpoint out as a download of `hub_id` does."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    home = cache_dir / f"models--{hub_id.replace('/', '--')}"
    (home / "snapshots").mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(revision)
    checkpoint.rename(home / "snapshots" / revision)
