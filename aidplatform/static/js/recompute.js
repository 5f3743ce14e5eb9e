// Does the division of a period again in this browser, from the figures on the page, in whole numbers.

const ceilDivide = (a, b) => (a <= 0n ? 0n : (a + b - 1n) / b);
const money = (fen) => {
  const digits = fen.toString().padStart(3, "0");
  return digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",") + "." + digits.slice(-2);
};

// The need that everybody below a cap shares, and their weights: whoever is at a cap bears the cap. Without one, and
// where reserve and sponsor take what caps leave, everybody shares all of it.
function level(rows, need, takesAll) {
  const total = (some) => some.reduce((sum, row) => sum + row.weight * row.members, 0n);
  const meets = (row) => row.cap !== null && rest * row.weight > row.cap * weights;
  let free = rows;
  let rest = need;
  let weights = total(free);
  while (!takesAll && free.some(meets)) {
    const met = free.filter(meets);
    rest -= met.reduce((sum, row) => sum + row.cap * row.members, 0n);
    free = free.filter((row) => !met.includes(row));
    weights = total(free);
  }
  return { free, rest, weights };
}

function recompute(data) {
  const figure = (name) => BigInt(data[name]);
  const need =
    figure("A") + figure("W") + figure("fee") + figure("R") - figure("V") - figure("E") - figure("C_in");
  const rows = data.classes.map((row) => ({
    weight: BigInt(row.weight),
    members: BigInt(row.members),
    published: BigInt(row.share),
    cap: row.cap === null ? null : BigInt(row.cap),
  }));
  const weights = rows.reduce((sum, row) => sum + row.weight * row.members, 0n);
  const takesAll = data.level_need !== null;
  const shared = level(rows, takesAll ? figure("level_need") : need, takesAll);
  for (const row of rows) {
    row.share = shared.free.includes(row) && weights > 0n ? ceilDivide(shared.rest * row.weight, shared.weights) : row.cap ?? 0n;
    if (row.cap !== null && row.share > row.cap) row.share = row.cap;
  }
  const sum = rows.reduce((total, row) => total + row.share * row.members, 0n);
  const carry = sum > need ? sum - need : 0n;
  const agrees =
    rows.every((row) => row.share === row.published) && sum === figure("S") && carry === figure("C_out");
  return { need, weights, rows, sum, carry, agrees };
}

function show(box, result) {
  const say = box.dataset;
  const list = document.createElement("ul");
  list.className = "recompute-steps";
  const line = (text) => {
    const item = document.createElement("li");
    item.textContent = text;
    list.append(item);
  };
  line(`${say.need} = ${money(result.need < 0n ? -result.need : result.need)}${result.need < 0n ? " −" : ""}`);
  line(`${say.weights} = ${result.weights.toLocaleString("en")}`);
  for (const row of result.rows) line(`${say.share} ${row.weight} = ${money(row.share)}`);
  line(`${say.sum} = ${money(result.sum)}`);
  line(`${say.carry} = ${money(result.carry)}`);
  const verdict = document.createElement("p");
  verdict.className = `alert ${result.agrees ? "alert-good" : "alert-refused"}`;
  const text = document.createElement("strong");
  text.className = "alert-body";
  text.textContent = result.agrees ? say.agrees : say.differs;
  verdict.append(text);
  box.querySelector(".recompute-result").replaceChildren(list, verdict);
}

for (const box of document.querySelectorAll("[data-recompute]")) {
  const data = JSON.parse(document.getElementById(box.dataset.recompute).textContent);
  const button = box.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => show(box, recompute(data)));
}
