"""Compiled loops of shared sampling. Raw arrays in and out; results last; callers check.

From `gather` on they are loops over runs first ≤ k < last of a `solvers.grid.Region`, whose stored
cells `pairs` and `tuples` hold values of: see `gather` and `share` of their caller.
"""

from __future__ import annotations

import math

import numpy as np

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, LONGEST_RUN, X, Y, own_column

PLACES = 10  # of a line, at most, are summed up to an energy
NOTHING = 1e-12  # smaller sums of weights are rounding
HALF = 0.5 + 1e-9  # to round: quotients that are halves go up, whatever their last digit


# ---- expansion of known regions


@jit
def expand(first, last, pixels, image, labels, offsets, similarity, found):
    """Label unknown pixels like the nearest known pixel of a similar colour; 2 if there is none."""
    height, width = labels.shape
    for k in range(first, last):
        y, x = pixels[k] // width, pixels[k] % width
        found[k] = 2
        for o in range(offsets.shape[0]):
            row, column = y + offsets[o, 0], x + offsets[o, 1]
            if row < 0 or row >= height or column < 0 or column >= width:
                continue
            if labels[row, column] == 2:
                continue
            if colours_apart(image, y, x, row, column) <= similarity**2:
                found[k] = labels[row, column]
                break


@jit
def colours_apart(image, y, x, row, column):
    """Return the squared distance of two pixels' colours."""
    total = 0.0
    for c in range(3):
        total += (image[y, x, c] - image[row, column, c]) ** 2
    return total


# ---- sample gathering


@jit
def chessboard(first, last, labels, distances):
    """Measure how many steps of a chess king each pixel is from the next one labelled 0, or 1."""
    height, width = labels.shape
    far = height + width
    for label in range(first, last):
        distance = distances[label]
        for y in range(height):
            for x in range(width):
                distance[y, x] = 0 if labels[y, x] == label else far
            approach(distance, y, y - 1)
        for y in range(height - 2, -1, -1):
            approach(distance, y, y + 1)


@jit
def approach(distance, y, before):
    """Lower a row of distances by the row before it and by its own neighbours."""
    width = distance.shape[1]
    row = distance[y]
    if before >= 0:
        other = distance[before]
        for x in range(width):
            row[x] = min(row[x], other[x] + 1)
        for x in range(1, width):
            row[x] = min(row[x], other[x - 1] + 1)
        for x in range(width - 1):
            row[x] = min(row[x], other[x + 1] + 1)
    for x in range(1, width):
        row[x] = min(row[x], row[x - 1] + 1)
    for x in range(width - 2, -1, -1):
        row[x] = min(row[x], row[x + 1] + 1)


@jit
def gather(first, last, runs, image, distances, directions, exponents, pairs):
    """Find for each pixel the best pair of samples that its rays meet."""
    rays = directions.shape[1]
    period = int(math.sqrt(directions.shape[0]))
    column = own_column(runs)
    samples = np.empty((2, rays, 2), np.int64)
    best = np.empty((2, 2), np.int64)
    scratch = np.empty((9, rays * rays))
    for k in range(first, last):
        y, at = runs[k, Y], runs[k, column]
        for i in range(runs[k, LENGTH]):
            x = runs[k, X] + i
            rose = directions[y % period * period + x % period]
            backgrounds = cast(distances[0], y, x, rose, samples[0])
            foregrounds = cast(distances[1], y, x, rose, samples[1])
            choose(
                image, y, x, samples[1, :foregrounds], samples[0, :backgrounds], exponents,
                scratch, best,
            )  # fmt: skip
            F, B = image[best[0, 0], best[0, 1]], image[best[1, 0], best[1, 1]]
            for c in range(3):
                pairs[c, at + i] = F[c] - B[c]
                pairs[3 + c, at + i] = (F[c] + B[c]) / 2
            pairs[6, at + i] = inverse(F, B)
            pairs[7, at + i] = variance(image, best[0, 0], best[0, 1])
            pairs[8, at + i] = variance(image, best[1, 0], best[1, 1])


@jit
def inverse(F, B):
    """Return 1 / |F - B|², or for equal colours 0, which makes their alpha ½."""
    squared = (F[0] - B[0]) ** 2 + (F[1] - B[1]) ** 2 + (F[2] - B[2]) ** 2
    return 1 / squared if squared > 0 else 0.0


