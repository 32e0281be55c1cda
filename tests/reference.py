"""Definitions, transcribed from the papers: dense, slow and plain."""

from __future__ import annotations

from itertools import product

import numpy as np


def grid_laplacian(right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """D - W of a grid, from its edges' weights.

    right : (H, W - 1) weights between horizontal neighbours; down : (H - 1, W) between vertical.
    """
    height, width = right.shape[0], down.shape[1]
    index = np.arange(height * width).reshape(height, width)
    W = np.zeros((index.size, index.size))
    W[index[:, :-1], index[:, 1:]] = right
    W[index[:-1], index[1:]] = down
    W += W.T
    return np.diag(W.sum(axis=1)) - W


def incomplete_cholesky(A: np.ndarray, threshold: float, shift: float = 0.0) -> np.ndarray:
    """L of A + shift diag(A), without the entries whose square is ≤ threshold² A[i, i].

    Saad, "Iterative Methods for Sparse Linear Systems", section 10.4, for a symmetric A.
    """
    size = np.sqrt(np.diag(A))
    L = np.tril(A + shift * np.diag(np.diag(A)))
    for j in range(len(A)):
        L[j:, j] -= L[j:, :j] @ L[j, :j]
        L[j, j] = np.sqrt(L[j, j])
        L[j + 1 :, j] /= L[j, j]
        L[j + 1 :, j][np.abs(L[j + 1 :, j]) <= threshold * size[j + 1 :]] = 0
    return L


def multilevel_system(image, alpha, regularization, gradient_weight):
    """A and b (2HW, channels) of the cost that `estimate_foreground` lowers, foreground first.

    Germer et al., ICPR 2020, equations 3 and 4; with `gradient_weight` 1 it is equation 19 of
    Levin, Lischinski & Weiss, TPAMI 2008, with |α_x| + ε in the place of |α_x|.
    """
    S = grid_laplacian(
        regularization + gradient_weight * np.abs(np.diff(alpha, axis=1)),
        regularization + gradient_weight * np.abs(np.diff(alpha, axis=0)),
    )
    mix = np.hstack([np.diag(alpha.ravel()), np.diag(1 - alpha.ravel())])
    A = mix.T @ mix + np.kron(np.eye(2), S)
    return A, mix.T @ image.reshape(alpha.size, -1)


def closed_form_layers(image, alpha, regularization):
    """The minimum of equation 19, with F = I held where α = 1 and B = I where α = 0."""
    A, b = multilevel_system(image, alpha, regularization, 1.0)
    held = np.concatenate([alpha.ravel() == 1, alpha.ravel() == 0])
    A[held] = np.eye(len(A))[held]
    b[held] = np.tile(image.reshape(alpha.size, -1), (2, 1))[held]
    return np.linalg.solve(A, b).reshape(2, *image.shape)


def matting_laplacian(image, *, epsilon, radius):
    """L of closed-form matting: Levin, Lischinski & Weiss, TPAMI 2008, equation 12."""
    height, width = image.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    size = (2 * radius + 1) ** 2
    L = np.zeros((index.size, index.size))
    for y in range(radius, height - radius):
        for x in range(radius, width - radius):
            window = index[y - radius : y + radius + 1, x - radius : x + radius + 1].ravel()
            colours = image.reshape(-1, 3)[window]
            centred = colours - colours.mean(axis=0)
            Sigma = centred.T @ centred / size
            whitened = np.linalg.solve(Sigma + epsilon / size * np.eye(3), centred.T)
            L[np.ix_(window, window)] += np.eye(size) - (1 + centred @ whitened) / size
    return L


def local_learning_laplacian(image, *, epsilon, radius):
    """L of local learning: Zheng & Kambhamettu, ICCV 2009, equations 6 and 8 to 10.

    F predicts the alphas of a window by ridge regression on its colours, with the constant free.
    It is computed as least squares with a row √ε for each slope, which keeps all digits.
    """
    height, width = image.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    size = (2 * radius + 1) ** 2
    L = np.zeros((index.size, index.size))
    for y in range(radius, height - radius):
        for x in range(radius, width - radius):
            window = index[y - radius : y + radius + 1, x - radius : x + radius + 1].ravel()
            X = np.hstack([image.reshape(-1, 3)[window], np.ones((size, 1))])
            Q, _ = np.linalg.qr(np.vstack([X, np.sqrt(epsilon) * np.eye(3, 4)]))
            F = Q[:size] @ Q[:size].T
            L[np.ix_(window, window)] += (np.eye(size) - F).T @ (np.eye(size) - F)
    return L


def global_learning(image, trimap, *, samples, ridge, reach, fading):
    """Alpha by global learning: Zheng & Kambhamettu, ICCV 2009, section 3.2 and equation 18.

    Labels are 1 and -1, and weighted as the samples are, which equation 18 leaves out.
    """
    y, x = np.mgrid[: trimap.shape[0], : trimap.shape[1]]
    place = np.stack([y, x], axis=-1)
    unknown = (trimap > 0) & (trimap < 1)
    distance = np.linalg.norm(place[:, :, None] - place[unknown], axis=-1).min(axis=-1)
    farthest = reach * unknown.mean() + np.sqrt(2)
    variance = np.var(image @ [0.299, 0.587, 0.114])

    def kernel(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1) / variance)

    alpha = trimap.astype(float)
    for i in np.argwhere(unknown):
        chosen = []
        for label in (0, 1):
            among = np.argwhere((trimap == label) & (distance < farthest))
            nearest = np.argsort(np.linalg.norm(among - i, axis=1), kind="stable")[:samples]
            chosen.append(among[nearest])
        chosen = tuple(np.concatenate(chosen).T)
        W, labels = np.diag(distance[chosen] ** -fading), 2 * trimap[chosen] - 1
        K = kernel(image[chosen], image[chosen])
        k = kernel(image[tuple(i)][None], image[chosen])[0]
        f = k @ W @ np.linalg.solve(W @ K @ W + ridge * np.eye(len(K)), W @ labels)
        alpha[tuple(i)] = (1 + f) / 2
    return np.clip(alpha, 0, 1)


