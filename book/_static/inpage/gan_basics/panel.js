// The game in the page: what happens when its parts are used.

/** @typedef {{rounds: number, numbers: Record<string, number>}} Look */

const BLUE = "#0072B2";

/** The curves. `says` is the caption, from the present numbers. */
const CHARTS = [
  {
    title: "losses",
    curves: [{ name: "discriminator", colour: BLUE }, { name: "generator", colour: "#D55E00" }],
    says: (/** @type {Record<string, number>} */ now) =>
      `losses: D ${short(now.discriminator)} (blue), G ${short(now.generator)} (red)`,
  },
  {
    title: "V",
    curves: [{ name: "value", colour: BLUE }, { name: "best", colour: "#24292f", dashed: true }],
    range: { low: -2, high: 0 },
    says: (/** @type {Record<string, number>} */ now) =>
      `V(D, G) ${short(now.value)} (blue); 2 JSD − log 4, that of the best D: ${short(now.best)} (dashed)`,
  },
  {
    title: "JSD",
    curves: [{ name: "divergence", colour: "#008060" }],
    range: { low: 0, high: 0.7 },
    says: (/** @type {Record<string, number>} */ now) =>
      `JSD of data and fakes: ${short(now.divergence)} of at most 0.69`,
  },
  {
    title: "modes",
    curves: [{ name: "modes", colour: "#8a4b9a" }],
    says: (/** @type {Record<string, number>} */ now) => `modes found: ${now.modes ?? "–"}`,
  },
];

/** @param {number | undefined} number */
const short = (number) =>
  number === undefined || Number.isNaN(number) ? "–" : number.toFixed(2).replace("-", "−");

/** The demo in its place. */
class GamePanel {
  /**
   * @param {HTMLElement} place whatever is in it goes
   * @param {string} address the page's, from its # on
   */
  constructor(place, address) {
    this.situation = startingSituation();
    this.game = new LiveGame(this.situation);
    /** @type {InPage.Pack | undefined} weights of trained players, once they were asked for */
    this.trained = undefined;
    /** Bytes that they take to load, by name of the pack. @type {Record<string, number>} */
    const later = JSON.parse(place.dataset.later ?? "{}");
    this.kilobytes = Math.ceil(Object.values(later).reduce((sum, bytes) => sum + bytes, 0) / 1000);
    /** What the status says beside the numbers. */
    this.note = "";
    /** How many games were asked for. */
    this.games = 0;
    /** @type {Look[]} */
    this.history = [];
    /** @type {View | undefined} */
    this.view = undefined;
    /** The round at which the game pauses. */
    this.target = Infinity;
    /** @type {ReturnType<typeof setTimeout> | undefined} while the game runs */
    this.timer = undefined;

    this.status = element("p", { class: "game-status" });
    this.spoken = element("p", { class: "game-spoken", role: "status" });
    this.playButton = button("play", () => (this.timer === undefined ? this.start() : this.pause()));
    this.layers = buildLayers(() => this.draw());
    this.settings = buildSettings(`Trained players load ${this.kilobytes} kB, once.`, (name, choice) =>
      this.choose(name, choice));
    this.charts = buildCharts(CHARTS.map(({ title }) => title));
    const squares = buildSquares();
    this.squares = squares.map(({ canvas }) => canvas);
    this.hand = new Hand(this.squares[0], {
      changed: () => this.drawn(),
      moved: () => this.draw(),
      say: (words) => this.say(words),
    });
    this.slow = new SlowMotion({
      game: () => this.game,
      look: () => this.look(),
      say: (words) => this.say(words),
    });
    this.slowButton = button("slow motion", () => (this.slow.timer === undefined ? this.slowly() : this.pause()));
    this.tools = element("div", { class: "game-row" },
      button("clear the drawing", () => {
        this.hand.marks.length = 0;
        this.drawn();
      }),
      element("span", {}, "Draw with mouse or finger. By keyboard: arrows move the cross, space sets " +
        "a mark, backspace takes the last one away."));

    place.classList.add("tutorial-game");
    place.role = "group";
    place.ariaLabel = "The game, played in this page";
    place.replaceChildren(
      element("div", { class: "game-row", role: "group", "aria-label": "Moves" },
        this.playButton,
        button("one round", () => this.step({})),
        button("D only", () => this.step({ generator: false })),
        button("G only", () => this.step({ discriminator: false })),
        this.slowButton,
        button("start anew", () => this.begin("A new game.")),
        button("another seed", () => {
          this.situation.seed += 1;
          this.begin(`A new game with seed ${this.situation.seed}.`);
        }),
        button("copy the link", () => this.copyLink())),
      element("div", { class: "game-squares" }, ...squares.map(({ figure }) => figure)),
      this.tools,
      this.slow.figure,
      this.status,
      this.spoken,
      element("div", { class: "game-charts" }, ...this.charts.map(({ figure }) => figure)),
      this.layers.element,
      this.settings.element,
    );
    this.restore(address);
    addEventListener("hashchange", () => {
      if (location.hash.startsWith(OWN_ADDRESS)) this.restore(location.hash);
    });
    addEventListener("resize", () => this.draw());
  }

