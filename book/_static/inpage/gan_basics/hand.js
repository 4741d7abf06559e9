// Drawing data by hand: mouse, finger, pen or keyboard, on a square of the plane.

const MOVES = /** @type {Record<string, Point>} */ ({
  ArrowLeft: [-0.1, 0],
  ArrowRight: [0.1, 0],
  ArrowUp: [0, 0.1],
  ArrowDown: [0, -0.1],
});

/**
 * @param {number} x
 * @param {number} unit to whose multiples is rounded
 */
const inside = (x, unit) =>
  Number((unit * Math.round(Math.min(Math.max(x, -EXTENT), EXTENT) / unit)).toFixed(2));

/** Marks on a canvas. They are drawn by whoever draws the rest of it. */
class Hand {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{changed: () => void, moved: () => void, say: (words: string) => void}} tell
   *   when there are other marks; when only the sight is another; what a listener should hear
   */
  constructor(canvas, tell) {
    this.canvas = canvas;
    this.tell = tell;
    this.allowed = false;
    this.drawing = false;
    /** @type {Point[]} */
    this.marks = [];
    /** @type {Point} */
    this.cross = [0, 0];
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.drawing && this.mark(event));
    canvas.addEventListener("pointerup", () => this.up());
    canvas.addEventListener("pointercancel", () => this.up());
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("focus", () => tell.moved());
    canvas.addEventListener("blur", () => tell.moved());
  }

  /** Only where the reader draws does a finger on the square not scroll the page. @param {boolean} on */
  allow(on) {
    this.allowed = on;
    this.canvas.classList.toggle("game-drawable", on);
    this.canvas.setAttribute("role", on ? "application" : "img");
    if (on) this.canvas.tabIndex = 0;
    else this.canvas.removeAttribute("tabindex");
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (!this.allowed || event.button !== 0) return;
    this.drawing = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.mark(event);
  }

  up() {
    if (this.drawing) this.tell.changed();
    this.drawing = false;
  }

  /** A mark under the pointer, unless one is there. @param {PointerEvent} event */
  mark(event) {
    const box = this.canvas.getBoundingClientRect();
    const [right, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    /** @type {Point} */
    const place = [inside((2 * right - 1) * EXTENT, 0.01), inside((1 - 2 * down) * EXTENT, 0.01)];
    if (this.marks.length >= MOST_MARKS) return;
    if (this.marks.some((mark) => distance(mark, place) < 0.08)) return;
    this.marks.push(place);
    this.tell.moved();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const move = MOVES[event.key];
    if (!this.allowed) return;
    if (move) {
      this.cross = [inside(this.cross[0] + move[0], 0.1), inside(this.cross[1] + move[1], 0.1)];
      this.tell.moved();
      this.tell.say(`Cross at ${this.cross.join(", ")}.`);
    } else if (event.key === " " || event.key === "Enter") {
      if (this.marks.length < MOST_MARKS) this.marks.push(this.cross);
      this.tell.changed();
    } else if (event.key === "Backspace") {
      this.marks.pop();
      this.tell.changed();
    } else return;
    event.preventDefault();
  }

  /** @param {CanvasRenderingContext2D} context of the canvas, in units of 400 */
  draw(context) {
    if (!this.allowed) return;
    const marks = matrix(this.marks.length, 2, Float64Array.from(this.marks.flat()));
    drawDots(context, marks, { radius: 5, fill: "rgb(0,60,140)", rim: "white" });
    if (document.activeElement !== this.canvas) return;
    const [x, y] = [acrossSquare(this.cross[0]), downSquare(this.cross[1])];
    context.strokeStyle = "black";
    context.lineWidth = 2;
    context.beginPath();
    for (const [dx, dy] of [[10, 0], [0, 10]]) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }
}
