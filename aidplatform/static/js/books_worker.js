// Checks the books of a pool away from the page, which stays quick: it is told how far, what holds, and may stop it.
//
// Takes {scripts} once, then {address or files, key, old, period, account, trusted}, and {stop}. Answers {far}, {told} of
// each check, and {done} with the signed head that was checked. Files are asked of the address, or are the reader's own.
"use strict";

let isStopped = false;
// A page is told so often, in milliseconds, and may say stop in between.
const OFTEN = 60;

const paced = (check) => {
  let last = Date.now();
  return async (part, count, all) => {
    if (Date.now() - last < OFTEN) return;
    last = Date.now();
    postMessage({ far: { check: check.name, part, count, all } });
    await new Promise((resolve) => setTimeout(resolve));
    if (isStopped) throw new huzhu.parts.Unchecked("stopped", "stopped");
  };
};

const fromAddress = (address) => async (name) => {
  const fresh = name.startsWith("checkpoint") || name === "keys";
  const answer = await fetch(address + name, { cache: fresh ? "no-store" : "default" }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) throw new huzhu.parts.Unchecked(name, "fetch");
  return new Uint8Array(await answer.arrayBuffer());
};

// Of a folder as verify.py keeps it; wherever inside the checkpoint lies, the other files lie beside it.
const fromFiles = (files) => {
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  const heads = [...byPath.keys()].filter((path) => /(^|\/)checkpoint$/.test(path));
  const base = heads.sort((one, two) => one.length - two.length)[0]?.slice(0, -"checkpoint".length) ?? "";
  return async (name) => {
    const file = byPath.get(base + name);
    if (!file) throw new huzhu.parts.Unchecked(name, "files");
    return new Uint8Array(await file.arrayBuffer());
  };
};

// Heads change while a check runs: each is read once.
const readingOnce = (read) => {
  const found = new Map();
  return async (name) => {
    if (name.includes("/")) return read(name);
    if (!found.has(name)) found.set(name, await read(name));
    return found.get(name);
  };
};

const lastPeriod = (entries) =>
  (entries ?? []).map((one) => one.value).findLast((value) => value.get("type") === "roll.close")?.get("body").get("period");

const checkAll = async (given) => {
  const { books, parts } = huzhu;
  const check = { name: "log" };
  const read = readingOnce(given.files.length ? fromFiles(given.files) : fromAddress(given.address));
  const source = books.sourceOf(read, { key: given.key, pace: paced(check) });
  // Answers whether to go on: what does not hold ends everything, as nothing after it would say anything.
  const told = async (name, act, isAsked = true) => {
    check.name = name;
    const { steps, ...found } = await act();
    postMessage({ told: { name, isAsked, ...found } });
    return found.verdict;
  };

  const head = await parts.textFrom(source, "checkpoint").catch(() => "");
  const all = [];
  all.push(await told("log", () => books.log(source)));
  if (all.includes("false")) return { head: "" };
  // Where nothing was kept, the head is held against its own hashes: then it is worth keeping.
  all.push(await told("history", () => books.history(source, given.old || head), Boolean(given.old)));
  if (all.includes("false")) return { head: "" };
  const isSound = all.includes("true");
  const period = given.period ? BigInt(given.period) : lastPeriod(source.told);
  const rest = [["draw", () => books.draw(source, "")], ["book", () => books.book(source, given.account)]];
  if (period !== undefined) rest.unshift(["roll", () => books.roll(source, period)]);
  if (given.trusted) rest.push(["witnesses", () => books.witnesses(source, given.trusted)]);
  for (const [name, act] of rest) {
    if (isStopped || (await told(name, act)) === "false") break;
  }
  return { head: isSound ? head : "" };
};

addEventListener("message", async ({ data }) => {
  if (data.scripts) importScripts(...data.scripts);
  else if (data.stop) isStopped = true;
  else {
    isStopped = false;
    postMessage({ done: await checkAll(data) });
  }
});
