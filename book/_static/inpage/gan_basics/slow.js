// One round in slow motion: what flows where, moment by moment, on a drawing of the two networks.

/**
 * @typedef {object} Moment
 * @property {string[]} lit parts of the drawing that are at work
 * @property {(game: LiveGame) => string} act what happens, done; returns it in words
 */

/** The moments of a round, in the order of `ganStep`. @type {Moment[]} */
const MOMENTS = [
  {
    lit: ["noise", "z", "G", "fake"],
    act: () => "1. Noise goes through G and becomes fakes.",
  },
  {
    lit: ["data", "real", "fake", "D", "says"],
    act: (game) => {
      const [real, fake] = opinion(game);
      return `2. D judges both: on average it says ${real} to data and ${fake} to fakes.`;
    },
  },
  {
    lit: ["says", "V", "up", "D"],
    act: (game) => {
      game.play({ generator: false });
      const [real, fake] = opinion(game);
      return `3. The slope goes back to D, and D moves. Now it says ${real} to data and ${fake} to fakes.`;
    },
  },
  {
    lit: ["noise", "z", "G", "fake", "D", "says", "V", "down"],
    act: () => "4. New noise, new fakes. D only judges now: the slope goes through it and back to G.",
  },
  {
    lit: ["down", "G", "fake"],
    act: (game) => {
      game.play({ discriminator: false });
      return `5. G moves to where D says “real” more often: to fakes it now says ${opinion(game)[1]}.`;
    },
  },
];

/** What D says on average of data and of fakes. @param {LiveGame} game @returns {string[]} */
function opinion(game) {
  const { generator, discriminator } = game.players;
  const { probability } = LOSSES[game.choices.loss];
  return [game.data.shown, generator.forward(game.watched).answers].map((points) => {
    const answers = discriminator.forward(points).answers.data;
    const said = probability ? answers.map(probability) : answers;
    return (said.reduce((sum, x) => sum + x, 0) / said.length).toFixed(2).replace("-", "−");
  });
}

const FLOW = `<svg viewBox="0 0 400 150" role="img" aria-label="Noise z goes into G, which makes fakes;
 fakes and data go into D, whose answers make up V. The slope of V goes back to D, and through D to G.">
<g data-part="noise"><text x="4" y="62">noise</text></g>
<g data-part="z"><path d="M50 57h34l-7-5m7 5l-7 5"/></g>
<g data-part="G"><rect x="88" y="38" width="44" height="38" rx="4"/><text x="104" y="63">G</text></g>
<g data-part="fake"><path d="M132 57h76l-7-5m7 5l-7 5"/><text x="150" y="50">fakes</text></g>
<g data-part="data"><text x="100" y="118">data</text></g>
<g data-part="real"><path d="M140 112h34l34-32l-10 3m10-3l-3 10"/></g>
<g data-part="D"><rect x="212" y="48" width="44" height="44" rx="4"/><text x="228" y="76">D</text></g>
<g data-part="says"><path d="M256 70h56l-7-5m7 5l-7 5"/><text x="262" y="62">“real”?</text></g>
<g data-part="V"><rect x="316" y="50" width="76" height="40" rx="4"/><text x="330" y="76">V(D, G)</text></g>
<g data-part="up" class="slope"><path d="M350 90v32h-116v-26l-5 8m5-8l5 8"/><text x="246" y="140">slope: D up</text></g>
<g data-part="down" class="slope"><path d="M354 50v-32h-244v16l-5-8m5 8l5-8"/><text x="170" y="13">slope, through D: G down</text></g>
</svg>`;

/** Plays moment by moment, and shows where it is. */
class SlowMotion {
  /** @param {{game: () => LiveGame, look: () => void, say: (words: string) => void}} owner */
  constructor(owner) {
    this.owner = owner;
    this.next = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.words = element("figcaption");
    this.drawing = element("div", { class: "game-flow" });
    this.drawing.innerHTML = FLOW;
    this.figure = element("figure", {}, this.drawing, this.words);
    this.figure.hidden = true;
  }

  /** The next moment. */
  advance() {
    this.figure.hidden = false;
    const { lit, act } = MOMENTS[this.next];
    const words = act(this.owner.game());
    this.next = (this.next + 1) % MOMENTS.length;
    for (const part of this.drawing.querySelectorAll("g")) {
      part.classList.toggle("lit", lit.includes(part.dataset.part ?? ""));
    }
    this.words.textContent = words;
    this.owner.look();
    this.owner.say(words);
  }

  start() {
    this.next = 0;
    this.advance();
    this.timer = setInterval(() => this.advance(), 3000);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