  // ---------------------------------------------------------------- which game is played

  /** Play what an address says. @param {string} address */
  restore(address) {
    const { situation, round } = fromAddress(address);
    this.situation = situation;
    this.settings.show(situation.choices);
    this.renew(() => {
      this.target = round || Infinity;
      this.start();
    });
  }

  /**
   * A new game from the present situation, not yet played: at once, or when its players are loaded.
   * @param {() => void} then what is done with it
   */
  async renew(then) {
    this.stop();
    const [asked, { choices }] = [++this.games, this.situation];
    this.note = whyNew(choices);
    if (!this.trained && !this.note && PLAYERS[choices.players].length) {
      this.status.textContent = `Loading trained players: ${this.kilobytes} kB …`;
      this.say(this.status.textContent);
      try {
        this.trained = await loadPlayers();
      } catch (error) {
        this.note = `These players are new: ${/** @type {Error} */ (error).message}. Start anew to try again.`;
      }
      if (asked !== this.games) return; // another game was asked for since
      this.stop();
    }
    this.game = new LiveGame(this.situation, this.trained);
    this.history = [];
    this.target = Infinity;
    this.hand.marks = this.situation.marks;
    this.hand.allow(this.situation.choices.data === OWN);
    this.tools.hidden = !this.hand.allowed;
    this.look();
    then();
  }

  /** The same by a button, which goes on if the last game ran. @param {string} words */
  begin(words) {
    const running = this.timer !== undefined;
    this.renew(() => {
      if (running && this.playable) this.start();
      this.remember();
      this.say(`${words} ${this.note}`.trim());
    });
  }

  /** @param {string} name of the setting @param {string | number} choice of the reader */
  choose(name, choice) {
    this.situation.choices[name] = choice;
    if (SETTINGS[name].fresh) return this.begin("A new game.");
    this.game.change(this.situation.choices);
    this.target = Infinity;
    this.look();
    this.remember();
  }

  /** The reader has drawn: the players stay, and meet other data. */
  drawn() {
    this.game.setData(drawing(this.situation.marks));
    this.target = Infinity;
    this.look();
    this.remember();
    this.say(`${this.situation.marks.length} marks.`);
  }

  /** Put the situation into the page's address; the round too, if one comes there again. */
  remember() {
    const round = this.game.repeatable ? this.game.rounds : 0;
    history.replaceState(history.state, "", toAddress(this.situation, round));
  }

  async copyLink() {
    this.remember();
    try {
      await navigator.clipboard.writeText(location.href);
      this.status.textContent = "The link to this situation is copied.";
    } catch {
      this.status.textContent = "The page's address is the link to this situation: copy it from there.";
    }
    this.say(this.status.textContent);
  }

  // ---------------------------------------------------------------- playing

  get playable() {
    return this.game.data.mixture.centres.length > 0;
  }

