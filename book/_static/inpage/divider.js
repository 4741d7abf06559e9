// Pictures under a divider, as `show.CompareSlider` has them, drawn while the reader looks.
"use strict";
(() => {
  const ROOM = 520; // CSS pixels up to which small pictures are magnified, by whole factors

  tutorialInPage.Divider = class {
    /** @param {string} alt what there is to compare */
    constructor(alt) {
      this.alt = alt;
      this.element = document.createElement("figure");
      this.element.className = "tutorial-compare";
      this.element.ariaLabel = alt;
      this.element.style.cssText = "--at:50%;margin:0;padding:0";
      /** @type {Record<string, CanvasRenderingContext2D>} picture's name → where to draw it */
      this.contexts = {};
      /** @type {HTMLSelectElement[]} */
      this.selects = [];
      this.onchange = () => {};
    }

    /** The names of the picture on the left and of that on the right. */
    get sides() {
      return this.selects.map((select) => select.value);
    }

    /**
     * Begin anew with empty pictures. Sides that the reader chose stay, where their names do.
     * @param {string[]} names
     * @param {number} width
     * @param {number} height
     * @param {string[]} sides to begin with: left, right
     */
    begin(names, width, height, sides) {
      const before = this.sides;
      const [left, right] = before.length && before.every((s) => names.includes(s)) ? before : sides;
      const factor = Math.max(1, Math.floor(ROOM / width));
      this.contexts = {};
      const pictures = document.createElement("div");
      pictures.className = "pictures";
      for (const name of names) {
        const canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        canvas.role = "img";
        canvas.ariaLabel = `${this.alt} ${name}`;
        canvas.style.width = `${width * factor}px`;
        if (factor > 1) canvas.style.imageRendering = "pixelated";
        const context = canvas.getContext("2d");
        if (!context) throw new Error("The browser has no memory for a picture of this size");
        this.contexts[name] = context;
        pictures.append(canvas);
      }
      const bar = document.createElement("span");
      bar.className = "bar";
      const input = document.createElement("input");
      input.type = "range";
      input.ariaLabel = "divider between the left and the right picture";
      input.value = this.element.style.getPropertyValue("--at").replace("%", "");
      input.oninput = () => this.element.style.setProperty("--at", `${input.value}%`);
      pictures.append(bar, input);

      this.selects = [this.select("left", names, left), this.select("right", names, right)];
      const heading = document.createElement("div");
      heading.className = "names";
      heading.append(...this.selects);
      const stage = document.createElement("div");
      stage.className = "stage";
      stage.append(heading, pictures);
      this.element.replaceChildren(stage);
      this.choose();
    }

    /** @param {string} side @param {string[]} names @param {string} chosen */
    select(side, names, chosen) {
      const select = document.createElement("select");
      select.ariaLabel = `picture on the ${side}`;
      for (const name of names) select.add(new Option(name, name, false, name === chosen));
      select.onchange = () => this.choose();
      return select;
    }

    /** Show the two pictures whose names are chosen. */
    choose() {
      const [left, right] = this.sides;
      for (const [name, { canvas }] of Object.entries(this.contexts)) {
        if (name === left && name === right) canvas.dataset.side = "both";
        else if (name === left) canvas.dataset.side = "left";
        else if (name === right) canvas.dataset.side = "right";
        else delete canvas.dataset.side;
      }
      this.onchange();
    }
  };
})();
