"""A small BERT for token classification with seeded random weights, saved as punctuation models of a hub are."""

from pathlib import Path

WORDS = ["we", "met", "at", "noon", "and", "then", "it", "rained", "for", "hours", "un", "##believ", "##ably"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def save_punctuation_checkpoint(
    folder: Path, *, labels: tuple[str, ...] = ("0", ".", ",", "?"), sees_neighbours: bool = True
) -> Path:
    """Writes network and tokenizer to `folder`. Without `sees_neighbours` it judges every piece by itself."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    network = BertForTokenClassification(
        BertConfig(
            vocab_size=len(pieces),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
        )
    )
    with torch.no_grad():
        network.classifier.weight.mul_(40)
        if not sees_neighbours:
            network.bert.embeddings.position_embeddings.weight.zero_()
            for layer in network.bert.encoder.layer:
                layer.attention.output.dense.weight.zero_()
                layer.attention.output.dense.bias.zero_()
    network.save_pretrained(folder)
    return folder
