(() => {
  "use strict";
  const shelves = [...document.querySelectorAll(".shelf")];
  const cardsOf = shelf => [...shelf.querySelectorAll("summary")];
  const current = shelf => shelf.querySelector('summary[tabindex="0"]');
  // One stop of the tab key a row: the card that was looked at last.
  const choose = card => {
    for (const other of cardsOf(card.closest(".shelf"))) other.tabIndex = other === card ? 0 : -1;
  };
  const near = (list, place) => list[Math.max(0, Math.min(list.length - 1, place))];

  for (const shelf of shelves) {
    choose(cardsOf(shelf)[0]);
    const section = shelf.closest("section");
    const measure = () => section.classList.toggle("can-turn", shelf.scrollWidth > shelf.clientWidth + 1);
    new ResizeObserver(measure).observe(shelf);
    for (const button of section.querySelectorAll(".turn button")) {
      button.addEventListener("click", () => shelf.scrollBy({ left: Number(button.value) * 0.8 * shelf.clientWidth }));
    }
  }

  document.addEventListener("focusin", event => {
    const card = event.target.closest?.("summary");
    if (card) choose(card);
  });

  document.addEventListener("keydown", event => {
    const card = event.target.closest?.("summary");
    if (!card || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const shelf = card.closest(".shelf"), cards = cardsOf(shelf), place = cards.indexOf(card);
    const step = row => current(near(shelves, shelves.indexOf(shelf) + row));
    const moves = {
      ArrowRight: () => near(cards, place + 1), ArrowLeft: () => near(cards, place - 1),
      Home: () => cards[0], End: () => cards[cards.length - 1],
      ArrowDown: () => step(1), ArrowUp: () => step(-1),
    };
    if (event.key === "Escape") card.parentElement.open = false;
    else if (moves[event.key]) moves[event.key]().focus();
    else return;
    event.preventDefault();
  });
})();
