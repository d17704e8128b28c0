"""Which sounds share a batch."""

from collections.abc import Sequence

MAX_PADDING = 0.15  # of the longest sound of a batch


def batches(lengths: Sequence[int], *, batch_size: int, may_pad: bool) -> list[list[int]]:
    """The indices of the sounds, each once, in batches of at most `batch_size` sounds of like lengths.

    Where sounds may not be padded, those of a batch are exactly as long as each other. The longest come first: what
    does not fit into memory is known at once.
    """
    grouped: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        shortest = (1 - MAX_PADDING) * lengths[grouped[-1][0]] if grouped and may_pad else 0.0
        if grouped and not may_pad:
            shortest = lengths[grouped[-1][0]]
        if grouped and len(grouped[-1]) < batch_size and lengths[index] >= shortest:
            grouped[-1].append(index)
        else:
            grouped.append([index])
    return grouped