def knn_laplacian(features, rounds):
    """L of KNN matting: Chen, Li & Tang, TPAMI 2013, section 3.1; edges count in both directions.

    features : (H, W, c); rounds : pairs of a number of neighbours and a weight of position.
    """
    height, width, channels = features.shape
    position = np.stack(np.mgrid[:height, :width], axis=2) / np.hypot(height, width)
    W = np.zeros((height * width, height * width))
    for count, weight in rounds:
        X = np.concatenate([features, weight * position], axis=2).reshape(-1, channels + 2)
        C = np.ptp(X, axis=0).sum()
        for i in range(len(X)):
            distance = np.linalg.norm(X - X[i], axis=1)
            distance[i] = np.inf
            for j in np.argsort(distance)[: min(count, len(X) - 1)]:
                k = 1 - np.abs(X[i] - X[j]).sum() / C
                W[i, j] += k
                W[j, i] += k
    return np.diag(W.sum(axis=1)) - W


def pinned_solution(L, trimap):
    """The alpha that minimises αᵀ L α where the trimap is 0 or 1 on known pixels, in [0, 1]."""
    alpha = trimap.ravel().astype(float)
    known = (alpha == 0) | (alpha == 1)
    alpha[~known] = np.linalg.solve(L[~known][:, ~known], -L[~known][:, known] @ alpha[known])
    return np.clip(alpha, 0, 1).reshape(trimap.shape)