@jit
def cast(distance, y, x, rose, samples):
    """List the pixels at distance 0 that rays from a pixel meet; the nearest one if they miss all.

    A ray may leap as far as nothing lies within: that is the same as walking it pixel by pixel.
    """
    height, width = distance.shape
    count = 0
    for r in range(rose.shape[0]):
        t, row, column = 0, y, x
        while True:
            t += distance[row, column]
            down, along = y + 0.5 + t * rose[r, 0], x + 0.5 + t * rose[r, 1]
            if not (0 <= down < height and 0 <= along < width):
                break
            row, column = int(down), int(along)
            if distance[row, column] == 0:
                samples[count, 0], samples[count, 1] = row, column
                count += 1
                break
    if count == 0:
        samples[0, 0], samples[0, 1] = descend(distance, y, x)
        count = 1
    return count


@jit
def descend(distance, y, x):
    """Return the nearest pixel at distance 0."""
    height, width = distance.shape
    while distance[y, x] > 0:
        wanted = distance[y, x] - 1
        found = False
        for row in range(max(0, y - 1), min(height, y + 2)):
            for column in range(max(0, x - 1), min(width, x + 2)):
                if not found and distance[row, column] == wanted:
                    found = True
                    y_next, x_next = row, column
        y, x = y_next, x_next
    return y, x


@jit
def choose(image, y, x, foregrounds, backgrounds, exponents, scratch, best):
    """Find the pair that minimises g = N^e_N A^e_A D_f^e_f D_b^e_b (eqs. 3 to 8)."""
    toll_f = least_energy(image, y, x, foregrounds)
    toll_b = least_energy(image, y, x, backgrounds)
    chance = toll_b / (toll_f + toll_b) if toll_f + toll_b > 0 else 0.5
    distortions(image, y, x, foregrounds, backgrounds, scratch)
    alpha, distortion = scratch[7], scratch[8]
    least = np.inf
    for f in range(foregrounds.shape[0]):
        to_f = power(distance_to(y, x, foregrounds[f]), exponents[2])
        for b in range(backgrounds.shape[0]):
            pair = f * backgrounds.shape[0] + b
            cost = (
                power(distortion[pair], exponents[0])
                * power(chance + (1 - 2 * chance) * alpha[pair], exponents[1])
                * to_f
                * power(distance_to(y, x, backgrounds[b]), exponents[3])
            )
            if cost < least or pair == 0:  # costs may overflow
                least = cost
                best[0, 0], best[0, 1] = foregrounds[f, 0], foregrounds[f, 1]
                best[1, 0], best[1, 1] = backgrounds[b, 0], backgrounds[b, 1]


@jit
def power(base, exponent):
    """Return base ** exponent, fast for the exponents 1 to 4."""
    if exponent == 1:
        return base
    if exponent == 2:
        return base * base
    if exponent == 3:
        return base * base * base
    if exponent == 4:
        return (base * base) * (base * base)
    return base**exponent


@jit
def distance_to(y, x, sample):
    return math.sqrt((sample[0] - y) ** 2 + (sample[1] - x) ** 2)


@jit
def least_energy(image, y, x, samples):
    """Return the least ∫ |∇I · dr|² along a line from a pixel to one of the samples (eq. 4)."""
    least = np.inf
    for s in range(samples.shape[0]):
        least = min(least, energy(image, y, x, samples[s, 0] - y, samples[s, 1] - x))
    return least


@jit
def energy(image, y, x, dy, dx):
    """Sum up |ΔI|² / |Δr| over the pixels of a line, or over PLACES pairs of them if it is long."""
    red = image.reshape(-1)
    green, blue = red[1:], red[2:]
    width = image.shape[1]
    steps = max(abs(dy), abs(dx))
    places = min(steps, PLACES)
    down, along, apart = dy / steps, dx / steps, steps / places
    total = 0.0
    for k in range(places):
        t = int(k * apart + HALF)
        here = int(y + t * down + HALF) * width + int(x + t * along + HALF)
        t += 1
        there = int(y + t * down + HALF) * width + int(x + t * along + HALF)
        here, there = np.uint64(3 * here), np.uint64(3 * there)
        r, g, b = red[there] - red[here], green[there] - green[here], blue[there] - blue[here]
        total += r * r + g * g + b * b
    return total * apart / math.sqrt(down * down + along * along)


