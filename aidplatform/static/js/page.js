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

// A form that was refused: the first thing that is wrong gets the focus, and with it comes into view. Once the page has
// loaded: an address with a place in the page takes the focus away until then.
window.addEventListener("load", () => {
  const wrong = document.querySelector("main .alert-refused[role=alert], main [aria-invalid=true]");
  if (!wrong) return;
  if (!wrong.matches("input, select, textarea")) wrong.tabIndex = -1;
  wrong.focus();
});

// What can be copied has a button for it, where the browser lets a page copy.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.querySelector("[data-said]").textContent = button.dataset.done;
  });
}

// What was typed survives a change of language or brightness: it lies in this tab alone, until the page stands again.
const typedFields = () => [...document.querySelectorAll("main form :is(input, select, textarea)")];
const isTyped = (field) => field.name && !["password", "file", "hidden", "submit"].includes(field.type);

document.addEventListener("submit", (event) => {
  if (!event.target.querySelector("button[name=language], button[name=theme]")) return;
  const fields = typedFields();
  const typed = fields.map((field, place) => [place, field.name, field.value, Boolean(field.checked)]);
  const kept = typed.filter(([place]) => isTyped(fields[place]));
  sessionStorage.setItem("typed", JSON.stringify({ page: location.pathname, kept }));
});

const typed = JSON.parse(sessionStorage.getItem("typed") || "null");
sessionStorage.removeItem("typed");
if (typed && typed.page === location.pathname) {
  const fields = typedFields();
  for (const [place, name, value, checked] of typed.kept) {
    const field = fields[place];
    if (!field || field.name !== name) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = field.value === value && checked;
    else field.value = value;
  }
}
