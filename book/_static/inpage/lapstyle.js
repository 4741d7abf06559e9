// A photograph, or what a camera sees, painted by any of the chapter's painters.
"use strict";
(() => {
  const SIZES = [512, 256]; // pixels of the longer side
  const LIMIT = 512 * 512;
  const USUAL = 256 * 256;
  const FILMED = { webgpu: 256, wasm: 128 }; // pixels of the side of a camera's square
  const NAMES = { photograph: "photograph", painted: "painted" };

  /** @param {string} pack @returns {string} such as “The Scream” for lapstyle-the_scream */
  const title = (pack) =>
    pack
      .replace("lapstyle-", "")
      .split("_")
      .map((word) => word[0].toUpperCase() + word.slice(1))
      .join(" ");

  /** @param {ImageData} image @returns {InPage.Planes} */
  const planes = (image) => {
    const cut = (/** @type {number} */ size) => ({ from: 0, size, first: 0, last: size });
    const { width, height } = image;
    return { data: tutorialInPage.cutOut(image, { x: cut(width), y: cut(height) }), width, height };
  };

  tutorialInPage.demos.lapstyle = async (place, status) => {
    await tutorialInPage.script("paint.js");
    const { element, context, paint, teach, toImage } = tutorialInPage;
    const say = (/** @type {string} */ words) => void (status.textContent = words);
    const packs = await tutorialInPage.load(place, say);
    const device = /** @type {InPage.Device} */ (place.dataset.device);
    const engine = new tutorialInPage.Engine(device, say);
    const { draft, revision } = packs["lapstyle-graphs"];
    engine.graph("draft", draft);
    engine.graph("revision", revision);

    /** @type {Record<string, number>} those that are loaded when the reader asks, with their bytes */
    const later = JSON.parse(place.dataset.later ?? "{}");
    const here = Object.keys(packs).filter((name) => !/^ort-|-(graphs|encoder)$|^samples$/.test(name));
    const painters = element("select", { ariaLabel: "painter" });
    for (const pack of here) painters.add(new Option(title(pack), pack));
    for (const [pack, bytes] of Object.entries(later)) {
      painters.add(new Option(`${title(pack)} (loads ${(bytes / 1e6).toFixed(1)} MB)`, pack));
    }

    /** @type {Record<string, InPage.Painter>} those that the engine knows */
    const known = {};
    /** The painter that is chosen, loaded if it is not here. */
    async function call() {
      const pack = painters.value;
      if (!known[pack]) {
        say(`Loading ${title(pack)} …`);
        const own = await tutorialInPage.pack(pack);
        known[pack] = teach(engine, pack, packs["lapstyle-encoder"], own);
        for (const option of painters.options) if (option.value === pack) option.text = title(pack);
      }
      return known[pack];
    }

    const go = element("button", { type: "button", disabled: true }, "Paint");
    const film = element("button", { type: "button" }, "Paint what the camera sees");
    const save = element("button", { type: "button", hidden: true }, "Save the painting as PNG");
    film.disabled = !navigator.mediaDevices?.getUserMedia;
    if (film.disabled) film.title = "This browser gives this page no camera.";
    const desk = new tutorialInPage.Desk(engine, say, [go, film, save]);
    const chooser = new tutorialInPage.Chooser(place, {
      verb: "Paint",
      samples: packs.samples,
      limit: LIMIT,
      usual: USUAL,
      sizes: SIZES,
      say,
      chosen: (isSample) => {
        go.disabled = false;
        if (isSample) return desk.start(begin);
        desk.tell("Choose a part of the picture, then paint it.");
      },
    });
    const slider = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: 1 });
    slider.ariaLabel = "strength of the style";
    const shown = element("output", {}, "1.00");
    const divider = new tutorialInPage.Divider("The picture and its painting.");
    desk.line.prepend(go, film);
    place.replaceChildren(
      chooser.element,
      element("label", { className: "line" }, "painter", painters),
      element("label", { className: "line" }, "strength", slider, shown),
      desk.line,
      status,
      divider.element,
      save,
    );

    /** @type {InPage.Planes | null} the photograph that is painted */
    let scene = null;
    let painted = "";
    /** What the reader asks for now: painter and strength. */
    const wanted = () => `${painters.value} ${slider.value}`;

    go.onclick = () => desk.start(begin);
    film.onclick = () => desk.start(camera);
    slider.oninput = () => {
      shown.textContent = Number(slider.value).toFixed(2);
      if (scene && !desk.isBusy) desk.start(follow);
    };
    painters.onchange = () => {
      if (scene && !desk.isBusy) desk.start(follow);
    };
    save.onclick = () => {
      const name = `${chooser.name}-${painters.value.replace("lapstyle-", "")}`;
      desk.save(divider.contexts[NAMES.painted].canvas, name);
    };
    /** @type {HTMLButtonElement | null} */ (place.querySelector("button.sample"))?.click();

    /** Paint the part that is chosen now. */
    function begin() {
      const { image } = chooser.read();
      divider.begin(Object.values(NAMES), image.width, image.height, [NAMES.photograph, NAMES.painted]);
      for (const name of Object.values(NAMES)) divider.contexts[name].putImageData(image, 0, 0);
      scene = planes(image);
      painted = "";
      return follow();
    }

    /** Paint until the painting is as the reader asks. */
    async function follow() {
      if (!scene) return "Choose a picture first.";
      const { width, height } = scene;
      let seconds = 0;
      while (painted !== wanted()) {
        const [now, strength] = [wanted(), Number(slider.value)];
        const painter = await call();
        say(`The draft is being painted (${engine.words}) …`);
        const begun = performance.now();
        let stage = 0;
        const made = await paint(engine, painter, scene, {
          strength,
          drawn: (picture) => {
            draw(picture, width, height);
            say(`${stage ? `Revision ${stage}` : "Draft"} done (${engine.words}) …`);
            stage++;
          },
        });
        divider.contexts[NAMES.painted].putImageData(toImage(made), 0, 0);
        seconds = (performance.now() - begun) / 1000;
        painted = now;
      }
      return (
        `${width} × ${height} pixels, ${title(painters.value)}, strength ` +
        `${Number(slider.value).toFixed(2)}, in ${seconds.toFixed(1)} s (${engine.words}).`
      );
    }

    /**
     * Draw a stage over the whole painting: it may be smaller, and padded.
     * @param {InPage.Planes} stage @param {number} width @param {number} height
     */
    function draw(stage, width, height) {
      const canvas = element("canvas", { width: stage.width, height: stage.height });
      context(canvas).putImageData(toImage(stage), 0, 0);
      const factor = 2 ** Math.round(Math.log2(Math.max(width / stage.width, height / stage.height)));
      const { width: wide, height: high } = canvas;
      divider.contexts[NAMES.painted].drawImage(canvas, 0, 0, factor * wide, factor * high);
    }

    /** Paint what a camera sees, until it is stopped. */
    async function camera() {
      say("Waiting for the camera …");
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch (error) {
        return `The camera could not be used: ${/** @type {Error} */ (error).message}.`;
      }
      const video = element("video", { muted: true, playsInline: true, srcObject: stream });
      scene = null;
      try {
        await video.play();
        const side = FILMED[engine.device];
        divider.begin(Object.values(NAMES), side, side, [NAMES.photograph, NAMES.painted]);
        const stops = desk.halts;
        /** @type {number[]} when the latest paintings were done, in milliseconds */
        const times = [];
        while (desk.halts === stops) {
          const painter = await call();
          const seen = divider.contexts[NAMES.photograph];
          const square = Math.min(video.videoWidth, video.videoHeight);
          const [left, top] = [video.videoWidth - square, video.videoHeight - square];
          seen.drawImage(video, left / 2, top / 2, square, square, 0, 0, side, side);
          const frame = planes(seen.getImageData(0, 0, side, side));
          const strength = Number(slider.value);
          const made = await paint(engine, painter, frame, { strength });
          divider.contexts[NAMES.painted].putImageData(toImage(made), 0, 0);
          times.push(performance.now());
          if (times.length > 10) times.shift();
          const rate = (1000 * (times.length - 1)) / (times[times.length - 1] - times[0]);
          const frames = times.length > 1 ? `${rate.toFixed(1)} frames per second` : "The first frame";
          say(`${frames} of ${side} × ${side} pixels (${engine.words}).`);
        }
        return "The camera is off.";
      } finally {
        for (const track of stream.getTracks()) track.stop();
      }
    }
  };
})();
