// Checks the books of a pool for whoever reads them, in a worker: from the public files, or from a folder with no network.
"use strict";

(() => {
  const box = document.querySelector("[data-check-books]");
  if (!box || !globalThis.Worker) return;
  const { inLanguage, isFalse, mark, verdict } = globalThis.huzhu.page;
  const say = box.dataset;
  const field = (name) => document.getElementById(`check-${name}`);
  const [start, stop, forget] = ["start", "stop", "forget"].map((name) => box.querySelector(`[data-${name}]`));
  const result = box.querySelector(".check-result");
  const far = box.querySelector(".check-far");
  const steps = new Map([...document.querySelectorAll("[data-step]")].map((step) => [step.dataset.step, step]));
  // All scripts are there once the page is: later no network is needed.
  const worker = new Worker(say.worker);
  worker.postMessage({ scripts: say.scripts.trim().split(/\s+/) });

  // --- what this browser has kept of the pool -------------------------------------------------------------------------

  const place = `huzhu checkpoint ${say.pool}`;
  const sizeOf = (checkpoint) => checkpoint.split("\n")[1] ?? "";
  const kept = () => {
    try {
      return localStorage.getItem(place) ?? "";
    } catch {
      return "";
    }
  };
  const keep = (checkpoint) => {
    try {
      if (checkpoint) localStorage.setItem(place, checkpoint);
      else localStorage.removeItem(place);
    } catch {
      // A browser that keeps nothing: the reader can bring a checkpoint as a file.
    }
    showKept();
  };
  const showKept = () => {
    const checkpoint = kept();
    box.querySelector("[data-kept]").textContent = checkpoint ? say.keeps.replace("{size}", sizeOf(checkpoint)) : say.keepsNothing;
    forget.hidden = !checkpoint;
  };

  // --- what is shown --------------------------------------------------------------------------------------------------

  let told = new Map();

  const showStep = (name, one) => {
    const step = steps.get(name);
    if (one.verdict === "false") mark(step, "false", say.fails);
    else if (one.verdict === "unchecked") mark(step, "open", say.open, reasonOf(one));
    else if (!one.isAsked) mark(step, "open", say.open, say.first);
    else mark(step, "true", say.holds, inLanguage(one.said));
  };

  const reasonOf = (one) => box.getAttribute(`data-reason-${one.reason}`) ?? one.detail;

  const showAll = () => {
    const asked = [...told.values()].filter((one) => one.isAsked);
    const wrong = [...told.values()].find((one) => one.verdict === "false");
    if (wrong) isFalse(result, wrong, say);
    else if (asked.some((one) => one.verdict !== "true")) {
      const open = [...told].filter(([, one]) => one.isAsked && one.verdict !== "true");
      verdict(result, "warning", say.unchecked, ...new Set(open.map(([, one]) => reasonOf(one))));
    } else verdict(result, "good", say.right, say.rightMore.replace("{count}", asked.length));
  };

  const showFar = ({ check, count, all }) => {
    far.querySelector("progress").value = all ? count / all : 0;
    const title = steps.get(check).querySelector("h3").firstChild.textContent;
    far.querySelector("span").textContent = say.far.replace("{check}", title).replace("{count}", count).replace("{all}", all);
  };

  const isRunning = (runs) => {
    start.disabled = runs;
    far.hidden = !runs;
    stop.hidden = !runs;
  };

  // --- a check ---------------------------------------------------------------------------------------------------------

  const textOf = async (name) => (field(name).files.length ? field(name).files[0].text() : "");

  const check = async () => {
    isRunning(true);
    told = new Map();
    result.replaceChildren();
    for (const step of steps.values()) mark(step, "open", say.open);
    const files = [...field("files").files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    worker.postMessage({
      address: say.address, files, key: field("key").value.trim(), old: (await textOf("old")) || kept(), trusted: await textOf("trusted"),
      period: field("period").value.trim(), account: field("account").value,
    });
  };

  worker.addEventListener("message", ({ data }) => {
    if (data.far) showFar(data.far);
    if (data.told) {
      told.set(data.told.name, data.told);
      showStep(data.told.name, data.told);
    }
    if (!data.done) return;
    const isWrong = [...told.values()].some((one) => one.verdict === "false");
    if (data.done.head && !isWrong) keep(data.done.head);
    isRunning(false);
    showAll();
  });
  worker.addEventListener("error", () => {
    isRunning(false);
    verdict(result, "warning", say.unchecked, say.reasonInternal);
  });
  start.addEventListener("click", check);
  stop.addEventListener("click", () => worker.postMessage({ stop: true }));
  forget.addEventListener("click", () => keep(""));
  showKept();
  box.hidden = false;
})();
