// Whether enough witnesses have signed: the second reading of what verify.py says of `witnesses`.
"use strict";

(() => {
  const { parts, books } = globalThis.huzhu;
  const { IsFalse, Unchecked, answered, isSigned, keyOf, openCheckpoint, readKey, signaturesOf, textFrom, truly, utf8 } = parts;
  const ED25519 = 4;
  const WITNESS = [ED25519, 6];
  // A clock of elsewhere may be so many seconds ahead.
  const AHEAD = 300;

  const neededOf = (word, count) => {
    if (word === "any") return 1;
    if (word === "all") return count;
    if (!/^[+-]?\d+$/.test(word)) throw new Unchecked("policy: a number that is none", "trusted");
    return Number(word);
  };

  const readPolicy = async (text) => {
    const policy = { log: null, witnesses: new Map(), groups: new Map(), quorum: "" };
    const keys = new Set();
    for (const line of text.split("\n")) {
      const words = line.trim().split(/\s+/);
      const [kind, name, ...rest] = words;
      if (kind === "log" && words.length > 1) policy.log = name;
      else if (kind === "witness" && words.length > 2) {
        const key = await readKey(rest[0], WITNESS);
        if (keys.has(key.public.join())) throw new IsFalse("witness_counts_once", "-", name);
        keys.add(key.public.join());
        policy.witnesses.set(name, key);
      } else if (kind === "group" && words.length > 3) {
        policy.groups.set(name, { needed: neededOf(rest[0], rest.length - 1), members: new Set(rest.slice(1)) });
      } else if (kind === "quorum" && words.length === 2) policy.quorum = name;
    }
    if (!policy.log || ["", "none"].includes(policy.quorum)) throw new Unchecked("policy: it asks for no witness", "trusted");
    return policy;
  };

  // When a witness has signed, null where it has not.
  const timeOf = async (note, witness, now) => {
    const cut = note.lastIndexOf("\n\n");
    const found = signaturesOf(note.slice(cut + 2), witness);
    if (!found) throw new Unchecked("a signature that is written otherwise", "files");
    let at = null;
    for (const signature of found) {
      if (signature.length < 8) throw new IsFalse("cosignature_is_signed", witness.name, "-");
      if (witness.kind !== ED25519) throw new Unchecked(`ML-DSA-44 of ${witness.name}: no browser computes it yet`, "quantum");
      at = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
      const message = utf8(`cosignature/v1\ntime ${at}\n${note.slice(0, cut)}\n`);
      if (!(await isSigned(witness, message, signature.slice(8)))) throw new IsFalse("cosignature_is_signed", witness.name, "-");
      if (at > now + AHEAD) throw new IsFalse("cosignature_is_of_the_past", String(now), String(at));
    }
    return at;
  };

  const hasWitnessed = (name, signed, groups) => {
    if (signed.has(name)) return signed.get(name) !== null;
    if (!groups.has(name)) throw new Unchecked(`policy: ${name} is not defined`, "trusted");
    const { needed, members } = groups.get(name);
    return [...members].filter((member) => hasWitnessed(member, signed, groups)).length >= needed;
  };

  // trusted: the text of the policy that the reader has of their own.
  const witnesses = (source, trusted) =>
    answered(async () => {
      const note = await textFrom(source, "checkpoint.witnessed");
      const { log, witnesses: known, groups, quorum } = await readPolicy(trusted);
      const key = await keyOf(source, log);
      const { size } = await openCheckpoint(note, key, key.before);
      const [signed, unknown] = [new Map(), new Map()];
      for (const [name, witness] of known) {
        try {
          signed.set(name, await timeOf(note, witness, Math.floor(Date.now() / 1000)));
        } catch (error) {
          if (!(error instanceof Unchecked) || error.code !== "quantum") throw error;
          signed.set(name, null);
          unknown.set(name, error);
        }
      }
      const count = [...signed.values()].filter((at) => at !== null).length;
      if (!hasWitnessed(quorum, signed, groups)) {
        // Whose signature cannot be computed here counts neither for the log nor against it.
        if (hasWitnessed(quorum, new Map([...signed, ...unknown]), groups)) throw [...unknown.values()][0];
        throw new IsFalse("enough_witnesses_have_signed", String(groups.get(quorum)?.needed ?? 1), String(count));
      }
      return truly("witnesses", count, size, key.name);
    });

  books.witnesses = witnesses;
})();
