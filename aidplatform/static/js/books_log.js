// The files of a log, its statements, and its history: the second reading of what verify.py says of `log` and `history`.
//
// A source has read(name), which answers the bytes of a file or throws, key (the log's, "" for the one beside the files)
// and pace(name, done, all), which is told how far a check is and may refuse to go on. Nothing is fetched or shown here.
"use strict";

(() => {
  const { parts, sentences } = globalThis.huzhu;
  const { IsFalse, Unchecked, answered, demand, equal, hex, isText, openCheckpoint, readEntry, readKeys, sha256 } = parts;
  const LONGEST_FILE = 20_000_000;
  const TILE = 256;
  // So many hashes are asked of the browser at once, and then the page may draw, or stop it.
  const AT_ONCE = 1024;

  const sourceOf = (read, { key = "", pace = async () => {} } = {}) => ({ read, key, pace, told: null });

  const bytesFrom = async (source, name) => {
    const bytes = await source.read(name);
    if (bytes.length > LONGEST_FILE) throw new Unchecked(`${name}: more than ${LONGEST_FILE} bytes`, "files");
    return bytes;
  };

  const decoded = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

  const textFrom = async (source, name) => {
    const bytes = await bytesFrom(source, name);
    try {
      return decoded(bytes);
    } catch {
      throw new Unchecked(`${name}: it is no text`, "files");
    }
  };

  // given: a key of the reader's own; else the one of the source, or the first beside the files.
  const keyOf = async (source, given = source.key) => readKeys(await textFrom(source, "keys"), given);

  // The names of the tiles of a log of this size, each with how much stands in it: x001/002 is the 1,003rd.
  const tilesOf = (size) =>
    Array.from({ length: Math.ceil(size / TILE) }, (_none, index) => {
      const width = Math.min(TILE, size - index * TILE);
      const digits = String(index);
      const threes = digits.padStart(3 * Math.ceil(digits.length / 3), "0").match(/\d{3}/g);
      const way = [...threes.slice(0, -1).map((three) => `x${three}`), threes.at(-1)].join("/");
      return { name: width === TILE ? way : `${way}.p/${width}`, width };
    });

  const entriesOf = (bytes, width) => {
    const found = [];
    let at = 0;
    for (let number = 0; number < width; number += 1) {
      const behind = at + 2 + (bytes[at] << 8) + bytes[at + 1];
      if (at + 2 > bytes.length || behind > bytes.length) throw new Unchecked("tile/entries: a file that ends too early", "files");
      found.push(bytes.subarray(at + 2, behind));
      at = behind;
    }
    if (at !== bytes.length) throw new Unchecked("tile/entries: a file that is too long", "files");
    return found;
  };

  // Hashes each of many, so many at once.
  const hashedAll = async (source, name, many, hash) => {
    const found = [];
    for (let at = 0; at < many.length; at += AT_ONCE) {
      found.push(...(await Promise.all(many.slice(at, at + AT_ONCE).map(hash))));
      await source.pace(name, found.length, many.length);
    }
    return found;
  };

  // The root over hashes: neighbors are joined level by level, and who has none goes up alone, which is the same tree.
  const rootOver = async (source, leaves) => {
    let level = leaves;
    while (level.length > 1) {
      const pairs = Array.from({ length: level.length >> 1 }, (_none, at) => [level[2 * at], level[2 * at + 1]]);
      const above = await hashedAll(source, "root", pairs, ([left, right]) => sha256(Uint8Array.of(1), left, right));
      level = level.length % 2 ? [...above, level.at(-1)] : above;
    }
    return hex(level[0]);
  };

  const demandRoot = async (source, code, leaves, root) => equal(code, root, await rootOver(source, leaves), leaves.length);

  const entriesFrom = async (source, size) => {
    const found = [];
    for (const { name, width } of tilesOf(size)) {
      found.push(...entriesOf(await bytesFrom(source, `tile/entries/${name}`), width));
      await source.pace("entries", found.length, size);
    }
    return found;
  };

  const valueOf = (bytes, seq, pool) => {
    let text = null;
    try {
      text = decoded(bytes);
    } catch {
      throw new IsFalse("entry_is_canonical", "", "", seq);
    }
    return readEntry(text, BigInt(seq), pool);
  };

  // The changes of the key that a log states; what its last statement says is in force behind it only.
  const changesIn = (values) => {
    const bodies = values.filter((value) => value.get("type") === "key.rotate").map((value) => value.get("body"));
    return bodies.map((body) => ["new", "signature"].map((name) => demand("key.rotate", body.get(name), isText)));
  };

  // All statements as {value, leaf}, once they have the signed root; read and hashed once for all checks of a source.
  const signedEntries = async (source, key) => {
    if (source.told) return source.told;
    const { size, root } = await openCheckpoint(await textFrom(source, "checkpoint"), key);
    const entries = await entriesFrom(source, Number(size));
    const values = [];
    for (const [seq, bytes] of entries.entries()) {
      values.push(valueOf(bytes, seq, key.pool));
      if (seq % AT_ONCE === 0) await source.pace("statements", seq, entries.length);
    }
    const leaves = await hashedAll(source, "hashes", entries, (bytes) => sha256(Uint8Array.of(0), bytes));
    await demandRoot(source, "entries_have_the_signed_root", leaves, root);
    equal("keys_are_in_the_log", changesIn(values.slice(0, -1)), key.changes);
    source.told = values.map((value, seq) => ({ seq, value, leaf: leaves[seq] }));
    return source.told;
  };

  const leavesFrom = async (source, size) => {
    const found = [];
    for (const { name, width } of tilesOf(size)) {
      const bytes = await bytesFrom(source, `tile/0/${name}`);
      if (bytes.length !== 32 * width) throw new Unchecked("tile/0: a file of another length", "files");
      for (let at = 0; at < bytes.length; at += 32) found.push(bytes.subarray(at, at + 32));
      await source.pace("entries", found.length, size);
    }
    return found;
  };

  // What a true answer says, in both languages.
  const truly = (name, ...figures) => ({
    said: sentences[name].map((text) => text.replace(/\{(\d)\}/g, (_whole, at) => String(figures[at]))),
  });

  const log = (source) =>
    answered(async () => {
      const key = await keyOf(source);
      return truly("log", (await signedEntries(source, key)).length, key.name);
    });

  // old: the text of a checkpoint that was kept.
  const history = (source, old) =>
    answered(async () => {
      const key = await keyOf(source);
      const before = await openCheckpoint(old, key, key.before);
      const now = await openCheckpoint(await textFrom(source, "checkpoint"), key);
      if (now.size < before.size) throw new IsFalse("log_only_grows", String(before.size), String(now.size));
      const leaves = await leavesFrom(source, Number(now.size));
      await demandRoot(source, "hashes_have_the_signed_root", leaves, now.root);
      await demandRoot(source, "nothing_was_rewritten", leaves.slice(0, Number(before.size)), before.root);
      return truly("history", before.size, now.size);
    });

  Object.assign(parts, { bytesFrom, keyOf, signedEntries, textFrom, truly });
  globalThis.huzhu.books = { sourceOf, log, history };
})();
