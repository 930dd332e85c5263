"""Weights of the kernel's terms: by marginal likelihood, or by how well unseen ions are predicted.

The second choice asks each training row to be predicted from the rows of other groups (clusters of cations). With the
inverse of the kernel matrix at hand those predictions cost one small system per group (Rasmussen and Williams, Gaussian
Processes for Machine Learning, 2006, equation 5.12, for blocks), so no refit is needed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import cho_solve
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_START_NOISE: Final = 0.2
_PRIOR_LOG: Final = -3.0
_PRIOR_STRENGTH: Final = 0.01
_BOUNDS: Final = (-10.0, 4.0)
_HUBER: Final = 0.5
_BIG: Final = 1e10


def marginal_weights(grams: Floats, z: Floats, n_steps: int = 30) -> Floats:
    """Weights that maximise the marginal likelihood of a Gaussian process.

    Args:
        grams: one matrix per term, shape (n_terms, n, n).
        z: standardised values, shape (n,).
        n_steps: of L-BFGS.

    Returns:
        Shape (n_terms + 1,): the weights, and the variance of the noise.
    """
    n_terms, n = len(grams), len(z)
    flat = grams.reshape(n_terms, -1)

    def loss(log_weights: Floats) -> tuple[float, Floats]:
        weights = np.exp(log_weights)
        gram = (weights[:-1] @ flat).reshape(n, n)
        gram[np.diag_indices(n)] += weights[-1]
        try:
            lower = np.linalg.cholesky(gram)
        except np.linalg.LinAlgError:
            return _BIG, np.zeros_like(log_weights)
        inverse = cho_solve((lower, True), np.eye(n))
        alpha = inverse @ z
        slack = inverse - np.outer(alpha, alpha)
        gradient = 0.5 * np.append(flat @ slack.ravel(), np.trace(slack)) * weights
        excess = log_weights - _PRIOR_LOG
        value = 0.5 * z @ alpha + np.log(np.diag(lower)).sum() + _PRIOR_STRENGTH * (excess**2).sum()
        return float(value), gradient + 2 * _PRIOR_STRENGTH * excess

    start = np.log(np.append(np.full(n_terms, 1 / n_terms), _START_NOISE))
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * len(start), options={"maxiter": n_steps}
    )
    return np.asarray(np.exp(found.x), dtype=np.float64)


def grouped_weights(grams: Floats, z: Floats, groups: Ints, start: Floats, n_steps: int = 25) -> Floats:
    """Weights that minimise the Huber loss of predicting each group of rows from all the others.

    Args:
        grams: see `marginal_weights`.
        z: standardised values, shape (n,).
        groups: group number of each row, shape (n,).
        start: weights to start from, shape (n_terms + 1,).
        n_steps: of L-BFGS.

    Returns:
        As `marginal_weights`.
    """
    terms, values = torch.from_numpy(grams), torch.from_numpy(z)
    eye = torch.eye(len(z), dtype=torch.float64)
    members = [torch.from_numpy(np.flatnonzero(groups == group)) for group in np.unique(groups)]
    alone = torch.cat([m for m in members if len(m) == 1] or [torch.zeros(0, dtype=torch.int64)])
    together = [m for m in members if len(m) > 1]

    def loss(log_weights: Floats) -> tuple[float, Floats]:
        x = torch.tensor(log_weights, requires_grad=True)
        weights = torch.exp(x)
        inverse = torch.linalg.inv(torch.tensordot(weights[:-1], terms, dims=1) + weights[-1] * eye)
        alpha = inverse @ values
        errors = [alpha[alone] / torch.diagonal(inverse)[alone]]
        errors += [torch.linalg.solve(inverse[m][:, m], alpha[m]) for m in together]
        error = torch.cat(errors)
        value = torch.nn.functional.huber_loss(error, torch.zeros_like(error), delta=_HUBER, reduction="sum")
        value = value + _PRIOR_STRENGTH * ((x - _PRIOR_LOG) ** 2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        if x.grad is None:  # pragma: no cover - backward() fills it
            raise RuntimeError("no gradient")
        return value.item(), x.grad.numpy()

    found = minimize(
        loss,
        np.clip(np.log(start), -8.0, 2.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-9.0, 3.0)] * len(start),
        options={"maxiter": n_steps},
    )
    return np.asarray(np.exp(found.x), dtype=np.float64)
