// Players that were trained before, by the library: loaded when the reader asks for them.

/** Which of a game's players are trained ones. @type {Record<string, ("generator" | "discriminator")[]>} */
const PLAYERS = {
  "new": [],
  "trained": ["generator", "discriminator"],
  "trained G, new D": ["generator"],
};

/** What a trained player has, and no other. */
const SHAPE = { generator: ["noise", "layersG", "unitsG"], discriminator: ["layersD", "unitsD"] };

/**
 * Why a game's players are new although trained ones are asked for; empty if nothing is in the way.
 * @param {Record<string, any>} choices
 * @returns {string}
 */
function whyNew(choices) {
  const asked = PLAYERS[choices.players];
  if (asked.length && choices.data === OWN) {
    return "These players are new: none are trained on your drawing.";
  }
  const odd = asked.flatMap((player) => SHAPE[player]).filter((name) => choices[name] !== SETTINGS[name].start);
  if (!odd.length) return "";
  const has = odd.map((name) => `${SETTINGS[name].label}: ${SETTINGS[name].start}`);
  return `These players are new: trained ones are there for ${has.join(", ")}.`;
}

/**
 * Put trained weights into a new game's players.
 * @param {Players} players
 * @param {Record<string, any>} choices
 * @param {InPage.Pack} pack "DISTRIBUTION.PLAYER.weights.LAYER", in the order of `Matrix`, and biases
 */
function giveWeights(players, choices, pack) {
  for (const player of whyNew(choices) ? [] : PLAYERS[choices.players]) {
    const of = (/** @type {string} */ what, /** @type {number} */ layer) =>
      pack[`${choices.data}.${player}.${what}.${layer}`].data;
    players[player].weights.forEach(({ data }, layer) => data.set(of("weights", layer)));
    players[player].biases.forEach((bias, layer) => bias.set(of("biases", layer)));
  }
}

/** The weights of all trained players, by what loads the networks of other chapters. */
async function loadPlayers() {
  if (typeof tutorialInPage === "undefined") {
    const own = [...document.scripts].find(({ src }) => src.includes("inpage/gan_basics/trained.js"));
    const loader = element("script", { src: own?.src.replace(/gan_basics\/trained.*/, "loader.js") ?? "" });
    await new Promise((done, fail) => {
      loader.onload = done;
      loader.onerror = () => fail(new Error("loader.js could not be loaded"));
      document.head.append(loader);
    });
  }
  await tutorialInPage.script("packs.js");
  return tutorialInPage.pack("gan_basics-players");
}