def information_flow_energy(image, trimap, *, known_flow):
    """A and b of the energy αᵀ A α - 2 bᵀ α of Aksoy, Aydın & Pollefeys, CVPR 2017, with its σ.

    The local flow is a ninth of the matting Laplacian at ε = 1e-6. Without trimming of the trimap.
    """
    colours = image.reshape(-1, 3)
    y, x = np.indices(image.shape[:2]).reshape(2, -1)
    place = np.stack([x / image.shape[1], y / image.shape[0]], axis=1)
    unknown = np.flatnonzero((trimap > 0) & (trimap < 1))
    layers = np.flatnonzero(trimap == 1), np.flatnonzero(trimap == 0)

    def nearest(pixel, among, count, weight):
        features = np.hstack([colours, weight * place])
        others = among[among != pixel]
        far = np.linalg.norm(features[others] - features[pixel], axis=1)
        return others[np.argsort(far)[:count]]

    def embed(pixel, members):
        D = colours[members] - colours[pixel]
        w = np.linalg.solve(D @ D.T + 1e-10 * np.eye(len(members)), np.ones(len(members)))
        return w / w.sum()

    A, b = matting_laplacian(image, epsilon=1e-6, radius=1) / 9, np.zeros(len(colours))
    W = np.zeros_like(A)
    for p in unknown:
        row = np.eye(len(colours))[p]
        members = nearest(p, np.arange(len(colours)), 20, 1.0)
        row[members] -= embed(p, members)
        A += np.outer(row, row)
        for q in nearest(p, unknown, 5, 0.05):
            far = np.abs(colours[p] - colours[q]).sum() + 0.05 * np.abs(place[p] - place[q]).sum()
            W[p, q] += max(1 - far, 0) / 2
            W[q, p] += max(1 - far, 0) / 2
        if known_flow:
            members = np.concatenate([nearest(p, layer, 7, 10.0) for layer in layers])
            w = embed(p, members)
            c_F, c_B = w[:7] @ colours[members[:7]], w[7:] @ colours[members[7:]]
            eta = ((c_F - c_B) ** 2).sum() / 3
            A[p, p] += 0.05 * eta
            b[p] += 0.05 * eta * w[:7].sum()
    A += 0.01 * (np.diag(W.sum(axis=1)) - W)
    return A, b


def matting_laplacian_of_sizes(image, radii, *, epsilon):
    """The same with the window around each pixel as large as its radius says; 0 for no window.

    Each window's terms are multiplied with the size of the smallest one, divided by its own.
    """
    height, width = radii.shape
    L = np.zeros((radii.size, radii.size))
    index = np.arange(radii.size).reshape(radii.shape)
    for y in range(height):
        for x in range(width):
            r = radii[y, x]
            if r == 0:
                continue
            area = (slice(y - r, y + r + 1), slice(x - r, x + r + 1))
            window = index[area].ravel()
            weight = ((2 * radii[radii > 0].min() + 1) / (2 * r + 1)) ** 2
            alone = matting_laplacian(image[area], epsilon=epsilon, radius=r)
            L[np.ix_(window, window)] += weight * alone
    return L