  start() {
    if (!this.playable) return this.say("Nothing is drawn yet.");
    this.stop();
    this.playButton.textContent = "pause";
    this.say(Number.isFinite(this.target) ? `Plays to round ${this.target}.` : "The game runs.");
    let nextLook = 0;
    const slice = () => {
      const until = performance.now() + 30;
      while (performance.now() < until && this.playable) {
        if (this.game.rounds >= this.target) return this.pause();
        this.game.play();
      }
      if (performance.now() > nextLook) {
        const began = performance.now();
        this.look();
        // Three quarters of the time are for playing, on slow machines too.
        nextLook = performance.now() + Math.max(100, 3 * (performance.now() - began));
      }
      this.timer = setTimeout(slice, document.hidden ? 1000 : 0);
    };
    this.timer = setTimeout(slice, 0);
  }

  /** Moment by moment, through the drawing of what flows where. */
  slowly() {
    this.stop();
    if (!this.playable) return this.say("Nothing is drawn yet.");
    this.target = Infinity;
    this.slowButton.textContent = "stop slow motion";
    this.slow.start();
    this.remember();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.playButton.textContent = "play";
    this.slow.stop();
    this.slowButton.textContent = "slow motion";
  }

  pause() {
    this.stop();
    this.target = Infinity;
    this.look();
    this.remember();
    this.say(`Paused. ${this.status.textContent}`);
  }

  /** @param {{discriminator?: boolean, generator?: boolean}} who moves, if not both */
  step(who) {
    this.stop();
    this.target = Infinity;
    if (!this.playable) return this.say("Nothing is drawn yet.");
    this.game.play(who);
    this.look();
    this.remember();
    this.say(this.status.textContent ?? "");
  }

  // ---------------------------------------------------------------- seeing

  /** To those who do not see the page. @param {string} words */
  say(words) {
    this.spoken.textContent = words;
  }

  look() {
    if (this.playable) {
      this.view = this.game.look();
      this.history.push({ rounds: this.game.rounds, numbers: this.view.numbers });
      const last = this.history.length - 1;
      if (last > 400) this.history = this.history.filter((_, i) => i % 2 === 0 || i === last);
      this.status.textContent = this.describe(this.view.numbers);
    } else {
      this.view = undefined;
      this.status.textContent = "Draw your data on the first square.";
    }
    this.draw();
  }

  /** @param {Record<string, number>} numbers */
  describe({ modes, quality, divergence, discriminator, generator }) {
    const lost = this.game.rounds > 0 && !Number.isFinite(discriminator + generator);
    return (
      `Round ${this.game.rounds}: ${modes} of ${this.game.data.mixture.modes.length} modes, ` +
      `${Math.round(100 * quality)} % of high quality, JSD ${short(divergence)}.` +
      (lost ? " It has flown apart: lower the rates and start anew." : "") +
      (this.note && ` ${this.note}`)
    );
  }

  draw() {
    const { view, game, layers } = this;
    const [learned, best, net] = this.squares.map((canvas) => cleared(canvas));
    if (view) {
      drawGround(learned, view.learned);
      drawGround(best, view.optimal, view.present);
      drawReal(net, game.data.shown);
      drawNet(net, view.net, game.noise, { filled: true });
      if (layers.shown("net")) drawNet(learned, view.net, game.noise);
      if (layers.shown("real")) [learned, best].forEach((square) => drawReal(square, game.data.shown));
      if (layers.shown("pull")) drawArrows(learned, view.samples, view.arrows);
      if (layers.shown("generated")) [learned, best].forEach((square) => drawFakes(square, view.samples));
    }
    this.hand.draw(learned);
    CHARTS.forEach(({ title, curves, range, says }, i) => {
      const { canvas, caption } = this.charts[i];
      drawCurves(canvas, this.history, curves, range ?? this.rangeOf(title, curves));
      caption.textContent = says(view?.numbers ?? {});
    });
  }

  /** @param {string} title @param {Curve[]} curves */
  rangeOf(title, curves) {
    if (title === "modes") return { low: 0, high: Math.max(1, this.game.data.mixture.modes.length) };
    const values = this.history.flatMap(({ numbers }) => curves.map(({ name }) => numbers[name]));
    const [low, high] = [Math.min, Math.max].map((end) => end(0, ...values.filter(Number.isFinite)));
    return { low: Math.max(-20, Math.floor(low)), high: Math.min(20, Math.max(2, Math.ceil(high))) };
  }
}
