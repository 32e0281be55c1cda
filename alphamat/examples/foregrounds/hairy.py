"""Heads of hair."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from alphamat.examples.brushes.chance import chance, log_uniform, places
from alphamat.examples.brushes.outlines import blob, distance, filled
from alphamat.examples.brushes.palettes import palette
from alphamat.examples.brushes.strands import curves, draw, tapered
from alphamat.examples.foregrounds.materials import body
from alphamat.examples.painting import Canvas

STEPS = 24
T = np.linspace(0, 1, STEPS)  # along a strand
DYES = [  # dark and light
    ([0.03, 0.02, 0.02], [0.25, 0.19, 0.16]),
    ([0.13, 0.07, 0.04], [0.50, 0.33, 0.22]),
    ([0.30, 0.10, 0.04], [0.80, 0.42, 0.20]),
    ([0.45, 0.33, 0.18], [0.96, 0.86, 0.64]),
    ([0.35, 0.34, 0.34], [0.92, 0.91, 0.90]),
]


class Head(NamedTuple):
    """Where the hair grows, and how."""

    middle: np.ndarray
    radius: float
    bald: float  # the share of it where nothing grows: the face
    fall: float  # how far strands hang down
    dyes: np.ndarray  # (n, 3)


def hairy(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a head of hair, mostly with shoulders: locks, gaps, and strands that stand off."""
    middle, radius = places(canvas, rng, 1, 0.3)[0], rng.uniform(0.1, 0.3)
    parts = [blob(rng, middle, radius)]
    if chance(rng, 0.6):
        shoulders = middle + radius * np.array([1.8, rng.normal(0, 0.3)])
        parts.append(blob(rng, shoulders, 1.3 * radius))
    layer = body(canvas, rng, distance(canvas, filled(canvas, *parts)))
    head = Head(middle, radius, rng.uniform(0, 0.7), rng.uniform(0, 2.5), _dyes(rng))
    for _ in range(int(rng.integers(1, 4))):
        _draw_locks(layer, canvas, rng, head, int(log_uniform(rng, 400, 4000)), loose=False)
    _draw_locks(layer, canvas, rng, head, int(log_uniform(rng, 20, 300)), loose=True)
    return layer


def _dyes(rng):
    if chance(rng, 0.5):
        return palette(rng, 3)
    dark, light = np.array(DYES[rng.integers(len(DYES))])
    return dark + rng.uniform(0, 1, (3, 1)) * (light - dark)


def _draw_locks(layer, canvas, rng, head, count, *, loose):
    locks = max(count // int(rng.integers(8, 40)), 3)
    lock = rng.integers(locks, size=count)
    nodes = _grown(rng, head, lock, locks, loose)
    tones = 0.5 * head.dyes[rng.integers(3, size=count)]
    tones += 0.5 * head.dyes[rng.integers(3, size=locks)][lock]
    tones *= rng.uniform(0.5, 1.4, (count, 1))
    bright, turns, first = rng.uniform([0, 0.7, 0], [0.5, 2, 1])
    gloss = 1 + bright * np.sin(2 * math.pi * (turns * T + first))
    widths = log_uniform(rng, 0.0005, 0.004) * rng.uniform(0.6, 1.3, count)
    opacity = rng.uniform(0.5, 1) if loose else rng.uniform(0.8, 1)
    colours = tones[:, None] * gloss[:, None]
    draw(layer, canvas, nodes, tapered(rng, widths, STEPS), colours, opacity)


def _grown(rng, head, lock, locks, loose):
    """Return the nodes of strands that grow out of the head, and fall."""
    count = len(lock)
    place = rng.uniform(0, 2 * math.pi, locks)  # around the head
    if chance(rng, 0.6):
        place = rng.normal(-math.pi / 2, 1.1, locks)
    turn = place[lock] + rng.normal(0, rng.uniform(0.02, 0.3), count)
    far = head.radius * rng.uniform(head.bald, 1.02, count)
    roots = head.middle + far[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    aside = rng.normal(0, 0.5, locks)[lock] + rng.normal(0, 0.65 if loose else 0.15, count)
    lengths = head.radius * log_uniform(rng, 0.4, 3) * rng.uniform(0.6, 1.2, count)
    lengths *= np.exp(rng.normal(0, 0.3, locks))[lock]
    bend, wave = rng.uniform(0.2, 1.5), rng.uniform(0.02, 0.5)
    curl = (0, 0, 0, 0.6, 1.4)[rng.integers(5)]
    nodes = curves(
        rng, roots, turn + aside, lengths,
        steps=STEPS, bend=bend, wave=wave, curl=curl, lock=lock,
    )  # fmt: skip
    if not loose:
        _gather(nodes, lock, rng.uniform(0, 0.8) * T)
    nodes[..., 0] += head.fall / (2.5 * head.radius) * (lengths[:, None] * T) ** 2
    return nodes


def _gather(nodes, lock, share):
    """Draw strands towards the middle of their lock, in place, by a share at each node."""
    count = np.maximum(np.bincount(lock), 1)[:, None, None]
    middle = np.zeros((len(count), *nodes.shape[1:]))
    np.add.at(middle, lock, nodes)
    nodes += share[:, None] * ((middle / count)[lock] - nodes)
