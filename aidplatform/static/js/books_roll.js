// Every line of a period's roll: the second reading of what verify.py says of `roll`.
//
// A million lines are some eight million hashes, and asking the browser for each takes longer than computing it: so they
// are computed here, after the same was asked of the browser once. The head they lead to is the signed one, or false.
"use strict";

(() => {
  const { parts, books } = globalThis.huzhu;
  const {
    IsFalse, KINDS, OWN, TAG, Unchecked, answered, bytesFrom, checkAmount, checkBill, checkHead, demand, equal, hex, isBill, isRoll,
    keyOf, sha256, signedEntries, truly,
  } = parts;
  const LINE = 41;
  const LINES_OF_A_PART = 65536;
  const AT_ONCE = 4096;

  // --- SHA-256, FIPS 180-4 --------------------------------------------------------------------------------------------

  // The first bits behind the point of roots of the first primes.
  const fractions = (count, power) => {
    const found = [];
    for (let number = 2; found.length < count; number += 1) {
      let isPrime = true;
      for (let by = 2; by * by <= number; by += 1) isPrime &&= number % by !== 0;
      if (isPrime) found.push(((number ** power) % 1) * 2 ** 32);
    }
    return Int32Array.from(found, (one) => Math.floor(one) | 0);
  };
  const START = fractions(8, 1 / 2);
  const ROUND = fractions(64, 1 / 3);
  const words = new Int32Array(64);

  const turned = (word, by) => (word >>> by) | (word << (32 - by));

  const pressed = (state, view, from) => {
    for (let at = 0; at < 16; at += 1) words[at] = view.getInt32(from + 4 * at);
    for (let at = 16; at < 64; at += 1) {
      const one = words[at - 15];
      const two = words[at - 2];
      const low = turned(one, 7) ^ turned(one, 18) ^ (one >>> 3);
      const high = turned(two, 17) ^ turned(two, 19) ^ (two >>> 10);
      words[at] = (words[at - 16] + low + words[at - 7] + high) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let at = 0; at < 64; at += 1) {
      const mixed = (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g));
      const first = (h + mixed + ROUND[at] + words[at]) | 0;
      const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + first) | 0; d = c; c = b; b = a; a = (first + second) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  };

  // A hasher of messages of one length: bytes is where the message is put before each turn.
  const hasherOf = (length) => {
    const whole = new Uint8Array(64 * Math.ceil((length + 9) / 64));
    const view = new DataView(whole.buffer);
    whole[length] = 0x80;
    view.setUint32(whole.length - 4, 8 * length);
    const hash = () => {
      const state = Int32Array.from(START);
      for (let from = 0; from < whole.length; from += 64) pressed(state, view, from);
      const found = new Uint8Array(32);
      const out = new DataView(found.buffer);
      for (let at = 0; at < 8; at += 1) out.setInt32(4 * at, state[at]);
      return found;
    };
    return { bytes: whole, view, hash };
  };

  // --- the tree -------------------------------------------------------------------------------------------------------

  // The tree over lines that come one after the other; only roots of whole subtrees are kept, each with its size.
  class Tree {
    constructor(classes) {
      this.classes = classes;
      this.width = 2 * classes + 1;
      this.kept = [];
      this.line = hasherOf(1 + TAG.length + LINE);
      this.line.bytes.set([0x10, ...TAG]);
      this.node = hasherOf(1 + TAG.length + 2 * (8 * this.width + 32));
      this.node.bytes.set([0x11, ...TAG]);
    }

    // Figures are numbers here: none passes 2^53 - 1.
    add(line, fen) {
      const place = line[32] & 0x3f;
      const isOwn = (line[32] & OWN) !== 0;
      if (place >= this.classes || line[32] & 0x40) throw new IsFalse("class_is_of_the_roll", String(this.classes), String(line[32]));
      const figures = new Float64Array(this.width);
      figures[place + (isOwn ? this.classes : 0)] = 1;
      if (isOwn) figures[this.width - 1] = fen;
      this.line.bytes.set(line, 1 + TAG.length);
      let made = { size: 1, figures, hash: this.line.hash() };
      while (this.kept.length && this.kept.at(-1).size === made.size) made = this.above(this.kept.pop(), made);
      this.kept.push(made);
    }

    above(left, right) {
      const figures = new Float64Array(this.width);
      for (let at = 0; at < this.width; at += 1) figures[at] = left.figures[at] + right.figures[at];
      const own = figures[this.width - 1];
      if (own > Number.MAX_SAFE_INTEGER) {
        const exact = BigInt(left.figures[this.width - 1]) + BigInt(right.figures[this.width - 1]);
        throw new IsFalse("amount_in_range", "0 … 2^53 - 1", String(exact));
      }
      const { bytes, view, hash } = this.node;
      let at = 1 + TAG.length;
      for (const one of [left, right]) {
        for (let place = 0; place < this.width; place += 1) {
          const figure = one.figures[place];
          view.setUint32(at, Math.floor(figure / 2 ** 32));
          view.setUint32(at + 4, figure >>> 0);
          at += 8;
        }
        bytes.set(one.hash, at);
        at += 32;
      }
      return { size: left.size + right.size, figures, hash: hash() };
    }

    // Counts, own amounts and hash of all lines; the last ones without a neighbor go up as they are.
    async root() {
      const all = [...this.kept].reverse();
      const { figures, hash } = all.length
        ? all.reduce((right, left) => this.above(left, right))
        : { figures: new Float64Array(this.width), hash: await sha256() };
      const exact = Array.from(figures, BigInt);
      return { counts: exact.slice(0, -1), own: exact.at(-1), hash };
    }
  }

  const demandOwnHash = async () => {
    const tried = hasherOf(150);
    tried.bytes.set(Uint8Array.from({ length: 150 }, (_none, at) => at));
    if (hex(tried.hash()) !== hex(await sha256(tried.bytes.slice(0, 150)))) throw new Unchecked("SHA-256 is computed wrongly here", "internal");
  };

  // --- the lines ------------------------------------------------------------------------------------------------------

  const higher = (one, other) => {
    for (let at = 0; at < 32; at += 1) if (one[at] !== other[at]) return one[at] > other[at];
    return false;
  };

  class Lines {
    constructor(roll, rates) {
      this.rates = rates;
      [this.frozen, this.closed] = [new Tree(roll.get("classes").length), new Tree(roll.get("classes").length)];
      this.named = new Uint8Array(LINE);
      [this.last, this.count] = [new Uint8Array(32), 0];
    }

    take(line) {
      if (this.count && !higher(line, this.last)) {
        throw new IsFalse("commitments_rise", `> ${hex(this.last)}`, hex(line.subarray(0, 32)), this.count);
      }
      this.last = line.subarray(0, 32);
      const view = new DataView(line.buffer, line.byteOffset + 33);
      const fen = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
      if (fen > Number.MAX_SAFE_INTEGER) throw new IsFalse("amount_in_range", "0 … 2^53 - 1", String(view.getBigUint64(0)));
      this.closed.add(line, fen);
      this.named.set(this.last);
      this.named[32] = line[32] & 0x3f;
      this.frozen.add(this.named, 0);
      const isOwn = Boolean(line[32] & OWN);
      const rate = this.rates[this.named[32]];
      if (isOwn ? fen >= rate : rate !== fen) checkAmount(BigInt(fen), BigInt(rate), isOwn);
      this.count += 1;
    }
  }

  // What the log states of a period: the last of each kind, and where it stands.
  const statedOf = (entries, period) => {
    const told = new Map();
    for (const { seq, value } of entries) {
      const body = value.get("body");
      if (KINDS.includes(value.get("type")) && body.get("period") === period) told.set(value.get("type"), { seq, body });
    }
    const stated = KINDS.map((kind) => told.get(kind));
    if (stated.some((one) => !one)) throw new Unchecked(`period ${period}: the log does not state all of it`, "period");
    return stated;
  };

  // period: its number, a BigInt.
  const roll = (source, period) =>
    answered(async () => {
      await demandOwnHash();
      const key = await keyOf(source);
      const stated = statedOf(await signedEntries(source, key), period);
      const seqs = stated.map((one) => one.seq);
      equal("freeze_announce_close_in_order", [...new Set(seqs)].sort((one, two) => one - two), seqs);
      const [frozen, announced, closed, made] = stated.map((one) => one.body);
      for (const one of [frozen, made]) demand("roll", one, isRoll);
      demand("bill", closed, isBill);
      const rates = checkBill(frozen, announced, closed, made).map(Number);
      const lines = new Lines(made, rates);
      const members = Number(made.get("n"));
      for (let part = 0; part < Math.ceil(members / LINES_OF_A_PART); part += 1) {
        const name = `roll/${period}/part/${part}`;
        const bytes = await bytesFrom(source, name);
        for (let at = 0; at < bytes.length; at += LINE) {
          if (at + LINE > bytes.length) throw new Unchecked(`${name}: a file that ends too early`, "files");
          lines.take(bytes.subarray(at, at + LINE));
          if (lines.count % AT_ONCE === 0) await source.pace("lines", lines.count, members);
        }
      }
      equal("records_are_as_many_as_members", made.get("n"), lines.count);
      await checkHead(frozen, await lines.frozen.root(), key.pool);
      await checkHead(made, await lines.closed.root(), key.pool);
      return truly("roll", lines.count, period);
    });

  books.roll = roll;
})();
