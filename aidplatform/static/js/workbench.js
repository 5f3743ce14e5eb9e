// Keys of the reviewers' workspace: all of them press what the page has anyway. The page lists them under “Keys”.
const all = (selector) => [...document.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const work = () => one("form[data-work=r]") || one("form[data-work=d]") || one("form[data-work=b]");

// Papers, one after another beside the checklist, each opened for the purpose that is chosen: that is noted, and the
// claimant sees it. A PDF is a download of its page. Without a script every paper has its page.
const papers = all("a[data-paper]");
const viewer = one("#viewer");
const purpose = one("#purpose");
const opened = new Map();
let shown = -1;
if (purpose && papers.length) purpose.hidden = false;

async function open(link) {
  if (!opened.has(link.href)) {
    const told = new FormData(purpose);
    told.set("key", crypto.randomUUID());
    told.set("note", "");
    const answer = await fetch(link.href, { method: "POST", body: told, credentials: "same-origin" });
    if (!answer.ok) return location.assign(link.href);
    opened.set(link.href, answer.url);
  }
  return opened.get(link.href);
}

async function showPaper(place) {
  if (!viewer || papers.length === 0) return;
  shown = (place + papers.length) % papers.length;
  const link = papers[shown];
  for (const other of papers) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  const image = viewer.querySelector("img");
  const isImage = link.dataset.type.startsWith("image/");
  const address = await open(link);
  if (!address || papers[shown] !== link) return;
  image.hidden = !isImage;
  if (isImage) image.src = `${address}file/`;
  image.alt = link.textContent;
  viewer.querySelector("figcaption").textContent = link.textContent;
  viewer.hidden = false;
  if (!isImage) window.open(address, "_blank", "noopener");
}

function citePaper() {
  if (shown < 0) return;
  const box = all("[data-cites] input").find((input) => input.value === papers[shown].dataset.paper);
  if (box) box.checked = !box.checked;
}

// The text of the clause that is chosen stands beside the form; without a script all of them do.
function showClause() {
  const chosen = one("form[data-work] [name=clause]");
  if (chosen) for (const text of all("[data-clause]")) text.hidden = text.dataset.clause !== chosen.value;
}

function choose(name, place) {
  const list = work()?.querySelector(`select[name=${name}]`);
  if (!list || place >= list.options.length) return;
  list.selectedIndex = place;
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

function nextClause() {
  const list = work()?.querySelector("select[name=clause]");
  if (list) choose("clause", (list.selectedIndex + 1) % list.options.length);
}

// A text of ours goes into the request; its kind is ticked.
function putTextIn(list) {
  const form = one("form[data-work=a]");
  const chosen = list.options[list.selectedIndex];
  form.querySelector("[name=message]").value = chosen.dataset.text;
  for (const box of form.querySelectorAll("[name=kinds]")) if (box.value === chosen.value) box.checked = true;
}

function goTo(key) {
  const form = one(`form[data-work=${key}]`);
  if (!form) return false;
  const field = form.querySelector("select, textarea, input:not([type=hidden])");
  (field || form).focus();
  form.scrollIntoView({ block: "center" });
  return true;
}

function write() {
  const reason = work()?.querySelector("[name=reason]");
  const texts = one("select[data-texts]");
  (reason || texts)?.focus();
}

// What cannot be taken back is asked once more.
function send(form) {
  const question = form.querySelector("details.confirm");
  const button = form.querySelector("button[name=go]") || form.querySelector("button");
  if (question && !question.open) {
    question.open = true;
    button.focus();
    return;
  }
  form.requestSubmit(button);
}

function showKeys() {
  let dialog = one("dialog.keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys sheet";
    const list = one("#keys");
    const title = document.createElement("h2");
    title.textContent = list.querySelector("summary").textContent;
    title.tabIndex = -1;
    dialog.setAttribute("aria-label", title.textContent);
    dialog.append(title, list.querySelector("dl").cloneNode(true));
    document.body.append(dialog);
  }
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

const deeds = {
  "?": showKeys,
  o: () => showPaper(shown + 1),
  i: () => showPaper(shown - 1),
  x: citePaper,
  c: nextClause,
  w: write,
  1: () => choose("outcome", 0),
  2: () => choose("outcome", 1),
  3: () => choose("outcome", 2),
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, select, textarea");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("form[data-work]") || work();
    if (form) {
      event.preventDefault();
      send(form);
    }
    return;
  }
  if (event.key === "Escape" && field) {
    field.blur();
    return;
  }
  // A box is no place for letters, and Enter in it would send the form unasked.
  const writes = field && field.type !== "checkbox" && field.type !== "radio";
  if (field && !writes && event.key === "Enter") event.preventDefault();
  if (writes || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]:not(.keys)")) return;
  const target = one(`[data-key="${CSS.escape(event.key)}"]`);
  if (deeds[event.key]) {
    event.preventDefault();
    deeds[event.key]();
  } else if (target) {
    event.preventDefault();
    if (target.tagName === "FORM") target.requestSubmit();
    else target.click();
  } else if (/^[rdaeb]$/.test(event.key) && goTo(event.key)) {
    event.preventDefault();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.name === "clause") showClause();
  if (event.target.matches("select[data-texts]")) putTextIn(event.target);
});
showClause();

// What can be taken back for some seconds is not offered longer.
for (const offer of all("[data-lasts]")) {
  setTimeout(() => offer.querySelector("form")?.remove(), Number(offer.dataset.lasts) * 1000);
}
