// The search field: eight items whose names hold all words typed, those first that begin with them, and the best known
// first. `told` says something of an item, `choose` gets the one that is taken, `say` announces.

function searching(labels, told, choose, say) {
  const field = $("search"), options = $("options");
  const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  let searchable = null, found = [], active = -1;
  function matches(text) {
    searchable ??= labels.map(plain);
    const whole = plain(text.trim()), words = whole.split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const kinds = [[], [], []];
    for (let i = 0; i < labels.length && kinds[0].length < 8; i++) {
      const label = searchable[i];
      if (!words.every(word => label.includes(word))) continue;
      const begins = words.every(word => label.startsWith(word) || label.includes(` ${word}`));
      const kind = label.startsWith(whole) ? 0 : begins ? 1 : 2;
      if (kinds[kind].length < 8) kinds[kind].push(i);
    }
    return kinds.flat().slice(0, 8);
  }
  function offer() {
    found = matches(field.value);
    active = -1;
    options.replaceChildren(...found.map((i, at) => {
      const option = element("li", labels[i]);
      option.id = `option-${at}`;
      option.role = "option";
      option.ariaSelected = "false";
      option.append(element("small", told(i)));
      option.addEventListener("pointerdown", event => event.preventDefault());
      option.addEventListener("click", () => take(at));
      return option;
    }));
    const none = field.value.trim() && !found.length;
    if (none) options.append(element("li", "Nothing is called that.", "none"));
    show(Boolean(found.length || none));
    if (none) say("Nothing is called that.");
    else if (found.length) say(`${found.length} found; the first is ${labels[found[0]]}.`);
  }
  function show(open) {
    options.hidden = !open;
    field.ariaExpanded = String(open);
    if (!open) field.removeAttribute("aria-activedescendant");
  }
  function mark(at) {
    active = at;
    [...options.children].forEach((option, place) => { option.ariaSelected = String(place === at); });
    field.setAttribute("aria-activedescendant", `option-${at}`);
    options.children[at].scrollIntoView({ block: "nearest" });
  }
  function take(at) {
    field.value = labels[found[at]];
    show(false);
    choose(found[at]);
  }
  field.addEventListener("input", offer);
  field.addEventListener("focus", () => field.select());
  field.addEventListener("blur", () => show(false));
  field.addEventListener("keydown", event => {
    if (event.isComposing) return;
    const size = found.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (options.hidden) offer();
      else if (size) mark((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1) + size) % size);
    } else if (event.key === "Enter" && size && !options.hidden) take(Math.max(active, 0));
    else if (event.key === "Escape") {
      if (options.hidden) field.value = "";
      show(false);
    } else return;
    event.preventDefault();
  });
}
