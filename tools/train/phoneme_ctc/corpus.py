# SPDX-License-Identifier: Apache-2.0
"""Recordings to cached features: speechocean762 (both halves), LJ and noises, one file each.

A cache holds all utterances' frames in a row with offsets, so that training maps it once and reads nothing else.
"""

from __future__ import annotations

import csv
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

import features
from progress import Progress

# Class 0 is the blank (in alignments: silence); the order is that of src/speech/phones.cpp.
PHONES = (
    "- AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()
CLASS_OF = {name: index for index, name in enumerate(PHONES)}


@dataclass
class Utterance:
    """One recording: what is said, by whom, and where its frames lie in the cache."""

    name: str
    speaker: str
    age: int
    phones: np.ndarray  # classes 1..39
    word_starts: np.ndarray  # true where a word begins, one for each phone
    begin: int = 0
    end: int = 0


@dataclass
class Corpus:
    """All utterances of one source, and their log-mel frames in a row, [frames, 80]."""

    utterances: list[Utterance]
    frames: np.ndarray

    def of(self, utterance: Utterance) -> np.ndarray:
        return self.frames[utterance.begin : utterance.end]


def read_sound(path: Path) -> np.ndarray:
    """Mono samples at 16 kHz, whatever the file's rate."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    mono = samples.mean(axis=1)
    if rate == features.RATE_HZ:
        return mono
    divisor = np.gcd(rate, features.RATE_HZ)
    return resample_poly(mono, features.RATE_HZ // divisor, rate // divisor)


def speechocean_utterances(folder: Path, half: str) -> list[Utterance]:
    """`half` is "train" or "test". Phones are those of phone-scores.csv, words those of text-phone.txt."""
    speaker_of = dict(line.split() for line in (folder / f"{half}.utt2spk").read_text().splitlines())
    age_of = dict(line.split() for line in (folder / f"{half}.spk2age").read_text().splitlines())
    words: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for line in (folder / "text-phone.txt").read_text().splitlines():
        key, phones = line.split("\t")
        name, index = key.rsplit(".", 1)
        words[name].append((int(index), len(phones.split())))
    utterances = []
    with open(folder / "phone-scores.csv", newline="") as table:
        for row in csv.DictReader(table):
            name = row["file_name"].split(".")[0]
            if name not in speaker_of:
                continue
            phones = np.array([CLASS_OF[phone] for phone in row["transcription"].split()], dtype=np.int64)
            starts = np.zeros(len(phones), dtype=bool)
            lengths = [length for _, length in sorted(words[name])]
            starts[np.cumsum([0] + lengths[:-1])] = True
            speaker = speaker_of[name]
            utterances.append(Utterance(name, speaker, int(age_of[speaker]), phones, starts))
    return utterances


def flite_phones(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Phones of a text by flite's lexicon and letter-to-sound rules; a "word" here begins after each pause."""
    said = subprocess.run(["flite", "-ps", "-t", text, "none"], capture_output=True, text=True, check=True).stdout
    phones, starts, after_pause = [], [], True
    for name in said.split():
        if name == "pau":
            after_pause = True
            continue
        phones.append(CLASS_OF[{"ax": "AH"}.get(name, name.upper())])
        starts.append(after_pause)
        after_pause = False
    return np.array(phones, dtype=np.int64), np.array(starts, dtype=bool)


def lj_utterances(folder: Path) -> list[Utterance]:
    """One native reader; phones come from flite's reading of the text."""
    utterances = []
    for line in (folder / "transcripts.tsv").read_text().splitlines():
        name, text = line.split("\t")
        phones, starts = flite_phones(text)
        utterances.append(Utterance(name, "LJ", 40, phones, starts))
    return utterances


def build(utterances: list[Utterance], folder: Path, label: str) -> Corpus:
    """Reads each utterance's recording under `folder` and computes its features."""
    parts, position = [], 0
    progress = Progress(label, len(utterances))
    for utterance in utterances:
        frames = features.log_mel(read_sound(folder / f"{utterance.name}.opus")).astype(np.float32)
        utterance.begin, utterance.end = position, position + len(frames)
        position = utterance.end
        parts.append(frames)
        progress.step()
    return Corpus(utterances, np.concatenate(parts))


def noise_frames(folder: Path) -> np.ndarray:
    """Features of every noise in a row; for mixing with speech as energies."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".ogg", ".opus", ".wav", ".flac"})
    return np.concatenate([features.log_mel(read_sound(path)).astype(np.float32) for path in paths])


def save(corpus: Corpus, path: Path) -> None:
    """Writes beside and renames, so that a cache is whole or absent."""
    u = corpus.utterances
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        frames=corpus.frames,
        names=np.array([x.name for x in u]),
        speakers=np.array([x.speaker for x in u]),
        ages=np.array([x.age for x in u]),
        spans=np.array([[x.begin, x.end] for x in u]),
        phones=np.concatenate([x.phones for x in u]),
        word_starts=np.concatenate([x.word_starts for x in u]),
        phone_counts=np.array([len(x.phones) for x in u]),
    )
    partial.rename(path)


def load(path: Path) -> Corpus:
    with np.load(path) as file:
        stored = {key: file[key] for key in file.files}
    ends = np.cumsum(stored["phone_counts"])
    utterances = []
    for index, end in enumerate(ends):
        span = slice(end - stored["phone_counts"][index], end)
        begin, stop = stored["spans"][index]
        utterances.append(
            Utterance(
                str(stored["names"][index]),
                str(stored["speakers"][index]),
                int(stored["ages"][index]),
                stored["phones"][span],
                stored["word_starts"][span],
                int(begin),
                int(stop),
            )
        )
    return Corpus(utterances, stored["frames"])


def prepare(data: Path, cache: Path) -> None:
    """Fills `cache` with train.npz, test.npz, lj.npz and noise.npy; keeps what is there."""
    cache.mkdir(parents=True, exist_ok=True)
    ocean = data / "speechocean762"
    for half in ("train", "test"):
        if not (cache / f"{half}.npz").exists():
            save(build(speechocean_utterances(ocean, half), ocean / half, half), cache / f"{half}.npz")
    if not (cache / "lj.npz").exists():
        save(build(lj_utterances(data / "lj"), data / "lj", "lj"), cache / "lj.npz")
    if not (cache / "noise.npy").exists():
        np.save(cache / "noise.npy", noise_frames(data / "audio" / "noise"))