def shared_sampling(
    image,
    trimap,
    *,
    reach=10,
    similarity=5 / 256,
    rays=4,
    exponents=(3, 2, 1, 4),
    sharing=200,
    smoothing=100,
    falloff=10,
):
    """Alpha and its confidence: Gastal & Oliveira, Eurographics 2010, pixel by pixel."""
    shape = trimap.shape
    pixels = np.stack(np.indices(shape), axis=-1).reshape(-1, 2)

    def inside(place):
        return 0 <= place[0] < shape[0] and 0 <= place[1] < shape[1]

    def square(p, radius):
        y, x = (range(max(0, at - radius), at + radius + 1) for at in p)
        return [place for place in product(y, x) if inside(place)]

    def disc(p, count):
        """The disc around p, nearest first, whose size in the infinite plane is next to `count`."""
        side = int(count**0.5) + 2
        offsets = [(y, x) for y in range(-side, side + 1) for x in range(-side, side + 1)]
        offsets.sort(key=lambda offset: offset[0] ** 2 + offset[1] ** 2)
        squares = np.array([y * y + x * x for y, x in offsets])
        radius = min(np.unique(squares), key=lambda r: abs((squares <= r).sum() - count))
        places = [(p[0] + y, p[1] + x) for y, x in offsets if y * y + x * x <= radius]
        return [place for place in places if inside(place)]

    def unmix(C, F, B):  # equations 2 and 12
        d = F - B
        alpha = np.clip((C - B) @ d / (d @ d), 0, 1) if d.any() else 0.5
        return alpha, np.linalg.norm(C - alpha * F - (1 - alpha) * B)

    # expansion of known regions
    labels = trimap.copy()
    unknown = {tuple(p) for p in pixels[((trimap > 0) & (trimap < 1)).ravel()]}
    for p in sorted(unknown):
        near = [(np.hypot(*(q - p)), *q) for q in pixels if tuple(q) not in unknown]
        near = [(d, y, x) for d, y, x in near if d <= reach]
        near = [q for q in near if np.linalg.norm(image[p] - image[q[1:]]) <= similarity]
        if near:
            labels[p] = trimap[min(near)[1:]]
    given = {tuple(p) for p in pixels} - unknown
    unknown = {p for p in unknown if 0 < labels[p] < 1}

    # sample gathering
    def cast(p, label):
        found = []
        for ray in range(rays):
            angle = 2 * np.pi * (ray + (p[0] % 3 * 3 + p[1] % 3) / 9) / rays
            direction = np.array([np.sin(angle), np.cos(angle)])
            direction /= np.abs(direction).max()
            for step in range(1, sum(shape)):
                place = tuple(np.floor(np.add(p, 0.5) + step * direction).astype(int))
                if not inside(place):
                    break
                if labels[place] == label:
                    found.append(place)
                    break
        return found or [nearest(p, label)]

    def nearest(p, label):
        """Where a chess king arrives who takes the first of all steps that bring him nearer."""
        there = pixels[(labels == label).ravel()]

        def away(q):
            return np.abs(there - q).max(axis=1).min()

        while away(p) > 0:
            p = min(square(p, 1), key=away)
        return p

    def energy(p, s):  # equation 4, from at most ten places
        steps = max(abs(s[0] - p[0]), abs(s[1] - p[1]))
        places = min(steps, 10)
        step = (np.array(s) - p) / steps
        total = 0
        for k in range(places):
            t = int(k * steps / places + 0.5 + 1e-9)
            a, b = (tuple(np.floor(p + u * step + 0.5 + 1e-9).astype(int)) for u in (t, t + 1))
            total += ((image[a] - image[b]) ** 2).sum() / np.linalg.norm(step)
        return total * steps / places

    pairs = {}
    for p in unknown:
        f, b = cast(p, 1), cast(p, 0)
        E_f, E_b = min(energy(p, s) for s in f), min(energy(p, s) for s in b)
        PF = E_b / (E_f + E_b)  # equation 5

        def cost(pair, p=p, PF=PF):  # equations 3, 6 and 7
            F, B = image[pair[0]], image[pair[1]]
            N = sum(unmix(image[q], F, B)[1] ** 2 for q in square(p, 1))
            A = PF + (1 - 2 * PF) * unmix(image[p], F, B)[0]
            D_f, D_b = (np.hypot(*np.subtract(p, s)) for s in pair)
            return np.prod(np.array([N, A, D_f, D_b]) ** exponents)

        best = min([(s, t) for s in f for t in b], key=cost)  # equation 8
        variances = [
            np.mean([((image[q] - image[s]) ** 2).sum() for q in square(s, 2)]) for s in best
        ]  # equation 9
        pairs[p] = np.concatenate([image[best[0]], image[best[1]], variances])

    # sample refinement
    F_r, B_r, alpha_r, f_r = image.copy(), image.copy(), labels.copy(), np.ones(shape)
    for p in unknown:
        C = image[p]
        theirs = [pairs[q] for q in disc(p, sharing) if q in unknown]
        theirs.sort(key=lambda pair, C=C: float(f"{unmix(C, pair[:3], pair[3:6])[1]:.8e}"))
        mean = np.mean(theirs[:3], axis=0)
        F, B = mean[:3], mean[3:6]
        F_r[p] = C if ((C - F) ** 2).sum() <= mean[6] else F  # equation 10
        B_r[p] = C if ((C - B) ** 2).sum() <= mean[7] else B  # equation 11
        alpha_r[p] = unmix(C, F_r[p], B_r[p])[0]
        f_r[p] = np.exp(-falloff * unmix(C, F, B)[1]) if (F_r[p] != B_r[p]).any() else 1e-8  # 13

    # local smoothing
    alpha, confidence = labels.copy(), np.ones(shape)
    for p in unknown:
        Omega = disc(p, smoothing)
        at = tuple(np.transpose(Omega))
        F_q, B_q, alpha_q, f_q = F_r[at], B_r[at], alpha_r[at], f_r[at]
        G = np.exp(-(np.subtract(Omega, p) ** 2).sum(axis=1) * 9 * np.pi / smoothing)
        own = np.array([q == p for q in Omega])
        W = G * f_q * np.where(own, 1, np.abs(alpha_r[p] - alpha_q))
        W_F, W_B, W_FB = W * alpha_q, W * (1 - alpha_q), f_q * alpha_q * (1 - alpha_q)
        F = W_F @ F_q / W_F.sum() if W_F.sum() > 1e-12 else F_r[p]
        B = W_B @ B_q / W_B.sum() if W_B.sum() > 1e-12 else B_r[p]
        between = np.linalg.norm(F - B)
        D = W_FB @ np.linalg.norm(F_q - B_q, axis=1) / W_FB.sum() if W_FB.sum() > 1e-12 else 0
        alpha_p, M = unmix(image[p], F, B)
        confidence[p] = (min(1, between / D) if D > 0 else 1) * np.exp(-falloff * M)
        W_alpha = G * f_q + np.array([q in given for q in Omega])
        low = W_alpha @ alpha_q / W_alpha.sum()
        alpha[p] = confidence[p] * alpha_p + (1 - confidence[p]) * low
    return alpha, confidence


