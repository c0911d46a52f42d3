/* What every interactive figure can do. page.py writes it into the <script> of each page in place of
   its own name in a comment, inside a function: nothing is global, copies do not meet.
   begin(name, setUp)    setUp(root, find) once for every .mmfuse-NAME that has not begun
   bits, entropy         sums of -p log2 p;  sum(list, of), clamp(x, low, high), golden(f) on [0, 1]
   digits(x, n)          x to n digits: a real minus sign, no -0.000
   inputs(root, changed) {name: node} of [data-name]; changed(name) when the reader moves one
   show(root, name, text)   the text of [data-show=name]
   drag(node, of)        make a node draggable by mouse, touch and keys: see there
   bars(parent, rows, of)   rows of bars with ticks: see there
   say(node, text)       the .said line: at once to the eye, after a pause to a screen reader
   recolour(draw)        draw() again when light turns dark (only a canvas needs it) */
const BITS = [0, 1];
const sum = (list, of = (x) => x) => list.reduce((total, x, k) => total + of(x, k), 0);
const bits = (p) => (p > 0 ? -p * Math.log2(p) : 0);
const entropy = (...p) => sum(p.flat(9), bits);
const clamp = (x, low = 0, high = 1) => Math.max(low, Math.min(high, x));
const digits = (x, n = 3) => (Math.abs(x) < 0.5 * 10 ** -n ? 0 : x).toFixed(n).replace("-", "\u2212");

/* Where f, convex on [0, 1], is least: golden section, then the ends. */
function golden(f) {
  const g = (Math.sqrt(5) - 1) / 2;
  let a = 0, b = 1, c = 1 - g, d = g, fc = f(c), fd = f(d);
  for (let k = 0; k < 60; k++) {
    if (fc <= fd) { b = d; d = c; fd = fc; c = b - g * (b - a); fc = f(c); }
    else { a = c; c = d; fc = fd; d = a + g * (b - a); fd = f(d); }
  }
  const middle = (a + b) / 2;
  return [0, 1].reduce((best, x) => (f(x) < f(best) - 1e-15 ? x : best), middle);
}

function begin(name, setUp) {
  for (const root of document.querySelectorAll(`.mmfuse-${name}:not([data-begun])`)) {
    root.dataset.begun = "";
    for (const part of root.querySelectorAll(".still")) part.hidden = true;
    for (const part of root.querySelectorAll(".live")) part.hidden = false;
    setUp(root, (selector) => root.querySelector(selector));
  }
}

function inputs(root, changed) {
  const nodes = {};
  for (const node of root.querySelectorAll("[data-name]")) {
    nodes[node.dataset.name] = node;
    node.autocomplete = "off";
    node.addEventListener("input", () => changed(node.dataset.name));
  }
  return nodes;
}

function show(root, name, text) { root.querySelector(`[data-show="${name}"]`).textContent = text; }

/* of.label, of.text(): what a screen reader says;  of.get(), of.set(value): the value, a number, or
   [x, y] where of.axis is "xy" ("x" is the default; x grows to the right, y upwards);
   of.min = 0, of.max = 1, of.step = 0.01 (an arrow key), of.page = 0.1 (page keys, shift);
   of.box(): {left, top, width, height} of min .. max on the screen, by default the node's;
   of.start(): once before each move, if given. Returns update(): call it when the value changed. */
function drag(node, of) {
  const { axis = "x", min = 0, max = 1, step = 0.01, page = 0.1 } = of;
  const two = axis === "xy", list = (value) => (two ? value.slice() : [value]);
  const box = of.box || (() => node.getBoundingClientRect());
  let held = null, before;
  const update = () => {
    node.setAttribute("aria-valuenow", +list(of.get())[0].toFixed(4));
    node.setAttribute("aria-valuetext", of.text());
  };
  const set = (value) => {
    const inside = list(value).map((x) => clamp(x, min, max));
    of.set(two ? inside : inside[0]);
    update();
  };
  const follow = (event) => {
    const { left, top, width, height } = box();
    const x = min + (max - min) * (event.clientX - left) / width;
    const y = max - (max - min) * (event.clientY - top) / height;
    set(two ? [x, y] : axis === "x" ? x : y);
  };
  node.classList.add("grab");
  node.dataset.axis = axis;
  node.tabIndex = 0;
  const attributes = { role: "slider", "aria-label": of.label, "aria-valuemin": min, "aria-valuemax": max };
  if (two) attributes["aria-roledescription"] = "slider in two directions";
  else attributes["aria-orientation"] = axis === "x" ? "horizontal" : "vertical";
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.pointerType === "mouse") event.preventDefault(); // no selection, but focus:
    node.focus({ preventScroll: true });
    node.setPointerCapture(held = event.pointerId);
    before = of.get();
    if (of.start) of.start();
    follow(event);
  });
  node.addEventListener("pointermove", (event) => { if (event.pointerId === held) follow(event); });
  node.addEventListener("pointerup", () => { held = null; });
  node.addEventListener("pointercancel", () => { // the finger wanted to scroll
    if (held !== null) set(before);
    held = null;
  });
  node.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? page : step;
    const moves = {
      ArrowRight: [far, 0], ArrowLeft: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far],
      PageUp: [0, page], PageDown: [0, -page], Home: [-Infinity, 0], End: [Infinity, 0],
    };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (of.start) of.start();
    const value = list(of.get());
    set(two ? value.map((x, k) => x + move[k]) : value[0] + move[0] + move[1]);
  });
  update();
  return update;
}

/* rows: [{key, name (HTML), color}]; of.min = 0, of.max = 1, of.digits = 3; of.drag(k): what `drag`
   wants for row k, if its track is a handle. A bar grows from 0. Returns (values, ticks) => void;
   ticks are optional, numbers or null. Numbers are in output[data-value=KEY]. */
function bars(parent, rows, of = {}) {
  const { min = 0, max = 1 } = of, zero = clamp(0, min, max);
  const place = (x) => 100 * (clamp(x, min, max) - min) / (max - min);
  const nodes = rows.map((row, k) => {
    const node = document.createElement("div");
    node.className = "row";
    node.innerHTML = `<b>${row.name}</b><div class="track"><i style="background:${row.color}"></i>` +
      (min < 0 ? `<u style="left:${place(0)}%"></u>` : "") +
      `<s hidden></s></div><output data-value="${row.key}" aria-live="off"></output>`;
    parent.append(node);
    return node;
  });
  const updates = of.drag ? nodes.map((node, k) => drag(node.querySelector(".track"), of.drag(k))) : [];
  return (values, ticks = []) => nodes.forEach((node, k) => {
    const fill = node.querySelector("i").style, tick = node.querySelector("s");
    fill.left = `${Math.min(place(zero), place(values[k]))}%`;
    fill.width = `${Math.abs(place(values[k]) - place(zero))}%`;
    tick.hidden = ticks[k] == null;
    if (!tick.hidden) tick.style.left = `calc(${place(ticks[k])}% - 1.5px)`;
    node.querySelector("output").textContent = digits(values[k], of.digits ?? 3);
    if (updates[k]) updates[k]();
  });
}

function say(node, text) {
  node.setAttribute("aria-busy", "true");
  node.textContent = text;
  clearTimeout(node.wait);
  node.wait = setTimeout(() => node.setAttribute("aria-busy", "false"), 600);
}

function recolour(draw) {
  const names = { attributes: true, attributeFilter: ["data-theme", "theme", "data-jp-theme-light", "class"] };
  for (const node of [document.documentElement, document.body]) new MutationObserver(draw).observe(node, names);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
