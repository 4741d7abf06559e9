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
    const { element, Engine, Stopped } = tutorialInPage;
    const say = (/** @type {string} */ words) => (status.textContent = words);
    const packs = await tutorialInPage.load(place, say);
    const engine = new Engine(place.dataset.device, say);
    engine.graph("srgan", packs["srgan-graph"].graph.data);
    for (const pack of Object.values(NETWORKS)) engine.network(pack, packs[pack]);

    const chooser = new tutorialInPage.Chooser(place, {
      samples: packs["srgan-samples"],
      limit: LIMIT,
      usual: USUAL,
      say,
      chosen: (isSample) => {
        go.disabled = false;
        if (isSample) return start();
        halt();
        running = running.then(() => say("Choose a part of the picture, then enlarge it."));
      },
    });
    const go = element("button", { type: "button", disabled: true }, "Enlarge four times");
    const stop = element("button", { type: "button", hidden: true }, "Stop");
    const progress = element("progress", { ariaLabel: "how far the networks are", hidden: true });
    const divider = new tutorialInPage.Divider("The picture, enlarged four times.");
    const save = element("button", { type: "button", hidden: true });
    go.onclick = () => start();
    stop.onclick = halt;
    save.onclick = () => keep(divider.sides[1]);
    divider.onchange = () => (save.textContent = `Save the right one (${divider.sides[1]}) as PNG`);
    place.replaceChildren(
      chooser.element,
      element("div", { className: "line" }, go, stop, progress),
      status,
      divider.element,
      save,
    );

    /** @type {Promise<void>} */
    let running = Promise.resolve();
    place.querySelector("button.sample")?.click();

    /** Stop what is running; a worker that rests is kept, as it has warmed up. */
    function halt() {
      if (!stop.hidden) engine.stop();
    }

    /** Enlarge the part that is chosen now; what is running gives way. */
    function start() {
      halt();
      running = running.then(() => enlarge().then(say, excuse));
    }

    /** @returns {Promise<string>} what was done, in a sentence */
    async function enlarge() {
      const busy = (/** @type {boolean} */ is) => {
        stop.hidden = progress.hidden = !is;
        go.hidden = is;
        save.hidden = is;
      };
      busy(true);
      const begun = performance.now();
      const seconds = () => (performance.now() - begun) / 1000;
      try {
        const { pixels, image } = chooser.read();
        draw(pixels, image);
        const tiles = tutorialInPage.tiles(image.width, image.height);
        const total = tiles.length * Object.keys(NETWORKS).length;
        progress.max = total;
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
            progress.value = ++done;
          }
        }
        const { width, height } = image;
        return (
          `${width} × ${height} pixels became ${SCALE * width} × ${SCALE * height}, twice, ` +
          `in ${seconds().toFixed(1)} s (${engine.words}).`
        );
      } finally {
        busy(false);
      }
    }

    /** Show what there is before a network has answered: the pixels, bicubic, perhaps the truth. */
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
      small.getContext("2d").putImageData(image, 0, 0);
      for (const name of Object.keys(NETWORKS)) {
        others[name].imageSmoothingEnabled = false;
        others[name].drawImage(small, 0, 0, width, height);
      }
    }

    /** @param {Error} error that ended a run */
    function excuse(error) {
      if (error instanceof Stopped) say("Stopped. What was done is shown; the rest is the picture's pixels.");
      else say(`The network could not be run: ${error.message}. A smaller part may do.`);
    }

    /** @param {string} name of the picture to save */
    function keep(name) {
      divider.contexts[name].canvas.toBlob((blob) => {
        if (!blob) return say("The browser could not write a picture of this size.");
        const link = element("a", { href: URL.createObjectURL(blob) });
        link.download = `${chooser.name}-${name.toLowerCase()}-x${SCALE}.png`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      });
    }
  };
})();
