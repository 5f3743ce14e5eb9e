// Shows a member step by step what verify.js says of their proof; fetched from here, or from files with no network at all.
"use strict";

(() => {
  const box = document.querySelector("[data-check]");
  if (!box || !globalThis.huzhu) return;
  const { isFalse, mark, verdict } = globalThis.huzhu.page;
  const say = box.dataset;
  const field = (name) => document.getElementById(`check-${name}`);
  const result = box.querySelector(".check-result");
  const button = box.querySelector("button");
  const steps = new Map([...document.querySelectorAll("[data-step]")].map((step) => [step.dataset.step, step]));
  // Figures of a bill stand in one line, which names the currency once.
  const OF_BILL = new Set(["S", "E", "V", "C_in", "A", "W", "fee", "R", "C_out"]);
  const MONEY = new Set(["fen", "rate", "total"]);
  const NUMBERS = new Set(["member", "period", "seqs"]);

  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");
  const money = (fen) => {
    const digits = (fen < 0n ? -fen : fen).toString().padStart(3, "0");
    return `${fen < 0n ? "−" : ""}${grouped(digits.slice(0, -2))}.${digits.slice(-2)}`;
  };
  const figure = (name, value) => {
    if (OF_BILL.has(name)) return money(value);
    if (MONEY.has(name)) return `${money(value)} ${say.currency}`;
    if (NUMBERS.has(name)) return [value].flat().join(", ");
    return typeof value === "string" ? value : grouped(String(value));
  };
  const filled = (text, figures) => {
    const known = { ...figures, total: figures.S, currency: say.currency };
    return text.replace(/\{(\w+)\}/g, (_whole, name) => figure(name, known[name]));
  };

  // --- what is given ------------------------------------------------------------------------------------------------

  class Missing extends Error {}

  const fetched = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) throw new Missing();
    return answer.text();
  };

  // The proof and the public head as they are now. A head that was signed in between makes them differ: once more then.
  const fromHere = async () => {
    let [text, checkpoint] = ["", ""];
    for (let turn = 0; turn < 3; turn += 1) {
      text = await fetched(say.bundle);
      checkpoint = await fetched(say.checkpoint);
      if (text.includes(checkpoint.split("\n")[2])) break;
    }
    return { text, copies: [{ checkpoint, hashes: new Uint8Array() }] };
  };

  // A folder as verify.py keeps it: the head, and the hashes of all statements in their order.
  const copyOf = async (files) => {
    const [tiles, named] = [new Map(), new Map()];
    for (const file of files) {
      const path = file.webkitRelativePath || file.name;
      const tile = /(?:^|\/)tile\/0\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
      if (!tile) named.set(path.split("/").pop(), file);
      else {
        const place = Number(tile[1].replace(/\D/g, ""));
        const width = Number(tile[2] ?? 256);
        if (!(tiles.get(place)?.width >= width)) tiles.set(place, { width, file });
      }
    }
    if (!named.has("checkpoint")) return null;
    const parts = [];
    for (let place = 0; tiles.has(place); place += 1) parts.push(await tiles.get(place).file.arrayBuffer());
    const hashes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return { checkpoint: await named.get("checkpoint").text(), hashes };
  };

  const given = async () => {
    const [file] = field("bundle").files;
    const { text, copies } = file ? { text: await file.text(), copies: [] } : await fromHere();
    const copy = await copyOf([...field("copy").files]);
    if (copy) copies.push(copy);
    // The square of the paper says more than the secret: its scheme, the pool and the member before it.
    const secret = field("secret").value.trim().split(/\s+/).pop();
    return { text, copies, id: field("number").value.trim() || null, secret, key: field("key").value.trim() };
  };

  // --- what is shown ------------------------------------------------------------------------------------------------

  const show = (told) => {
    const passed = new Map(told.steps.map((step) => [step.name, step.figures]));
    const isWrong = told.verdict === "false";
    let isOpen = false;
    for (const [name, step] of steps) {
      if (passed.has(name)) mark(step, "true", say.holds, filled(step.dataset.figures, passed.get(name)));
      else if (isWrong && !isOpen && !(name === "copy" && told.steps.length > 1)) {
        isOpen = true;
        mark(step, "false", say.fails);
      } else mark(step, "open", say.open);
    }
    if (told.verdict === "true") verdict(result, "good", filled(say.right, Object.assign({}, ...passed.values())));
    else if (isWrong) isFalse(result, told, say, box.getAttribute(`data-hint-${told.code}`));
    else verdict(result, "warning", say.unchecked, box.getAttribute(`data-reason-${told.reason}`));
  };

  const check = async () => {
    button.disabled = true;
    const told = await given().then(
      ({ text, ...own }) => globalThis.huzhu.member(text, own),
      (error) => ({ verdict: "unchecked", reason: error instanceof Missing ? "fetch" : "internal", steps: [] }),
    );
    show(told);
    button.disabled = false;
  };

  button.addEventListener("click", check);
  field("number").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !button.disabled) check();
  });
  box.hidden = false;
})();
