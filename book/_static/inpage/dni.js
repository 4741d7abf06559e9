// Between two networks: a slider moves their weights, and the picture follows. The reader's picture
// is shrunk first, so that the truth is known, and each network is measured by it.
"use strict";
(() => {
  const SCALE = 4;
  const LEAST = 16; // pixels of the shorter side of the truth
  const LIMIT = 640 * 480; // pixels of the truth
  const USUAL = 256 * 256;
  const START = "srgan-srresnet"; // the network at α = 0
  const END = "srgan-srgan"; // at α = 1
  const NAMES = {
    bicubic: "bicubic",
    start: "SRResNet",
    end: "SRGAN",
    weights: "averaged weights",
    pictures: "averaged pictures",
    truth: "photograph",
  };
  const COLOURS = { weights: "#0a66c2", pictures: "#d55e00", truth: "#6e7781", bicubic: "#009e73" };
  const STOPS = Array.from({ length: 11 }, (_, k) => k / 10);

  /**
   * A picture, and what the networks at both ends make of it.
   * @typedef {object} Scene
   * @property {ImageData} low
   * @property {ImageData} truth
   * @property {ImageData} bicubic
   * @property {InPage.Planes} start
   * @property {InPage.Planes} end
   */

  /**
   * The mean of two pictures. @param {InPage.Planes} end @param {InPage.Planes} start
   * @param {number} alpha share of the first
   */
  function blended(end, start, alpha) {
    const data = end.data.map((value, i) => alpha * clamp(value) + (1 - alpha) * clamp(start.data[i]));
    return tutorialInPage.toImage({ ...end, data });
  }

  const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

  /** @param {ImageData} image @param {number} width @param {number} height at its left top */
  function corner(image, width, height) {
    if (image.width === width && image.height === height) return image;
    const canvas = tutorialInPage.element("canvas", { width, height });
    const context = tutorialInPage.context(canvas);
    context.putImageData(image, 0, 0);
    return context.getImageData(0, 0, width, height);
  }

  tutorialInPage.demos.dni = async (place, status) => {
    await Promise.all(["chart.js", "measures.js"].map(tutorialInPage.script));
    const { element, resize, rmse, spectrum, toImage } = tutorialInPage;
    const say = (/** @type {string} */ words) => void (status.textContent = words);
    const packs = await tutorialInPage.load(place, say);
    const device = /** @type {InPage.Device} */ (place.dataset.device);
    const engine = new tutorialInPage.Engine(device, say);
    engine.graph("srgan", packs["srgan-graph"].graph);
    for (const pack of [START, END]) engine.network(pack, packs[pack]);

    const go = element("button", { type: "button", disabled: true }, "Shrink and enlarge");
    const save = element("button", { type: "button", hidden: true }, "Save the averaged weights’");
    const desk = new tutorialInPage.Desk(engine, say, [go, save]);
    const chooser = new tutorialInPage.Chooser(place, {
      verb: "Shrink by four, then enlarge",
      samples: packs.samples,
      limit: LIMIT,
      usual: USUAL,
      say,
      chosen: (isSample) => {
        go.disabled = false;
        if (isSample) return desk.start(begin);
        desk.tell("Choose a part of the picture, then shrink and enlarge it.");
      },
    });
    const slider = element("input", { type: "range", min: 0, max: 1, step: 0.02, value: 0.5 });
    slider.ariaLabel = "α: 0 is SRResNet, 1 is SRGAN";
    const shown = element("output", {}, "0.50");
    const divider = new tutorialInPage.Divider("The picture, shrunk by four and enlarged again.");
    const walk = new tutorialInPage.Chart({
      title: "RMSE of luma, grey levels, against α",
      x: "α",
      from: 0,
      to: 1,
    });
    const waves = new tutorialInPage.Chart({
      title: "Energy of luma by frequency",
      x: "cycles a pixel",
      from: 0,
      to: 0.5,
      logarithmic: true,
    });
    desk.line.prepend(go);
    place.replaceChildren(
      chooser.element,
      desk.line,
      element("label", { className: "line alpha" }, "α", slider, shown),
      status,
      divider.element,
      element("div", { className: "charts" }, walk.element, waves.element),
      save,
    );

    /** @type {Scene | null} */
    let scene = null;
    /** @type {number | null} where the network stands whose picture is shown */
    let at = null;
    /** @type {Map<number, number>} α → RMSE, wherever the reader has been */
    const visited = new Map();
    const alpha = () => Number(slider.value);

    go.onclick = () => desk.start(begin);
    slider.oninput = () => {
      shown.textContent = alpha().toFixed(2);
      if (!scene) return;
      blend(scene);
      if (!desk.isBusy) desk.start(follow);
    };
    save.onclick = () => {
      const { canvas } = divider.contexts[NAMES.weights];
      desk.save(canvas, `${chooser.name}-alpha-${(at ?? 0).toFixed(2)}`);
    };
    /** @type {HTMLButtonElement | null} */ (place.querySelector("button.sample"))?.click();

    /** Shrink the part that is chosen, and enlarge it by the networks at both ends. */
    async function begin() {
      const { image } = chooser.read();
      const [w, h] = [image.width, image.height].map((side) => Math.floor(side / SCALE));
      const truth = corner(image, SCALE * w, SCALE * h);
      if (Math.min(truth.width, truth.height) < LEAST) {
        return `${image.width} × ${image.height} pixels are too few to be shrunk by four.`;
      }
      const low = resize(truth, w, h);
      const bicubic = resize(low, truth.width, truth.height);
      scene = at = null;
      visited.clear();
      divider.begin(Object.values(NAMES), truth.width, truth.height, [NAMES.weights, NAMES.truth]);
      divider.contexts[NAMES.bicubic].putImageData(bicubic, 0, 0);
      divider.contexts[NAMES.truth].putImageData(truth, 0, 0);
      const small = element("canvas", { width: w, height: h });
      tutorialInPage.context(small).putImageData(low, 0, 0);
      for (const name of [NAMES.start, NAMES.end, NAMES.weights, NAMES.pictures]) {
        divider.contexts[name].imageSmoothingEnabled = false;
        divider.contexts[name].drawImage(small, 0, 0, truth.width, truth.height);
      }
      const start = await enlarged(low, 0, NAMES.start);
      const end = await enlarged(low, 1, NAMES.end);
      visited.set(0, rmse(toImage(start), truth)).set(1, rmse(toImage(end), truth));
      scene = { low, truth, bicubic, start, end };
      blend(scene);
      return follow();
    }

    /** Enlarge until the network stands where the slider does. */
    async function follow() {
      if (!scene) return "Choose a picture first.";
      let seconds = 0;
      while (at !== alpha()) {
        const now = alpha();
        const begun = performance.now();
        const made = toImage(await enlarged(scene.low, now, NAMES.weights));
        divider.contexts[NAMES.weights].putImageData(made, 0, 0);
        seconds = (performance.now() - begun) / 1000;
        at = now;
        visited.set(now, rmse(made, scene.truth));
        chart(scene, made);
      }
      const [error, whole] = [visited.get(alpha()) ?? NaN, rmse(scene.bicubic, scene.truth)];
      return (
        `α = ${alpha().toFixed(2)}: RMSE ${error.toFixed(2)} grey levels. SRResNet ` +
        `${visited.get(0)?.toFixed(2)}, SRGAN ${visited.get(1)?.toFixed(2)}, bicubic ` +
        `${whole.toFixed(2)}. Enlarged in ${seconds.toFixed(1)} s (${engine.words}).`
      );
    }

    /**
     * What the network at α makes of a picture, tile by tile, each shown when it is there.
     * @param {ImageData} low @param {number} share α @param {string} name of the picture it is shown in
     */
    async function enlarged(low, share, name) {
      const [width, height] = [SCALE * low.width, SCALE * low.height];
      const whole = { data: new Float32Array(3 * width * height), width, height };
      const tiles = tutorialInPage.tiles(low.width, low.height);
      desk.progress.max = tiles.length;
      for (const [i, tile] of tiles.entries()) {
        say(`α = ${share.toFixed(2)}, part ${i + 1} of ${tiles.length} (${engine.words}) …`);
        const sides = { height: tile.y.size, width: tile.x.size };
        const dims = [1, 3, sides.height, sides.width];
        const inputs = { low: { data: tutorialInPage.cutOut(low, tile), dims } };
        const { high } = await engine.run("srgan", {
          sides,
          inputs,
          mixture: { [END]: share, [START]: 1 - share },
        });
        tutorialInPage.putBack(divider.contexts[name], high.data, tile, SCALE);
        tutorialInPage.paste(whole, high.data, tile, SCALE);
        desk.progress.value = i + 1;
      }
      return whole;
    }

    /** Show the mean of the pictures at both ends. @param {Scene} now */
    function blend({ start, end }) {
      divider.contexts[NAMES.pictures].putImageData(blended(end, start, alpha()), 0, 0);
    }

    /** @param {Scene} now @param {ImageData} made by the network at α */
    function chart({ truth, bicubic, start, end }, made) {
      const { weights, pictures } = COLOURS;
      const line = [...visited].sort(([a], [b]) => a - b);
      /** @type {[number, number][]} */
      const means = STOPS.map((stop) => [stop, rmse(blended(end, start, stop), truth)]);
      walk.draw(
        [
          { name: NAMES.pictures, colour: pictures, points: means, dashed: true },
          { name: NAMES.weights, colour: weights, points: line, dots: true },
        ],
        "The dots are where you have been: move the slider for more.",
      );
      waves.draw(
        [
          { name: NAMES.truth, colour: COLOURS.truth, points: spectrum(truth) },
          { name: NAMES.bicubic, colour: COLOURS.bicubic, points: spectrum(bicubic), dashed: true },
          { name: NAMES.weights, colour: weights, points: spectrum(made) },
        ],
        `α = ${alpha().toFixed(2)}. Right of 0.125 lies detail finer than the shrunk picture's pixels.`,
      );
    }
  };
})();
