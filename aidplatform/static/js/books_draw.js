// A jury's draw, its ballots and its verdict: the second reading of what verify.py says of `draw`.
"use strict";

(() => {
  const { parts, books } = globalThis.huzhu;
  const {
    IsFalse, LARGEST, Unchecked, answered, byCodePoint, bytesFrom, canonical, demand, equal, hex, isNumber, isText, keyOf, listOf,
    recordOf, rowOf, sha256, shown, signedEntries, truly, utf8,
  } = parts;
  const DRAW = utf8("huzhu/draw/v1");
  const MOST = 200n;
  const BLOCKS = 2n ** 64n;

  // --- how things are written -----------------------------------------------------------------------------------------

  const isAbove = (value) => isNumber(value) && value > 0n;
  const isMap = (value) => value instanceof Map;
  const optional = (name, is) => (value) => !value.has(name) || is(value.get(name));
  const isRule = (value) =>
    recordOf({ quorum: isAbove, seats: isAbove, threshold_permille: isNumber })(value) &&
    ["quorum_permille", "reserves"].every((name) => optional(name, isNumber)(value));
  const WRITTEN = {
    "draw.commit": recordOf({
      version: isNumber, n: isNumber, head: isText, seats: isNumber, reserves: isNumber, quorum: isNumber, rule: isMap,
      beacon: recordOf({ witnesses: listOf(recordOf({ number: isNumber, commit: isText })) }),
    }),
    "draw.reveal": recordOf({ witness: isNumber, words: isText }),
    "draw.result": recordOf({
      missing: listOf(isNumber), randomness: isText, seed: isText, drawn: listOf(rowOf(isNumber, isText)),
    }),
    "draw.replace": (value) => recordOf({ out: isNumber })(value) && optional("by", isNumber)(value),
    "jury.ballot": recordOf({ seat: isNumber, commit: isText }),
    "jury.tally": (value) =>
      recordOf({ outcome: isText })(value) &&
      (value.get("outcome") === "withdrawn" ||
        recordOf({
          for: isNumber, against: isNumber, quorum: isNumber, ballots: listOf(rowOf(isNumber, isText, isText, isText)),
        })(value)),
  };

  const bytesOfHex = (text) => {
    if (!/^([0-9a-f]{2})*$/.test(text)) throw new Unchecked("hex that is written otherwise");
    return Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
  };

  const u64 = (number) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, number);
    return bytes;
  };

  const inOrder = (numbers) => [...numbers].sort((one, two) => (one < two ? -1 : 1));
  const least = (...numbers) => inOrder(numbers)[0];
  // Divides and rounds up.
  const up = (number, by) => (number + by - 1n) / by;

  // The places that a seed draws. Of the last round of 2^64, which is incomplete, no block counts: it would favor some.
  const placesOf = async (seed, size, count) => {
    const found = [];
    for (let counter = 0; found.length < least(count, size); counter += 1) {
      const number = Uint8Array.of(counter >>> 24, counter >>> 16, counter >>> 8, counter);
      const block = new DataView((await sha256(seed, number)).buffer).getBigUint64(0);
      const isWhole = block < BLOCKS - (BLOCKS % size);
      if (isWhole && !found.includes(block % size)) found.push(block % size);
    }
    return found;
  };

  // --- one stage ------------------------------------------------------------------------------------------------------

  class Stage {
    // told: statements {seq, body} by kind; names: the published list; rule: the plan's; leaf: of the commitment.
    constructor(names, rule, leaf, told) {
      Object.assign(this, { names, rule, leaf });
      this.of = (kind) => {
        const all = told.get(kind) ?? [];
        for (const { body } of all) demand(kind, body, WRITTEN[kind]);
        return all;
      };
      const [first] = this.of("draw.commit");
      [this.seq, this.commit] = [first.seq, first.body];
      this.fixed = new Map(this.commit.get("beacon").get("witnesses").map((one) => [one.get("number"), one.get("commit")]));
    }

    async check() {
      await this.list();
      const words = await this.words();
      const results = this.of("draw.result");
      equal("draw_is_committed_once", Math.min(results.length, 1), results.length);
      if (!results.length) return;
      await this.result(results[0].body, words);
      const [tally] = this.of("jury.tally");
      if (tally) await this.tally(results[0].seq, tally.seq, tally.body);
    }

    // The list is the one that was fixed, and how many are drawn follows from it by the rules.
    async list() {
      const { names, commit, rule } = this;
      const n = BigInt(names.length);
      const head = hex(await sha256(DRAW, utf8("/list"), u64(n), ...names));
      equal("draw_pool_is_the_committed", [commit.get("n"), commit.get("head")], [n, head]);
      const texts = names.map(hex);
      if (texts.some((name, at) => at > 0 && texts[at - 1] >= name)) throw new IsFalse("draw_pool_is_the_committed", "<", ">=");
      equal("draw_follows_its_plan", isMap(rule) ? canonical(rule) : "-", canonical(commit.get("rule")));
      demand("rule", rule, isRule);
      const [quorum, seats] = [rule.get("quorum"), rule.get("seats")];
      const share = up(n * (rule.get("quorum_permille") ?? 0n), 1000n);
      const needed = share > quorum ? share : quorum;
      const grown = least(up(needed * seats, quorum), MOST);
      const drawn = least(grown, n);
      const spare = least(up((rule.get("reserves") ?? 0n) * grown, seats), MOST, n - drawn);
      const wanted = [drawn, spare, least(needed, up(quorum * grown, seats), drawn)];
      equal("draw_follows_its_plan", wanted, ["seats", "reserves", "quorum"].map((name) => commit.get(name)));
    }

    // The words that were told, each as it was fixed before, and between the list and the result.
    async words() {
      const results = this.of("draw.result");
      const last = results.length ? Math.min(...results.map((one) => one.seq)) : Number(LARGEST);
      const found = new Map();
      for (const { seq, body } of this.of("draw.reveal")) {
        const [witness, words] = [body.get("witness"), utf8(body.get("words"))];
        equal("words_fit_their_hashes", this.fixed.get(witness) ?? "-", hex(await sha256(words)));
        if (found.has(witness) || seq <= this.seq || seq >= last) {
          throw new IsFalse("draw_commits_before_its_words", `${this.seq} < … < ${last}`, String(seq));
        }
        found.set(witness, words);
      }
      if (this.fixed.size < 3 || (results.length && found.size < 2)) {
        throw new IsFalse("words_fit_their_hashes", ">= 3, >= 2", `${this.fixed.size}, ${found.size}`);
      }
      return found;
    }

    // Seed and places follow from the words, and names from the places.
    async result(result, words) {
      const silent = [...this.fixed.keys()].filter((number) => !words.has(number));
      equal("missing_words_are_named", inOrder(silent), result.get("missing"));
      const sorted = [...words.values()].sort((one, two) => (hex(one) < hex(two) ? -1 : 1));
      const mixed = await sha256(...sorted.flatMap((one) => [Uint8Array.of(one.length >> 8, one.length), one]));
      equal("randomness_is_of_all_words", hex(mixed), result.get("randomness"));
      const seed = await sha256(DRAW, this.leaf, mixed);
      equal("seed_is_of_commitment_and_words", hex(seed), result.get("seed"));
      const count = this.commit.get("seats") + this.commit.get("reserves");
      const places = await placesOf(seed, BigInt(this.names.length), count);
      equal("indices_follow_the_seed", places, result.get("drawn").map((row) => row[0]));
      const names = places.map((place) => hex(this.names[Number(place)]));
      equal("drawn_names_stand_at_their_places", names, result.get("drawn").map((row) => row[1]));
    }

    // Who has a seat in the end: whoever declines is replaced by the next reserve, while there is one.
    seated() {
      const last = this.commit.get("seats") + this.commit.get("reserves");
      let next = this.commit.get("seats") + 1n;
      const found = new Set(Array.from({ length: Number(next) - 1 }, (_none, at) => BigInt(at + 1)));
      for (const { body } of this.of("draw.replace")) {
        equal("reserves_follow_in_order", next <= last ? next : "-", body.get("by") ?? "-");
        found.delete(body.get("out"));
        if (body.has("by")) found.add(body.get("by"));
        if (next <= last) next += 1n;
      }
      return found;
    }

    // Every ballot opens as it was cast, and count and verdict follow.
    async tally(drawnAt, talliedAt, tally) {
      const [seated, cast] = [this.seated(), new Map()];
      for (const { seq, body } of this.of("jury.ballot")) {
        const seat = body.get("seat");
        if (!seated.has(seat) || cast.has(seat) || seq <= drawnAt || seq >= talliedAt) {
          throw new IsFalse("ballots_are_of_seated_jurors", shown(inOrder(seated)), shown(seat));
        }
        cast.set(seat, body.get("commit"));
      }
      if (tally.get("outcome") === "withdrawn") return;
      const opened = [];
      for (const [seat, commit, salt, vote] of tally.get("ballots")) {
        opened.push([seat, commit, hex(await sha256(bytesOfHex(salt), utf8(vote)))]);
      }
      equal("votes_open_as_they_were_cast", inOrder(cast.keys()).map((seat) => [seat, cast.get(seat), cast.get(seat)]), opened);
      const votes = tally.get("ballots").map((ballot) => ballot[3]);
      const countOf = (vote) => BigInt(votes.filter((one) => one === vote).length);
      const [yes, no, quorum] = [countOf("for"), countOf("against"), this.commit.get("quorum")];
      equal("tally_is_the_sum_of_the_votes", [yes, no, quorum], ["for", "against", "quorum"].map((name) => tally.get(name)));
      const ahead = yes * 1000n - BigInt(votes.length) * this.rule.get("threshold_permille");
      const isGranted = ahead > 0n || (ahead === 0n && this.rule.get("inclusive") === true);
      const isHeld = votes.length > 0 && BigInt(votes.length) >= quorum;
      equal("verdict_follows_the_rule", isHeld ? (isGranted ? "granted" : "refused") : "no_quorum", tally.get("outcome"));
    }
  }

  // --- all stages -----------------------------------------------------------------------------------------------------

  // What the log states of draws: rules by version, stages by case and number, the public number of each case.
  const statedOf = (entries) => {
    const [rules, stages, cases] = [new Map(), new Map(), new Map()];
    for (const { seq, value, leaf } of entries) {
      const [type, body] = [value.get("type"), value.get("body")];
      if (type === "rule.publish") rules.set(body.get("version"), body.get("terms")?.get("jury"));
      else if (type === "claim.public") cases.set(body.get("case"), body.get("ref"));
      else if (/^(draw|jury|incident)(\.|$)/.test(type) && body.has("stage")) {
        const [ref, stage] = demand(type, [body.get("ref"), body.get("stage")], rowOf(isText, isNumber));
        const name = `${ref}/${stage}`;
        if (!stages.has(name)) stages.set(name, { ref, stage, told: new Map() });
        const { told } = stages.get(name);
        told.set(type, [...(told.get(type) ?? []), { seq, body, leaf }]);
      }
    }
    return { rules, stages, cases };
  };

  // which: the number of a case, "" for all.
  const draw = (source, which) =>
    answered(async () => {
      const key = await keyOf(source);
      const { rules, stages, cases } = statedOf(await signedEntries(source, key));
      const isWanted = ({ ref }) => !which || ref === which || ref === cases.get(which);
      const wanted = [...stages.values()].filter(isWanted);
      wanted.sort((one, two) => byCodePoint(one.ref, two.ref) || Number(one.stage - two.stage));
      if (which && !wanted.length) throw new Unchecked(`${which}: the log states no draw of it`, "case");
      for (const { ref, stage, told } of wanted) {
        const commits = told.get("draw.commit") ?? [];
        const incidents = told.get("incident") ?? [];
        equal("draw_is_committed_once", 1, commits.length);
        // Only an incident lets a case be drawn again.
        if (stages.has(`${ref}/${stage + 1n}`) || incidents.length) equal("draw_is_committed_once", 1, incidents.length);
        const list = await bytesFrom(source, `draw/${ref}/${stage}`);
        const names = Array.from({ length: Math.ceil(list.length / 32) }, (_none, at) => list.subarray(32 * at, 32 * at + 32));
        await new Stage(names, rules.get(commits[0].body.get("version")), commits[0].leaf, told).check();
        await source.pace("draws", 1, wanted.length);
      }
      return truly("draw", wanted.length);
    });

  books.draw = draw;
})();
