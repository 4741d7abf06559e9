// Work that takes seconds: one piece after the other, with a button that stops it, progress, and a
// sentence at the end. And saving what was made.
"use strict";
(() => {
  const { element } = tutorialInPage;

  tutorialInPage.Desk = class {
    /**
     * @param {InPage.Engine} engine stopped when work is
     * @param {InPage.Say} say
     * @param {HTMLElement[]} whenIdle elements that are hidden while there is work
     */
    constructor(engine, say, whenIdle) {
      this.engine = engine;
      this.say = say;
      this.whenIdle = whenIdle;
      this.stop = element("button", { type: "button", hidden: true }, "Stop");
      this.stop.onclick = () => this.halt();
      this.progress = element("progress", { ariaLabel: "how far it is", hidden: true });
      this.line = element("div", { className: "line" }, this.stop, this.progress);
      /** @type {Promise<void>} the end of all work so far */
      this.done = Promise.resolve();
      this.halts = 0;
    }

    get isBusy() {
      return !this.stop.hidden;
    }

    /** Stop what is running; a worker that rests is kept, as it has warmed up. */
    halt() {
      this.halts++;
      if (this.isBusy) this.engine.stop();
    }

    /** Stop what is running, then say what to do next. @param {string} words */
    tell(words) {
      this.halt();
      this.done = this.done.then(() => this.say(words));
    }

    /**
     * Do some work; what is running gives way.
     * @param {() => Promise<string>} work ends in a sentence
     */
    start(work) {
      this.halt();
      this.done = this.done.then(async () => {
        this.show(true);
        try {
          this.say(await work());
        } catch (error) {
          this.excuse(/** @type {Error} */ (error));
        } finally {
          this.show(false);
        }
      });
    }

    /** @param {boolean} isBusy */
    show(isBusy) {
      this.stop.hidden = this.progress.hidden = !isBusy;
      this.progress.removeAttribute("value");
      for (const node of this.whenIdle) node.hidden = isBusy;
    }

    /** @param {Error} error that ended the work */
    excuse(error) {
      if (error.name === "Stopped") {
        this.say("Stopped. What was done is shown; the rest is the picture's pixels.");
      } else {
        this.say(`The network could not be run: ${error.message}. A smaller part may do.`);
      }
    }

    /** @param {HTMLCanvasElement} canvas @param {string} name of the file, without its ending */
    save(canvas, name) {
      canvas.toBlob((blob) => {
        if (!blob) return this.say("The browser could not write a picture of this size.");
        const link = element("a", { href: URL.createObjectURL(blob), download: `${name}.png` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      });
    }
  };
})();
