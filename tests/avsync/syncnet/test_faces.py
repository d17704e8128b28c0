import tracemalloc
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from apps.avsync.syncnet.detectors import CascadeDetector, DetectorError, YuNetDetector
from apps.avsync.syncnet.faces import FaceOptions, FaceTrack, crop_square, face_tracks
from apps.media.frames import Frame, stream_frames
from tests.avsync.syncnet.scenes import WhiteSquares, drawn, scene

ONE, OTHER = (40.0, 40.0, 40.0), (120.0, 50.0, 30.0)


def tracks_of(frames: Iterator[Frame], options: FaceOptions | None = None, **blind: list[int]) -> list[FaceTrack]:
    return list(face_tracks(frames, options, WhiteSquares(**blind)))


@pytest.mark.parametrize("rate", [12.5, 24, 25, 30000 / 1001, 50, 60])
def test_tracks_have_25_pictures_a_second_whatever_the_video_has(rate: float) -> None:
    (track,) = tracks_of(scene(4, rate, ONE))
    assert len(track.crops) == len(track.boxes) == pytest.approx(100, abs=1.5)
    assert track.start_s == 0
    assert track.crops.shape[1:] == (48, 48)


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_a_picture_of_a_track_is_the_nearest_one_in_time(rate: int) -> None:
    frames = (Frame(np.full((20, 20, 3), number, np.uint8), number / rate) for number in range(2 * rate))

    class Everywhere:
        def detect(self, image: np.ndarray) -> np.ndarray:
            return np.array([[0, 0, 20, 20]], np.float32)

    tracks = list(face_tracks(frames, FaceOptions(part="face", size=4, share=0.5), Everywhere()))
    (track,) = tracks
    shown_s = track.crops[:, 2, 2] / rate
    assert np.abs(shown_s - np.arange(len(shown_s)) / 25).max() <= 0.5 / rate + 1e-6


def test_between_findings_a_face_is_followed() -> None:
    (track,) = tracks_of(scene(3, 25, ONE, speed=20))
    expected = 40 + 20 * np.arange(75) / 25
    assert np.abs(track.boxes[:, 0] - expected)[10:-10].max() < 1


def test_trembling_findings_are_smoothed() -> None:
    class Trembling(WhiteSquares):
        def detect(self, image: np.ndarray) -> np.ndarray:
            squares = super().detect(image)
            squares[:, :2] += 3 * (-1) ** self.calls
            return squares

    (track,) = face_tracks(scene(4, 25, ONE), None, Trembling())
    assert np.abs(track.boxes[15:-15, 0] - 40).max() < 0.5


def test_two_people_are_two_tracks() -> None:
    tracks = tracks_of(scene(2, 25, ONE, OTHER))
    assert sorted(float(track.boxes[20, 0]) for track in tracks) == pytest.approx([40, 120], abs=0.5)
    assert [len(track.crops) for track in tracks] == [50, 50]


def test_a_cut_ends_a_track_even_where_the_next_face_is_in_the_same_place() -> None:
    second = (Frame(drawn([ONE], background=150), 2 + number / 25) for number in range(50))
    tracks = tracks_of(chain(scene(2, 25, ONE), second))
    assert [(track.start_s, len(track.crops)) for track in tracks] == [(0, 50), (2, 50)]


def test_a_face_that_is_missed_for_a_moment_stays_the_same_track() -> None:
    (track,) = tracks_of(scene(3, 25, ONE), blind_calls=[5, 6])
    assert len(track.crops) == 75


def test_a_face_that_is_gone_for_long_comes_back_as_another_track() -> None:
    tracks = tracks_of(scene(6, 25, ONE), blind_calls=list(range(10, 18)))
    assert [round(track.start_s, 2) for track in tracks] == [0, 3.6]
    assert len(tracks[0].crops) == 46  # up to where it was last found


def test_no_face_and_no_frame_are_no_tracks() -> None:
    assert tracks_of(scene(2, 25)) == []
    assert tracks_of(iter(())) == []


def test_what_is_seen_too_shortly_is_no_track() -> None:
    assert tracks_of(chain(scene(0.4, 25, ONE), scene(2, 25, starts_s=0.4))) == []


def test_a_long_track_comes_in_pieces_that_join() -> None:
    tracks = tracks_of(scene(10, 25, ONE), FaceOptions(max_track_s=4))
    assert [round(track.start_s * 25) for track in tracks] == [0, 100, 200]
    assert [len(track.crops) for track in tracks] == [100, 100, 50]


def test_a_track_starts_where_the_video_is_then() -> None:
    (track,) = tracks_of(scene(2, 25, ONE, starts_s=61))
    assert track.start_s == pytest.approx(61)


def test_memory_does_not_grow_with_the_length() -> None:
    def peak(seconds: float) -> int:
        tracemalloc.start()
        for track in face_tracks(scene(seconds, 25, ONE), FaceOptions(max_track_s=4), WhiteSquares()):
            assert len(track.crops) <= 100
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40) < 1.2 * peak(10)


def test_a_crop_shows_the_mouth_in_its_middle() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[50 + 73 : 50 + 83, 45:55] = 255  # a mouth at 0.78 of a square of 100
    crop = crop_square(image, np.array([0, 50, 100, 100], np.float32), FaceOptions(size=48))
    rows, columns = np.nonzero(crop > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx((23.5, 23.5), abs=0.6)


def test_a_margin_keeps_scale_and_middle() -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    box, options = np.array([20, 20, 120, 120], np.float32), FaceOptions(size=48)
    wide = crop_square(image, box, options.with_margin(8))
    np.testing.assert_array_equal(wide[8:-8, 8:-8], crop_square(image, box, options))


def test_large_faces_are_averaged_not_skipped_through() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = crop_square(stripes, np.array([0, 0, 800, 800], np.float32), FaceOptions(size=48))
    assert crop.std() < 12


def test_colour_and_size_are_options() -> None:
    (track,) = tracks_of(scene(1, 25, ONE), FaceOptions(size=224, part="face", share=1.0, is_grey=False))
    assert track.crops.shape == (25, 224, 224, 3)


def test_the_cascade_follows_a_real_face(data_dir: Path) -> None:
    (track,) = face_tracks(stream_frames(data_dir / "grid/s1/bbaf2n.mp4"))
    assert len(track.crops) == 75
    # GRID's faces look straight ahead: the mouth is some 0.78 down a face of 140 pixels.
    middle = track.boxes[:, :2] + track.boxes[:, 2:] / 2
    assert np.abs(np.diff(middle, axis=0)).max() < 2


def test_yunet_and_the_cascade_agree_where_a_face_is(data_dir: Path) -> None:
    image = next(stream_frames(data_dir / "grid/s34/bbab9n.mp4")).image
    (cascade,) = CascadeDetector().detect(image)
    (yunet,) = YuNetDetector(data_dir / "faces/yunet_n_640_640.onnx").detect(image)
    assert np.abs(cascade - yunet).max() < 0.15 * cascade[2]


def test_a_detector_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="name the ONNX file of a YuNet"):
        YuNetDetector(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(DetectorError, match="is no YuNet"):
        YuNetDetector(broken)
