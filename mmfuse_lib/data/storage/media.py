"""Images, videos and audio as arrays: what the loaders of raw files share.

Videos and their audio are read by the program ffmpeg: the one on the path, else the one that the
package imageio-ffmpeg brings (``pip install imageio-ffmpeg``). It reads local files only. A file
that takes it longer than `TIMEOUT`, or holds more than `MAX_BYTES`, is refused.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile
from scipy.signal import spectrogram

from mmfuse_lib.core.errors import DataError

#: Samples a second of all audio.
SAMPLE_RATE = 16_000

#: Samples of a window of the spectrogram, and how many of them are in the next window too.
WINDOW, OVERLAP = 512, 353

#: Seconds that ffmpeg may take for a file. For clips of ten seconds it takes about one.
TIMEOUT = 120.0

#: Bytes of frames or audio that a file may hold. Five minutes of 25 frames of 224 x 224 a second.
MAX_BYTES = 2**30

Span = tuple[float, float]


# Images.


def spread(n_available: int, n_wanted: int) -> list[int]:
    """Return the indices of the wanted frames: the first, the last, at equal distances between.

    A single one is the one in the middle. If fewer are available than wanted, some come twice.
    """
    if n_wanted == 1:
        return [(n_available - 1) // 2]
    return [round(k) for k in np.linspace(0, n_available - 1, n_wanted)]


def read_image(path: Path, size: int, mode: str = "RGB") -> NDArray[np.uint8]:
    """Return an image, resized to a square, as bytes.

    Parameters
    ----------
    path : Path
        The image.
    size : int
        Height and width to which it is resized.
    mode : str
        ``"RGB"``, or ``"L"`` for grey.

    Returns
    -------
    ndarray, shape (3, size, size), or (1, size, size) for grey

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        with Image.open(path) as image:
            small = image.convert(mode).resize((size, size), Image.Resampling.BILINEAR)
    except Exception as error:  # a reader met by a damaged file may raise anything
        raise DataError(f"{path} cannot be read: {error}") from error
    return np.asarray(small, dtype=np.uint8).reshape(size, size, -1).transpose(2, 0, 1)


def list_images(folder: Path) -> list[Path]:
    """Return the images (``*.jpg``) of a folder, sorted by name.

    Raises
    ------
    DataError
        If there are none.
    """
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise DataError(f"{folder} has no images (*.jpg)")
    return paths


def frames_from_images(folder: Path, n: int, size: int) -> NDArray[np.uint8]:
    """Return n frames, `spread` over the images of a folder, ``(n, 3, size, size)``.

    Raises
    ------
    DataError
        If there are none, or one cannot be read.
    """
    paths = list_images(folder)
    return np.stack([read_image(paths[k], size) for k in spread(len(paths), n)])


# Videos.


def find_ffmpeg(why: str) -> str:
    """Return the path of the program ffmpeg.

    Parameters
    ----------
    why : str
        What there is to be read; the error begins with it.

    Raises
    ------
    DataError
        If it is neither on the path nor installed with the package imageio-ffmpeg.
    """
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        return on_path
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # not installed, or without a program for this machine
        raise DataError(
            f"{why}: reading them needs the program ffmpeg, which is not on the path. Install it, "
            "or run: pip install imageio-ffmpeg"
        ) from None


def frames_from_video(
    ffmpeg: str, path: Path, n: int, size: int, span: Span | None = None
) -> NDArray[np.uint8]:
    """Return n frames, `spread` over a video or a part of it.

    Parameters
    ----------
    ffmpeg : str
        The program, see `find_ffmpeg`.
    path : Path
        The video.
    n : int
        Number of frames.
    size : int
        Height and width to which they are resized.
    span : (float, float), optional
        Start and end of the part, in seconds.

    Returns
    -------
    ndarray of bytes, shape (n, 3, size, size)

    Raises
    ------
    DataError
        If it cannot be read, takes longer than `TIMEOUT` or holds more than `MAX_BYTES`; names the
        file and quotes ffmpeg.
    """
    output = ["-vf", f"scale={size}:{size}:flags=bilinear"]
    output += ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    done = _run(ffmpeg, path, output, span)
    frames = np.frombuffer(done.stdout, dtype=np.uint8)
    n_frames, rest = divmod(len(frames), size * size * 3)
    if done.returncode != 0 or rest or n_frames == 0:
        raise _unreadable(path, done, f"{n_frames} frames")
    shown = frames.reshape(n_frames, size, size, 3)[spread(n_frames, n)]
    return shown.transpose(0, 3, 1, 2)


