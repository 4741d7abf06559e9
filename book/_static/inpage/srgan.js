// The reader's photograph, four times enlarged: by bicubic interpolation, SRResNet and SRGAN.
"use strict";
(() => {
  const SCALE = 4;
  const LIMIT = 640 * 480; // pixels of the small picture
  const USUAL = 160 * 120; // pixels that take seconds on one thread
  const NETWORKS = { SRResNet: "srgan-srresnet", SRGAN: "srgan-srgan" };
  const TRUTH = "photograph";

  /**
   * @param {HTMLElement} place
   * @param {HTMLElement} status where progress is said
   */
  tutorialInPage.demos.srgan = async (place, status) => {
    const { element, context } = tutorialInPage;
    const say = (/** @type {string} */ words) => void (status.textContent = words);
    const packs = await tutorialInPage.load(place, say);
    const device = /** @type {InPage.Device} */ (place.dataset.device);
    const engine = new tutorialInPage.Engine(device, say);
    engine.graph("srgan", packs["srgan-graph"].graph);
    for (const pack of Object.values(NETWORKS)) engine.network(pack, packs[pack]);

    const go = element("button", { type: "button", disabled: true }, "Enlarge four times");
    const save = element("button", { type: "button", hidden: true });
    const desk = new tutorialInPage.Desk(engine, say, [go, save]);
    const chooser = new tutorialInPage.Chooser(place, {
      verb: "Enlarge",
      samples: packs["srgan-samples"],
      limit: LIMIT,
      usual: USUAL,
      say,
      chosen: (isSample) => {
        go.disabled = false;
        if (isSample) return desk.start(enlarge);
        desk.tell("Choose a part of the picture, then enlarge it.");
      },
    });
    const divider = new tutorialInPage.Divider("The picture, enlarged four times.");
    go.onclick = () => desk.start(enlarge);
    save.onclick = () => {
      const name = divider.sides[1];
      const file = `${chooser.name}-${name.toLowerCase()}-x${SCALE}`;
      desk.save(divider.contexts[name].canvas, file);
    };
    divider.onchange = () => (save.textContent = `Save the right one (${divider.sides[1]}) as PNG`);
    desk.line.prepend(go);
    place.replaceChildren(chooser.element, desk.line, status, divider.element, save);
    /** @type {HTMLButtonElement | null} */ (place.querySelector("button.sample"))?.click();

    /** @returns {Promise<string>} what was done, in a sentence */
    async function enlarge() {
      const begun = performance.now();
      const seconds = () => (performance.now() - begun) / 1000;
      const { pixels, image } = chooser.read();
      draw(pixels, image);
      const tiles = tutorialInPage.tiles(image.width, image.height);
      const total = tiles.length * Object.keys(NETWORKS).length;
      desk.progress.max = total;
      let done = 0;
      for (const tile of tiles) {
        const sides = { height: tile.y.size, width: tile.x.size };
        const dims = [1, 3, sides.height, sides.width];
        for (const [name, network] of Object.entries(NETWORKS)) {
          const left = done ? `, about ${Math.ceil((seconds() / done) * (total - done))} s left` : "";
          say(`${name}, part ${1 + Math.floor(done / 2)} of ${tiles.length}${left} (${engine.words})`);
          const low = { data: tutorialInPage.cutOut(image, tile), dims };
          const mixture = { [network]: 1 };
          const { high } = await engine.run("srgan", { sides, inputs: { low }, mixture });
          tutorialInPage.putBack(divider.contexts[name], high.data, tile, SCALE);
          desk.progress.value = ++done;
        }
      }
      const { width, height } = image;
      return (
        `${width} × ${height} pixels became ${SCALE * width} × ${SCALE * height}, twice, ` +
        `in ${seconds().toFixed(1)} s (${engine.words}).`
      );
    }

    /**
     * Show what there is before a network has answered: the pixels, bicubic, perhaps the truth.
     * @param {ImageData} pixels
     * @param {ImageData} image
     */
    function draw(pixels, image) {
      const width = SCALE * image.width;
      const height = SCALE * image.height;
      const isKnown = pixels.width >= width && pixels.height >= height;
      const names = ["bicubic", ...Object.keys(NETWORKS), ...(isKnown ? [TRUTH] : [])];
      divider.begin(names, width, height, ["bicubic", "SRGAN"]);
      const { bicubic, ...others } = divider.contexts;
      bicubic.putImageData(tutorialInPage.resize(image, width, height), 0, 0);
      if (isKnown) {
        others[TRUTH].putImageData(tutorialInPage.resize(pixels, width, height), 0, 0);
      }
      const small = element("canvas", { width: image.width, height: image.height });
      context(small).putImageData(image, 0, 0);
      for (const name of Object.keys(NETWORKS)) {
        others[name].imageSmoothingEnabled = false;
        others[name].drawImage(small, 0, 0, width, height);
      }
    }
  };
})();
