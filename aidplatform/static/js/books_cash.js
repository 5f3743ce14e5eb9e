// The cash book: the second reading of what verify.py says of `book`. Each statement is held against all before it.
"use strict";

(() => {
  const { parts, books } = globalThis.huzhu;
  const {
    IsFalse, KINDS, LARGEST, Unchecked, answered, canonical, checkBill, demand, equal, hex, isBill, isNumber, isRoll, isText, keyOf,
    listOf, recordOf, rowOf, sha256, shown, signedEntries, sumOf, truly, utf8,
  } = parts;

  const COMES = ["collection", "debited", "top_up", "unidentified", "returned", "interest", "referral", "sponsor"];
  const GOES = ["payment", "chargeback", "debit_back", "bank_fee", "unexplained"];
  const ORDERS = ["aid", "refund", "fee", "wallet", "balance", "shares", "cost"];
  const [BANK, AID_OWED, CARRY, ON_ITS_WAY] = ["101", "201", "240", "270"];
  // The accounts that never go below nothing, in the order in which they are looked at: 1 for those that grow by debits.
  const NEVER_BELOW = [
    ["110", 1n], ["120", 1n], ["250", -1n], ["201", -1n], ["210", -1n], ["220", -1n], ["230", -1n], ["235", -1n], ["240", -1n], ["260", -1n],
  ];
  const OF_MEMBERS = ["210", "220", "235", "250", "260"];
  const BILLED = ["S", "A", "fee", "E", "C_in", "C_out", "V", "R"];

  const COLLECTED = ["charged", "collected", "written_off", "arrears", "exits"];

  // --- how things are written -----------------------------------------------------------------------------------------

  const isMap = (value) => value instanceof Map;
  const WRITTEN = {
    "policy.set": recordOf({}),
    "book.entry": recordOf({ number: isNumber, key: isText, postings: listOf(rowOf(isText, isText, isNumber)) }),
    "bank.day": recordOf({
      account: recordOf({ sha256: isText }), from: isText, to: isText, opening: isNumber, closing: isNumber, settled_count: isNumber,
      classes: listOf(rowOf(isText, isNumber, isNumber)), settled: listOf(rowOf(isNumber, isText, isNumber)),
    }),
    "pay.order": recordOf({ order: isNumber, kind: isText, for: isText, payee: isText, fen: isNumber }),
    "claim.decide": recordOf({ ref: isText, outcome: isText }),
    "claim.public": recordOf({ ref: isText, case: isText, aid: isNumber }),
    "award.adjust": recordOf({ case: isText, is: isNumber }),
    "rule.publish": recordOf({ version: isNumber, terms: isMap, terms_sha256: isText }),
    "roll.freeze": recordOf({ period: isNumber }),
    "period.announce": recordOf({ period: isNumber, books_upto: isNumber, publicity_end: isText, cases: listOf(rowOf(isText, isNumber)) }),
    "period.close": recordOf({
      period: isNumber, cases: listOf(isText), plan: recordOf({ version: isNumber, sha256: isText }),
      ...Object.fromEntries(BILLED.map((name) => [name, isNumber])),
    }),
    "roll.close": recordOf({ period: isNumber }),
    "collect.close": recordOf({
      period: isNumber, open: listOf(rowOf(isNumber, isNumber)), ...Object.fromEntries(COLLECTED.map((name) => [name, isNumber])),
    }),
  };
  // What only some statements have.
  const OPTIONAL = { custody_account: recordOf({ sha256: isText }), deciders: listOf(isText), rest: isText, fee_back: isNumber };
  const isWritten = (type, body) =>
    WRITTEN[type](body) && Object.entries(OPTIONAL).every(([name, is]) => !body.has(name) || is(body.get(name)));

  const amount = (value) => {
    if (value < 0n || value > LARGEST) throw new IsFalse("amount_in_range", "0 … 2^53 - 1", shown(value));
    return value;
  };

  const dayAfter = (day) => {
    const next = new Date(`${day}T00:00:00Z`);
    if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(next.getTime())) throw new Unchecked("a day that is none");
    next.setUTCDate(next.getUTCDate() + 1);
    return next.toISOString().slice(0, 10);
  };

  const wholeOf = (text) => {
    if (!/^-?\d+$/.test(text)) throw new Unchecked("a number that is none");
    return BigInt(text);
  };

  const known = (value, what) => {
    if (value === undefined) throw new Unchecked(`${what}: the log does not state it before`);
    return value;
  };

  const added = (sums, name, number) => sums.set(name, (sums.get(name) ?? 0n) + number);
  const textOf = ([account, side, fen]) => `${account} ${side} ${fen}`;
  const sorted = (lines) => lines.map(textOf).sort();

  // --- the book -------------------------------------------------------------------------------------------------------

  class CashBook {
    constructor() {
      this.balance = new Map();
      // What was carried over, after so many entries of the journal.
      this.carried = [0n];
      [this.byKey, this.byNumber, this.reversed] = [new Map(), new Map(), new Set()];
      [this.custody, this.lastDay, this.notListed] = ["-", null, 0n];
      [this.decided, this.published, this.awarded, this.periodOf] = [new Map(), new Map(), new Map(), new Map()];
      // Cases whose aid is owed; orders by number, and by kind and reason; those that were cancelled; how the bank settled them.
      [this.granted, this.orders, this.reasons, this.gone, this.settled] = [new Set(), new Map(), new Map(), new Set(), new Map()];
      // By period, what of its fee went back to all.
      [this.rules, this.periods, this.collected, this.givenBack] = [new Map(), new Map(), new Set(), new Map()];
      // What members owed before the first period.
      this.before = 0n;
    }

    async take(seq, value) {
      const type = value.get("type");
      if (!Object.hasOwn(TAKES, type)) return;
      const body = value.get("body");
      const at = value.get("at");
      if (!isText(at) || !isWritten(type, body)) throw new Unchecked(`statement ${seq}: it is written otherwise`);
      await TAKES[type](this, body, { seq, day: at.slice(0, 10) });
    }

    of(account) {
      return this.balance.get(account) ?? 0n;
    }

    // What an entry posts to a side of an account.
    posted(key, account, side) {
      const lines = this.byKey.get(key) ?? [];
      return sumOf(lines.filter((line) => line[0] === account && line[1] === side).map((line) => line[2]));
    }

    // What is ordered for a reason and was neither cancelled nor returned.
    ordered(kind, reason) {
      const numbers = this.reasons.get(`${kind} ${reason}`) ?? [];
      const isOut = (number) => !this.gone.has(number) && this.settled.get(number) !== "returned";
      return sumOf(numbers.filter(isOut).map((number) => this.orders.get(number).get("fen")));
    }

    grantedOf(cases) {
      return sumOf(cases.map((one) => this.awarded.get(one) ?? 0n));
    }

    // A step of a period comes once, after the one before it.
    step(body, kind) {
      const period = body.get("period");
      if (!this.periods.has(period)) this.periods.set(period, new Map());
      const told = this.periods.get(period);
      if (told.has(kind)) throw new IsFalse("period_comes_once", "-", shown(period));
      equal("freeze_announce_close_in_order", kind, KINDS[told.size]);
      told.set(kind, body);
      return told;
    }

    // What was granted and not paid is owed: money that comes back is the recipient's again.
    finish() {
      const open = (one) => known(this.awarded.get(one), one) - this.ordered("aid", one);
      equal("aid_is_owed_until_it_is_paid", sumOf([...this.granted].map(open)), -this.of(AID_OWED));
    }
  }

  // --- the journal: an entry balances, comes once, overdraws nothing, and corrects only by the mirror ---------------

  const takeEntry = (book, body, { seq }) => {
    const sums = { D: 0n, C: 0n };
    const lines = body.get("postings");
    for (const [account, side, fen] of lines) {
      amount(fen);
      if (!Object.hasOwn(sums, side)) throw new Unchecked(`statement ${seq}: a side that is none`);
      sums[side] += fen;
      added(book.balance, account, side === "D" ? fen : -fen);
    }
    equal("entry_balances", sums.D, sums.C, seq);
    const [number, key] = [body.get("number"), body.get("key")];
    const due = BigInt(book.carried.length);
    if (number !== due || book.byKey.has(key)) throw new IsFalse("entry_is_posted_once", shown(due), `${number} ${key}`, seq);
    book.byKey.set(key, lines);
    book.byNumber.set(number, lines);
    book.carried.push(-book.of(CARRY));
    if (body.has("reverses")) takeReversal(book, body.get("reverses"), lines, seq);
    for (const [account, sign] of NEVER_BELOW) {
      const left = sign * book.of(account);
      if (left < 0n) throw new IsFalse("account_is_not_overdrawn", ">= 0", `${account}: ${left}`, seq);
    }
    const [kind, ...rest] = key.split("/");
    const reason = rest.join("/");
    if (kind === "award") {
      equal("award_is_posted_as_announced", book.awarded.get(reason) ?? "-", book.posted(key, AID_OWED, "C"), seq);
      book.granted.add(reason);
    }
    if (kind === "opening") book.before += book.posted(key, "110", "D");
    if (kind === "payment" && /\/(cancelled|undone)$/.test(reason)) book.gone.add(wholeOf(rest[0]));
  };

  const takeReversal = (book, number, lines, seq) => {
    const before = book.byNumber.get(number) ?? [];
    const mirror = sorted(before.map(([account, side, fen]) => [account, side === "D" ? "C" : "D", fen]));
    if (book.reversed.has(number) || mirror.join() !== sorted(lines).join()) {
      throw new IsFalse("reversal_mirrors_its_entry", shown(mirror), shown(sorted(lines)), seq);
    }
    book.reversed.add(number);
  };

  // --- the bank: a day goes on where the last ended, adds up, and pays what was ordered, once ----------------------------

  const takeCustody = (book, body) => {
    if (body.has("custody_account")) book.custody = body.get("custody_account").get("sha256");
  };

  const takeDay = (book, body) => {
    equal("account_is_the_custody_account", book.custody, body.get("account").get("sha256"));
    if (book.lastDay) {
      const wanted = [dayAfter(book.lastDay.get("to")), book.lastDay.get("closing")];
      equal("bank_day_follows_the_last", wanted, [body.get("from"), body.get("opening")]);
    }
    book.lastDay = body;
    const sums = new Map();
    for (const [kind, count, fen] of body.get("classes")) {
      amount(count);
      amount(fen);
      if (![...COMES, ...GOES].includes(kind) || sums.has(kind)) {
        throw new IsFalse("bank_class_is_known", [...COMES, ...GOES].join(" "), shown(kind));
      }
      sums.set(kind, fen);
    }
    const of = (kinds) => sumOf(kinds.map((kind) => sums.get(kind) ?? 0n));
    const closing = body.get("closing");
    equal("bank_day_sums", body.get("opening") + of(COMES) - of(GOES), closing);
    equal("books_have_the_banks_balance", closing, book.of(BANK));
    const paid = new Map([["payment", 0n], ["returned", 0n]]);
    for (const [number, kind, fen] of body.get("settled")) {
      takeSettled(book, number, kind, fen);
      if (!paid.has(kind)) throw new Unchecked("a payment that is settled in another way");
      added(paid, kind, fen);
    }
    const open = body.get("settled_count") - BigInt(body.get("settled").length);
    book.notListed += open;
    if (open === 0n) equal("payments_are_settled_orders", [...paid], [...paid.keys()].map((kind) => [kind, sums.get(kind) ?? 0n]));
  };

  const takeSettled = (book, number, kind, fen) => {
    const before = book.settled.get(number);
    const isDue = kind === "payment" ? before === undefined : before !== "returned";
    if (!book.orders.has(number) || book.gone.has(number) || !isDue) {
      throw new IsFalse("order_is_settled_once", "-", before ?? "-", number);
    }
    equal("payments_are_settled_orders", book.orders.get(number).get("fen"), fen);
    book.settled.set(number, kind);
  };

  // --- payments: each stands in the journal, and has a reason -------------------------------------------------------------

  const takeOrder = (book, body, { day }) => {
    const [number, kind, reason] = ["order", "kind", "for"].map((name) => body.get(name));
    const fen = amount(body.get("fen"));
    if (book.orders.has(number) || !ORDERS.includes(kind)) {
      throw new IsFalse("order_has_a_known_reason", ORDERS.join(" "), kind, number);
    }
    book.orders.set(number, body);
    book.reasons.set(`${kind} ${reason}`, [...(book.reasons.get(`${kind} ${reason}`) ?? []), number]);
    equal("order_stands_in_the_journal", fen, book.posted(`payment/${number}/released`, ON_ITS_WAY, "C"), number);
    const own = -sumOf(OF_MEMBERS.map((account) => book.of(account)));
    const left = book.of(BANK) + book.of(ON_ITS_WAY);
    if (["aid", "fee"].includes(kind) && left < own) throw new IsFalse("members_money_is_there", `>= ${own}`, shown(left));
    if (kind === "aid") payAid(book, body, day);
    if (kind === "fee") payFee(book, reason);
  };

  // The fee: no more than its bill says, and after all aid of its period.
  const payFee = (book, period) => {
    const closed = book.periods.get(wholeOf(period))?.get("period.close");
    const [whole, cases] = closed ? [closed.get("fee"), closed.get("cases")] : [0n, []];
    const most = whole - (book.givenBack.get(wholeOf(period)) ?? 0n);
    const taken = book.ordered("fee", period);
    if (taken > most) throw new IsFalse("fee_is_within_its_bill", `<= ${most}`, shown(taken));
    equal("fee_follows_the_aid", book.grantedOf(cases), sumOf(cases.map((one) => book.ordered("aid", one))));
  };

  // Aid: of a case that was decided, to the payee of the decision, after its publicity, no more than was granted.
  const payAid = (book, body, day) => {
    const which = body.get("for");
    const decision = book.decided.get(book.published.get(which.split(".")[0]));
    if (!book.awarded.has(which) || decision?.get("outcome") !== "approved") {
      throw new IsFalse("payout_follows_a_decision", "approved", which);
    }
    equal("payee_is_the_decided_one", known(decision.get("payee"), "payee"), body.get("payee"));
    const told = book.periods.get(known(book.periodOf.get(which), which));
    const end = told.get("period.announce").get("publicity_end");
    if (!told.has("period.close") || day < end) throw new IsFalse("payout_follows_publicity", `>= ${end}`, day);
    const [sent, most] = [book.ordered("aid", which), book.awarded.get(which)];
    if (sent > most) throw new IsFalse("payout_is_within_the_award", `<= ${most}`, shown(sent));
  };

  // --- cases ----------------------------------------------------------------------------------------------------------

  const takeDecision = (book, body) => {
    const people = new Set(body.get("deciders") ?? ["jury", "arbiter"]).size;
    if (body.get("outcome") === "approved" && people < 2) throw new IsFalse("decision_has_two_people", ">= 2", String(people));
    book.decided.set(body.get("ref"), body);
  };

  const takeCase = (book, body) => {
    const decision = book.decided.get(body.get("ref"));
    if (decision?.get("outcome") !== "approved") throw new IsFalse("payout_follows_a_decision", "approved", body.get("case"));
    equal("case_is_as_decided", known(decision.get("aid"), "aid"), body.get("aid"));
    book.published.set(body.get("case"), body.get("ref"));
  };

  const takeAdjustment = (book, body) => {
    const [which, now] = [body.get("case"), body.get("is")];
    const before = book.awarded.get(which) ?? 0n;
    if (now < 0n || now > before) throw new IsFalse("aid_follows_the_announcement", `<= ${before}`, shown(now));
    book.awarded.set(which, now);
    if (body.has("rest")) {
      book.awarded.set(body.get("rest"), before - now);
      book.granted.add(body.get("rest"));
    }
    if (body.has("fee_back")) giveBack(book, body, before - now);
  };

  // What was not paid of a case goes to all, with the fee on it: its entry says so, and no more is owed than was paid.
  const giveBack = (book, body, less) => {
    const [which, key, back] = [body.get("case"), known(body.get("entry"), "entry"), body.get("fee_back")];
    const period = known(book.periodOf.get(which), which);
    const closed = known(book.periods.get(period).get("period.close"), "period.close");
    const sent = book.ordered("aid", which);
    if (sent > body.get("is")) throw new IsFalse("payout_is_within_the_award", `<= ${body.get("is")}`, shown(sent));
    const lines = (isNumber(key) ? book.byNumber.get(key) : book.byKey.get(key)) ?? [];
    const of = (...wanted) => sumOf(lines.filter(([account, side]) => wanted.includes(account + side)).map((line) => line[2]));
    equal("revoked_aid_goes_to_all", [less, less + back, back], [of("201D"), of("240C"), of("230D", "130D")]);
    added(book.givenBack, period, back);
    const fee = book.rules.get(closed.get("plan").get("version")).get("terms").get("fee");
    equal("fee_follows_the_plan", feeOf(fee, book.grantedOf(closed.get("cases"))), closed.get("fee") - book.givenBack.get(period));
  };

  // --- rules and periods ----------------------------------------------------------------------------------------------

  const takeRules = async (book, body) => {
    equal("rules_are_published", body.get("terms_sha256"), hex(await sha256(utf8(canonical(body.get("terms"))))));
    book.rules.set(body.get("version"), body);
  };

  const takeAnnouncement = (book, body) => {
    book.step(body, "period.announce");
    for (const [which, fen] of body.get("cases")) {
      amount(fen);
      const decision = book.decided.get(book.published.get(which));
      if (decision) equal("case_is_as_decided", decision.get("aid"), fen);
      book.awarded.set(which, fen);
      book.periodOf.set(which, body.get("period"));
    }
  };

  // A bill is posted as it stands, by the published rules, and what was carried over comes back.
  const takeBill = (book, body) => {
    const told = book.step(body, "period.close");
    const key = `period/${body.get("period")}`;
    const posted = (account, side) => book.posted(key, account, side);
    const found = [
      posted("110", "D") + posted("210", "D") + posted("120", "D"), posted("501", "D"), posted("510", "D"), posted("130", "D"),
      posted("240", "D"), posted("240", "C"), posted("260", "D"), posted("260", "C"),
    ];
    equal("bill_is_posted_as_stated", BILLED.map((name) => body.get(name)), found);
    const upto = told.get("period.announce").get("books_upto");
    equal("carry_comes_back", known(book.carried[Number(upto)], "books_upto"), body.get("C_in"));
    equal("aid_follows_the_announcement", book.grantedOf(body.get("cases")), body.get("A"));
    const plan = body.get("plan");
    const rules = book.rules.get(plan.get("version"));
    equal("rules_are_published", rules?.get("terms_sha256") ?? "-", plan.get("sha256"));
    equal("fee_follows_the_plan", feeOf(rules.get("terms").get("fee"), body.get("A")), body.get("fee"));
  };

  const feeOf = (fee, aid) => {
    const isRate = (text) => isText(text) && /^\d+\/0*[1-9]\d*$/.test(text);
    const [part, whole] = demand("fee", fee, recordOf({ rate: isRate })).get("rate").split("/").map(BigInt);
    const wanted = (fee.get("fixed_fen") ?? 0n) + (aid * part + whole - 1n) / whole;
    const ceiling = fee.get("ceiling_fen") ?? wanted;
    return ceiling < wanted ? ceiling : wanted;
  };

  // The end of a collection: it adds up to the bill, and what is open of all periods stands in the journal.
  const takeCollection = (book, body) => {
    const [charged, ...came] = COLLECTED.map((name) => amount(body.get(name)));
    const open = body.get("open").map(([number, fen]) => [number, amount(fen)]);
    const period = body.get("period");
    if (book.collected.has(period)) throw new IsFalse("period_comes_once", "-", shown(period));
    book.collected.add(period);
    const closed = book.periods.get(period)?.get("period.close");
    equal("freeze_announce_close_in_order", "period.close", closed ? "period.close" : "-");
    const bill = closed.get("S");
    equal("collection_adds_up", [bill, bill], [charged, sumOf(came.slice(0, 3))]);
    const numbers = open.map(([number]) => number);
    const rising = [...new Set(numbers)].sort((one, other) => (one < other ? -1 : 1));
    equal("arrears_are_in_the_journal", [rising, book.of("110")], [numbers, sumOf(open.map(([, fen]) => fen))]);
    const posted = (number) => (number ? book.posted(`period/${number}`, "110", "D") : book.before);
    for (const [number, fen] of open) {
      if (fen > posted(number)) throw new IsFalse("arrears_are_in_the_journal", `<= ${posted(number)}`, shown(fen));
    }
    if (posted(period) === charged) {
      equal("arrears_are_in_the_journal", open.find(([number]) => number === period)?.[1] ?? 0n, body.get("arrears"));
    }
  };

  // The roll with amounts: the bill is of it, and of the members who were frozen.
  const takeRoll = (book, body) => {
    const told = book.step(body, "roll.close");
    const [frozen, announced, closed, roll] = KINDS.map((kind) => told.get(kind));
    const terms = book.rules.get(closed.get("plan").get("version")).get("terms");
    for (const one of [frozen, roll]) demand("roll", one, isRoll);
    checkBill(frozen, announced, demand("bill", closed, isBill), roll, terms);
  };

  const TAKES = {
    "policy.set": takeCustody,
    "book.entry": takeEntry,
    "bank.day": takeDay,
    "pay.order": takeOrder,
    "claim.decide": takeDecision,
    "claim.public": takeCase,
    "award.adjust": takeAdjustment,
    "rule.publish": takeRules,
    "roll.freeze": (book, body) => book.step(body, "roll.freeze"),
    "period.announce": takeAnnouncement,
    "period.close": takeBill,
    "roll.close": takeRoll,
    "collect.close": takeCollection,
  };

  // account: the number to which the reader's own money went, "" where it is not given.
  const book = (source, account) =>
    answered(async () => {
      const key = await keyOf(source);
      const taken = new CashBook();
      const entries = await signedEntries(source, key);
      for (const { seq, value } of entries) {
        await taken.take(seq, value);
        if (seq % 1024 === 0) await source.pace("statements", seq, entries.length);
      }
      taken.finish();
      const number = account.replace(/[\s-]/g, "").toUpperCase();
      if (number) equal("account_is_the_custody_account", taken.custody, hex(await sha256(utf8(number))));
      if (taken.notListed) throw new Unchecked(`${taken.notListed} payments are not listed in the log one by one`, "not_listed");
      return truly("book", taken.carried.length - 1, taken.orders.size, taken.of(BANK), -taken.of(AID_OWED));
    });

  books.book = book;
})();
