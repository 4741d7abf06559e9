// A game that can be changed while it is played.

/**
 * Everything that there is to see of a game at one moment.
 * @typedef {object} View
 * @property {Float64Array} learned the discriminator, (SIZE²,), range [0, 1]
 * @property {Float64Array} optimal the best discriminator
 * @property {Float64Array} present how much there is to judge
 * @property {Matrix} samples (1500, 2) generated points
 * @property {Matrix} arrows (64, 2) pull on the first samples
 * @property {Matrix} net (15 ** axes, 2) where the generator puts the nodes of a net over the noise
 * @property {Record<string, number>} numbers by measure; NaN where there is none
 */

const BATCH = 128;
const NODES = 15;

/**
 * A distribution with what every look needs of it: once is enough.
 * @param {Mixture} mixture may be empty, of a drawing that is not begun
 */
function prepared(mixture) {
  const empty = !mixture.centres.length;
  return {
    mixture,
    density: empty ? new Float64Array(GRID.rows) : mixture.logDensity(GRID, BLUR).map(Math.exp),
    level: empty ? Infinity : goodLevel(mixture),
    shown: empty ? matrix(0, 2) : mixture.sample(160, new Random(3)),
  };
}

/** One game: players, data, and what has happened. */
class LiveGame {
  /**
   * @param {Situation} situation
   * @param {InPage.Pack} [trained] weights of trained players, for a situation that asks for them
   */
  constructor({ choices, marks, seed }, trained) {
    const noise = NOISES[choices.noise];
    const weights = new Random(seed);
    this.noise = noise;
    this.random = new Random(1000 + seed);
    const generator = new Mlp([noise.axes, ...Array(choices.layersG).fill(choices.unitsG), 2], weights);
    const discriminator = new Mlp([2, ...Array(choices.layersD).fill(choices.unitsD), 1], weights);
    const Optimiser = OPTIMISERS[choices.optimiser];
    /** @type {Players} */
    this.players = {
      generator,
      discriminator,
      generatorOptimiser: new Optimiser(generator, choices.rateG),
      discriminatorOptimiser: new Optimiser(discriminator, choices.rateD),
    };
    if (trained) giveWeights(this.players, choices, trained);
    this.rounds = 0;
    /** Whether the settings and the seed alone say how the game came here. */
    this.repeatable = true;
    /** @type {{discriminator?: number, generator?: number}} */
    this.losses = {};
    // The same noise at every look, so that points can be followed.
    this.watched = drawNoise(noise, 1500, new Random(0));
    this.choices = { ...choices };
    this.data = prepared(choices.data === OWN ? drawing(marks) : DISTRIBUTIONS[choices.data]());
  }

  /** The players stay; the data are others. @param {Mixture} mixture */
  setData(mixture) {
    this.data = prepared(mixture);
    this.repeatable = this.rounds === 0;
  }

  /** Take over what may change during a game. @param {Record<string, any>} choices */
  change(choices) {
    this.choices = { ...choices };
    this.players.generatorOptimiser.rate = choices.rateG;
    this.players.discriminatorOptimiser.rate = choices.rateD;
    this.repeatable = this.rounds === 0;
  }

  /**
   * One round, or one player's part of it.
   * @param {{discriminator?: boolean, generator?: boolean}} [who]
   */
  play({ discriminator = true, generator = true } = {}) {
    const { stepsD, stepsG, loss } = this.choices;
    const [turns, losses] = [discriminator ? stepsD : 0, LOSSES[loss]];
    const noise = () => drawNoise(this.noise, BATCH, this.random);
    const reals = Array.from({ length: turns }, () => this.data.mixture.sample(BATCH, this.random));
    const noises = Array.from({ length: turns + (generator ? 1 : 0) }, noise);
    Object.assign(this.losses, ganStep(this.players, reals, noises, losses, this.random));
    for (let more = 1; generator && more < stepsG; more++) {
      Object.assign(this.losses, ganStep(this.players, [], [noise()], losses, this.random));
    }
    if (generator) this.rounds += 1;
    if (!(discriminator && generator)) this.repeatable = false;
  }

  /** Look at the game as it stands. @returns {View} */
  look() {
    const { generator, discriminator } = this.players;
    const losses = LOSSES[this.choices.loss];
    const samples = generator.forward(this.watched).answers;
    const [p, q] = [this.data.density, kernelDensity(samples)];
    const logits = discriminator.forward(GRID).answers.data;
    const divergence = jensenShannon(p, q);
    return {
      learned: learnedMap(logits, losses),
      optimal: optimalMap(p, q),
      present: presence(p, q),
      samples,
      arrows: pull(discriminator, matrix(64, 2, samples.data.slice(0, 128)), losses),
      net: generator.forward(noiseNet(this.noise, NODES)).answers,
      numbers: {
        discriminator: this.losses.discriminator ?? NaN,
        generator: this.losses.generator ?? NaN,
        // A score that is no logit of a probability has no V.
        value: losses.probability === sigmoid ? gameValue(p, q, logits) : NaN,
        best: 2 * divergence - Math.log(4),
        divergence,
        ...coverage(samples, this.data.mixture, this.data.level),
      },
    };
  }
}