@jit
def distortions(image, y, x, foregrounds, backgrounds, scratch):
    """Sum up M², the squared distance of colours from each pair's line, over 3 × 3 pixels (eq. 3).

    Leaves the pixel's own alpha in row 7 of `scratch` and the sums in row 8.
    """
    height, width = image.shape[:2]
    pairs = foregrounds.shape[0] * backgrounds.shape[0]
    red, green, blue, to_r, to_g, to_b, shrink, alpha, total = scratch[:, :pairs]
    for k in range(pairs):
        f, b = foregrounds[k // backgrounds.shape[0]], backgrounds[k % backgrounds.shape[0]]
        F, B = image[f[0], f[1]], image[b[0], b[1]]
        red[k], green[k], blue[k] = (F[0] + B[0]) / 2, (F[1] + B[1]) / 2, (F[2] + B[2]) / 2
        to_r[k], to_g[k], to_b[k] = F[0] - B[0], F[1] - B[1], F[2] - B[2]
        shrink[k] = inverse(F, B)
        total[k] = 0
    for row in range(max(0, y - 1), min(height, y + 2)):
        for column in range(max(0, x - 1), min(width, x + 2)):
            I_r, I_g, I_b = image[row, column]
            own = row == y and column == x
            for k in range(pairs):
                r, g, b = I_r - red[k], I_g - green[k], I_b - blue[k]
                along = (r * to_r[k] + g * to_g[k] + b * to_b[k]) * shrink[k]
                along = max(-0.5, min(0.5, along))
                alpha[k] = 0.5 + along if own else alpha[k]
                r, g, b = r - along * to_r[k], g - along * to_g[k], b - along * to_b[k]
                total[k] += r * r + g * g + b * b


@jit
def variance(image, y, x):
    """Return the mean squared distance of colours in 5 × 5 pixels from the one in their middle."""
    height, width = image.shape[:2]
    total, count = 0.0, 0
    for row in range(max(0, y - 2), min(height, y + 3)):
        for column in range(max(0, x - 2), min(width, x + 3)):
            total += colours_apart(image, y, x, row, column)
            count += 1
    return total / count


# ---- sample refinement


@jit
def share(first, last, runs, image, offsets, pairs, falloff, tuples):
    """Average for each pixel the three pairs of its neighbours that explain it best."""
    column = own_column(runs)
    colour = np.empty((3, LONGEST_RUN))
    along, M = np.empty(LONGEST_RUN), np.empty(LONGEST_RUN)
    least, where = np.empty((LONGEST_RUN, 3)), np.empty((LONGEST_RUN, 3), np.int64)
    mean = np.empty(9)
    for k in range(first, last):
        n, y, x = runs[k, LENGTH], runs[k, Y], runs[k, X]
        for i in range(n):
            for c in range(3):
                colour[c, i] = image[y, x + i, c]
        least[:n] = np.inf
        for o in range(offsets.shape[0]):
            start = runs[k, column + offsets[o, 0]] + offsets[o, 1]
            rank(colour, pairs, start, along[:n], M[:n], least, where)
        for i in range(n):
            mean[:] = 0
            count = 0
            for j in range(3):
                if least[i, j] < np.inf:
                    count += 1
                    for c in range(9):
                        mean[c] += pairs[c, where[i, j]]
            mean /= count
            refine(colour[:, i], mean, falloff, tuples[:, runs[k, column] + i])


@jit
def rank(colour, pairs, start, along, M, least, where):
    """Keep the three least M² so far, and where they were found. NaN counts as the largest."""
    stop = start + M.size
    red, green, blue = colour[0], colour[1], colour[2]
    to_r, to_g, to_b = pairs[0, start:stop], pairs[1, start:stop], pairs[2, start:stop]
    mid_r, mid_g, mid_b = pairs[3, start:stop], pairs[4, start:stop], pairs[5, start:stop]
    inverse = pairs[6, start:stop]
    for i in range(M.size):
        along[i] = (red[i] - mid_r[i]) * to_r[i] + (green[i] - mid_g[i]) * to_g[i]
    for i in range(M.size):
        t = (along[i] + (blue[i] - mid_b[i]) * to_b[i]) * inverse[i]
        t = t if t > -0.5 else -0.5
        along[i] = t if t < 0.5 else 0.5
    for i in range(M.size):
        r, g = red[i] - mid_r[i] - along[i] * to_r[i], green[i] - mid_g[i] - along[i] * to_g[i]
        M[i] = r * r + g * g
    for i in range(M.size):
        b = blue[i] - mid_b[i] - along[i] * to_b[i]
        M[i] += b * b
    for i in range(M.size):
        more = M[i] * (1 + 1e-9)  # of two that differ by rounding, the nearer stays
        if least[i, 2] > more:
            at = 2
            while at > 0 and least[i, at - 1] > more:
                least[i, at], where[i, at] = least[i, at - 1], where[i, at - 1]
                at -= 1
            least[i, at], where[i, at] = M[i], start + i


@jit
def refine(colour, mean, falloff, refined):
    """Turn a mean pair into F, B, alpha and confidence (eqs. 10 to 13), and what `smooth` needs."""
    F, B = refined[:3], refined[3:6]
    from_F, from_B = 0.0, 0.0
    for c in range(3):
        F[c], B[c] = mean[3 + c] + mean[c] / 2, mean[3 + c] - mean[c] / 2
        from_F += (colour[c] - F[c]) ** 2
        from_B += (colour[c] - B[c]) ** 2
    _, M = unmix(colour, F, B)
    for c in range(3):
        F[c] = colour[c] if from_F <= mean[7] else F[c]
        B[c] = colour[c] if from_B <= mean[8] else B[c]
    alpha, _ = unmix(colour, F, B)
    between = distance(F, B)
    confidence = math.exp(-falloff * M) if between > 0 else 1e-8
    refined[6], refined[7] = alpha, confidence
    refined[9] = confidence * alpha * (1 - alpha)
    refined[10] = refined[9] * between


@jit
def unmix(colour, F, B):
    """Return alpha of a colour between F and B, and its distance from that mixture (eqs. 2, 12)."""
    along, total = 0.0, 0.0
    for c in range(3):
        along += (colour[c] - (F[c] + B[c]) / 2) * (F[c] - B[c])
    alpha = 0.5 + max(-0.5, min(0.5, along * inverse(F, B)))
    for c in range(3):
        total += (colour[c] - B[c] - alpha * (F[c] - B[c])) ** 2
    return alpha, math.sqrt(total)


@jit
def distance(F, B):
    return math.sqrt((F[0] - B[0]) ** 2 + (F[1] - B[1]) ** 2 + (F[2] - B[2]) ** 2)


# ---- local smoothing


@jit
def smooth(first, last, runs, image, offsets, gaussian, tuples, falloff, alpha, confidence):
    """Blend alpha of locally averaged pairs with locally averaged alpha."""
    column = own_column(runs)
    sums = np.empty((12, LONGEST_RUN))
    w_f, w_b, pair = np.empty(LONGEST_RUN), np.empty(LONGEST_RUN), np.empty((2, 3))
    for k in range(first, last):
        number, n, y, x = runs[k, FIRST], runs[k, LENGTH], runs[k, Y], runs[k, X]
        own = tuples[:, runs[k, column] : runs[k, column] + n]
        alphas = tuples[6, runs[k, column] : runs[k, column] + n]
        sums[:, :n] = 0
        for o in range(offsets.shape[0]):
            start = runs[k, column + offsets[o, 0]] + offsets[o, 1]
            self = offsets[o, 0] == 0 and offsets[o, 1] == 0
            average(alphas, tuples, start, gaussian[o], self, w_f[:n], w_b[:n], sums)
        for i in range(n):
            alpha[number + i], confidence[number + i] = blend(
                image[y, x + i], sums[:, i], own[:, i], falloff, pair
            )


@jit
def average(own, tuples, start, gaussian, self, w_f, w_b, sums):
    """Add one neighbour of each pixel to the weighted sums of F, B, |F - B| and alpha."""
    n, stop = own.size, start + own.size
    alpha, confidence = tuples[6, start:stop], tuples[7, start:stop]
    known = tuples[8, start:stop]
    for i in range(n):
        w = gaussian * confidence[i]
        w_c = w if self else w * abs(alpha[i] - own[i])
        w_f[i] = w_c * alpha[i]
        w_b[i] = w_c - w_f[i]
    for c in range(3):
        F, B = tuples[c, start:stop], tuples[3 + c, start:stop]
        f, b = sums[c], sums[4 + c]
        for i in range(n):
            f[i] += w_f[i] * F[i]
        for i in range(n):
            b[i] += w_b[i] * B[i]
    f, b, opaque, weight = sums[3], sums[7], sums[10], sums[11]
    for i in range(n):
        f[i] += w_f[i]
        b[i] += w_b[i]
    for i in range(n):
        w = gaussian * confidence[i] + known[i]
        opaque[i] += w * alpha[i]
        weight[i] += w
    for c in range(2):
        total, part = sums[8 + c], tuples[10 - c, start:stop]
        for i in range(n):
            total[i] += part[i]


@jit
def blend(colour, sums, own, falloff, pair):
    """Return alpha and its confidence from sums over a pixel's neighbours."""
    F, B = pair
    for c in range(3):
        F[c] = sums[c] / sums[3] if sums[3] > NOTHING else own[c]
        B[c] = sums[4 + c] / sums[7] if sums[7] > NOTHING else own[3 + c]
    between = distance(F, B)
    alpha, M = unmix(colour, F, B)
    expected = sums[8] / sums[9] if sums[9] > NOTHING else 0.0
    near = between / expected if between < expected else 1.0
    confidence = near * math.exp(-falloff * M)
    low = sums[10] / sums[11] if sums[11] > NOTHING else own[6]
    return confidence * alpha + (1 - confidence) * low, confidence
