from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.avsync.checker import SyncModelError, looking_options, sync_checker
from apps.avsync.checks import check_sync_files
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.offset import Calibration
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.trained_checker import CALIBRATION_NAME, write_calibration
from apps.avsync.syncnet.weights import save_network
from apps.media.digest import sha256_of
from tests.avsync.scenes import talk

CALIBRATION = Calibration(intercept=-6.0, slope=6.0)


@pytest.fixture
def weights(tmp_path: Path, settings: Settings) -> Path:
    """A network that has learned nothing yet."""
    path = tmp_path / "network.safetensors"
    save_network(path, SyncNetwork(StreamOptions(size=32)), FaceOptions(size=32), {"objective": "multiway"})
    write_calibration(tmp_path / CALIBRATION_NAME, CALIBRATION, sha256_of(path), {})
    settings.SYNC_CHECK = True
    settings.SYNC_MODEL = str(path)
    return path


def test_a_network_of_ones_own_is_loaded_once_with_its_calibration(weights: Path) -> None:
    checker = sync_checker()
    assert sync_checker() is checker
    assert checker.name == f"multiway {sha256_of(weights)[:12]}"
    assert checker.calibration == CALIBRATION
    clip = talk(2.0)
    assert checker.offset(clip.frames, clip.samples).offset_ms is None
    assert check_sync_files() == []


def test_weights_that_nobody_measured_are_refused(weights: Path) -> None:
    weights.with_name(CALIBRATION_NAME).unlink()
    with pytest.raises(SyncModelError, match=r"calibrate_sync.*leave SYNC_MODEL empty"):
        sync_checker()
    assert [error.id for error in check_sync_files()] == ["avsync.E002"]


def test_a_calibration_of_other_weights_is_refused(weights: Path, tmp_path: Path) -> None:
    write_calibration(tmp_path / CALIBRATION_NAME, CALIBRATION, "0" * 64, {})
    with pytest.raises(SyncModelError, match="measured on other weights"):
        sync_checker()


def test_what_is_no_network_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "network.safetensors").write_bytes(b"no weights")
    settings.SYNC_MODEL = str(tmp_path / "network.safetensors")
    with pytest.raises(SyncModelError, match="cannot be read"):
        sync_checker()


def test_a_face_detector_that_is_not_there_is_refused(weights: Path, settings: Settings) -> None:
    settings.SYNC_FACE_DETECTOR = "nowhere.onnx"
    with pytest.raises(SyncModelError, match=r"SYNC_FACE_DETECTOR.*leave SYNC_FACE_DETECTOR empty"):
        sync_checker()
    assert [error.id for error in check_sync_files()] == ["avsync.E003"]


def test_checks_name_a_model_that_is_not_there_unless_nothing_is_checked(settings: Settings) -> None:
    settings.SYNC_CHECK, settings.SYNC_MODEL = True, "nowhere/network.safetensors"
    assert [error.id for error in check_sync_files()] == ["avsync.E001"]
    settings.SYNC_CHECK = False
    assert check_sync_files() == []


def test_the_settings_say_how_much_is_looked_at(settings: Settings) -> None:
    settings.SYNC_WINDOW_S, settings.SYNC_MAX_WINDOWS, settings.SYNC_MIN_PROBABILITY = 6.0, 7, 0.8
    options = looking_options()
    assert (options.window_s, options.max_looks, options.max_candidates) == (6.0, 7, 14)
    assert options.pooling.judging.min_probability == 0.8


def test_nothing_is_calibrated_without_clips(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no clip of GRID"):
        call_command("calibrate_sync", "--data", str(tmp_path), "--cache", str(tmp_path / "cache"))
