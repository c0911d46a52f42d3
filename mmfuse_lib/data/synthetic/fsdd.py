"""The Free Spoken Digit Dataset (Jackson et al.): 3000 recordings of six people, as spectrograms.

Downloaded as one archive of the repository at a fixed commit. No digest of it is published; the
arrays made of it are verified instead. The last bits of a Fourier transform and a logarithm may
differ between machines; after rounding to float16 that should show almost never.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from mmfuse_lib.data.storage.downloads import Arrays, Recipe, fetch

URL = (
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip"
)

#: In the order of the numbers in the array ``speaker``.
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

SAMPLE_RATE = 8_000
WINDOW, HOP, FFT = 256, 128, 512  # samples
N_MEL, N_FRAMES = 40, 64
LOWEST, HIGHEST = 50.0, 4_000.0  # hertz
N_SAMPLES = WINDOW + HOP * (N_FRAMES - 1)


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the recordings and make the log-mel spectrograms, in the order of file names."""
    x, label, speaker = [], [], []
    with zipfile.ZipFile(fetch(URL, raw)) as archive:
        wavs = [name for name in archive.namelist() if re.search(r"/recordings/.*\.wav$", name)]
        for name in sorted(wavs):
            digit, who, _ = PurePosixPath(name).stem.split("_")  # 7_jackson_32
            rate, samples = wavfile.read(io.BytesIO(archive.read(name)))
            if rate != SAMPLE_RATE or samples.ndim != 1 or samples.dtype != np.int16:
                raise ValueError(f"{name}: expected one channel of int16 at {SAMPLE_RATE} Hz")
            x.append(log_mel(samples))
            label.append(int(digit))
            speaker.append(SPEAKERS.index(who))
    return {
        "x": np.stack(x),
        "label": np.array(label, dtype=np.uint8),
        "speaker": np.array(speaker, dtype=np.uint8),
    }


def log_mel(samples: NDArray[np.int16]) -> NDArray[np.float16]:
    """Return log10 of the mel spectrogram, ``(40, 64)``, of a recording cut or padded to 1.04 s."""
    wave = samples[:N_SAMPLES].astype(np.float64) / 32_768
    wave = np.pad(wave, (0, N_SAMPLES - len(wave)))
    hann = np.hanning(WINDOW + 1)[:-1]  # periodic
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP] * hann
    power = np.abs(np.fft.rfft(frames, FFT)) ** 2
    log_power: NDArray[np.float16] = np.log10(mel_filters() @ power.T + 1e-6).astype(np.float16)
    return log_power


def mel_filters() -> NDArray[np.float64]:
    """Return triangles of height 1, equally spaced in mel (HTK's), ``(40, 257)``."""
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST, HIGHEST]) / 700)
    edges = 700 * (10 ** (np.linspace(lowest, highest, N_MEL + 2) / 2595) - 1)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hertz = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return triangles


RECIPE = Recipe(
    name="fsdd_logmel",
    archive_sha256="f901cc9cf85eeb06426498f6f30f0a59cd882ffc606958f517910a0fb28c6222",
    digests={
        "x": "3adaef121a116be76be46f7666cc6739c39016ad2168b89f2c7ef3c37d3ec030",
        "label": "2a053420a0e480d759782df3716b730dbd608b72b995d910a9636937e571c07b",
        "speaker": "0593805d0fa975e2a11f2f14128827a2a52ee61f811e8e532c36c13d8b8de21c",
    },
    prepare=prepare,
)
