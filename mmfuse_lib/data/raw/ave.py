"""`ave`: audio-visual events in ten-second videos, from the published files.

4143 events of 28 kinds, such as *Church bell* or *Motorcycle*, in 4097 videos (Tian et al. 2018).
The folder is laid out as published in AVE_Dataset.zip::

    root/AVE/RUhOCu3LNXM.mp4            the videos, with their audio
    root/trainSet.txt, valSet.txt, testSet.txt

A line of a list is ``Category&VideoID&Quality&StartTime&EndTime``; the last two are the seconds
between which the event is heard and seen. Only this part is used, as in DI-MML's code, and of it
four frames (README of fanyunfeng-bit/DI-MML, 83b9b7a). That code takes them from one frame a
second, at places drawn once for each number of frames; here they are at equal distances.

A spectrogram and a few frames a clip are prepared once by ffmpeg and kept in two arrays on disk,
7 GB for the whole data set.
"""

from __future__ import annotations

from pathlib import Path

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.raw.audio_video import Clip, load_clips
from mmfuse_lib.data.raw.published import check_root, read_lines

SOURCE = "https://github.com/YapengTian/AVE-ECCV18"

LISTS = ("trainSet.txt", "valSet.txt", "testSet.txt")

#: The events, in the order in which the lists name them.
EVENTS = (
    "Church bell", "Male speech, man speaking", "Bark", "Fixed-wing aircraft, airplane",
    "Race car, auto racing", "Female speech, woman speaking", "Helicopter", "Violin, fiddle",
    "Flute", "Ukulele", "Frying (food)", "Truck", "Shofar", "Motorcycle", "Acoustic guitar",
    "Train horn", "Clock", "Banjo", "Goat", "Baby cry, infant cry", "Bus", "Chainsaw", "Cat",
    "Horse", "Toilet flush", "Rodents, rats, mice", "Accordion", "Mandolin",
)  # fmt: skip

#: Seconds of a video.
LENGTH = 10

#: How a line of a list is made; the first line of some copies says so.
LINE = "Category&VideoID&Quality&StartTime&EndTime"


def load(
    seed: int = 0,
    *,
    root: str | Path | None = None,
    n_frames: int = 4,
    prepared: str | Path | None = None,
) -> Splits:
    """Load the published split.

    =====  =====================  ==============================================================
    audio  (1, 257, 1004)         logarithm of the spectrogram of the event, repeated to 10
                                  seconds; of mean 0 and deviation 1
    video  (n_frames, 3, 224,     frames at equal distances from the first to the last of the
           224)                   event, as bytes; `ResNet18Encoder` turns them into numbers
    =====  =====================  ==============================================================

    Of a video with several events the first of a list counts. In DI-MML's code it gives the label,
    but the audio is that of the video's last event in Annotations.txt. A video that is in two lists
    is left out of the earlier one in the order training, validation, test. The default of
    `n_frames` is that of DI-MML.
    """
    root = check_root("ave", root, f"AVE, {', '.join(LISTS)}", SOURCE)
    train, val, test = (_read_list(root, name) for name in LISTS)
    splits = [
        [clip for video, clip in train.items() if video not in val and video not in test],
        [clip for video, clip in val.items() if video not in test],
        list(test.values()),
    ]
    folder = Path(prepared or root / "prepared")
    return load_clips(
        "ave", splits, EVENTS, root=root, folder=folder, n_frames=n_frames, source=SOURCE
    )


def _read_list(root: Path, name: str) -> dict[str, Clip]:
    """Return the first event of each video of a list."""
    clips: dict[str, Clip] = {}
    for line, where in read_lines("ave", root / name, SOURCE):
        if line != LINE:
            video, clip = _read_line(root, line, where)
            clips.setdefault(video, clip)
    return clips


def _read_line(root: Path, line: str, where: str) -> tuple[str, Clip]:
    parts = line.split("&")
    if len(parts) != 5 or not (parts[3].isdecimal() and parts[4].isdecimal()):
        raise DataError(f"{where}: expected {LINE} with seconds at the end, got {line!r}")
    event, video, _, first, last = parts
    if event not in EVENTS:
        raise DataError(f"{where}: {event!r} is none of the 28 events: {'; '.join(EVENTS)}")
    start, end = int(first), int(last)
    if end == 0:  # one published line says "0&0": no part is marked
        start, end = 0, LENGTH
    if not start < end <= LENGTH:
        raise DataError(f"{where}: expected a part of {LENGTH} seconds, got {start} to {end}")
    return video, Clip(root / "AVE" / f"{video}.mp4", EVENTS.index(event), (start, end))


CARD = DatasetCard(
    load=load,
    summary="4143 events of 28 kinds in videos, heard and seen: spectrogram and frames, from the "
    "published files in a folder of yours (root). For a GPU; not downloaded for you.",
    source=SOURCE,
    licence="none stated; videos by people on YouTube, chosen from AudioSet",
    citation="Tian et al., Audio-visual event localization in unconstrained videos, ECCV 2018",
)
