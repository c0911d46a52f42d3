"""`mmsd_sarcasm`: is a tweet with an image sarcastic? (Cai, Cai & Wan 2019).

24 635 tweets: their text, and for each image the five words that an attribute predictor found for
it. Tweets that their authors marked as sarcastic, against others; their hashtags give the answer
away more often than one would like (MMSD2.0, Qin et al. 2023).

Four text files come from the authors' repository, pinned to a commit. Their lines are Python lists,
read as literals; the one pickled file of the repository, an index of word vectors, is not used. No
digests of the files are published, and the tweets are not ours to keep: the labels and attribute
words that are read from the files are verified exactly. The features are computed by scikit-learn,
and their last digits depend on its version; the sizes of their leading components are verified.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from mmfuse_lib.data.card import DatasetCard, Splits
from mmfuse_lib.data.features import choose, select, standardise
from mmfuse_lib.data.multimodal import from_arrays
from mmfuse_lib.data.storage.downloads import Arrays, Recipe, Sizes, fetch, load_arrays

URL = (
    "https://raw.githubusercontent.com/headacheboy/data-of-multimodal-sarcasm-detection/"
    "f42b16510208624d91fa545ca9bb64c6335f971e"
)

#: The published split, a file each.
PARTS = {"train": "text/train.txt", "valid": "text/valid2.txt", "test": "text/test2.txt"}
ATTRIBUTES = "extract/extract_all"

#: The two modalities, in order, and what their arrays are called.
MODALITIES = {"text": "text_svd", "attributes": "attr_svd"}

CLASSES = ("not sarcastic", "sarcastic")

#: Tweets with one of these words are left out, as in the published code.
GIVE_AWAY = frozenset(
    {
        "exgag", "sarcasm", "sarcastic", "reposting", "<url>", "joke", "humour", "humor", "jokes",
        "irony", "ironic",
    }
)  # fmt: skip

WORD = r"\S+"  # whatever stands between blanks: the tweets are tokenised already
N_ATTRIBUTES = 5  # words an image
N_TEXT, N_ATTR = 300, 100  # components that are kept


def load(seed: int = 0, *, modalities: Sequence[str] = tuple(MODALITIES)) -> Splits:
    """Load the published split: 19 816 tweets for training, 2410 for validation, 2409 for the test.

    ==========  ======  =========================================================================
    text        (300,)  latent semantic analysis of words and pairs of words in the tweet
    attributes  (100,)  the same of the five words for its image
    ==========  ======  =========================================================================

    Both are fitted on the training tweets and then standardised on them. The label is that of the
    hashtag, in all splits; no tweet is in two of them.

    Parameters
    ----------
    modalities : sequence of str
        One or both of ``"text"``, ``"attributes"``.
    """
    chosen = {name: MODALITIES[name] for name in choose(modalities, tuple(MODALITIES))}
    names = [*chosen.values(), "label"]
    arrays = load_arrays(RECIPE, [f"{part}_{name}" for part in PARTS for name in names])
    joined = {name: np.concatenate([arrays[f"{part}_{name}"] for part in PARTS]) for name in names}
    part_of = np.repeat(np.arange(len(PARTS)), [len(arrays[f"{part}_label"]) for part in PARTS])
    tweets = from_arrays(
        {name: standardise(joined[array], part_of == 0) for name, array in chosen.items()},
        joined["label"],
        class_names=CLASSES,
    )
    return select(tweets, *(part_of == k for k in range(len(PARTS))))


# From the published files to arrays.


@dataclass(frozen=True)
class Post:
    """A tweet, the words for its image, and whether its author marked it as sarcastic."""

    text: str
    attributes: tuple[str, ...]
    label: int


def prepare(names: Sequence[str], raw: Path) -> Arrays:
    """Download the four files, read them, and compute the features."""
    words = read_attributes(fetch(f"{URL}/{ATTRIBUTES}", raw))
    posts = {part: read_posts(fetch(f"{URL}/{file}", raw), words) for part, file in PARTS.items()}
    vocabulary = sorted({word for part in posts.values() for p in part for word in p.attributes})
    number = {word: k for k, word in enumerate(vocabulary)}
    arrays: Arrays = {"attr_words": np.array(vocabulary)}
    for part, own in posts.items():
        ids = [[number[word] for word in p.attributes] for p in own]
        arrays[f"{part}_attr_ids"] = np.array(ids, dtype=np.uint16).reshape(-1, N_ATTRIBUTES)
        arrays[f"{part}_label"] = np.array([p.label for p in own], dtype=np.uint8)
    texts = text_features({part: [p.text for p in own] for part, own in posts.items()})
    attributes = attribute_features(
        {part: arrays[f"{part}_attr_ids"] for part in PARTS}, len(vocabulary)
    )
    for part in PARTS:
        arrays |= {f"{part}_text_svd": texts[part], f"{part}_attr_svd": attributes[part]}
    return arrays


def read_attributes(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the words for each image: a line is the number of the tweet, then the words."""
    return {str(row[0]): tuple(map(str, row[1:])) for row in _rows(path)}


