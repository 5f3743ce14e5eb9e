// Sends papers one after the other, each with its own progress and its own answer. Without this the form sends them together.
const form = document.querySelector("form[data-papers]");
const sending = form && form.querySelector(".sending");

const line = (file) => {
  const item = document.createElement("li");
  item.className = "progress";
  const name = document.createElement("span");
  const bar = document.createElement("progress");
  const says = document.createElement("span");
  name.textContent = file.name;
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  says.className = "soft";
  item.append(name, bar, says);
  sending.append(item);
  return { bar, says };
};

const send = (file, kind, { bar, says }) =>
  new Promise((done) => {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("kind", kind);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
    });
    request.upload.addEventListener("load", () => {
      bar.value = 100;
      says.textContent = form.dataset.reading;
    });
    request.addEventListener("loadend", () => {
      let told = null;
      try {
        told = JSON.parse(request.responseText);
      } catch {
        told = null;
      }
      const refusal = told && (told.refused ? told.refused[0] && told.refused[0].says : told.title);
      const kept = told && told.kept && told.kept.length > 0;
      bar.value = 100;
      says.textContent = kept ? form.dataset.kept : refusal || form.dataset.lost;
      if (!kept) says.className = "field-error";
      done();
    });
    request.send(body);
  });

// What is held now and what is still missing, as the server says it.
const renew = async () => {
  const answer = await fetch(form.action, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["[data-papers-held]", "[data-checklist]"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh) old.replaceWith(fresh);
  }
};

if (form) {
  form.addEventListener("submit", async (event) => {
    const inputs = [...form.querySelectorAll("input[type=file]")];
    const files = inputs.flatMap((input) => [...input.files]);
    if (files.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    sending.hidden = false;
    sending.replaceChildren();
    const kind = form.elements.kind.value;
    const lines = files.map(line);
    for (const [place, file] of files.entries()) await send(file, kind, lines[place]);
    for (const input of inputs) input.value = "";
    await renew();
    button.disabled = false;
  });
}
