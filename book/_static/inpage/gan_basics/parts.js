// The parts of the page that the game is seen on and steered by.

/**
 * An element of the page.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} inside
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

/**
 * @param {string} name
 * @param {() => void} act
 */
function button(name, act) {
  const made = element("button", { type: "button" }, name);
  made.addEventListener("click", act);
  return made;
}

const SQUARES = {
  "learned D: blue is “real”, orange “fake”":
    "The plane with data and fakes, on what the discriminator says of every place.",
  "best D for this G: p / (p + q)": "Data and fakes, on the best discriminator.",
  "G's net: where the noise goes": "A net over the noise, where the generator puts it, on the data.",
};

/** The squares of the plane: canvases in figures. */
function buildSquares() {
  return Object.entries(SQUARES).map(([name, alt]) => {
    const canvas = element("canvas", { role: "img", "aria-label": alt });
    return { canvas, figure: element("figure", {}, canvas, element("figcaption", {}, name)) };
  });
}

/** Places for the curves; the captions say the present numbers. @param {string[]} titles */
function buildCharts(titles) {
  return titles.map((title) => {
    const alt = `Curves over the rounds: ${title}. The caption says the present numbers.`;
    const canvas = element("canvas", { role: "img", "aria-label": alt });
    const caption = element("figcaption");
    return { canvas, caption, figure: element("figure", {}, canvas, caption) };
  });
}

const LAYERS = ["real", "generated", "pull", "net"];

/**
 * Boxes that say what is seen on the first square.
 * @param {() => void} changed
 * @returns {{element: HTMLElement, shown: (layer: string) => boolean}}
 */
function buildLayers(changed) {
  /** @type {Record<string, HTMLInputElement>} */
  const boxes = {};
  const labels = LAYERS.map((layer) => {
    const box = element("input", { type: "checkbox" });
    box.checked = layer !== "net";
    box.addEventListener("change", changed);
    boxes[layer] = box;
    return element("label", {}, box, layer);
  });
  return {
    element: element("div", { class: "game-row", role: "group", "aria-label": "What is shown" }, ...labels),
    shown: (layer) => boxes[layer].checked,
  };
}

/**
 * A menu or a slider for every setting.
 * @param {string} more to be said of them
 * @param {(name: string, choice: string | number) => void} chosen
 * @returns {{element: HTMLElement, show: (choices: Record<string, any>) => void}}
 */
function buildSettings(more, chosen) {
  /** @type {Record<string, (choice: string | number) => void>} */
  const show = {};
  const rows = Object.entries(SETTINGS).map(([name, { label, choices, start }]) => {
    const id = `game-${name}`;
    const spelled = element("output", { for: id });
    const options = choices.map((choice) => element("option", {}, String(choice)));
    const isMenu = typeof start === "string";
    const control = isMenu
      ? element("select", { id }, ...options)
      : element("input", { id, type: "range", min: "0", max: String(choices.length - 1) });
    show[name] = (choice) => {
      control.value = String(isMenu ? choice : choices.indexOf(choice));
      if (isMenu) return;
      spelled.textContent = String(choice);
      control.setAttribute("aria-valuetext", String(choice));
    };
    control.addEventListener("input", () => {
      const choice = isMenu ? control.value : choices[Number(control.value)];
      show[name](choice);
      chosen(name, choice);
    });
    return element("div", {}, element("label", { for: id }, label), control, spelled);
  });
  const note = element("p", {},
    "Data, players, noise, optimiser, layers and units begin a new game; the rest is taken over while it runs. " + more);
  return {
    element: element("div", { class: "game-settings", role: "group", "aria-label": "Settings" }, ...rows, note),
    show: (choices) => Object.entries(choices).forEach(([name, choice]) => show[name](choice)),
  };
}
