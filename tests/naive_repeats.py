"""The slow twin of `foretaste.pages.repeats`: plain loops over events, one formula after the other."""

import itertools
import math
from collections import defaultdict


def purchase_days(events, before):
    """By (user, item): the whole days with a purchase, ascending; `events` are (user, item, day)."""
    days = defaultdict(set)
    for user, item, day in events:
        if math.floor(day) < before:
            days[user, item].add(math.floor(day))
    return {pair: sorted(found) for pair, found in days.items()}


def pooled(values, n_items, categories, m):
    """Means by item of (item, value, weight), shrunk towards those of categories and these towards everybody's."""

    def shrunk(weight_of, above):
        total = sum(weight_of(item) * weight * value for item, value, weight in values)
        return (total + m * above) / (sum(weight_of(item) * weight for item, _, weight in values) + m)

    weights = sum(weight for _, _, weight in values)
    everybody = sum(weight * value for _, value, weight in values) / max(weights, 1)
    inside = {}
    for category in {name for names in categories for name in names}:
        inside[category] = shrunk(
            lambda item, category=category: (
                categories[item].count(category) / len(categories[item]) if categories[item] else 0
            ),
            everybody,
        )
    means = []
    for item in range(n_items):
        names = categories[item]
        above = sum(inside[name] for name in names) / len(names) if names else everybody
        means.append(shrunk(lambda other, item=item: float(other == item), above))
    return means


def learn(events, day, n_items, categories, timing, shrinkage, window, demand_shrinkage):
    """Everything that `RepeatPurchases` learns, as a dictionary."""
    pairs = purchase_days(events, day)
    repeated = {pair: days for pair, days in pairs.items() if len(days) > 1}
    logs = {
        pair: [math.log(after - before) for before, after in itertools.pairwise(days)]
        for pair, days in repeated.items()
    }
    learned = {"timing": timing, "n_repeats": len(repeated)}
    learned["share"] = pooled(
        [(item, float(len(days) > 1), 1) for (_, item), days in pairs.items()], n_items, categories, shrinkage
    )
    thrice = sum(len(days) > 2 for days in pairs.values())
    second, third = (len(repeated) + 1) / (len(pairs) + 2), (thrice + 1) / (len(repeated) + 2)
    learned["weight"] = min((1 - third) / (third - second), 100.0) if third > second else 100.0

    learned["log_gap"] = pooled(
        [(item, sum(logs[user, item]) / len(logs[user, item]), len(logs[user, item])) for user, item in repeated],
        n_items,
        categories,
        shrinkage,
    )
    squares, freedom, apart = math.log(2) ** 2, 1, []
    for values in logs.values():
        mean = sum(values) / len(values)
        squares += sum((value - mean) ** 2 for value in values)
        freedom += len(values) - 1
    learned["within"] = squares / freedom if repeated else 1.0
    for (_, item), values in logs.items():
        deviation = sum(values) / len(values) - learned["log_gap"][item]
        apart.append(deviation**2 - learned["within"] / len(values))
    learned["between"] = max(sum(apart) / len(apart), 0.01) if apart else 1.0

    rates = [(item, (len(days) - 1) / (days[-1] - days[0]), 1) for (_, item), days in repeated.items()]
    means = pooled(rates, n_items, categories, shrinkage)
    second_moments = pooled([(item, rate**2, 1) for item, rate, _ in rates], n_items, categories, shrinkage)
    learned["shape"], learned["rate"] = [], []
    for mean, moment in zip(means, second_moments, strict=True):
        variance = max(moment - mean**2, 0.01 * mean**2)
        learned["shape"].append(mean**2 / variance if variance else 1.0)
        learned["rate"].append(mean / variance if variance else 1.0)

    learned["demand"] = [1.0] * n_items
    earlier = purchase_days(events, day - window)
    found, expected = [0.0] * n_items, [0.0] * n_items
    for (user, item), days in earlier.items():
        found[item] += any(day - window <= bought < day for bought in pairs[user, item])
        expected[item] += probability(learned, item, days, day - window, window)
    everybody = (sum(found) + demand_shrinkage) / (sum(expected) + demand_shrinkage)
    learned["demand"] = [
        (have + demand_shrinkage * everybody) / (expect + demand_shrinkage)
        for have, expect in zip(found, expected, strict=True)
    ]
    return learned


def elapsed(learned, item, days, now):
    """The share of the gaps of somebody who bought an item on these days that would be over by now."""
    if not learned["n_repeats"]:
        return 0.0
    gaps = [math.log(after - before) for before, after in itertools.pairwise(days)]
    precision = 1 / learned["between"] + len(gaps) / learned["within"]
    mean = (learned["log_gap"][item] / learned["between"] + sum(gaps) / learned["within"]) / precision
    spread = math.sqrt(1 / precision + learned["within"])
    return 0.5 * math.erfc(-(math.log(max(now - days[-1], 1e-9)) - mean) / spread / math.sqrt(2))


def probability(learned, item, days, now, horizon):
    """With what probability they buy it again within the horizon."""
    if not learned["n_repeats"]:
        return 0.0
    repeats = len(days) - 1
    ever = (learned["weight"] * learned["share"][item] + repeats) / (learned["weight"] + repeats)
    if learned["timing"] == "log-normal":
        over = elapsed(learned, item, days, now)
        later = elapsed(learned, item, days, now + horizon)
        when = (later - over) / (1 - 0.99 * over)
    else:
        shape, rate, age, span = learned["shape"][item], learned["rate"][item], now - days[-1], days[-1] - days[0]
        mean = span / repeats if repeats else rate / shape
        exposure = rate + span + (2 * abs(mean - age) if age < 2 * mean else age)
        when = 1 - (exposure / (exposure + horizon)) ** (len(days) + shape)
    return 1 - (1 - ever * when) ** learned["demand"][item]
