// What the scripts of book/_static/inpage share: each puts its part into the global `tutorialInPage`.

declare namespace InPage {
  /** An array and its sides. */
  interface Values {
    data: Float32Array;
    dims: readonly number[];
  }

  /** An array of a pack: bytes, or half precision that has become single. */
  interface Packed {
    data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
    dims: number[];
  }

  type Pack = Record<string, Packed>;

  /** Of a network, by the names that a graph has for its inputs. */
  type Weights = Record<string, Packed>;

  /** Name of a network → its share of the weights. */
  type Mixture = Record<string, number>;

  type Device = "webgpu" | "wasm";

  type Say = (words: string) => void;

  /** Name of its network, and how many revision networks it has. */
  interface Painter {
    name: string;
    revisions: number;
  }

  interface Task {
    /** The open dimensions of the graph by name. */
    sides: Record<string, number>;
    inputs: Record<string, Values>;
    /** One network, or several between which to run one. */
    mixture: Mixture;
  }

  interface Engine {
    readonly device: Device;
    readonly words: string;
    graph(name: string, file: Packed): void;
    network(name: string, weights: Weights): void;
    run(graph: string, task: Task): Promise<Record<string, Values>>;
    stop(): void;
  }

  /** What a network sees of a line of pixels, and the part [first, last) that is kept of its answer. */
  interface Cut {
    from: number;
    size: number;
    first: number;
    last: number;
  }

  interface Tile {
    x: Cut;
    y: Cut;
  }

  /** Red, green and blue of a picture one after the other, each (height, width), from 0 to 1. */
  interface Planes {
    data: Float32Array;
    width: number;
    height: number;
  }

  interface Divider {
    readonly element: HTMLElement;
    readonly contexts: Record<string, CanvasRenderingContext2D>;
    readonly sides: string[];
    onchange: () => void;
    begin(names: string[], width: number, height: number, sides: [string, string]): void;
  }

  interface Chooser {
    readonly element: HTMLElement;
    readonly name: string;
    read(): { pixels: ImageData; image: ImageData };
  }

  interface Choices {
    /** What is done to the part that is chosen. */
    verb: string;
    /** (H, W, 3) by name. */
    samples: Pack;
    /** The most pixels to take. */
    limit: number;
    /** The most pixels to begin with. */
    usual: number;
    /** Of the longer side, in pixels: what a larger part can be made smaller to. */
    sizes?: number[];
    /** Told of each new picture. */
    chosen: (isSample: boolean) => void;
    say: Say;
  }

  interface Desk {
    readonly line: HTMLElement;
    readonly isBusy: boolean;
    readonly progress: HTMLProgressElement;
    start(work: () => Promise<string>): void;
    /** How often work was stopped, or would have been. */
    readonly halts: number;
    halt(): void;
    tell(words: string): void;
    save(canvas: HTMLCanvasElement, name: string): void;
  }

  /** A line of a chart: places from left to right. */
  interface Line {
    name: string;
    colour: string;
    points: [number, number][];
    dashed?: boolean;
    dots?: boolean;
  }

  interface Chart {
    readonly element: HTMLElement;
    draw(lines: Line[], caption: string): void;
  }

  interface Axes {
    title: string;
    x: string;
    from: number;
    to: number;
    logarithmic?: boolean;
  }

  interface Shared {
    /** Address of the folder of these scripts. */
    readonly here: string;
    /** Pack's name → its base64, between its script's end and its unpacking. */
    readonly packed: Record<string, string>;
    readonly demos: Record<string, (place: HTMLElement, status: HTMLElement) => Promise<void>>;
    readonly script: (path: string) => Promise<unknown>;

    open: (place: HTMLElement, status: HTMLElement) => Promise<void>;
    pack: (name: string) => Promise<Pack>;
    load: (place: HTMLElement, say: Say) => Promise<Record<string, Pack>>;
    Engine: new (device: Device, say: Say) => Engine;
    resize: (image: ImageData, width: number, height: number) => ImageData;
    tiles: (width: number, height: number) => Tile[];
    cutOut: (image: ImageData, tile: Tile) => Float32Array;
    putBack: (
      context: CanvasRenderingContext2D,
      planes: Float32Array,
      tile: Tile,
      scale: number,
    ) => void;
    toImage: (planes: Planes) => ImageData;
    paste: (whole: Planes, planes: Float32Array, tile: Tile, scale: number) => void;
    Divider: new (alt: string) => Divider;
    Chooser: new (place: HTMLElement, choices: Choices) => Chooser;
    Desk: new (engine: Engine, say: Say, whenIdle: HTMLElement[]) => Desk;
    element: <Tag extends keyof HTMLElementTagNameMap>(
      tag: Tag,
      properties?: Partial<Record<string, unknown>>,
      ...children: (Node | string)[]
    ) => HTMLElementTagNameMap[Tag];
    context: (canvas: HTMLCanvasElement) => CanvasRenderingContext2D;

    // Of the chapters on interpolation and on painting alone.
    Chart: new (axes: Axes) => Chart;
    rmse: (image: ImageData, truth: ImageData) => number;
    spectrum: (image: ImageData) => [number, number][];
    teach: (engine: Engine, name: string, encoder: Pack, own: Pack) => Painter;
    paint: (
      engine: Engine,
      painter: Painter,
      image: Planes,
      how: { strength: number; levels?: number; drawn?: (stage: Planes) => void },
    ) => Promise<Planes>;
  }
}

declare const tutorialInPage: InPage.Shared;

interface Window {
  tutorialInPage: unknown;
}

interface Navigator {
  /** WebGPU, of which the page asks only whether it is there. */
  gpu?: { requestAdapter(): Promise<object | null> };
}

/** ONNX Runtime Web, in the worker alone. */
declare const ort: any;
