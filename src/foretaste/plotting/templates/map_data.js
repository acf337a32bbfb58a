// What the page carries: columns of small numbers, deflated, in base64 (`map_packing.py`); and words for people.

const $ = id => document.getElementById(id);
const count = x => x.toLocaleString("en");
const element = (name, text = "", kind = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
function written(x) {
  const size = Math.abs(x);
  return String(Number(size >= 1000 ? x.toFixed(0) : size >= 1 ? x.toFixed(2) : x.toPrecision(2)));
}
const signed = x => `${x < 0 ? "\u2212" : x > 0 ? "+" : ""}${Math.abs(x).toFixed(1)}`;

async function carried(text) {
  const unpacked = async () => {
    const packed = Uint8Array.from(atob(text.trim()), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const length = new DataView(bytes.buffer).getUint32(0, true);
    return [JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))), bytes.subarray(4 + length)];
  };
  const [about, bytes] = await unpacked();
  const numbers = name => {
    const { at, n, width } = about.columns[name], column = new Uint32Array(n);
    for (let w = 0, from = at; w < width; w++, from += n) {
      for (let i = 0; i < n; i++) column[i] |= bytes[from + i] << (8 * w);
    }
    return column;
  };
  const texts = name => {
    const { at, length } = about.columns[name];
    return new TextDecoder().decode(bytes.subarray(at, at + length)).split("\n");
  };

  const labels = texts("labels"), n = labels.length, counts = numbers("counts");
  const xs = Float32Array.from(numbers("x"), x => x / 65535), ys = Float32Array.from(numbers("y"), y => y / 65535);
  const ids = about.columns.ids ? texts("ids") : null;
  const neighbours = kind => Array.from({ length: about[kind] }, (_, rank) => numbers(`${kind} ${rank}`));
  const near = { cosine: neighbours("cosine"), euclidean: neighbours("euclidean") };
  const readable = spec => {
    const codes = numbers(spec.column);
    if (spec.kind === "number") {
      const of = i => (codes[i] ? spec.values[codes[i] - 1] : NaN);
      return { ...spec, of, told: i => (codes[i] ? written(of(i)) : "") };
    }
    const sizes = numbers(`${spec.column} sizes`), starts = new Uint32Array(n + 1);
    for (let i = 0; i < n; i++) starts[i + 1] = starts[i] + sizes[i];
    const all = i => Array.from(codes.subarray(starts[i], starts[i + 1]), code => spec.values[code]);
    return { ...spec, first: i => (sizes[i] ? codes[starts[i]] : -1), told: i => all(i).join(", ") };
  };
  const attributes = about.attributes.map(readable), people = about.people.map(readable);
  const axes = about.axes.map((spec, place) => {
    const steps = numbers(`axis ${place}`);
    return { ...spec, kind: "number", ticks: [-2, -1, 0, 1, 2], of: i => (steps[i] - 128) * about.step };
  });
  const popularity = { name: about.counted, kind: "number", ...about.popularity, of: i => counts[i] };
  return { about, labels, n, counts, xs, ys, ids, near, attributes, people, axes, popularity };
}