def random_walk_affinities(image, *, beta, radius, metric, floor=0.0):
    """W of random-walk matting: w_ij = exp(-β (z_i - z_j)ᵀ M (z_i - z_j)), at least `floor`."""
    height, width = image.shape[:2]
    pixels = [(y, x) for y in range(height) for x in range(width)]
    W = np.zeros((len(pixels), len(pixels)))
    for i, p in enumerate(pixels):
        for j, q in enumerate(pixels):
            if i != j and np.hypot(p[0] - q[0], p[1] - q[1]) <= radius:
                difference = image[p] - image[q]
                W[i, j] = max(np.exp(-beta * difference @ metric @ difference), floor)
    return W


def locality_preserving_projections(image, *, beta, radius, ridge):
    """Q of random-walk matting: He & Niyogi, NIPS 2003, X L Xᵀ a = λ X D Xᵀ a, each row an a.

    X D Xᵀ is divided by its mean eigenvalue, and `ridge` added to its diagonal.
    """
    from scipy.linalg import eigh

    W = random_walk_affinities(image, beta=beta, radius=radius, metric=np.eye(3))
    D = np.diag(W.sum(axis=1))
    X = image.reshape(-1, 3).T
    scatter = X @ D @ X.T
    scatter = scatter / np.linalg.eigvalsh(scatter).mean() + ridge * np.eye(3)
    return eigh(X @ (D - W) @ X.T, scatter)[1].T  # scaled to aᵀ (X D Xᵀ) a = 1


def aggregation_cycle(A, groups, visits, factors, block):
    """B of one cycle of multigrid by aggregation, z = B r, level by level.

    groups : for each level but the last, the group of each row, or -1; visits and factors : how
    often the cycle calls on the next level, and how much of its correction it takes; block : rows
    that are swept apart from others. Notay, ETNA 2010, algorithm 3.2, with sweeps of Gauss-Seidel
    forth and back, and without Krylov steps.
    """
    part = np.arange(len(A)) // block
    own = part[:, None] == part
    remote = np.abs(np.where(own, 0, A)).sum(axis=1)
    pivot = np.maximum(np.diag(A), np.diag(A) / 2 + 0.75 * remote)
    S = np.linalg.inv(np.tril(np.where(own, A, 0), -1) + np.diag(pivot))
    sweeps = S + S.T - S.T @ A @ S
    if not groups:
        return sweeps
    P = (groups[0][:, None] == np.arange(groups[0].max() + 1)).astype(float)
    coarse = P.T @ A @ P
    B = aggregation_cycle(coarse, groups[1:], visits[1:], factors[1:], block)
    if visits[0] == 2:
        B = 2 * B - B @ coarse @ B
    left = np.eye(len(A)) - A @ S
    return sweeps + factors[0] * left.T @ P @ B @ P.T @ left


