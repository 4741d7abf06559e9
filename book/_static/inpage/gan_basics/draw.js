// The game, drawn: squares of the plane, and curves over the rounds. Colours are the chapter's.

const PALE = "rgb(252,252,250)";
const [FAKE, UNSURE, REAL, NOTHING] = [[240, 160, 96], [252, 252, 250], [112, 176, 226], [222, 222, 222]];

/**
 * A canvas as sharp as the screen, cleared, in units in which it is 400 wide.
 * @param {HTMLCanvasElement} canvas
 * @param {number} height in units of which the width has 400
 * @returns {CanvasRenderingContext2D}
 */
function cleared(canvas, height = 400) {
  const width = Math.round((canvas.clientWidth || 200) * Math.min(devicePixelRatio || 1, 2));
  canvas.width = width;
  canvas.height = Math.round((width * height) / 400);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(width / 400, width / 400);
  context.fillStyle = PALE;
  context.fillRect(0, 0, 400, height);
  context.lineCap = context.lineJoin = "round";
  return context;
}

/** From the plane to a square's units; what flew off to infinity is put out of sight. @param {number} x */
const acrossSquare = (x) => (Number.isFinite(x) ? ((x + EXTENT) / (2 * EXTENT)) * 400 : -999);
/** @param {number} y */
const downSquare = (y) => acrossSquare(-y);

/**
 * The ground: blue where the answer is *real*, orange where it is *fake*, white between; grey where
 * there is next to nothing to answer for.
 * @param {CanvasRenderingContext2D} context
 * @param {Float64Array} map (SIZE²,), range [0, 1], rows from the top
 * @param {Float64Array} [present] (SIZE²,), range [0, 1]: in full from a twentieth on
 */
