// What pages of checks show alike: a verdict, and a mark on each step. Loaded before them.
"use strict";

(() => {
  const line = (text, kind = "p") => {
    const made = document.createElement(kind);
    made.textContent = text;
    return made;
  };

  // Shows a verdict in a place: look is good, refused or warning.
  const verdict = (place, look, title, ...lines) => {
    const alert = document.createElement("div");
    alert.className = `alert alert-${look}`;
    const body = document.createElement("div");
    body.className = "alert-body";
    body.append(line(title, "h3"), ...lines.map((text) => line(text)));
    alert.append(body);
    place.replaceChildren(alert);
  };

  // Marks a step as true, false or open, in words, with what was found.
  const mark = (step, state, words, text = "") => {
    step.querySelectorAll(".check-mark, .check-figures").forEach((old) => old.remove());
    step.dataset.state = state;
    const state_ = line(words, "span");
    state_.className = "check-mark";
    step.querySelector("h3").append(" ", state_);
    if (!text) return;
    const figures = line(text);
    figures.className = "check-figures";
    step.append(figures);
  };

  // What does not hold, in the language of the page, with the two values that differ and the code; hint: what else it can be.
  const isFalse = (place, told, say, hint = null) => {
    const lines = told.wanted || told.found ? [`${say.expected}: ${told.wanted}`, `${say.found}: ${told.found}`] : [];
    verdict(place, "refused", inLanguage(told.sentences), ...(hint ? [hint] : []), ...lines, told.code);
  };

  const inLanguage = ([english, chinese]) => (document.documentElement.lang.startsWith("zh") ? chinese : english);

  globalThis.huzhu.page = { inLanguage, isFalse, mark, verdict };
})();
