// Keeps what is written of a draft while it is written. The form works without this: its button saves everything.
const form = document.querySelector("form[data-draft]");
const state = form && form.querySelector("[data-draft-state]");
const PAUSE = 2500;
let timer = 0;
let kept = form && new URLSearchParams(new FormData(form)).toString();
let saving = false;

const say = (text) => {
  state.hidden = false;
  state.textContent = text;
};

const save = async () => {
  clearTimeout(timer);
  const written = new URLSearchParams(new FormData(form)).toString();
  if (saving || written === kept) return;
  saving = true;
  say(form.dataset.saving);
  try {
    const answer = await fetch(form.dataset.draft, {
      method: "POST",
      body: new URLSearchParams(written),
      headers: { Accept: "application/json" },
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.title);
    kept = written;
    say([`${form.dataset.saved} ${told.saved_at}`, ...Object.values(told.refused)].join(" · "));
  } catch (error) {
    say(error instanceof TypeError || !error.message ? form.dataset.lost : error.message);
  }
  saving = false;
};

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("change", save);
  form.addEventListener("submit", () => clearTimeout(timer));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save();
  });
}