function drawGround(context, map, present) {
  const [small, pixels] = [document.createElement("canvas"), new ImageData(SIZE, SIZE)];
  small.width = small.height = SIZE;
  map.forEach((probability, i) => {
    const at = Number.isNaN(probability) ? 0 : 2 * probability - 1;
    const end = at < 0 ? FAKE : REAL;
    const shown = present ? Math.min(1, 20 * present[i]) : 1;
    for (let c = 0; c < 3; c++) {
      const colour = UNSURE[c] + Math.abs(at) * (end[c] - UNSURE[c]);
      pixels.data[4 * i + c] = NOTHING[c] + shown * (colour - NOTHING[c]);
    }
    pixels.data[4 * i + 3] = 255;
  });
  /** @type {CanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(pixels, 0, 0);
  context.drawImage(small, 0, 0, 400, 400);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Matrix} points (N, 2)
 * @param {{radius: number, fill: string, rim?: string, most?: number}} style
 */
function drawDots(context, points, { radius, fill, rim, most = points.rows }) {
  context.fillStyle = fill;
  for (let i = 0; i < Math.min(points.rows, most); i++) {
    context.beginPath();
    context.arc(acrossSquare(points.data[2 * i]), downSquare(points.data[2 * i + 1]), radius, 0, 7);
    context.fill();
    if (rim) {
      context.strokeStyle = rim;
      context.lineWidth = 1;
      context.stroke();
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {Matrix} points */
const drawReal = (context, points) => drawDots(context, points, { radius: 2.6, fill: "rgb(0,60,140)" });

/** @param {CanvasRenderingContext2D} context @param {Matrix} points */
const drawFakes = (context, points) =>
  drawDots(context, points, { radius: 3.6, fill: "rgb(170,40,0)", rim: "rgb(255,235,220)", most: 200 });

/**
 * Arrows from points, as long as the pull on them up to a seventh of the square.
 * @param {CanvasRenderingContext2D} context
 * @param {Matrix} points
 * @param {Matrix} arrows (A, 2)
 */
function drawArrows(context, points, arrows) {
  context.strokeStyle = "rgb(60,60,60)";
  context.lineWidth = 1.6;
  for (let i = 0; i < arrows.rows; i++) {
    let [dx, dy] = [(arrows.data[2 * i] * 400) / 60, (-arrows.data[2 * i + 1] * 400) / 60];
    const length = Math.hypot(dx, dy);
    if (!(length > 2)) continue;
    const shrink = Math.min(1, 400 / 7 / length);
    [dx, dy] = [dx * shrink, dy * shrink];
    const [x, y] = [acrossSquare(points.data[2 * i]) + dx, downSquare(points.data[2 * i + 1]) + dy];
    const [ax, ay] = [(dx / (length * shrink)) * 6, (dy / (length * shrink)) * 6];
    context.beginPath();
    context.moveTo(x - dx, y - dy);
    context.lineTo(x, y);
    context.moveTo(x - ax - ay / 2, y - ay + ax / 2);
    context.lineTo(x, y);
    context.lineTo(x - ax + ay / 2, y - ay - ax / 2);
    context.stroke();
  }
}

/**
 * The generator's image of a net over its noise. Each mesh holds the same share of even noise, or
 * its share of normal noise: where a mesh is small, its colour is strong.
 * @param {CanvasRenderingContext2D} context
 * @param {Matrix} net
 * @param {Noise} noise
 * @param {{filled?: boolean}} [options]
 */
function drawNet(context, net, noise, { filled = false } = {}) {
  const [xs, ys] = [0, 1].map((axis) =>
    Array.from({ length: net.rows }, (_, i) => (axis ? downSquare : acrossSquare)(net.data[2 * i + axis])),
  );
  /** @param {number[]} nodes */
  const path = (nodes) => {
    context.beginPath();
    nodes.forEach((node) => context.lineTo(xs[node], ys[node]));
  };
  const line = Array.from({ length: NODES }, (_, i) => i);
  if (filled && noise.axes === 2) {
    const share = (/** @type {number} */ i) => (noise.uniform ? 1 : 1.7 * Math.exp(-(((3.92 * (i + 0.5)) / (NODES - 1) - 1.96) ** 2) / 2));
    for (const a of line.slice(1)) {
      for (const b of line.slice(1)) {
        const corners = [[a - 1, b - 1], [a - 1, b], [a, b], [a, b - 1]].map(([i, k]) => i * NODES + k);
        let area = 0;
        corners.forEach((node, i) => {
          const next = corners[(i + 1) % 4];
          area += (xs[node] * ys[next] - xs[next] * ys[node]) / 2;
        });
        const density = (share(a - 1) * share(b - 1) * 150) / (Math.abs(area) + 1);
        context.fillStyle = `rgba(170,40,0,${Math.min(0.85, Math.max(0.04, 0.35 * density)).toFixed(3)})`;
        path(corners);
        context.fill();
      }
    }
  }
  context.strokeStyle = filled ? "rgb(120,70,50)" : "rgb(110,110,110)";
  context.lineWidth = noise.axes === 1 ? 2.5 : 1;
  for (const a of noise.axes === 2 ? line : [0]) {
    path(line.map((b) => a * NODES + b));
    context.stroke();
    if (noise.axes === 1) break;
    path(line.map((b) => b * NODES + a));
    context.stroke();
  }
}

/** @typedef {{name: string, colour: string, dashed?: boolean}} Curve */

/**
 * Curves over the rounds, from the first look to the last.
 * @param {HTMLCanvasElement} canvas
 * @param {{rounds: number, numbers: Record<string, number>}[]} history
 * @param {Curve[]} curves
 * @param {{low: number, high: number}} range values outside are drawn at its ends
 */
function drawCurves(canvas, history, curves, { low, high }) {
  const context = cleared(canvas, 170);
  const [left, top, width, height] = [46, 12, 344, 128];
  const last = Math.max(1, history.length ? history[history.length - 1].rounds : 1);
  const across = (/** @type {number} */ round) => left + (width * round) / last;
  const down = (/** @type {number} */ value) =>
    top + height * (1 - (Math.min(Math.max(value, low), high) - low) / (high - low));
  context.font = "18px sans-serif";
  context.fillStyle = "rgb(70,70,70)";
  context.strokeStyle = "rgb(215,215,215)";
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const value of [low, (low + high) / 2, high]) {
    context.beginPath();
    context.moveTo(left, down(value));
    context.lineTo(left + width, down(value));
    context.stroke();
    context.fillText(String(Number(value.toFixed(2))).replace("-", "−"), left - 6, down(value) + 6);
  }
  context.fillText(`${last}`, left + width, 164);
  context.textAlign = "left";
  context.fillText("0", left, 164);
  context.lineWidth = 2.4;
  for (const { name, colour, dashed } of curves) {
    context.strokeStyle = colour;
    context.setLineDash(dashed ? [7, 6] : []);
    context.beginPath();
    for (const { rounds, numbers } of history) {
      if (!Number.isNaN(numbers[name])) context.lineTo(across(rounds), down(numbers[name]));
    }
    context.stroke();
  }
}
