// A small chart of some lines, drawn anew as the reader moves something.
"use strict";
(() => {
  const { element } = tutorialInPage;
  const WIDTH = 320;
  const HEIGHT = 160;
  const EDGE = { left: 34, right: 8, top: 8, bottom: 20 };

  /**
   * @param {string} tag
   * @param {Record<string, string | number>} attributes
   * @param {string} [words]
   */
  function svg(tag, attributes, words = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    made.textContent = words;
    return made;
  }

  /** @param {number} exponent @returns {string} ten to it, such as 10⁻² */
  const power = (exponent) =>
    `10${String(exponent).replace(/./g, (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)]))}`;

  tutorialInPage.Chart = class {
    /** @param {InPage.Axes} axes the horizontal one's ends and words; the vertical one fits itself */
    constructor(axes) {
      this.axes = axes;
      this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
      this.drawing.setAttribute("aria-label", axes.title);
      this.caption = element("figcaption");
      this.element = element("figure", { className: "chart" }, axes.title, this.drawing, this.caption);
    }

    /** @param {InPage.Line[]} lines @param {string} caption */
    draw(lines, caption) {
      const { from, to, x, logarithmic } = this.axes;
      const heights = lines.flatMap(({ points }) => points.map(([, y]) => this.height(y)));
      const least = Math.min(...heights);
      const most = Math.max(...heights);
      const room = (most - least) * 0.08 || 1;
      const right = (/** @type {number} */ at) =>
        EDGE.left + ((at - from) / (to - from)) * (WIDTH - EDGE.left - EDGE.right);
      const down = (/** @type {number} */ at) =>
        EDGE.top +
        ((most + room - this.height(at)) / (most - least + 2 * room)) *
          (HEIGHT - EDGE.top - EDGE.bottom);
      const bottom = HEIGHT - EDGE.bottom;
      const text = { fill: "currentColor", "font-size": 12 };
      const under = { ...text, y: bottom + 15 };
      const parts = [
        svg("path", {
          d: `M${EDGE.left} ${EDGE.top}V${bottom}H${WIDTH - EDGE.right}`,
          stroke: "currentColor",
          fill: "none",
        }),
        svg("text", { ...under, x: EDGE.left }, String(from)),
        svg("text", { ...under, x: (EDGE.left + WIDTH) / 2, "text-anchor": "middle" }, x),
        svg("text", { ...under, x: WIDTH - EDGE.right, "text-anchor": "end" }, String(to)),
      ];
      // On a logarithmic axis marks are whole powers of ten, or nothing could be read off it.
      const marks = logarithmic ? [Math.ceil(least), Math.floor(most)] : [least, most];
      for (const mark of marks) {
        const y = down(logarithmic ? 10 ** mark : mark) + 4;
        const words = logarithmic ? power(mark) : mark.toFixed(1);
        parts.push(svg("text", { ...text, x: EDGE.left - 4, y, "text-anchor": "end" }, words));
      }
      for (const { name, colour, points, dashed, dots } of lines) {
        const places = points.map(([a, b]) => [right(a).toFixed(1), down(b).toFixed(1)]);
        if (dots) {
          parts.push(...places.map(([cx, cy]) => svg("circle", { cx, cy, r: 3.5, fill: colour })));
        } else {
          const d = `M${places.map((place) => place.join(" ")).join("L")}`;
          const line = svg("path", { d, stroke: colour, fill: "none", "stroke-width": 2 });
          if (dashed) line.setAttribute("stroke-dasharray", "5 4");
          line.append(svg("title", {}, name));
          parts.push(line);
        }
      }
      this.drawing.replaceChildren(...parts);
      this.caption.replaceChildren();
      for (const { name, colour, dots } of lines) {
        const mark = element("span", { ariaHidden: "true" }, dots ? "●" : "▬");
        mark.style.color = colour;
        this.caption.append(mark, ` ${name}   `);
      }
      this.caption.append(element("br"), caption);
    }

    /** @param {number} value where it stands on the vertical axis */
    height(value) {
      return this.axes.logarithmic ? Math.log10(Math.max(value, 1e-9)) : value;
    }
  };
})();
