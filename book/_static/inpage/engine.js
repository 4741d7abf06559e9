// Runs ONNX graphs in a worker, so that the page stays alive: on the graphics processor by WebGPU
// where there is one, else, and after any error there, on one thread by WebAssembly.
"use strict";
(() => {
  const DEVICES = {
    webgpu: { pack: "ort-webgpu", words: "WebGPU" },
    wasm: { pack: "ort-wasm", words: "WebAssembly, one thread" },
  };

  /**
   * The worker, which stands below the runtime's own script. It is made from this function's text,
   * since a page that is opened from a folder can start no worker from a file.
   */
  function work() {
    /** @type {Record<string, {file: Uint8Array, sides?: string, session?: any}>} */
    const graphs = {};
    /** @type {Record<string, Record<string, any>>} name → weights, as the runtime's tensors */
    const networks = {};
    /** @type {{key: string, weights: Record<string, any>}} the latest mixture of several */
    let mixed = { key: "", weights: {} };
    let device = "wasm";

    /** @type {Record<string, (task: any) => any>} */
    const tasks = {
      start({ module, wasm, device: chosen }) {
        device = chosen;
        // An address of the page's would be a stranger's here, where the page is from a folder.
        const mjs = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
        ort.env.logLevel = "error";
        Object.assign(ort.env.wasm, { wasmBinary: wasm, wasmPaths: { mjs }, numThreads: 1 });
      },
      graph({ name, file }) {
        graphs[name] = { file };
      },
      network({ name, weights }) {
        networks[name] = tensors(weights);
      },
      async run({ graph, sides, inputs, mixture }) {
        const session = await compiled(graphs[graph], sides);
        const known = { ...mix(mixture), ...tensors(inputs) };
        // A network may have more weights than this graph is of.
        const wanted = session.inputNames.map((/** @type {string} */ name) => [name, known[name]]);
        const found = await session.run(Object.fromEntries(wanted));
        /** @type {Record<string, InPage.Values>} */
        const outputs = {};
        for (const name of session.outputNames) {
          const { data, dims } = found[name];
          if (!Number.isFinite(data[0])) throw new Error(`${name} is not a number`);
          outputs[name] = { data, dims };
        }
        return outputs;
      },
    };

    /** @param {Record<string, InPage.Values>} arrays */
    function tensors(arrays) {
      const made = Object.entries(arrays).map(([name, { data, dims }]) => [
        name,
        new ort.Tensor("float32", data, dims),
      ]);
      return Object.fromEntries(made);
    }

    /**
     * A graph ready to run on inputs of these sides; those of before are given up.
     * @param {{file: Uint8Array, sides?: string, session?: any}} graph
     * @param {Record<string, number>} sides
     */
    async function compiled(graph, sides) {
      const wanted = JSON.stringify(sides);
      if (graph.sides !== wanted) {
        graph.sides = "";
        await graph.session?.release();
        graph.session = await ort.InferenceSession.create(graph.file, {
          executionProviders: [device],
          freeDimensionOverrides: sides,
        });
        graph.sides = wanted;
      }
      return graph.session;
    }

    /**
     * The weights of a network, or between networks: each the mean of theirs.
     * @param {InPage.Mixture} mixture
     */
    function mix(mixture) {
      const parts = Object.entries(mixture).filter(([, share]) => share);
      const [[first, whole]] = parts;
      if (parts.length === 1 && whole === 1) return networks[first];
      const key = JSON.stringify(mixture);
      if (mixed.key !== key) {
        /** @type {Record<string, any>} */
        const weights = {};
        for (const [name, { data, dims }] of Object.entries(networks[first])) {
          const mean = new Float32Array(data.length);
          for (const [network, share] of parts) {
            const own = networks[network][name].data;
            for (let i = 0; i < mean.length; i++) mean[i] += share * own[i];
          }
          weights[name] = new ort.Tensor("float32", mean, dims);
        }
        mixed = { key, weights };
      }
      return mixed.weights;
    }

    onmessage = async ({ data: { id, kind, ...task } }) => {
      try {
        postMessage({ id, answer: await tasks[kind](task) });
      } catch (error) {
        postMessage({ id, error: error instanceof Error ? error.message : String(error) });
      }
    };
  }

  /** Why a run ended without an answer: the reader stopped it. */
  class Stopped extends Error {
    name = "Stopped";
  }

  class Engine {
    /**
     * @param {InPage.Device} device where to try first
     * @param {(words: string) => void} say tells the reader what is going on
     */
    constructor(device, say) {
      this.device = device;
      this.say = say;
      /** @type {Worker | null} */
      this.worker = null;
      /** @type {Promise<void> | null} done when the worker has started */
      this.ready = null;
      /** @type {Map<number, {done: (answer: any) => void, fail: (error: Error) => void}>} */
      this.waiting = new Map();
      this.count = 0;
      this.stops = 0;
      /** @type {object[]} what each worker is told */
      this.known = [];
      this.told = 0; // how much of it the present one was told
    }

    /** What runs the networks, in words. */
    get words() {
      return DEVICES[this.device].words;
    }

    /** Make a graph known. @param {string} name @param {InPage.Packed} file in ONNX */
    graph(name, { data }) {
      this.known.push({ kind: "graph", name, file: data });
    }

    /** Make a network known. @param {string} name @param {InPage.Weights} weights */
    network(name, weights) {
      this.known.push({ kind: "network", name, weights });
    }

    /**
     * Run a graph. A graphics processor that fails is given up for good.
     * @param {string} graph
     * @param {object} task
     * @param {Record<string, number>} task.sides the open dimensions of the graph by name
     * @param {Record<string, InPage.Values>} task.inputs
     * @param {InPage.Mixture} task.mixture one network, or several between which to run one
     * @returns {Promise<Record<string, InPage.Values>>} the outputs by name
     */
    async run(graph, task) {
      const message = { kind: "run", graph, ...task };
      try {
        await this.start();
        return await this.ask(message);
      } catch (caught) {
        const error = /** @type {Error} */ (caught);
        if (error instanceof Stopped || this.device !== "webgpu") throw error;
        this.stop();
        this.device = "wasm";
        this.say(`WebGPU failed (${error.message}), so WebAssembly takes over …`);
        await this.start();
        return await this.ask(message);
      }
    }

    /** End at once whatever is running; the next run starts anew. */
    stop() {
      this.worker?.terminate();
      this.worker = null;
      this.ready = null;
      this.stops++;
      this.fail(new Stopped("stopped"));
    }

    /** Start a worker if there is none, and tell it what it does not know yet. */
    async start() {
      await (this.ready ??= this.boot());
      while (this.told < this.known.length) await this.ask(this.known[this.told++]);
    }

    async boot() {
      if (typeof WebAssembly === "undefined") {
        throw new Error("This browser has WebAssembly switched off, without which nothing can run");
      }
      const { stops } = this;
      const runtime = await tutorialInPage.pack(DEVICES[this.device].pack);
      if (this.stops > stops) throw new Stopped("stopped");
      const text = new Blob([runtime.script.data, `\n;(${work})();`]);
      const address = URL.createObjectURL(text);
      const worker = new Worker(address);
      this.worker = worker;
      this.told = 0;
      worker.onmessage = ({ data: { id, answer, error } }) => {
        const asked = this.waiting.get(id);
        this.waiting.delete(id);
        if (error === undefined) asked?.done(answer);
        else asked?.fail(new Error(error));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.fail(new Error(event.message || "the worker could not start"));
      };
      const [module, wasm] = [runtime.module.data, runtime.wasm.data];
      await this.ask({ kind: "start", module, wasm, device: this.device });
      URL.revokeObjectURL(address);
    }

    /** @param {Error} error for all that wait for an answer */
    fail(error) {
      for (const { fail } of this.waiting.values()) fail(error);
      this.waiting.clear();
    }

    /** @param {object} message @returns {Promise<any>} the worker's answer */
    ask(message) {
      return new Promise((done, fail) => {
        if (!this.worker) return fail(new Stopped("stopped"));
        const id = this.count++;
        this.waiting.set(id, { done, fail });
        this.worker.postMessage({ id, ...message });
      });
    }
  }

  tutorialInPage.Engine = Engine;
})();
