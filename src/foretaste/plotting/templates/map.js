(async () => {
  const stage = $("stage"), marks = $("marks"), tip = $("tip"), panel = $("panel");
  const say = text => { $("told").textContent = text; };
  const sorry = text => {
    $("sorry").textContent = text;
    $("sorry").hidden = false;
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)"), dark = matchMedia("(prefers-color-scheme: dark)");
  const between = (low, x, high) => Math.max(low, Math.min(high, x));

  let data;
  try {
    data = await carried($("data").textContent);
  } catch {
    sorry("This browser cannot unpack what the map is made of. A newer one can; what stands below holds all the same.");
    $("tools").hidden = $("legend").hidden = stage.closest(".board").hidden = true;
    return;
  }
  const { about, labels, n, counts, xs, ys, ids, near, attributes, people, axes, popularity } = data;

  // What it looks like ------------------------------------------------------------------------------------------------

  const rgb = text => [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16));
  const ramp = (stops, t) => {
    const at = between(0, t, 1) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at));
    return stops[i].map((c, k) => Math.round(c + (at - i) * (stops[i + 1][k] - c)));
  };
  const RISING = ["#3c62d6", "#1d9aa0", "#8fae3a", "#e09a1f"].map(rgb);  // each stands out by day and in the dark
  const DIVERGING = ["#2f6fe0", "#7f93c4", "#8d8a98", "#c98a68", "#d4551c"].map(rgb);
  const most = Math.max(1, counts[0]), crowd = between(0.62, 1.25 - 0.13 * Math.log10(n), 1);
  const sizes = Float32Array.from(counts, c => crowd * (3.6 + 8 * Math.sqrt(c / most)));
  const rgba = new Uint8Array(4 * n), shapes = new Uint8Array(n), group = new Int8Array(n);
  const alpha = n > 20000 ? 165 : 215;
  const points = pointsOn($("points"), xs, ys, sizes);
  let colouring = null, alone = null, hasMissing = false;

  const inGroup = i => alone === null || alone === group[i];
  // Colours change evenly from tick to tick, and the ticks are quantiles.
  const share = ({ ticks }, value) => {
    let i = 0;
    while (i < ticks.length - 2 && value > ticks[i + 1]) i++;
    return (i + (value - ticks[i]) / (ticks[i + 1] - ticks[i])) / (ticks.length - 1);
  };
  const stopsOf = spec => (axes.includes(spec) ? DIVERGING : RISING);

  function colour() {
    const grey = rgb(about.other);
    hasMissing = false;
    if (colouring.kind === "tags") {
      const place = new Map(colouring.groups.map((each, at) => [each.value, at]));
      const colours = about.colours.map(rgb);
      for (let i = 0; i < n; i++) {
        group[i] = place.get(colouring.first(i)) ?? -1;
        shapes[i] = group[i] < 0 ? 0 : group[i];
        rgba.set(group[i] < 0 ? grey : colours[group[i]], 4 * i);
        rgba[4 * i + 3] = inGroup(i) ? alpha : 18;
      }
    } else {
      const stops = stopsOf(colouring);
      for (let i = 0; i < n; i++) {
        const value = colouring.of(i), missing = Number.isNaN(value);
        hasMissing ||= missing;
        shapes[i] = 0;
        rgba.set(missing ? grey : ramp(stops, share(colouring, value)), 4 * i);
        rgba[4 * i + 3] = missing ? 60 : alpha;
      }
    }
    points.dress(rgba, shapes);
    invalidate();
  }

  const swatch = (colourText, shape) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    made.setAttribute("viewBox", "-1.1 -1.1 2.2 2.2");
    made.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", SHAPES[shape]);
    path.setAttribute("fill", colourText);
    made.append(path);
    return made;
  };

  function legend() {
    const box = $("legend");
    box.replaceChildren();
    if (colouring.kind === "tags") {
      const rest = n - colouring.groups.reduce((sum, each) => sum + each.size, 0);
      const entries = colouring.groups.map((each, at) => [colouring.values[each.value], each.size, at]);
      if (rest) entries.push(["other", rest, -1]);
      for (const [name, size, at] of entries) {
        const button = element("button", "", "group");
        button.type = "button";
        const colourText = at < 0 ? about.other : about.colours[at];
        button.append(swatch(colourText, Math.max(at, 0)), name, element("small", count(size)));
        button.setAttribute("aria-pressed", "false");
        button.title = `Show ${name} alone`;
        button.addEventListener("click", () => {
          alone = alone === at ? null : at;
          for (const other of box.querySelectorAll("button")) {
            other.setAttribute("aria-pressed", String(other === button && alone !== null));
          }
          say(alone === null ? "All are shown." : `Only ${name} is shown in colour: ${count(size)}.`);
          colour();
        });
        box.append(button);
      }
      return;
    }
    const bar = element("span", "", "bar"), stops = stopsOf(colouring);
    bar.style.background = `linear-gradient(90deg, ${stops.map(c => `rgb(${c.join(" ")})`).join(", ")})`;
    const ticks = element("span", "", "ticks"), scale = element("span", "", "scale");
    colouring.ticks.forEach((value, at, all) => {
      const end = at === 0 ? "\u2264\u202f" : at === all.length - 1 ? "\u2265\u202f" : "";
      ticks.append(element("span", end + (axes.includes(colouring) ? signed(value) : written(value))));
    });
    scale.append(bar, ticks);
    box.append(scale);
    if (axes.includes(colouring)) {
      box.append(element("span", `standard deviations along \u201c${colouring.name}\u201d`, "soft"));
    }
    if (hasMissing) {
      const none = element("span", "", "none");
      none.append(swatch(about.other, 0), "not known");
      box.append(none);
    }
  }

  const choices = [...attributes, popularity, ...people, ...axes];
  {
    const select = $("colour");
    const offered = (title, list) => {
      if (!list.length) return;
      const optgroup = document.createElement("optgroup");
      optgroup.label = title;
      for (const each of list) optgroup.append(new Option(each.name, choices.indexOf(each)));
      select.append(optgroup);
    };
    offered("What is known of them", attributes);
    offered("What the model was given", [popularity]);
    offered("What the model says", people);
    offered("Named axes", axes);
    const chosen = about.colour === null ? popularity : attributes.find(each => each.name === about.colour);
    select.value = choices.indexOf(chosen);
    select.addEventListener("change", () => {
      colouring = choices[select.value];
      alone = null;
      hover(-1);
      colour();
      legend();
    });
    colouring = chosen;
  }

  // Where one looks ---------------------------------------------------------------------------------------------------

  let width = 0, height = 0, ratio = 1, home = 1, chosen = -1, under = -1, asked = false;
  const view = { x: 0.5, y: 0.5, k: 1 };
  const edges = list => list.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [1, 0]);
  const [[left, right], [bottom, top]] = [edges(xs), edges(ys)];
  const closer = () => between(1, (view.k / home) ** 0.3, 2.6);
  const grow = () => between(0.75, Math.sqrt(width / 800), 1) * closer() * (alone === null ? 1 : 1.3);
  const onScreen = i => [(xs[i] - view.x) * view.k + width / 2, height / 2 - (ys[i] - view.y) * view.k];
  const limit = () => {
    view.k = between(home * 0.6, view.k, home * 120);
    view.x = between(left, view.x, right);
    view.y = between(bottom, view.y, top);
  };

  function invalidate() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  // While the map moves, a machine that is too slow for all points draws the best known ones, and the rest at rest.
  const SLOW = 36, QUICK = 21, FEWEST = 6000, REST = 160;  // milliseconds between frames, points, milliseconds
  let shown = n, before = 0, movedAt = -Infinity, resting = 0;
  function pace(now) {
    const step = now - before, moving = now - movedAt < REST;
    before = now;
    if (!moving) return n;
    const fewer = Math.round(shown * Math.max(0.4, SLOW / step));
    if (step > SLOW && step < 1000) shown = Math.max(Math.min(n, FEWEST), fewer);
    else if (step < QUICK) shown = Math.min(n, Math.round(shown * 1.1));
    clearTimeout(resting);
    if (shown < n) resting = setTimeout(invalidate, REST + 20);
    return shown;
  }
  function steer() {
    const now = performance.now();
    if (now - movedAt > REST) before = now - QUICK;  // the first step of a motion says nothing
    movedAt = now;
    limit();
    invalidate();
  }

  function measure() {
    const before = home, box = stage.getBoundingClientRect();
    width = box.width;
    height = box.height;
    ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [$("points"), marks]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    home = Math.min((width - 70) / Math.max(right - left, 1e-6), (height - 50) / Math.max(top - bottom, 1e-6));
    view.k = width && before !== 1 ? view.k * home / before : home;
    draw();
  }

  function reset() {
    go({ x: (left + right) / 2, y: (bottom + top) / 2, k: home });
  }

  let trip = 0;
  function go(to) {
    cancelAnimationFrame(trip);
    const from = { ...view }, began = performance.now();
    const step = now => {
      const t = calm.matches ? 1 : Math.min(1, (now - began) / 420), s = t * t * (3 - 2 * t);
      // The scale by equal factors, and the place as the scale goes, so that it looks like one motion.
      view.k = from.k * (to.k / from.k) ** s;
      const p = Math.abs(to.k / from.k - 1) < 1e-3 ? s : (1 / from.k - 1 / view.k) / (1 / from.k - 1 / to.k);
      view.x = from.x + p * (to.x - from.x);
      view.y = from.y + p * (to.y - from.y);
        steer();
      if (t < 1) trip = requestAnimationFrame(step);
    };
    step(began);
  }

  function zoomAt(x, y, factor) {
    cancelAnimationFrame(trip);
    const dx = (x - width / 2), dy = (height / 2 - y), before = view.k;
    view.k *= factor;
    view.k = between(home * 0.6, view.k, home * 120);
    view.x += dx / before - dx / view.k;
    view.y += dy / before - dy / view.k;
    steer();
  }

  function pan(dx, dy) {
    cancelAnimationFrame(trip);
    view.x -= dx / view.k;
    view.y += dy / view.k;
    steer();
  }

  // Which point is near a place: squares of equal size, the points of each in a row.
  const across = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(n / 2))));
  const cell = x => Math.min(across - 1, Math.floor(x * across));
  const starts = new Uint32Array(across * across + 1), inCells = new Uint32Array(n);
  for (let i = 0; i < n; i++) starts[cell(ys[i]) * across + cell(xs[i]) + 1]++;
  for (let c = 0; c < across * across; c++) starts[c + 1] += starts[c];
  {
    const next = starts.slice();
    for (let i = 0; i < n; i++) inCells[next[cell(ys[i]) * across + cell(xs[i])]++] = i;
  }
  function nearest(px, py, reach) {
    const x = view.x + (px - width / 2) / view.k, y = view.y + (height / 2 - py) / view.k, r = reach / view.k;
    if (x + r < 0 || x - r > 1 || y + r < 0 || y - r > 1) return -1;
    let best = -1, least = r * r;
    for (let row = cell(Math.max(0, y - r)); row <= cell(Math.min(1, y + r)); row++) {
      const first = starts[row * across + cell(Math.max(0, x - r))];
      const last = starts[row * across + cell(Math.min(1, x + r)) + 1];
      for (let at = first; at < last; at++) {
        const i = inCells[at];
        if (!inGroup(i)) continue;
        const far = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
        if (far < least || (far === least && i < best)) [best, least] = [i, far];
      }
    }
    return best;
  }

  // Drawing -----------------------------------------------------------------------------------------------------------

  const pen = marks.getContext("2d"), widths = new Map();
  const FONT = '12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif';
  const cut = text => (text.length > 32 ? `${text.slice(0, 31).trimEnd()}\u2026` : text);
  const style = {};
  const restyle = () => {
    const found = getComputedStyle(document.documentElement);
    for (const name of ["card", "ink", "accent"]) style[name] = found.getPropertyValue(`--${name}`).trim();
  };
  const widthOf = text => {
    if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
    return widths.get(text);
  };

  function draw(now = performance.now()) {
    asked = false;
    if (!width) return;
    points.draw(view, width, height, ratio, grow(), pace(now));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const taken = [];
    if (chosen >= 0) ties();
    const firsts = chosen < 0 ? [] : [chosen, ...near.cosine.map(column => column[chosen])];
    for (const i of firsts) label(i, taken, i === chosen);
    const most = firsts.length + between(6, Math.round(width * height / 15000), 60);
    for (let i = 0, tried = 0; i < n && taken.length < 2 * most && tried < 600; i++) {
      const [x, y] = onScreen(i);
      if (x < 0 || y < 0 || x > width || y > height || !inGroup(i) || firsts.includes(i)) continue;
      tried++;
      label(i, taken, false);
    }
    if (under >= 0 && under !== chosen) ring(under, style.ink, 1.5);
    if (document.activeElement === stage && stage.matches(":focus-visible")) crosshair();
  }

  function ring(i, colourText, line) {
    const [x, y] = onScreen(i);
    pen.beginPath();
    pen.arc(x, y, sizes[i] * grow() / 2 + 3, 0, 7);
    pen.lineWidth = line;
    pen.strokeStyle = colourText;
    pen.stroke();
  }

  function ties() {
    const [x, y] = onScreen(chosen);
    pen.strokeStyle = style.accent;
    pen.lineWidth = 1.2;
    pen.globalAlpha = 0.7;
    for (const column of near.cosine) {
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(...onScreen(column[chosen]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    for (const column of near.cosine) ring(column[chosen], style.accent, 1.2);
    ring(chosen, style.accent, 3);
  }

  const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

  function label(i, taken, bold) {
    const text = cut(labels[i]), [x, y] = onScreen(i), r = sizes[i] * grow() / 2;
    const w = widthOf(text) * (bold ? 1.08 : 1), h = 15, gap = r + 4;
    const mark = [x - r, y - r, x + r, y + r];
    const sides = [[x + gap, y], [x - gap - w, y], [x - w / 2, y - gap - h / 2], [x - w / 2, y + gap + h / 2]];
    for (const [from, middle] of sides) {
      const box = [from - 2, middle - h / 2, from + w + 2, middle + h / 2];
      if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height) continue;
      if (taken.some(other => meets(other, box) || meets(other, mark))) continue;
      pen.font = bold ? `600 ${FONT}` : FONT;
      pen.strokeStyle = style.card;
      pen.lineWidth = 3.5;
      pen.strokeText(text, from, middle);
      pen.fillStyle = style.ink;
      pen.fillText(text, from, middle);
      pen.font = FONT;
      taken.push(box, mark);
      return;
    }
  }

  function crosshair() {
    pen.strokeStyle = style.ink;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      pen.moveTo(width / 2 + 5 * dx, height / 2 + 5 * dy);
      pen.lineTo(width / 2 + 14 * dx, height / 2 + 14 * dy);
    }
    pen.stroke();
  }

  // An item -----------------------------------------------------------------------------------------------------------

  function choose(i, { move = true } = {}) {
    chosen = i;
    if (move) {
      const [x, y] = onScreen(i), close = move === "close";
      const outside = x < 20 || y < 20 || x > width - 20 || y > height - 20;
      if (close || outside) go({ x: xs[i], y: ys[i], k: close ? Math.max(view.k, home * 3) : view.k });
    }
    describe(i);
    invalidate();
    const nearest = near.cosine.slice(0, 3).map(column => labels[column[i]]).join("; ");
    say(`${labels[i]}, ${count(counts[i])} ${about.counted}.${nearest ? ` Nearest: ${nearest}.` : ""}`);
  }

  function describe(i) {
    panel.replaceChildren();
    const heading = element("h2", labels[i]), facts = document.createElement("dl");
    const fact = (name, value) => facts.append(element("dt", name), element("dd", value));
    if (ids && ids[i] !== labels[i]) fact("id", ids[i]);
    fact(about.counted, count(counts[i]));
    for (const each of [...attributes, ...people]) fact(each.name, each.told(i) || "\u2013");
    panel.append(heading, facts);
    list(i, "cosine", "Nearest by angle", "cosine of the factors");
    if (axes.length) made(i);
    list(i, "euclidean", "Nearest by distance", "Euclid\u2019s, between the factors");
    panel.scrollTop = 0;
  }

  const button = i => {
    const made = element("button", labels[i]);
    made.type = "button";
    made.addEventListener("click", () => {
      choose(i);
      panel.querySelector("h2").tabIndex = -1;
      panel.querySelector("h2").focus({ preventScroll: true });
    });
    return made;
  };

  function list(i, kind, title, subtitle) {
    if (!near[kind].length) return;
    const heading = element("h3", title), entries = document.createElement("ol");
    heading.append(element("small", subtitle));
    for (const column of near[kind]) {
      const entry = document.createElement("li");
      entry.append(button(column[i]));
      entries.append(entry);
    }
    panel.append(heading, entries);
  }

  function made(i) {
    const heading = element("h3", "What it is made of"), parts = element("dl", "", "made");
    heading.append(element("small", "standard deviations from the mean item, along the named axes"));
    const all = axes.map(axis => [axis.name, axis.of(i)]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    for (const [name, value] of all.slice(0, 10)) {
      const told = element("dd"), bar = element("i");
      const length = 50 * Math.min(1, Math.abs(value) / 3);
      bar.style.width = `${length}%`;
      bar.style.left = value < 0 ? `${50 - length}%` : "50%";
      const track = element("span", "", "track");
      track.append(bar);
      told.append(track, element("span", signed(value)));
      parts.append(element("dt", name), told);
    }
    panel.append(heading, parts);
  }

  function leave() {
    chosen = -1;
    panel.replaceChildren($("nothing").content.cloneNode(true));
    invalidate();
  }

  // Pointers and keys -------------------------------------------------------------------------------------------------

  const down = new Map();
  let moved = 0, spread = 0;
  const place = event => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const middleOf = () => {
    const all = [...down.values()];
    const mean = axis => all.reduce((sum, p) => sum + p[axis], 0) / all.length;
    return [mean(0), mean(1), all.length > 1 ? Math.hypot(all[0][0] - all[1][0], all[0][1] - all[1][1]) : 0];
  };
  stage.addEventListener("pointerdown", event => {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size === 1) moved = 0;
    spread = middleOf()[2];
    hover(-1);
  });
  stage.addEventListener("pointermove", event => {
    if (!down.has(event.pointerId)) {
      if (event.pointerType !== "touch") hover(nearest(...place(event), 14), place(event));
      return;
    }
    const [x0, y0] = middleOf();
    down.set(event.pointerId, place(event));
    const [x, y, apart] = middleOf();
    moved += Math.abs(x - x0) + Math.abs(y - y0) + Math.abs(apart - spread);
    if (moved > 4) stage.classList.add("moving");
    pan(x - x0, y - y0);
    if (spread && apart) zoomAt(x, y, apart / spread);
    spread = apart;
  });
  const up = event => {
    if (!down.delete(event.pointerId)) return;
    if (down.size) { spread = middleOf()[2]; moved = 99; return; }
    stage.classList.remove("moving");
    if (event.type !== "pointerup" || moved > 4) return;
    const found = nearest(...place(event), event.pointerType === "touch" ? 22 : 14);
    if (found >= 0) choose(found, { move: false });
    else if (chosen >= 0) leave();
  };
  for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, up);
  stage.addEventListener("pointerleave", () => hover(-1));
  stage.addEventListener("wheel", event => {
    event.preventDefault();
    zoomAt(...place(event), Math.exp(-between(-240, event.deltaY * (event.deltaMode ? 30 : 1), 240) * 0.0022));
  }, { passive: false });

  function hover(i, at) {
    stage.classList.toggle("over", i >= 0);
    if (i !== under) {
      under = i;
      tip.hidden = i < 0;
      if (i >= 0) {
        const told = axes.includes(colouring) ? `${colouring.name} ${signed(colouring.of(i))}` : colouring.told?.(i);
        const facts = [`${count(counts[i])} ${about.counted}`, told].filter(Boolean).join(" \u00b7 ");
        tip.replaceChildren(element("strong", labels[i]), element("span", facts));
      }
      invalidate();
    }
    if (i < 0) return;
    const box = tip.getBoundingClientRect();
    const x = between(4, at[0] + 14, width - box.width - 4), below = at[1] + 18;
    const y = below + box.height > height ? at[1] - box.height - 10 : below;
    tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  stage.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = event.shiftKey ? 160 : 60, middle = [width / 2, height / 2];
    const moves = {
      ArrowLeft: () => pan(step, 0), ArrowRight: () => pan(-step, 0),
      ArrowUp: () => pan(0, step), ArrowDown: () => pan(0, -step),
      "+": () => zoomAt(...middle, 1.4), "=": () => zoomAt(...middle, 1.4), "-": () => zoomAt(...middle, 1 / 1.4),
      0: reset, Home: reset, Escape: leave,
      Enter: () => {
        const found = nearest(...middle, Math.max(width, height));
        if (found >= 0) choose(found, { move: false });
      },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  });
  for (const kind of ["focus", "blur"]) stage.addEventListener(kind, invalidate);
  $("closer").addEventListener("click", () => zoomAt(width / 2, height / 2, 1.6));
  $("wider").addEventListener("click", () => zoomAt(width / 2, height / 2, 1 / 1.6));
  $("all").addEventListener("click", reset);

  searching(labels, i => `${count(counts[i])} ${about.counted}`, i => choose(i, { move: "close" }), say);

  // Beginning ---------------------------------------------------------------------------------------------------------

  for (const entry of document.querySelectorAll("[data-item]")) {
    const name = entry.querySelector(".name"), made = button(Number(entry.dataset.item));
    made.addEventListener("click", () => stage.scrollIntoView({ block: "center" }));
    name.replaceWith(made);
  }
  if (points.plain) {
    sorry("This browser draws without WebGL, so that the map moves more slowly. Everything else is the same.");
  }
  restyle();
  dark.addEventListener("change", () => { restyle(); invalidate(); });
  $("points").addEventListener("redraw", invalidate);
  [view.x, view.y] = [(left + right) / 2, (bottom + top) / 2];
  colour();
  legend();
  leave();
  new ResizeObserver(measure).observe(stage);
  measure();
  document.documentElement.classList.add("ready");
  performance.mark("map drawn");
})();
