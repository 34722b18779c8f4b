// The replay: films of one episode side by side, their controls, mouse, touch and keyboard.

const data = JSON.parse(document.getElementById("replay-data").textContent);
const meshes = data.meshes.map(openMesh);
const part = (name) => document.getElementById(`replay-${name}`);
const root = document.getElementById("player");
root.hidden = false;
const [playButton, slider, clock, speed, chooser] = ["play", "time", "clock", "speed", "episode"].map(part);

// A chart's moments are steps; a machine's are times.
const timed = data.episodes[0].films.every(({ view }) => view.plane?.metres !== false);
const shown = (at) => (timed ? (at * data.dt).toFixed(2) : Math.round(at * data.stride));

let films = []; // of the chosen episode: { film, view, canvas, caption }
let moment = 0, playing = false, before = 0, drawing = false;
const lastMoment = () => Math.max(0, ...films.map(({ film }) => film.frames - 1));

function choose(index) {
  const host = part("films");
  host.replaceChildren();
  films = data.episodes[index].films.map((stored) => {
    const film = (stored.opened ??= openFilm(stored));
    const figure = document.createElement("figure"), title = document.createElement("figcaption");
    const canvas = document.createElement("canvas"), caption = document.createElement("p");
    const outcome = document.createElement("span");
    title.textContent = film.title;
    outcome.textContent = film.outcome;
    title.append(outcome);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${film.title}, ${film.outcome}, recorded in the true machine`);
    caption.className = "caption";
    figure.append(title, canvas, caption);
    host.append(figure);
    const view = film.view.camera ? new Space(film, meshes) : new Plane(film);
    steer(canvas, view);
    return { film, view, canvas, caption };
  });
  slider.max = lastMoment();
  seek(0);
}

// Dragging, pinching and the wheel.
function steer(canvas, view) {
  const pointers = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const scale = canvas.width / canvas.clientWidth;
    const dx = (event.clientX - last.clientX) * scale, dy = (event.clientY - last.clientY) * scale;
    if (pointers.size > 1) {
      const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
      const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
      zoom(view, apart(event) / apart(last));
    } else if (event.shiftKey || event.buttons & 6) view.drag(dx, dy);
    else view.orbit(dx, dy);
    pointers.set(event.pointerId, event);
    redraw();
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(view, Math.exp(-0.0015 * event.deltaY));
    redraw();
  }, { passive: false });
}

const zoom = (view, factor) => {
  view.zoom = Math.max(0.1, Math.min(40, view.zoom * factor));
};

function draw() {
  drawing = false;
  for (const { film, view, canvas, caption } of films) {
    const width = Math.round(canvas.clientWidth * devicePixelRatio), height = Math.round(canvas.clientHeight * devicePixelRatio);
    if (!width || !height) continue;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const here = Math.min(moment, film.frames - 1); // one that is over shows its last moment
    view.draw(canvas, here);
    const said = film.captions.filter(([from]) => from <= here).pop();
    caption.textContent = said ? said[1] : "";
  }
  slider.value = moment;
  clock.textContent = `${shown(moment)} of ${shown(lastMoment())} ${timed ? "s" : "steps"}`;
  slider.setAttribute("aria-valuetext", clock.textContent);
  root.dataset.moment = moment.toFixed(3);
}

// Draws once, at the next opportunity.
function redraw() {
  if (!drawing) requestAnimationFrame(draw);
  drawing = true;
}

function seek(to) {
  moment = Math.max(0, Math.min(lastMoment(), to));
  redraw();
}

function play(on) {
  playing = on;
  playButton.textContent = on ? "Pause" : "Play";
  playButton.setAttribute("aria-label", playButton.textContent);
  root.dataset.playing = on;
  if (!on) return;
  if (moment >= lastMoment()) seek(0);
  before = performance.now();
  requestAnimationFrame(tick);
}

function tick(now) {
  if (!playing) return;
  seek(moment + ((now - before) / 1000 / data.dt) * Number(speed.value));
  before = now;
  if (moment >= lastMoment()) play(false);
  else requestAnimationFrame(tick);
}

const reset = () => {
  films.forEach(({ view }) => view.reset());
  redraw();
};

const keys = {
  " ": () => play(!playing),
  ArrowRight: () => { play(false); seek(Math.floor(moment + 1e-6) + 1); },
  ArrowLeft: () => { play(false); seek(Math.ceil(moment - 1e-6) - 1); },
  Home: () => seek(0),
  End: () => { play(false); seek(lastMoment()); },
  "+": () => { films.forEach(({ view }) => zoom(view, 1.2)); redraw(); },
  "-": () => { films.forEach(({ view }) => zoom(view, 1 / 1.2)); redraw(); },
  0: reset,
};
for (const [key, dx, dy] of [["a", 24, 0], ["d", -24, 0], ["w", 0, 24], ["s", 0, -24]])
  keys[key] = () => { films.forEach(({ view }) => view.orbit(dx, dy)); redraw(); };

root.addEventListener("keydown", (event) => {
  const own = event.target.matches("select") || (event.target.matches("button") && event.key === " ");
  if (own || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
playButton.addEventListener("click", () => play(!playing));
part("reset").addEventListener("click", reset);
slider.addEventListener("input", () => { play(false); seek(Number(slider.value)); });
chooser.addEventListener("change", () => { play(false); choose(Number(chooser.value)); });
data.episodes.forEach(({ label }, index) => chooser.append(new Option(label, index)));
if (data.episodes.length === 1) chooser.closest("label").remove(); // there is nothing to choose
addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
const solid = data.episodes[0].films.some(({ view }) => view.camera);
part("keys").textContent =
  `Space plays and pauses, the arrow keys go step by step, + and - zoom, W A S D ${solid ? "turn" : "move"} the view, 0 resets it. ` +
  (solid ? "Drag to turn, drag with Shift to move, use the wheel to zoom." : "Drag to move, use the wheel to zoom.");
choose(0);