def audio_from_video(ffmpeg: str, path: Path, span: Span | None = None) -> NDArray[np.float32]:
    """Return the audio of a video as one channel at 16 kHz, ``(samples,)``, from -1 to 1.

    Parameters and errors are those of `frames_from_video`. For a video without audio the result is
    empty.
    """
    output = ["-map", "0:a:0?", "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le"]
    done = _run(ffmpeg, path, output, span)
    if done.returncode != 0:
        if b"does not contain any stream" in done.stderr:
            return np.zeros(0, dtype=np.float32)
        raise _unreadable(path, done, f"{len(done.stdout) // 4} samples")
    return np.frombuffer(done.stdout, dtype="<f4").astype(np.float32)


def _run(
    ffmpeg: str, path: Path, output: list[str], span: Span | None
) -> subprocess.CompletedProcess[bytes]:
    part = [] if span is None else ["-ss", str(span[0]), "-t", str(span[1] - span[0])]
    # A name such as 12:30.mp4 would be taken for an address of the protocol "12".
    source = ["-protocol_whitelist", "file,pipe", *part, "-i", f"file:{path}"]
    command = [ffmpeg, "-v", "error", *source, *output, "-fs", str(MAX_BYTES), "-"]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise DataError(
            f"{path} cannot be read: ffmpeg has not come to its end in {TIMEOUT:g} seconds"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {ffmpeg} does not start: {error}") from error
    if len(done.stdout) >= MAX_BYTES:
        raise DataError(
            f"{path} holds more than {MAX_BYTES:,} bytes of frames or audio: expected a clip"
        )
    return done


def _unreadable(path: Path, done: subprocess.CompletedProcess[bytes], got: str) -> DataError:
    said = done.stderr.decode(errors="replace").strip().partition("\n")[0][:300]
    return DataError(
        f"{path} cannot be read: ffmpeg ended with {done.returncode} after {got}. {said}"
    )


# Audio.


def read_wav(path: Path, source: str) -> NDArray[np.float32]:
    """Return the samples of a wav file, ``(samples,)``, from -1 to 1.

    Parameters
    ----------
    path : Path
        One channel of 16 bits at 16 kHz.
    source : str
        Where to get it, for the error.

    Raises
    ------
    DataError
        If it cannot be read or is of another form.
    """
    try:
        rate, samples = wavfile.read(path)
    except Exception as error:  # a reader met by a damaged file may raise anything
        raise DataError(f"{path} cannot be read: {error}. Get it from {source}") from error
    if rate != SAMPLE_RATE or samples.ndim != 1 or samples.dtype != np.int16:
        raise DataError(
            f"{path} has {samples.dtype} samples at {rate} Hz, shape {samples.shape}: expected "
            f"one channel of int16 at {SAMPLE_RATE} Hz, as published"
        )
    wave: NDArray[np.float32] = samples.astype(np.float32) / np.float32(32_768)
    return wave


def spectrogram_shape(seconds: int) -> tuple[int, int, int]:
    """Return the shape of `log_spectrogram`: ``(1, 257, steps)``."""
    return 1, WINDOW // 2 + 1, (seconds * SAMPLE_RATE - OVERLAP) // (WINDOW - OVERLAP)


def log_spectrogram(wave: NDArray[np.float32], seconds: int) -> NDArray[np.float32]:
    """Return the log power spectrogram of the first seconds.

    Shorter audio is repeated; audio without a sample is silence.

    Parameters
    ----------
    wave : ndarray, shape (samples,)
        At 16 kHz, from -1 to 1.
    seconds : int
        How many.

    Returns
    -------
    ndarray, shape (1, 257, steps)
        299 steps for 3 seconds, 1004 for 10; frequencies are 31.25 Hz apart.
    """
    wave = wave if len(wave) else np.zeros(1, dtype=np.float32)
    repeated = np.resize(wave, seconds * SAMPLE_RATE).astype(np.float32)
    _, _, power = spectrogram(repeated, SAMPLE_RATE, nperseg=WINDOW, noverlap=OVERLAP)
    log_power: NDArray[np.float32] = np.log(power + 1e-7).astype(np.float32)[None]
    return log_power
