// Keys for a list of work: j and k move from row to row, Enter follows the link that has the focus.
const links = [...document.querySelectorAll("table[data-queue] th a")];

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step || links.length === 0) return;
  const place = links.indexOf(document.activeElement);
  const next = place < 0 ? 0 : Math.min(Math.max(place + step, 0), links.length - 1);
  links[next].focus();
  event.preventDefault();
});
