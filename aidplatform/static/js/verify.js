// Checks a member's own proof: the same statements as verify.py, read a second time from the same description.
//
// huzhu.member(bundle, {id, secret, key}) answers {verdict, steps} and more; verdict is "true", "false" (code, sentences
// in English and Chinese, the two values that differ) or "unchecked" (reason), which is no good sign and no bad one.
// Nothing is sent or fetched here. Amounts and counts are BigInt; hashes and Ed25519 are the browser's own.
"use strict";

(() => {
  const SENTENCES = globalThis.huzhu.sentences;
  const LARGEST = 2n ** 53n - 1n;
  const KINDS = ["roll.freeze", "period.announce", "period.close", "roll.close"];
  const COMES_IN = ["S", "E", "V", "C_in"];
  const GOES_OUT = ["A", "W", "fee", "R", "C_out"];
  const OWN = 0x80;

  // A statement that does not hold: its code, what must stand there, what does, and which one it is.
  class IsFalse extends Error {
    constructor(code, wanted = "", found = "", about = null) {
      super(code);
      Object.assign(this, { code, wanted, found, about });
    }
  }

  // Something is missing or written otherwise. code: why, for whoever shows it.
  class Unchecked extends Error {
    constructor(reason, code = "written_otherwise") {
      super(reason);
      this.code = code;
    }
  }

  const shown = (value) => (Array.isArray(value) ? `[${value.map(shown).join(", ")}]` : typeof value === "string" ? value : String(value));
  const written = (value) => (Array.isArray(value) ? `[${value.map(written)}]` : typeof value === "string" ? JSON.stringify(value) : String(value));

  const equal = (code, wanted, found, about = null) => {
    if (written(wanted) !== written(found)) throw new IsFalse(code, shown(wanted), shown(found), about);
  };

  // --- bytes ---------------------------------------------------------------------------------------------------------

  const utf8 = (text) => {
    if (!text.isWellFormed()) throw new Unchecked("half a character");
    return new TextEncoder().encode(text);
  };

  const joined = (...parts) => {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

  // Base64 that is written in the one way; undefined for anything else.
  const bytesOf = (text) => {
    try {
      const plain = atob(text);
      return btoa(plain) === text ? Uint8Array.from(plain, (one) => one.charCodeAt(0)) : undefined;
    } catch {
      return undefined;
    }
  };

  const demandBytes = (text, size = null) => {
    const bytes = bytesOf(text);
    if (!bytes || (size !== null && bytes.length !== size)) throw new Unchecked("base64 that is written otherwise");
    return bytes;
  };

  const u64 = (...numbers) => {
    const bytes = new Uint8Array(8 * numbers.length);
    const view = new DataView(bytes.buffer);
    numbers.forEach((number, place) => {
      if (number < 0n || number > LARGEST) throw new IsFalse("amount_in_range", "0 … 2^53 - 1", shown(number));
      view.setBigUint64(8 * place, number);
    });
    return bytes;
  };

  // --- strict JSON: whole numbers below 2^53, no null, no name twice; objects are Maps -----------------------------

  const DEEPEST = 100;
  const ESCAPED = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

  class Reader {
    constructor(text) {
      this.text = text;
      this.at = 0;
    }

    fail() {
      throw new Unchecked(`JSON that is written otherwise, at ${this.at}`);
    }

    space() {
      while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
    }

    takes(word) {
      if (!this.text.startsWith(word, this.at)) return false;
      this.at += word.length;
      return true;
    }

    whole() {
      const value = this.value(0);
      this.space();
      if (this.at !== this.text.length) this.fail();
      return value;
    }

    value(depth) {
      if (depth > DEEPEST) this.fail();
      this.space();
      if (this.takes("{")) return this.object(depth + 1);
      if (this.takes("[")) return this.array(depth + 1);
      if (this.takes('"')) return this.string();
      if (this.takes("true")) return true;
      if (this.takes("false")) return false;
      return this.number();
    }

    number() {
      const pattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
      pattern.lastIndex = this.at;
      const found = pattern.exec(this.text);
      if (!found || !/^-?[0-9]{1,16}$/.test(found[0])) this.fail();
      const number = BigInt(found[0]);
      if (number > LARGEST || number < -LARGEST) this.fail();
      this.at += found[0].length;
      return number;
    }

    string() {
      let said = "";
      for (;;) {
        const one = this.text[this.at];
        if (one === undefined || one < " ") this.fail();
        this.at += 1;
        if (one === '"') return said;
        if (one !== "\\") {
          said += one;
          continue;
        }
        const kind = this.text[this.at];
        this.at += 1;
        if (kind === "u") {
          const digits = this.text.slice(this.at, this.at + 4);
          if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail();
          said += String.fromCharCode(parseInt(digits, 16));
          this.at += 4;
        } else if (Object.hasOwn(ESCAPED, kind ?? "")) said += ESCAPED[kind];
        else this.fail();
      }
    }

    array(depth) {
      const found = [];
      this.space();
      if (this.takes("]")) return found;
      do {
        found.push(this.value(depth));
        this.space();
      } while (this.takes(","));
      return this.takes("]") ? found : this.fail();
    }

    object(depth) {
      const found = new Map();
      this.space();
      if (this.takes("}")) return found;
      do {
        this.space();
        if (!this.takes('"')) this.fail();
        const name = this.string();
        this.space();
        if (found.has(name) || !this.takes(":")) this.fail();
        found.set(name, this.value(depth));
        this.space();
      } while (this.takes(","));
      return this.takes("}") ? found : this.fail();
    }
  }

  const strict = (text) => new Reader(text).whole();

  const byCodePoint = (one, two) => {
    const [left, right] = [[...one], [...two]];
    const place = left.findIndex((char, at) => char !== right[at]);
    if (place < 0) return left.length - right.length;
    return place >= right.length ? 1 : left[place].codePointAt(0) - right[place].codePointAt(0);
  };

  const canonical = (value) => {
    if (value instanceof Map) {
      const names = [...value.keys()].sort(byCodePoint);
      return `{${names.map((name) => `${canonical(name)}:${canonical(value.get(name))}`)}}`;
    }
    if (Array.isArray(value)) return `[${value.map(canonical)}]`;
    if (typeof value !== "string") return String(value);
    if (!value.isWellFormed()) throw new Unchecked("half a character");
    return JSON.stringify(value);
  };

  // --- how things are written ---------------------------------------------------------------------------------------

  const isText = (value) => typeof value === "string";
  const isNumber = (value) => typeof value === "bigint";
  const isFlag = (value) => typeof value === "boolean";
  const listOf = (is) => (value) => Array.isArray(value) && value.every(is);
  const rowOf = (...parts) => (value) => Array.isArray(value) && value.length === parts.length && parts.every((is, at) => is(value[at]));
  const recordOf = (parts) => (value) =>
    value instanceof Map && Object.entries(parts).every(([name, is]) => value.has(name) && is(value.get(name)));
  const each = (names, is) => recordOf(Object.fromEntries(names.map((name) => [name, is])));

  const isBundle = recordOf({
    format: (value) => value === "huzhu-proof/2",
    period: isNumber,
    member: recordOf({ member_no: isNumber, doc_kind: isText, salt: isText }),
    leaf: recordOf({ commitment: isText, index: isNumber, class: isNumber, is_own: isFlag, fen: isNumber }),
    path: listOf(rowOf(isText, listOf(isNumber), isNumber, isText)),
    frozen_path: listOf(isText),
    checkpoint: isText,
    hashes: listOf(isText),
    entries: each(KINDS, recordOf({ entry: isText, index: isNumber, path: listOf(isNumber) })),
  });
  const isRoll = recordOf({
    classes: listOf(isNumber),
    tree: listOf(isNumber),
    x: isNumber,
    n: isNumber,
    root: isText,
    head: isText,
  });
  const hasFigures = each([...COMES_IN, ...GOES_OUT], isNumber);
  const isBill = (value) => hasFigures(value) && recordOf({ classes: listOf(listOf(isNumber)) })(value);

  const demand = (what, value, is) => {
    if (!is(value)) throw new Unchecked(`${what}: it is written otherwise`);
    return value;
  };

  // --- keys, checkpoints, statements --------------------------------------------------------------------------------

  // The bytes of a key by what it signs: 1 a log, 4 and 6 (ML-DSA-44) a witness.
  const KEY_SIZES = { 1: 33, 4: 33, 6: 1313 };

  const readKey = async (text, kinds = [1]) => {
    const parts = isText(text) ? text.trim().match(/^([^+]*)\+([^+]*)\+([^]*)$/) : null;
    if (!parts) throw new Unchecked("key: it is none of a log", "key");
    const [name, id, material] = [parts[1], parts[2], bytesOf(parts[3])];
    const isOne = material && kinds.includes(material[0]) && material.length === KEY_SIZES[material[0]];
    if (!isOne || hex(await sha256(utf8(`${name}\n`), material)).slice(0, 8) !== id) {
      throw new Unchecked("key: its id is not of its name and key", "key");
    }
    return { name, id, kind: material[0], public: material.slice(1), pool: name.slice(name.lastIndexOf("/") + 1) };
  };

  // The last of a log's keys, and as `before` the others from the given one on; `changes`: each later one as it stands there.
  const readKeys = async (text, given = "") => {
    const lines = text.split("\n").map((line) => line.split(" "));
    const isWritten = lines.pop().join() === "" && lines.every((line, at) => line.length === (at ? 2 : 1));
    if (!isWritten || lines.length === 0) throw new Unchecked("keys: a file that is written otherwise", "key");
    const keys = [];
    for (const line of lines) keys.push(await readKey(line[0]));
    for (let at = 1; at < lines.length; at += 1) {
      const message = utf8(`huzhu/v1/key-rotate\n${lines[at - 1][0]}\n${lines[at][0]}\n`);
      if (await isSigned(keys[at - 1], message, demandBytes(lines[at][1]))) continue;
      throw new IsFalse("key_follows_the_last", keys[at - 1].name, "-", at + 1);
    }
    const mine = await readKey(given || lines[0][0]);
    const from = keys.findIndex((key) => key.name === mine.name && hex(key.public) === hex(mine.public));
    return { ...(from < 0 ? mine : keys.at(-1)), before: from < 0 ? [] : keys.slice(from, -1), changes: lines.slice(1) };
  };

  const isSigned = async (key, message, signature) => {
    if (signature.length !== 64) return false;
    try {
      const imported = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
    } catch {
      throw new Unchecked("this browser cannot check Ed25519", "browser");
    }
  };

  // The signatures under a checkpoint that name the key; undefined where a line is written otherwise.
  const signaturesOf = (below, key) => {
    const named = below.split("\n").map((line) => line.split(" "));
    const own = named.filter((part) => part.length === 3 && part[0] === "\u2014" && part[1] === key.name);
    const found = own.map((part) => bytesOf(part[2]));
    if (found.some((one) => !one)) return undefined;
    return found.filter((one) => one.length >= 4 && hex(one.slice(0, 4)) === key.id).map((one) => one.slice(4));
  };

  // before: earlier keys that may have signed it.
  const openCheckpoint = async (note, last, before = []) => {
    const cut = note.lastIndexOf("\n\n");
    if (cut < 0) throw new IsFalse("checkpoint_is_written");
    const [text, below] = [note.slice(0, cut + 1), note.slice(cut + 2)];
    const lines = text.split("\n");
    const key = before.find((one) => signaturesOf(below, one)?.length) ?? last;
    const found = signaturesOf(below, key);
    const root = bytesOf(lines[2] ?? "-");
    const isWritten = found && lines.length === 4 && /^[1-9][0-9]{0,15}$/.test(lines[1]) && root && root.length === 32;
    if (!isWritten || BigInt(lines[1]) > LARGEST || !below.endsWith("\n")) throw new IsFalse("checkpoint_is_written");
    equal("checkpoint_is_of_its_log", key.name, lines[0]);
    if (found.length === 0) throw new IsFalse("checkpoint_is_signed", key.name, "-");
    const message = utf8(text);
    for (const one of found) {
      if (!(await isSigned(key, message, one))) throw new IsFalse("checkpoint_is_signed", key.name, "-");
    }
    return { size: BigInt(lines[1]), root: hex(root) };
  };

  // The sides on which the siblings of a leaf stand, upwards: the largest power of two goes to the left.
  const sidesOf = (index, size) => {
    if (size === 1n) return [];
    let k = 1n;
    while (k * 2n < size) k *= 2n;
    return index < k ? [...sidesOf(index, k), "R"] : [...sidesOf(index - k, size - k), "L"];
  };

  const readEntry = (text, seq, pool) => {
    let value = null;
    try {
      const found = strict(text);
      if (canonical(found) === text && text.normalize("NFC") === text) value = found;
    } catch {
      value = null;
    }
    if (!(value instanceof Map && value.get("body") instanceof Map)) throw new IsFalse("entry_is_canonical", "", "", seq);
    equal("entry_names_its_place", [1n, pool, seq], ["v", "pool", "seq"].map((name) => value.get(name)), seq);
    return value;
  };

  // A statement that stands in the signed log: its number, and what it says. hashes: those that its path names.
  const proven = async (told, hashes, pool, head) => {
    const [text, index] = [told.get("entry"), told.get("index")];
    const path = told.get("path").map((at) => hashes[at]);
    if (index < 0n || !path.every(Boolean)) throw new Unchecked("path: it is written otherwise");
    const data = utf8(text);
    const value = readEntry(text, index, pool);
    const sides = index < head.size ? sidesOf(index, head.size) : [...path, ""];
    let found = await sha256(Uint8Array.of(0), data);
    for (const [at, side] of sides.slice(0, path.length).entries()) {
      found = await sha256(Uint8Array.of(1), ...(side === "L" ? [path[at], found] : [found, path[at]]));
    }
    if (sides.length !== path.length || hex(found) !== head.root) {
      throw new IsFalse("statement_stands_in_the_log", head.root, hex(found), index);
    }
    return { seq: index, type: value.get("type"), body: value.get("body") };
  };

  const rootOf = async (leaves) => {
    if (leaves.length === 1) return leaves[0];
    let k = 1;
    while (k * 2 < leaves.length) k *= 2;
    return sha256(Uint8Array.of(1), await rootOf(leaves.slice(0, k)), await rootOf(leaves.slice(k)));
  };

  // Demands that a copy of the log and the head of a proof are of one log: the shorter is the beginning of the longer.
  const checkCopy = async ({ checkpoint, hashes }, head, key) => {
    const copied = await openCheckpoint(checkpoint, key, key.before);
    const [less, more] = copied.size < head.size ? [copied, head] : [head, copied];
    if (less.size < more.size) {
      const count = Number(more.size);
      if (hashes.length < 32 * count) throw new Unchecked("a copy without all hashes", "copy");
      const leaves = Array.from({ length: count }, (_none, at) => hashes.slice(32 * at, 32 * at + 32));
      equal("hashes_have_the_signed_root", more.root, hex(await rootOf(leaves)), more.size);
      equal("nothing_was_rewritten", less.root, hex(await rootOf(leaves.slice(0, Number(less.size)))), less.size);
    } else equal("nothing_was_rewritten", more.root, less.root, less.size);
    return copied;
  };

  // --- the roll -----------------------------------------------------------------------------------------------------

  const TAG = utf8("huzhu/roll/v1");

  const placeBytes = async (pool, period) => joined((await sha256(utf8(`huzhu/v1/pool\0${pool}`))).slice(0, 16), u64(period));

  const commitmentOf = async (secret, whose, pool, period) => {
    const [place, text] = [await placeBytes(pool, period), utf8(whose)];
    if (text.length > 0xffff) throw new Unchecked("a document that is too long");
    const inner = await sha256(utf8("huzhu/v1/id\0"), secret, Uint8Array.of(text.length >> 8, text.length & 0xff), text);
    const hmac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const made = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, utf8("huzhu/v1/commit")));
    const salt = await sha256(utf8("huzhu/v1/salt"), made, place);
    return { salt, commitment: await sha256(utf8("huzhu/v1/commitment"), place, salt, inner) };
  };

  const sumOf = (numbers) => numbers.reduce((sum, number) => sum + number, 0n);
  const u64Of = (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);

  const leafOf = async (classes, record) => {
    const [kind, fen] = [record[32], u64Of(record.slice(33))];
    const [place, isOwn] = [kind & 0x3f, Boolean(kind & OWN)];
    if (place >= classes || kind & 0x40) throw new IsFalse("class_is_of_the_roll", String(classes), String(kind));
    u64(fen);
    const counts = Array(2 * classes).fill(0n);
    counts[place + (isOwn ? classes : 0)] = 1n;
    return { counts, own: isOwn ? fen : 0n, hash: await sha256(Uint8Array.of(0x10), TAG, record) };
  };

  const nodeOf = async (left, right) => {
    const data = [left, right].flatMap((one) => [u64(...one.counts, one.own), one.hash]);
    const [counts, own] = [left.counts.map((one, at) => one + right.counts[at]), left.own + right.own];
    u64(...counts, own);
    return { counts, own, hash: await sha256(Uint8Array.of(0x11), TAG, ...data) };
  };

  // The root to which the path of a line leads; the sums are made here, never read.
  const walk = async (classes, record, index, size, path) => {
    let found = await leafOf(classes, record);
    let before = 0n;
    const wanted = index >= 0n && index < size ? sidesOf(index, size) : "?";
    equal("path_fits_its_place", wanted, path.map((step) => step[0]));
    for (const [side, counts, own, text] of path) {
      const hash = demandBytes(text, 32);
      if (counts.length !== 2 * classes) throw new Unchecked("path: a step that is written otherwise");
      u64(...counts, own);
      const members = sumOf(counts);
      if (members < 1n) throw new IsFalse("sibling_has_members", "1", "0");
      if (side === "L") before += members;
      found = side === "L" ? await nodeOf({ counts, own, hash }, found) : await nodeOf(found, { counts, own, hash });
    }
    equal("left_members_are_my_index", index, before);
    return found;
  };

  const checkHead = async (body, found, pool) => {
    const stated = [body.get("root"), ...body.get("tree"), body.get("x")];
    equal("root_is_the_stated_one", stated, [hex(found.hash), ...found.counts, found.own]);
    const figures = u64(BigInt(body.get("classes").length), ...found.counts, found.own);
    const head = await sha256(Uint8Array.of(0x12), TAG, await placeBytes(pool, body.get("period")), figures, found.hash);
    equal("head_is_the_stated_one", [body.get("head"), body.get("n")], [hex(head), sumOf(found.counts)]);
  };

  // --- the bill -----------------------------------------------------------------------------------------------------

  const rowsOf = (closed) =>
    closed.get("classes").map((row) => {
      const [classNo, weight, count, share, cap = null] = row;
      return { classNo, weight, count, share, cap };
    });

  // The highest share of each class is its rate; whoever bears less has an own amount.
  const ratesOf = (closed) => {
    const [rates, weights] = [new Map(), new Map()];
    for (const row of closed.get("classes")) {
      if (row.length < 4) throw new Unchecked("a class with fewer figures");
      const [classNo, weight, ...figures] = row;
      u64(...figures);
      if (weight < 1n || row.length > 5) throw new IsFalse("amount_in_range", "1 … 2^53 - 1", shown(weight));
      if (!weights.has(classNo)) weights.set(classNo, weight);
      equal("rates_follow_from_the_need", weights.get(classNo), weight);
      const [, share] = figures;
      if (share > (rates.get(classNo) ?? 0n) || !rates.has(classNo)) rates.set(classNo, share);
    }
    return rates;
  };

  const checkBill = (frozen, announced, closed, roll, terms = null) => {
    const [classes, tree, x] = ["classes", "tree", "x"].map((name) => roll.get(name));
    const members = classes.map((_no, at) => {
      if (classes.length + at >= tree.length) throw new Unchecked("a roll with fewer figures");
      return tree[at] + tree[classes.length + at];
    });
    const stated = ["classes", "tree", "x"].map((name) => frozen.get(name));
    equal("members_are_those_frozen", stated, [classes, [...members, ...classes.map(() => 0n)], 0n]);

    const [rates, rows] = [ratesOf(closed), rowsOf(closed)];
    const isOwn = (row) => row.share < rates.get(row.classNo);
    const billed = (no, own) => sumOf(rows.filter((row) => row.classNo === no && isOwn(row) === own).map((row) => row.count));
    const wanted = [false, true].flatMap((own) => classes.map((no) => billed(no, own)));
    const own = sumOf(rows.filter(isOwn).map((row) => row.count * row.share));
    const all = sumOf(rows.map((row) => row.count));
    equal("bill_counts_are_those_of_the_roll", [...tree, sumOf(tree), x], [...wanted, all, own]);

    const rate = classes.map((no) => rates.get(no) ?? 0n);
    equal("sum_is_of_the_roll", sumOf(rate.map((fen, at) => fen * tree[at])) + x, closed.get("S"));
    const figure = (name) => closed.get(name);
    u64(...[...COMES_IN, ...GOES_OUT].filter((name) => name !== "W").map(figure));
    equal("identity_holds", sumOf(GOES_OUT.map(figure)), sumOf(COMES_IN.map(figure)));
    checkRates(rows, figure, terms);
    checkCases(announced, closed);
    return rate;
  };

  // Whether of some need from least to most each share is the part by weight, rounded up, or else the cap.
  const hasOneLevel = (rows, least, most) => {
    const weights = sumOf(rows.map((row) => row.weight * row.count));
    let [low, high] = [least, most];
    for (const { weight, share, cap } of rows) {
      const under = ((share - 1n) * weights) / weight + 1n;
      if (share > 0n && under > low) low = under;
      const over = (share * weights) / weight;
      if (share !== cap && over < high) high = over;
    }
    return weights > 0n && low <= high;
  };

  // terms: the plan's, which say how it shares what caps keep from the members; a member's own proof does not bring them.
  const checkRates = (rows, figure, terms) => {
    const [V, E, carry] = [figure("V"), figure("E"), figure("C_out")];
    const whole = figure("A") + figure("W") + figure("fee") + figure("R") - figure("C_in");
    const charged = sumOf(rows.filter((row) => row.share > 0n).map((row) => row.count));
    if (carry > 0n && whole - V - E > 0n && carry >= charged) {
      throw new IsFalse("carry_is_less_than_the_charged", `< ${charged}`, shown(carry));
    }
    const onCap = terms && (terms.get("on_cap") ?? "redistribute");
    const [mayMove, mayDraw] = [onCap !== "reserve_pays", onCap !== "redistribute"];
    // What a sponsor bears of a dear case leaves the need before it is shared.
    const ofCases = !terms || terms.has("per_case_cap_fen") ? E : 0n;
    // Others bear what caps keep: all are at the cap, or the shares are by weight below it and nothing is left over.
    if ((V > 0n || E > 0n) && carry === 0n) {
      if (mayMove && rows.every((row) => row.share === row.cap)) return;
      if (mayDraw && hasOneLevel(rows, whole - ofCases, whole)) return;
    }
    equal("rates_follow_from_the_need", 0n, V);
    const need = whole - ofCases;
    if (mayDraw && need > 0n && hasOneLevel(rows, need, need)) return;
    if (!mayMove && need > 0n) {
      throw new IsFalse("rates_follow_from_the_need", shown(need), shown(rows.map((row) => row.share)));
    }
    for (const row of filled(rows, need)) equal("rates_follow_from_the_need", row.wanted, row.share);
  };

  // Whoever would bear the cap or more by weight pays the cap; the others bear the rest, until nobody more meets it.
  const filled = (rows, need) => {
    let [free, rest, weights, full] = [rows, need, 0n, rows];
    while (rest > 0n && full.length > 0) {
      weights = sumOf(free.map((row) => row.weight * row.count));
      const level = [rest, weights];
      const meets = (row) => row.cap !== null && level[0] * row.weight >= row.cap * level[1];
      full = free.filter(meets);
      free = free.filter((row) => !full.includes(row));
      rest -= sumOf(full.map((row) => row.count * row.cap));
    }
    const part = (row) => (rest > 0n && weights > 0n ? (rest * row.weight + weights - 1n) / weights : 0n);
    return rows.map((row) => ({ ...row, wanted: free.includes(row) ? part(row) : row.cap }));
  };

  const checkCases = (announced, closed) => {
    demand("cases", announced, recordOf({ cases: listOf((one) => Array.isArray(one) && isText(one[0])) }));
    demand("cases", closed, recordOf({ cases: listOf(isText) }));
    const known = new Set(announced.get("cases").map((one) => one[0]));
    equal("cases_were_announced", [], [...new Set(closed.get("cases"))].filter((one) => !known.has(one)).sort(byCodePoint));
  };

  const checkAmount = (fen, rate, isOwn) => {
    if (!isOwn) equal("amount_is_the_rate", rate, fen);
    else if (fen >= rate) throw new IsFalse("own_amount_is_below_the_rate", `< ${rate}`, shown(fen));
  };

  // --- a member's own proof -----------------------------------------------------------------------------------------

  const checkStatements = async (bundle, pool, head) => {
    const hashes = bundle.get("hashes").map((one) => demandBytes(one, 32));
    const told = [];
    for (const kind of KINDS) told.push(await proven(bundle.get("entries").get(kind), hashes, pool, head));
    return told;
  };

  // The way before there were amounts: the same members, all at the rate.
  const frozenPath = (classes, path, hashes) => {
    equal("path_fits_its_place", String(path.length), String(hashes.length));
    return path.map(([side, counts], at) => {
      const members = counts.slice(classes, 2 * classes).map((own, place) => counts[place] + own);
      return [side, [...members, ...Array(classes).fill(0n)], 0n, hashes[at]];
    });
  };

  const checkKinds = (told, period) => {
    const stated = told.map((one) => [one.type, one.body.get("period")]);
    demand("statements", stated, listOf(rowOf(isText, isNumber)));
    equal("statements_are_of_the_period", KINDS.map((kind) => [kind, period]), stated);
    const seqs = told.map((one) => one.seq);
    const order = [...new Set(seqs)].sort((one, two) => (one < two ? -1 : 1));
    equal("freeze_announce_close_in_order", order, seqs);
  };

  const checkMine = async (given, bundle, pool) => {
    const [member, line] = [bundle.get("member"), bundle.get("leaf")];
    const inner = bundle.get("id_inner");
    const told = given.secret || (inner instanceof Map ? inner.get("secret") : undefined);
    const secret = demandBytes(demand("secret", told, isText), 32);
    const mine = demandBytes(line.get("commitment"), 32);
    const kind = member.get("doc_kind");
    const number = (given.id ?? "").replace(/[\s\x1c-\x1f\x85-]/g, "").toUpperCase();
    const whose = `${kind}|${kind ? number : ""}|${member.get("member_no")}`;
    const made = await commitmentOf(secret, whose, pool, bundle.get("period"));
    if (given.id !== null || !kind) {
      equal("commitment_is_mine", hex(made.commitment), hex(mine));
      equal("salt_is_mine", hex(made.salt), hex(demandBytes(member.get("salt"))));
    }
    return mine;
  };

  // Checks what a bundle says, and tells `pass` what holds so far, with its figures.
  const checkBundle = async (text, given, pass) => {
    const bundle = demand("bundle", strict(text), isBundle);
    const key = await readKeys(demand("keys", bundle.get("keys") ?? `${bundle.get("key")}\n`, isText), given.key);
    const head = await openCheckpoint(bundle.get("checkpoint"), key);
    const told = await checkStatements(bundle, key.pool, head);
    pass("log", { ...head, log: key.name });
    for (const copy of given.copies) pass("copy", { size: (await checkCopy(copy, head, key)).size });

    const [period, line] = [bundle.get("period"), bundle.get("leaf")];
    checkKinds(told, period);
    const [frozen, announced, closed, roll] = told.map((one) => one.body);
    for (const one of [frozen, roll]) demand("roll", one, isRoll);
    demand("bill", closed, isBill);
    pass("order", { seqs: told.map((one) => one.seq) });

    const mine = await checkMine(given, bundle, key.pool);
    const isKnown = given.id !== null || !bundle.get("member").get("doc_kind");
    if (isKnown) pass("mine", { commitment: hex(mine), member: bundle.get("member").get("member_no") });

    const [classNo, index, fen] = ["class", "index", "fen"].map((name) => line.get(name));
    if (classNo < 0n || classNo > 255n) throw new Unchecked("a class that is none");
    const [kind, size] = [Number(classNo), roll.get("classes").length];
    // First, since the frozen way is told by the members of the other one.
    const rates = checkBill(frozen, announced, closed, roll);
    const named = joined(mine, Uint8Array.of(kind), new Uint8Array(8));
    const [path, before] = [bundle.get("path"), bundle.get("frozen_path")];
    await checkHead(frozen, await walk(size, named, index, frozen.get("n"), frozenPath(size, path, before)), key.pool);
    pass("frozen", { before: index, members: frozen.get("n") });
    const record = joined(mine, Uint8Array.of(kind | (line.get("is_own") ? OWN : 0)), u64(fen));
    await checkHead(roll, await walk(size, record, index, roll.get("n"), path), key.pool);
    pass("roll", { fen, before: index, members: roll.get("n") });

    if (kind >= rates.length) throw new Unchecked("a class that is none");
    const figures = Object.fromEntries([...COMES_IN, ...GOES_OUT].map((name) => [name, closed.get(name)]));
    pass("bill", { ...figures, rows: rowsOf(closed), cases: closed.get("cases").length });
    checkAmount(fen, rates[kind], line.get("is_own"));
    pass("amount", { fen, rate: rates[kind], isOwn: line.get("is_own"), period });
    if (!isKnown) throw new Unchecked("the number of the document was not given", "document");
  };

  // Does a check and answers as above; what it returns of its own is added to a true answer.
  const answered = async (act) => {
    const steps = [];
    const pass = (name, figures) => steps.push({ name, figures });
    try {
      if (!globalThis.crypto?.subtle) throw new Unchecked("this page is not open over https", "browser");
      const said = await act(pass);
      return { verdict: "true", steps, ...said };
    } catch (error) {
      if (error instanceof IsFalse) {
        const { code, wanted, found } = error;
        const sentences = SENTENCES[code].map((text) => text.replace("%d", error.about));
        return { verdict: "false", code, sentences, wanted, found, steps };
      }
      // Whatever else goes wrong says nothing of the statements.
      const reason = error instanceof Unchecked ? error.code : "internal";
      return { verdict: "unchecked", reason, detail: error.message, steps };
    }
  };

  // bundle: its text. id: the number of the member's document, null where it is not given; secret, key: "" for those of
  // the bundle. copies: of the log, each its checkpoint and the hashes of all its statements.
  const member = (bundle, { id = null, secret = "", key = "", copies = [] } = {}) =>
    answered((pass) => checkBundle(bundle, { id, secret, key, copies }, pass));

  // What checks of the whole log are made of, too.
  const parts = {
    LARGEST, KINDS, OWN, TAG, IsFalse, Unchecked, answered, byCodePoint, bytesOf, canonical, checkAmount, checkBill, checkHead, demand,
    equal, hex, isBill, isFlag, isNumber, isRoll, isSigned, isText, joined, listOf, openCheckpoint, readEntry, readKey, readKeys, recordOf, rowOf,
    sha256, shown, signaturesOf, sumOf, utf8,
  };
  Object.assign(globalThis.huzhu, { member, parts });
})();
