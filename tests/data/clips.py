"""Small videos with audio, written by a real ffmpeg."""

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

FFMPEG = str(imageio_ffmpeg.get_ffmpeg_exe())


def tone(hertz: float, seconds: float) -> NDArray[np.float32]:
    """Return a sine at 16 kHz."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    return (0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def write_video(
    path: Path, frames: NDArray[np.uint8], wave: NDArray[np.float32] | None = None, rate: int = 5
) -> Path:
    """Write frames ``(n, height, width, 3)`` and audio; the codecs follow from the name's end."""
    height, width = frames.shape[1:3]
    command = [FFMPEG, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    # 10 frames between key frames: a part may start between them.
    codecs = {".mp4": ["-c:v", "mpeg4", "-g", "10", "-q:v", "1"], ".avi": ["-c:v", "mjpeg"]}
    output = [*codecs[path.suffix], "-pix_fmt", "yuvj420p" if path.suffix == ".avi" else "yuv420p"]
    with tempfile.TemporaryDirectory() as folder:
        if wave is not None:
            wavfile.write(f"{folder}/a.wav", 16_000, (32_767 * wave).astype(np.int16))
            command += ["-i", f"{folder}/a.wav"]
            output += ["-c:a", "aac"]
        subprocess.run([*command, *output, str(path)], input=frames.tobytes(), check=True)
    return path
