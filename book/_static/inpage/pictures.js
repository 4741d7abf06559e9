// The reader chooses a photograph, and which part of it: by button, drag and drop, paste, a
// phone's camera, or one of the samples. Nothing of it leaves the page.
"use strict";
(() => {
  const SIZES = [640, 480, 320, 240, 160, 128, 96, 64, 48]; // pixels of the longer side
  const VIEW = 320; // pixels of the longer side of the small view
  const LARGEST = 8e6; // pixels that are read at once: some phones have no larger canvas

  /** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

  /**
   * An element with properties and children.
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Partial<Record<string, unknown>>} [properties]
   * @param {...(Node | string)} children
   */
  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  /**
   * Where to draw on a canvas that is read, too.
   * @param {HTMLCanvasElement} canvas
   */
  function context(canvas) {
    const found = canvas.getContext("2d", { willReadFrequently: true });
    if (!found) throw new Error("The browser has no memory for a picture of this size");
    return found;
  }

  /** @param {number} width @param {number} height */
  const size = (width, height) => `${width} × ${height}`;

  let choosers = 0;

  class Chooser {
    /**
     * @param {HTMLElement} place where pictures can be dropped
     * @param {InPage.Choices} choices
     */
    constructor(place, choices) {
      this.choices = choices;
      /** @type {ImageBitmap | HTMLCanvasElement} */
      this.source = element("canvas");
      this.name = "";
      this.square = { x: 0, y: 0, side: 1 };
      this.view = element("canvas", { className: "view", tabIndex: 0 });
      const name = `part-${choosers++}`;
      this.squared = element("input", { type: "radio", name, checked: true });
      this.whole = element("input", { type: "radio", name });
      this.side = element("input", { type: "range", ariaLabel: "side of the square in pixels" });
      this.to = element("select");
      this.facts = element("p", { className: "facts" });
      this.part = element("div", { className: "part", hidden: true });
      this.element = element("div", { className: "choose" }, this.sources(), this.parts());
      this.listen(place);
    }

    /** The buttons that bring a picture. */
    sources() {
      const choose = (/** @type {string} */ words, /** @type {boolean} */ capture) => {
        const input = element("input", { type: "file", accept: "image/*", hidden: true });
        if (capture) input.setAttribute("capture", "environment");
        input.onchange = () => {
          if (input.files?.length) this.take(input.files[0]);
          input.value = "";
        };
        const button = element("button", { type: "button" }, words);
        button.onclick = () => input.click();
        return [button, input];
      };
      const row = element("div", { className: "line" }, ...choose("Choose a photograph", false));
      if (matchMedia("(pointer: coarse)").matches) row.append(...choose("Take one", true));
      row.append("or drop or paste one here, or take");
      for (const [name, { data, dims }] of Object.entries(this.choices.samples)) {
        const [height, width] = dims;
        const image = new ImageData(width, height);
        for (let i = 0; i < width * height; i++) {
          image.data.set([data[3 * i], data[3 * i + 1], data[3 * i + 2], 255], 4 * i);
        }
        const canvas = element("canvas", { width, height });
        context(canvas).putImageData(image, 0, 0);
        const title = `the sample “${name}”`;
        const button = element("button", { type: "button", className: "sample", title }, canvas);
        button.ariaLabel = title;
        button.onclick = () => this.hold(canvas, name, true);
        row.append(button);
      }
      return row;
    }

    /** What chooses a part of the picture. */
    parts() {
      this.view.setAttribute("role", "application");
      this.view.ariaLabel = "The picture. Move the square by dragging, or with the arrow keys.";
      this.squared.onchange = this.whole.onchange = () => this.changed();
      this.to.onchange = () => this.describe();
      this.side.oninput = () => {
        const { x, y, side } = this.square;
        const by = (side - Number(this.side.value)) / 2;
        this.square.side = Number(this.side.value);
        this.move(x + by, y + by);
      };
      this.view.onkeydown = (event) => {
        const step = event.shiftKey ? 1 : Math.max(1, this.square.side >> 3);
        const { x, y } = this.square;
        /** @type {Record<string, number[]>} */
        const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        const by = keys[event.key];
        if (!by || this.whole.checked) return;
        event.preventDefault();
        this.move(x + step * by[0], y + step * by[1]);
      };
      const drag = (/** @type {PointerEvent} */ event) => {
        if (this.whole.checked || !event.buttons) return;
        const box = this.view.getBoundingClientRect();
        const shrunk = this.source.width / box.width;
        const half = this.square.side / 2;
        this.move((event.clientX - box.x) * shrunk - half, (event.clientY - box.y) * shrunk - half);
      };
      this.view.onpointermove = drag;
      this.view.onpointerdown = (event) => {
        this.view.setPointerCapture(event.pointerId);
        drag(event);
      };
      const controls = element(
        "fieldset",
        {},
        element("legend", {}, this.choices.verb),
        element("label", {}, this.squared, " a square of it ", this.side),
        element("label", {}, this.whole, " all of it"),
        element("label", {}, "taken as ", this.to),
      );
      this.part.append(this.view, controls);
      return element("div", {}, this.part, this.facts);
    }

    /** Take what is dropped on the place, or pasted into the page. @param {HTMLElement} place */
    listen(place) {
      place.addEventListener("dragover", (event) => event.preventDefault());
      place.addEventListener("drop", (event) => {
        event.preventDefault();
        const [file] = event.dataTransfer?.files ?? [];
        if (file) this.take(file);
        else this.choices.say("What was dropped is no file: save the picture first, then drop it here.");
      });
      document.addEventListener("paste", (event) => {
        const [file] = event.clipboardData?.files ?? [];
        if (file) this.take(file);
      });
    }

    /** @param {File} file of the reader's */
    async take(file) {
      try {
        // As the camera was held: the orientation that the file notes is honoured.
        const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
        this.hold(bitmap, file.name, false);
      } catch {
        this.choices.say(`“${file.name}” is not a picture that this browser can read.`);
      }
    }

    /**
     * Begin with a picture.
     * @param {ImageBitmap | HTMLCanvasElement} source
     * @param {string} name
     * @param {boolean} isSample
     */
    hold(source, name, isSample) {
      this.source = source;
      this.name = name.replace(/\.\w+$/, "") || "picture";
      const { width, height } = source;
      const shortest = Math.min(width, height);
      this.side.min = String(Math.min(16, shortest));
      this.side.max = this.side.value = String(shortest);
      const from = (/** @type {number} */ length) => Math.floor((length - shortest) / 2);
      this.square = { x: from(width), y: from(height), side: shortest };
      this.whole.checked = width * height <= this.choices.usual;
      this.squared.checked = !this.whole.checked;
      this.part.hidden = false;
      this.changed();
      this.choices.chosen(isSample);
    }

    /** @param {number} x @param {number} y left and top of the square, wherever they were wanted */
    move(x, y) {
      const { side } = this.square;
      const { width, height } = this.source;
      this.square.x = Math.round(Math.min(Math.max(x, 0), width - side));
      this.square.y = Math.round(Math.min(Math.max(y, 0), height - side));
      this.changed();
    }

    /** The part that is chosen, in pixels of the picture. @returns {Rectangle} */
    get rectangle() {
      const { width, height } = this.source;
      const { x, y, side } = this.square;
      return this.whole.checked ? { x: 0, y: 0, width, height } : { x, y, width: side, height: side };
    }

    /** The sides that the part is taken with. */
    get sides() {
      return this.to.value.split("×").map(Number);
    }

    /** Draw the view and offer the sizes, after another part was chosen. */
    changed() {
      const { width, height } = this.rectangle;
      const before = this.to.value;
      const longer = Math.max(width, height);
      const offered = [longer, ...(this.choices.sizes ?? SIZES).filter((side) => side < longer)]
        .map((side) => [width, height].map((s) => Math.max(1, Math.round((s * side) / longer))))
        .filter(([w, h]) => w * h <= this.choices.limit);
      this.to.replaceChildren(
        ...offered.map(([w, h]) => {
          const own = w === width && h === height;
          return new Option(own ? `it is, ${size(w, h)}` : `${size(w, h)}, made smaller`, `${w}×${h}`);
        }),
      );
      const usual = offered.find(([w, h]) => w * h <= this.choices.usual) ?? offered[offered.length - 1];
      this.to.value = before;
      if (!this.to.value) this.to.value = usual.join("×");
      this.draw();
      this.describe();
    }

    draw() {
      const { width, height } = this.source;
      const shrunk = Math.min(1, VIEW / Math.max(width, height));
      this.view.width = Math.max(1, Math.round(width * shrunk));
      this.view.height = Math.max(1, Math.round(height * shrunk));
      const pen = context(this.view);
      const part = this.rectangle;
      const [x, y, w, h] = [part.x, part.y, part.width, part.height].map((s) => s * shrunk);
      pen.drawImage(this.source, 0, 0, this.view.width, this.view.height);
      pen.fillStyle = "rgb(0 0 0 / .55)";
      pen.beginPath();
      pen.rect(0, 0, this.view.width, this.view.height);
      pen.rect(x, y, w, h);
      pen.fill("evenodd");
    }

    describe() {
      const { x, y, width, height } = this.rectangle;
      const [w, h] = this.sides;
      const what = this.whole.checked
        ? `All of it, ${size(width, height)} pixels`
        : `A square of ${size(width, height)} pixels, ${x} from the left, ${y} from the top`;
      const smaller = w < width ? `, made smaller to ${size(w, h)}` : "";
      const over =
        width * height > this.choices.limit
          ? ` More than ${this.choices.limit.toLocaleString("en")} pixels would take too long.`
          : "";
      this.facts.textContent = `${what}${smaller}.${over}`;
    }

    /**
     * The part that is chosen, as it is and as small as it was asked for.
     * @returns {{pixels: ImageData, image: ImageData}}
     */
    read() {
      const { x, y, width, height } = this.rectangle;
      const shrunk = Math.min(1, Math.sqrt(LARGEST / (width * height)));
      const canvas = element("canvas", {
        width: Math.max(1, Math.floor(width * shrunk)),
        height: Math.max(1, Math.floor(height * shrunk)),
      });
      const pen = context(canvas);
      pen.imageSmoothingQuality = "high";
      pen.fillStyle = "white"; // behind what is transparent
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(this.source, x, y, width, height, 0, 0, canvas.width, canvas.height);
      const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
      const [w, h] = this.sides;
      const asked = w === pixels.width && h === pixels.height;
      return { pixels, image: asked ? pixels : tutorialInPage.resize(pixels, w, h) };
    }
  }

  Object.assign(tutorialInPage, { Chooser, element, context });
})();
