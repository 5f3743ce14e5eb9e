// Small comforts for every page; each page works without them.

// A form that was sent is not sent again by a second click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent === "yes") {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("hx-post")) form.dataset.sent = "yes";
});

// Coming back by the browser's back button shows the form ready again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Tabs that scroll show the one that is open.
const tab = document.querySelector(".tabs [aria-current]");
if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;

// An open list closes on Escape and on a click elsewhere, and gives the focus back.
const openList = () => document.querySelector("details.demo-people[open]");

document.addEventListener("keydown", (event) => {
  const list = openList();
  if (event.key === "Escape" && list) {
    list.open = false;
    list.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  const list = openList();
  if (list && !list.contains(event.target)) list.open = false;
});

// "/" goes to the search box, unless something is being written.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const box = document.querySelector(".search input");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