def read_posts(path: Path, words: dict[str, tuple[str, ...]]) -> list[Post]:
    """Read the tweets of a part: a line is the number, the text, the label by hashtag, ...

    Left out are tweets with a word of `GIVE_AWAY`, and those without five words for the image.
    """
    posts = [Post(str(r[1]), words.get(str(r[0]), ()), int(str(r[2]))) for r in _rows(path)]
    return [
        post
        for post in posts
        if len(post.attributes) == N_ATTRIBUTES and not GIVE_AWAY & set(post.text.split())
    ]


def _rows(path: Path) -> Iterable[list[object]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = ast.literal_eval(line)  # a literal cannot run anything
            if not isinstance(row, list):
                raise ValueError(f"{path}: {line[:50]!r} is no list")
            yield row


def text_features(
    texts: dict[str, list[str]], n_components: int = N_TEXT, min_count: int = 3
) -> dict[str, NDArray[np.float16]]:
    """Weigh words and pairs of words by TF-IDF and project on the leading singular vectors.

    Parameters
    ----------
    texts : dict of str to list of str
        Per part. All is fitted on ``"train"``.
    n_components : int
        How many vectors.
    min_count : int
        Words of fewer training tweets are left out.
    """
    weigh = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=WORD, min_df=min_count, sublinear_tf=True
    ).fit(texts["train"])
    weighed = {part: weigh.transform(own) for part, own in texts.items()}
    return _project(weighed, n_components, n_iter=4)


def attribute_features(
    ids: dict[str, NDArray[np.uint16]], n_words: int, n_components: int = N_ATTR
) -> dict[str, NDArray[np.float16]]:
    """Project how often each word is there, ``(N, n_words)``, on the leading singular vectors."""
    bags = {}
    for part, own in ids.items():
        rows = np.repeat(np.arange(len(own)), own.shape[1])
        once = np.ones(own.size, dtype=np.float32)
        bags[part] = sparse.csr_matrix((once, (rows, own.ravel())), shape=(len(own), n_words))
    return _project(bags, n_components, n_iter=5)


def _project(
    x: dict[str, sparse.csr_matrix], n_components: int, n_iter: int
) -> dict[str, NDArray[np.float16]]:
    svd = TruncatedSVD(n_components, random_state=0, n_iter=n_iter).fit(x["train"])
    return {part: svd.transform(own).astype(np.float16) for part, own in x.items()}


RECIPE = Recipe(
    name="mmsd_sarcasm",
    archive_sha256="7651707bc29c9ecb1bd5778f20976d9f8115914c9fc6daa9c23e663485d17d08",
    digests={
        "attr_words": "ae34e02ca0b51a784e804b60b42f67db0d787416f8fa023e6fdf5dc60349405e",
        "train_attr_ids": "eb26fdd46a35c5b232a13cc62e0146c629b2927d00039a7ba705fe5002cf96da",
        "train_label": "90ae00a96dee87754fe4d807452033f7cb1882e4fade50ed224414785a8992d0",
        "valid_attr_ids": "8c3b9dac1a3b316312b79abe21116506c1182fe7622069725b40b737b2888663",
        "valid_label": "edd975a687eb1c03d3504cf6c7ac4fbc20fef7e53f88f28c60d189dc7bea3327",
        "test_attr_ids": "9929e339640b839e6ae8cc75f56c6744783f3671f112a2fb5c9f233046a7de2c",
        "test_label": "6fc996503f426767149f64e5cae30c4d23136849beaf5bebef250ebbb8a0b4f9",
        "train_text_svd": Sizes((19816, 300), (17.13, 9.9, 9.57, 9.25, 8.13)),
        "train_attr_svd": Sizes((19816, 100), (86.72, 70.63, 55.28, 52.49, 51.06)),
        "valid_text_svd": Sizes((2410, 300), (6.29, 3.52, 3.09, 3.41, 2.88)),
        "valid_attr_svd": Sizes((2410, 100), (30.14, 24.02, 19.76, 17.76, 17.33)),
        "test_text_svd": Sizes((2409, 300), (6.38, 3.67, 3.67, 3.46, 2.91)),
        "test_attr_svd": Sizes((2409, 100), (30.48, 25.11, 19.49, 18.03, 17.56)),
    },
    prepare=prepare,
)


CARD = DatasetCard(
    load=load,
    summary="24635 tweets with an image, sarcastic by their hashtag or not: features of the text "
    "and of five words for the image; published split. Downloads about 7 MB.",
    source="https://github.com/headacheboy/data-of-multimodal-sarcasm-detection",
    licence="not stated; tweets by many people, not to be passed on",
    citation="Cai, Cai & Wan, Multi-modal sarcasm detection in Twitter with hierarchical fusion "
    "model, ACL 2019",
)
