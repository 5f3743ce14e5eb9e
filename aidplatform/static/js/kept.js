// The form of the page it stood on, as it was filled: with its labels, to be looked at and changed before it is sent.
// Without this script, or where that page has no such form any more, the same is sent by one button.
"use strict";

(async () => {
  const place = document.getElementById("kept");
  const again = place && place.querySelector("form");
  if (!again) return;
  const page = new URL(place.dataset.page, location.href);
  const answer = await fetch(page, { credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const goesTo = (form) => new URL(form.getAttribute("action") || answer.url, location.href).pathname;
  const wanted = new URL(again.action).pathname;
  const form = [...found.querySelectorAll("form")].find((one) => one.method === "post" && goesTo(one) === wanted);
  if (!form) return;

  const kept = new Map();
  for (const field of again.querySelectorAll("input[type=hidden]")) {
    if (field.name === "csrfmiddlewaretoken") continue;
    kept.set(field.name, [...(kept.get(field.name) || []), field.value]);
  }
  const fields = [...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken");
  // A form of other fields is another form: then the button stays.
  if (![...kept.keys()].every((name) => fields.some((field) => field.name === name))) return;
  for (const field of fields) {
    const values = kept.get(field.name) || [];
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (field.type === "select-multiple") {
      for (const option of field.options) option.selected = values.includes(option.value);
    } else if (field.type !== "file" && field.type !== "submit" && values.length) field.value = values.shift();
  }
  form.action = again.getAttribute("action");
  form.classList.add("section");
  place.replaceChildren(document.adoptNode(form));
})();
