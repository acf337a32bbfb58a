"""A map of many items: what it takes to write the page, and to walk through it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.contestants.foretaste import with_factors
from benchmarks.data import Array, Scores
from benchmarks.measure import Stopwatch
from foretaste.plotting import write_map

sys.path.append(str(Path(__file__).parents[2] / "tests"))
import browser

_N_GENRES = 19
_LETTERS = "etaoin shrdlu"
_LENGTH = 23  # letters of a title

# Drags the map to and fro for three seconds, a step a frame; the milliseconds between frames.
_PAN = """new Promise(done => {
    const stage = document.querySelector("#stage"), box = stage.getBoundingClientRect(), frames = [];
    const at = (kind, x) => stage.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, isPrimary: true, bubbles: true, buttons: 1, button: 0,
        clientX: box.x + box.width / 2 + x, clientY: box.y + box.height / 2,
    }));
    stage.setPointerCapture = () => {};
    let last = performance.now();
    const began = last;
    at("pointerdown", 0);
    requestAnimationFrame(function step(now) {
        frames.push(now - last);
        last = now;
        at("pointermove", 150 * Math.sin((now - began) / 300));
        if (now - began < 3000) requestAnimationFrame(step);
        else { at("pointerup", 0); done(frames.slice(1)); }
    });
})"""


def walk(scores: Scores) -> dict[str, float]:
    """Write the page; then open it in a browser, and drag the map about. Figures in seconds and megabytes."""
    found = browser.find()
    if found is None:
        raise ModuleNotFoundError(name="a Chromium")  # as any other thing that is not installed
    model, watch = with_factors(scores), Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "map.html")
        with watch("write"):
            write_map(page, model, _described(model.item_vocabulary_.ids.to_numpy()))
        figures = watch.seconds | {"MB": page.stat().st_size / 1e6}
        with browser.Browser(found, folder) as program:
            tab = program.open(page)
            tab.wait_for("performance.getEntriesByName('map drawn').length > 0")
            paint = tab.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            drawn = tab.run("performance.getEntriesByName('map drawn')[0].startTime")
            frames = np.array(tab.run(_PAN))
    return figures | {
        "first paint": paint / 1000,
        "map drawn": drawn / 1000,
        "a frame": float(np.median(frames)) / 1000,
        "a slow frame": float(np.quantile(frames, 0.95)) / 1000,
    }


def _described(items: Array) -> pl.DataFrame:
    """Titles of letters drawn by lot, and genres that go with nothing."""
    rng = np.random.default_rng(0)
    titles = ["".join(row) for row in rng.choice(list(_LETTERS), (items.size, _LENGTH))]
    genres = [f"genre {number}" for number in rng.integers(0, _N_GENRES, items.size)]
    return pl.DataFrame({"item": items, "title": titles, "genre": genres, "year": rng.integers(1920, 2020, items.size)})
