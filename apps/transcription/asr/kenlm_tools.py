"""KenLM's programs `lmplz`, `build_binary` and `query`: from PATH, or built from the source that pip downloads.

pip's package of KenLM holds the library alone, but its source distribution holds these programs' source, too.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("lmplz", "build_binary", "query")
SOURCE = "kenlm==0.3.0"
DOWNLOAD_LIMIT_S = 600
BUILD_LIMIT_S = 1_800
APT_LINE = (
    "sudo apt-get install g++ make cmake zlib1g-dev libbz2-dev liblzma-dev libboost-program-options-dev "
    "libboost-system-dev libboost-thread-dev libboost-test-dev"
)


class KenlmToolsError(Exception):
    """The programs cannot be had, or one failed. The message says what to do."""


@dataclass(frozen=True)
class KenlmTools:
    """Where each program is."""

    lmplz: Path
    build_binary: Path
    query: Path


def find_tools(folder: Path) -> KenlmTools | None:
    """The programs of PATH, else those that `build_tools` left in `folder`; None where one is missing."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(folder)])
    found = [shutil.which(program, path=path) for program in PROGRAMS]
    return KenlmTools(*(Path(program) for program in found if program)) if all(found) else None


def build_tools(folder: Path, say: Callable[[str], None]) -> KenlmTools:
    """Downloads KenLM's source and compiles its programs into `folder`: a minute or two. Raises KenlmToolsError."""
    lacking = [program for program in ("cmake", "make", "g++") if shutil.which(program) is None]
    if lacking:
        raise KenlmToolsError(f"To build lmplz this machine lacks {', '.join(lacking)}. On Debian:\n  {APT_LINE}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kenlm-", dir=folder) as name:
        work = Path(name)
        say(f"Downloading the source of {SOURCE} …")
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        cure = f"Look whether pip reaches its index: {sys.executable} -m pip download --no-deps {SOURCE}."
        run([*download, "--no-binary", "kenlm", SOURCE, "-d", str(work)], limit_s=DOWNLOAD_LIMIT_S, cure=cure)
        [archive] = work.glob("kenlm-*.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(work, filter="data")
        [unpacked] = (path for path in work.glob("kenlm-*") if path.is_dir())
        say("Compiling lmplz, build_binary and query …")
        cure = f"On Debian its libraries come with:\n  {APT_LINE}"
        build = work / "build"
        configure = ["cmake", "-S", str(unpacked), "-B", str(build), "-DENABLE_INTERPOLATE=OFF"]
        run([*configure, "-DCMAKE_BUILD_TYPE=Release"], limit_s=BUILD_LIMIT_S, cure=cure)
        jobs = str(os.cpu_count() or 1)
        run(["cmake", "--build", str(build), "-j", jobs, "--target", *PROGRAMS], limit_s=BUILD_LIMIT_S, cure=cure)
        for program in PROGRAMS:
            (build / "bin" / program).replace(folder / program)
    tools = find_tools(folder)
    if tools is None:
        raise KenlmToolsError(f"KenLM was built, but its programs cannot be run from {folder}.")
    return tools


def run(command: list[str], *, limit_s: float, cure: str) -> str:
    """Runs a program and returns what it wrote to stdout. Raises KenlmToolsError with the end of its stderr."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise KenlmToolsError(f"{command[0]} took longer than {limit_s:.0f} s. {cure}") from error
    if done.returncode != 0:
        raise KenlmToolsError(f"{Path(command[0]).name} failed. {cure}\nIt said: {done.stderr.strip()[-600:]}")
    return done.stdout
