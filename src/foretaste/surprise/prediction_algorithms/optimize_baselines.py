"""Baselines: how far users and items lie from the mean, by alternating least squares or by gradient descent."""

from __future__ import annotations

from operator import index

import numpy as np

from foretaste._typing import Codes, Float64
from foretaste.kernels.strict.biases import bias_rows, bias_steps
from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase


def baseline_als(self: AlgoBase) -> tuple[Float64, Float64]:
    r"""Biases of users and of items, each given the others, in turn.

    .. math:: b_i = \frac{\sum_u (r_{ui} - \mu - b_u)}{\lambda_i + n_i}, \quad
        b_u = \frac{\sum_i (r_{ui} - \mu - b_i)}{\lambda_u + n_u}

    (Koren 2010, "Factor in the neighbors", section 2.1).

    Parameters
    ----------
    self : AlgoBase
        An algorithm with a trainset. Its `bsl_options` may hold ``n_epochs`` (10), ``reg_u`` (15), ``reg_i`` (10).
    """
    options = self.bsl_options
    n_epochs = index(options.get("n_epochs", 10))
    reg_u, reg_i = float(options.get("reg_u", 15)), float(options.get("reg_i", 10))
    mean = float(self.trainset.global_mean)
    by_user, by_item = self.trainset.rows()
    bu, bi = np.zeros(self.trainset.n_users), np.zeros(self.trainset.n_items)
    for _ in range(n_epochs):
        bias_rows(*by_item, mean, bu, reg_i, bi)
        bias_rows(*by_user, mean, bi, reg_u, bu)
    return bu, bi


def baseline_sgd(self: AlgoBase) -> tuple[Float64, Float64]:
    r"""Biases of users and of items by a step of gradient descent for each rating, user by user.

    .. math:: b_u \mathrel{+}= \gamma (e - \lambda b_u), \quad b_i \mathrel{+}= \gamma (e - \lambda b_i), \quad
        e = r_{ui} - (\mu + b_u + b_i)

    Parameters
    ----------
    self : AlgoBase
        An algorithm with a trainset. Its `bsl_options` may hold ``n_epochs`` (20), ``reg`` (0.02) and
        ``learning_rate`` (0.005).
    """
    options = self.bsl_options
    n_epochs = index(options.get("n_epochs", 20))
    reg, learning_rate = float(options.get("reg", 0.02)), float(options.get("learning_rate", 0.005))
    mean = float(self.trainset.global_mean)
    by_user, _ = self.trainset.rows()
    bu, bi = np.zeros(self.trainset.n_users), np.zeros(self.trainset.n_items)
    for _ in range(n_epochs):
        bias_steps(*by_user, mean, learning_rate, reg, bu, bi)
    return bu, bi


def baseline_estimates(algo: AlgoBase, users: Codes, items: Codes) -> Float64:
    """The mean and the biases of pairs of inner ids; 0 for the bias of an unknown one, -1."""
    estimates = np.full(users.size, algo.trainset.global_mean)
    for codes, biases in ((users, algo.bu), (items, algo.bi)):
        known = codes >= 0
        estimates[known] += biases[codes[known]]
    return estimates
