"""Child processes that read what strangers uploaded: limited in time, memory and processor, and never outliving us.

Imports no Django: the children themselves import it, too.
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STDERR_KEPT_CHARS = 4_000
STDOUT_KEPT_BYTES = 4_000_000
TICK_S = 1.0
# A child needs no key and no database address: of our environment it gets these alone.
PASSED_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "IMAGEIO_FFMPEG_EXE", "SYSTEMROOT")
GIB = 2**30


@dataclass(frozen=True)
class ChildLimits:
    """`memory_bytes` bounds the address space, which is a few times what is really used."""

    timeout_s: float
    memory_bytes: int = 4 * GIB
    cpu_s: int | None = None  # None: no limit but the wall's


class ChildFailedError(Exception):
    """The child ended badly. `stderr_end` is the end of what it said; a negative `returncode` is a signal."""

    def __init__(self, what: str, returncode: int, stderr_end: str) -> None:
        super().__init__(f"{what} ended with {returncode}: {stderr_end or 'it said nothing'}")
        self.returncode = returncode
        self.stderr_end = stderr_end


class ChildTimedOutError(ChildFailedError):
    """It was killed at its time limit."""

    def __init__(self, what: str, timeout_s: float, stderr_end: str) -> None:
        super().__init__(f"{what} was killed after {timeout_s:g} s and", -signal.SIGKILL, stderr_end)


def python_module(name: str, *arguments: str | Path) -> list[str]:
    """The argument list that runs one of our modules in this interpreter."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def run_child(
    arguments: Sequence[str],
    limits: ChildLimits,
    *,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> str:
    """Runs a child to its end and returns its standard output, or "" where `on_line` was given each line of it.

    `on_tick` is called about once a second. An exception from either callback kills the child and passes on; so does
    anything else that ends this call. Raises `ChildFailedError`, `ChildTimedOutError`.
    """
    what = Path(arguments[0]).name if "-m" not in arguments[:2] else arguments[2]
    process = subprocess.Popen(
        [*_guards(limits), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,  # so that children of the child are killed with it
    )
    conversation = _Conversation(process, on_line)
    deadline = time.monotonic() + limits.timeout_s
    try:
        while conversation.goes_on(min(TICK_S, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise ChildTimedOutError(what, limits.timeout_s, conversation.stderr_end())
            if on_tick is not None:
                on_tick()
        try:
            returncode = process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ChildTimedOutError(what, limits.timeout_s, conversation.stderr_end()) from None
    finally:
        _kill(process)
        conversation.close()
    if returncode != 0:
        raise ChildFailedError(what, returncode, conversation.stderr_end())
    return conversation.stdout()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
    # OpenBLAS maps memory per core at import, which counts against the address space, and nothing here multiplies.
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _guards(limits: ChildLimits) -> list[str]:
    """util-linux's wrappers, where the machine has them (Debian always does): each becomes the child by exec."""
    guards: list[str] = []
    if setpriv := shutil.which("setpriv"):
        # The kernel kills the child when we die, even by SIGKILL.
        guards += [setpriv, "--pdeathsig", "KILL", "--"]
    if prlimit := shutil.which("prlimit"):
        guards += [prlimit, "--core=0", f"--as={limits.memory_bytes}"]
        if limits.cpu_s is not None:
            guards += [f"--cpu={limits.cpu_s}"]
        guards += ["--"]
    return guards


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole process group, which may live on where the child itself has ended."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


class _Conversation:
    """Reads both outputs as they come; keeps the end of stderr, and stdout up to a bound."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None] | None) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._outputs = (process.stdout, process.stderr)
        self._on_line = on_line
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(process.stdout, selectors.EVENT_READ, self._take_stdout)
        self._selector.register(process.stderr, selectors.EVENT_READ, self._take_stderr)

    def goes_on(self, wait_s: float) -> bool:
        """Takes what is there, waiting up to `wait_s`; False once both outputs are closed."""
        for key, _ in self._selector.select(wait_s):
            data = os.read(key.fd, 65_536)
            if data:
                key.data(data)
            else:
                self._selector.unregister(key.fileobj)
        return bool(self._selector.get_map())

    def _take_stdout(self, data: bytes) -> None:
        self._stdout += data
        if self._on_line is not None:
            *lines, rest = self._stdout.split(b"\n")
            self._stdout = bytearray(rest)
            for line in lines:
                self._on_line(line.decode("utf-8", "replace"))
        del self._stdout[:-STDOUT_KEPT_BYTES]

    def _take_stderr(self, data: bytes) -> None:
        self._stderr += data
        del self._stderr[:-STDERR_KEPT_CHARS]

    def stdout(self) -> str:
        return self._stdout.decode("utf-8", "replace") if self._on_line is None else ""

    def stderr_end(self) -> str:
        return self._stderr.decode("utf-8", "replace").strip()

    def close(self) -> None:
        self._selector.close()
        for output in self._outputs:
            output.close()
