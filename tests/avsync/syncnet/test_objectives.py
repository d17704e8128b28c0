import math

import pytest
import torch

from apps.avsync.syncnet.objectives import AveNet, Contrastive, MultiWay, distances, grouped

# Distances to the own sounds: 1 and 2; of picture 0 to sound 1: √10; of picture 1 to sound 0: 1.
VIDEO = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])
AUDIO = torch.tensor([[[1.0, 0.0], [1.0, 3.0]]])


def test_distances_are_euclidean() -> None:
    expected = torch.tensor([[[1.0, math.sqrt(10)], [1.0, 2.0]]])
    torch.testing.assert_close(distances(VIDEO, AUDIO), expected)


def test_syncnets_loss_is_that_of_the_paper() -> None:
    # True pairs: 1² + 2². False ones with a margin of 4: (4 - √10)² + (4 - 1)². Four pairs: 1 / (2 · 4).
    expected = (1 + 4 + (4 - math.sqrt(10)) ** 2 + 9) / 8
    assert float(Contrastive(margin=4.0)(VIDEO, AUDIO)) == pytest.approx(expected)


def test_syncnet_leaves_alone_what_lies_beyond_the_margin() -> None:
    assert float(Contrastive(margin=0.5)(VIDEO, AUDIO)) == pytest.approx((1 + 4) / 8)


def test_avenets_loss_is_that_of_two_logits_of_the_distance() -> None:
    # Unit vectors: own sounds at 0 (seen as a thousandth) and √2, each other's likewise.
    video = torch.tensor([[[2.0, 0.0], [3.0, 0.0]]])
    audio = torch.tensor([[[5.0, 0.0], [0.0, 1.0]]])
    objective = AveNet()
    with torch.no_grad():
        objective.threshold.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        objective.threshold.bias.copy_(torch.tensor([-0.5, 0.5]))
    # Logit 1 less logit 0 is 1 - 2 d. The loss of "together" is log(1 + e^-(1 - 2 d)), of "not" log(1 + e^(1 - 2 d)).
    near, far = 1 - 2 * 1e-3, 1 - 2 * math.sqrt(2)
    together = [math.log1p(math.exp(-margin)) for margin in (near, far)]
    apart = [math.log1p(math.exp(margin)) for margin in (far, near)]
    assert float(objective(video, audio).detach()) == pytest.approx((sum(together) + sum(apart)) / 4, rel=1e-5)


def test_the_multi_way_loss_is_the_cross_entropy_of_inverse_distances() -> None:
    first = math.log(math.exp(1 / 1) + math.exp(1 / math.sqrt(10))) - 1
    second = math.log(math.exp(1 / 1) + math.exp(1 / 2)) - 1 / 2
    assert float(MultiWay(scale=1.0)(VIDEO, AUDIO).detach()) == pytest.approx((first + second) / 2)


@pytest.mark.parametrize("objective", [Contrastive(margin=4.0), AveNet(), MultiWay()])
def test_each_objective_draws_together_what_belongs_together(objective: torch.nn.Module) -> None:
    torch.manual_seed(0)
    video = torch.randn(3, 4, 8, requires_grad=True)
    audio = torch.randn(3, 4, 8, requires_grad=True)
    optimizer = torch.optim.Adam([video, audio], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        objective(video, audio).backward()
        optimizer.step()
    nearest = distances(video, audio).argmin(2)
    assert torch.equal(nearest, torch.arange(4).repeat(3, 1))


def test_candidates_of_a_group_do_not_overlap_and_no_window_comes_twice() -> None:
    windows = torch.arange(70.0).reshape(1, 70, 1)
    groups = grouped(windows, ways=14, gap=5)[..., 0]
    assert groups.shape == (5, 14)
    assert torch.all(groups.diff(dim=1) == 5)
    assert sorted(groups.flatten().tolist()) == list(range(70))


def test_fewer_ways_give_more_groups_of_the_same_track() -> None:
    groups = grouped(torch.arange(40.0).reshape(1, 40, 1), ways=3, gap=5)[..., 0]
    assert groups[:, 0].tolist() == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]


def test_a_track_that_is_too_short_for_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="want 66 windows; there are 65"):
        grouped(torch.zeros(1, 65, 2), ways=14, gap=5)