def black_box_interpolation(A, height, width):
    """P (cells, nodes), from the dense matrix of a grid; nodes are the cells in even places.

    Dendy, "Black Box Multigrid", Journal of Computational Physics 48, 1982, with weights cut off
    at zero and their sums at one.
    """
    at = np.arange(height * width).reshape(height, width)
    P = np.zeros((height * width, height * width))

    def entry(y, x, dy, dx):
        inside = 0 <= y + dy < height and 0 <= x + dx < width
        return A[at[y, x], at[y + dy, x + dx]] if inside else 0

    for y, x in np.argwhere((np.add.outer(np.arange(height), np.arange(width)) % 2) == 1):
        line, across = ((0, 1), (1, 0)) if x % 2 else ((1, 0), (0, 1))
        near = []
        for side in (-1, 1):
            place = side * np.array(line)
            total = sum(entry(y, x, *(place + k * np.array(across))) for k in (-1, 0, 1))
            near.append((place, max(-total, 0)))
        centre = sum(entry(y, x, *(k * np.array(across))) for k in (-1, 0, 1))
        for (dy, dx), weight in near:
            if 0 <= y + dy < height and 0 <= x + dx < width:
                share = weight / max(centre, sum(w for _, w in near))
                P[at[y, x], at[y + dy, x + dx]] = share
    P[at[::2, ::2], at[::2, ::2]] = 1
    for cell in at[1::2, 1::2].ravel():
        others = np.arange(len(A)) != cell
        P[cell] = -A[cell, others] @ P[others] / A[cell, cell]
    return P[:, at[::2, ::2].ravel()]


def gradient_error(alpha, truth, unknown):
    """Σ over unknown pixels of (|∇α| - |∇α*|)²: Rhemann et al., CVPR 2009, with a σ of 1.4."""
    x = np.arange(-4, 5)
    gaussian = np.exp(-(x**2) / (2 * 1.4**2))
    kernel = np.outer(gaussian, -x * gaussian)
    kernel /= np.linalg.norm(kernel)

    def magnitude(plane):
        if np.ptp(plane) == 0:
            return np.zeros(plane.shape)
        stretched = np.pad((plane - plane.min()) / np.ptp(plane), 4, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(stretched, (9, 9))
        return np.hypot((windows * kernel).sum((2, 3)), (windows * kernel.T).sum((2, 3)))

    return ((magnitude(alpha) - magnitude(truth)) ** 2)[unknown].sum()


def connectivity_error(alpha, truth, unknown):
    """Σ over unknown pixels of |φ(α) - φ(α*)|: Rhemann et al., CVPR 2009, for levels of 8 bits.

    In integers: α and d in units of 1/2550, so that k / 10 is 255 k.
    """
    from scipy.ndimage import label

    alpha, truth = 10 * alpha.astype(int), 10 * truth.astype(int)
    connected = np.full(alpha.shape, -1)
    for k in range(1, 11):
        components, count = label((np.minimum(alpha, truth) >= 255 * k).T)

        def rank(component, components=components):
            places = np.flatnonzero(components == component)
            return len(places), -places[0]

        largest = max(range(1, count + 1), key=rank, default=-1)
        outside = (components != largest).T
        connected[(connected < 0) & outside] = 255 * (k - 1)
    connected[connected < 0] = 2550

    def phi(level):
        d = level - connected
        return 2550 - d * (d >= 383)  # 0.15 is 382.5

    return np.abs(phi(alpha) - phi(truth))[unknown].sum() / 2550
