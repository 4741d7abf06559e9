// What can be set, and how it stands in the page's address.

/**
 * A setting with its choices.
 * @typedef {object} Setting
 * @property {string} label
 * @property {(string | number)[]} choices
 * @property {string | number} start what it is unless changed
 * @property {boolean} [fresh] whether a change begins the game anew
 */

/** What a game starts from: a choice for each setting, the reader's marks, the seed of everything. */
/** @typedef {{choices: Record<string, any>, marks: Point[], seed: number}} Situation */

const OWN = "your drawing";

/** How the address of a situation begins. */
const OWN_ADDRESS = "#inpage-gan_basics";

// Four to a power of ten.
const RATES = steps(-5, -1, 17).map((power) => Number((10 ** power).toPrecision(2)));

const MOST_MARKS = 400;

/** @type {Record<string, Setting>} */
const SETTINGS = {
  data: { label: "data", choices: [...Object.keys(DISTRIBUTIONS), OWN], start: "ring", fresh: true },
  players: { label: "players", choices: ["new", "trained", "trained G, new D"], start: "new", fresh: true },
  loss: { label: "loss", choices: Object.keys(LOSSES), start: "non-saturating" },
  noise: { label: "noise", choices: Object.keys(NOISES), start: "two normal numbers", fresh: true },
  optimiser: { label: "optimiser", choices: Object.keys(OPTIMISERS), start: "Adam", fresh: true },
  rateD: { label: "rate of D", choices: RATES, start: 0.001 },
  rateG: { label: "rate of G", choices: RATES, start: 0.001 },
  stepsD: { label: "steps of D a round", choices: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], start: 1 },
  stepsG: { label: "steps of G a round", choices: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], start: 1 },
  layersD: { label: "hidden layers of D", choices: [1, 2, 3, 4], start: 2, fresh: true },
  layersG: { label: "hidden layers of G", choices: [1, 2, 3, 4], start: 2, fresh: true },
  unitsD: { label: "units a layer of D", choices: [4, 8, 16, 32, 64, 128], start: 64, fresh: true },
  unitsG: { label: "units a layer of G", choices: [4, 8, 16, 32, 64, 128], start: 64, fresh: true },
};

/** @returns {Situation} */
function startingSituation() {
  const starts = Object.entries(SETTINGS).map(([name, setting]) => [name, setting.start]);
  return { choices: Object.fromEntries(starts), marks: [], seed: 0 };
}

/**
 * The situation as the end of an address. What is as at the start is left out; marks are written in
 * hundredths of the plane's unit.
 * @param {Situation} situation
 * @param {number} round to which the game shall be played when the address is opened
 * @returns {string} such as "#inpage-gan_basics&data=moons&round=500"
 */
function toAddress(situation, round = 0) {
  const words = new URLSearchParams();
  for (const [name, setting] of Object.entries(SETTINGS)) {
    if (situation.choices[name] !== setting.start) words.set(name, String(situation.choices[name]));
  }
  if (situation.choices.data === OWN && situation.marks.length) {
    words.set("marks", situation.marks.flat().map((x) => Math.round(100 * x)).join("_"));
  }
  if (situation.seed) words.set("seed", String(situation.seed));
  if (round) words.set("round", String(round));
  return OWN_ADDRESS + (words.size ? `&${words}` : "");
}

/**
 * Reads an address. What it does not name, or names wrongly, is as at the start.
 * @param {string} hash
 * @returns {{situation: Situation, round: number}}
 */
function fromAddress(hash) {
  const situation = startingSituation();
  if (!hash.startsWith(OWN_ADDRESS)) return { situation, round: 0 };
  const words = new URLSearchParams(hash.slice(1));
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const chosen = setting.choices.find((choice) => String(choice) === words.get(name));
    if (chosen !== undefined) situation.choices[name] = chosen;
  }
  const places = (words.get("marks") ?? "").split("_").filter(Boolean).map((x) => Number(x) / 100);
  for (let i = 0; i + 1 < places.length && i < 2 * MOST_MARKS; i += 2) {
    const mark = /** @type {Point} */ (places.slice(i, i + 2));
    if (mark.every((x) => Math.abs(x) <= EXTENT)) situation.marks.push(mark);
  }
  situation.seed = whole(words.get("seed"), 2 ** 31);
  return { situation, round: whole(words.get("round"), 100_000) };
}

/**
 * A whole number from 0 to some most, and 0 for anything else.
 * @param {string | null} word
 * @param {number} most
 */
function whole(word, most) {
  return /^\d{1,10}$/.test(word ?? "") && Number(word) <= most ? Number(word) : 0;
}
