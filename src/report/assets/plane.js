// Planar scenes: a drafting sheet with a grid and a scale, as src/render/plane.rs draws it. Drag moves, the wheel zooms.

class Plane {
  constructor(film) {
    this.film = film;
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.shift = [0, 0]; // metres
  }

  drag(dx, dy) {
    this.shift[0] -= dx / this.scale;
    this.shift[1] += dy / this.scale;
  }

  orbit(dx, dy) {
    this.drag(dx, dy); // a plane has one side
  }

  draw(canvas, moment) {
    const { min, max, metres } = this.film.view.plane;
    const pen = canvas.getContext("2d"), { width, height } = canvas;
    this.scale = this.zoom * Math.min(width / (max[0] - min[0]), height / (max[1] - min[1]));
    const middle = [0, 1].map((i) => (min[i] + max[i]) / 2 + this.shift[i]);
    const place = (x, y) => [width / 2 + (x - middle[0]) * this.scale, height / 2 - (y - middle[1]) * this.scale];
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    this.ink = color("--ink");
    this.sheet = color("--sheet");
    pen.fillStyle = this.sheet;
    pen.fillRect(0, 0, width, height);
    if (metres) this.grid(pen, place, middle, color("--grid"));
    this.trail(pen, place, moment);
    for (const track of this.film.tracks) {
      const shape = at(track, moment);
      if (shape) this.shape(pen, place, track, shape);
    }
    if (metres) this.ruler(pen, canvas);
  }

  // Lines at a round distance of about a tenth of the picture.
  grid(pen, place, middle, color) {
    const { width, height } = pen.canvas, step = round(width / 9 / this.scale);
    pen.strokeStyle = color;
    pen.lineWidth = 1;
    pen.beginPath();
    const lines = (from, size) => {
      const first = Math.ceil((from - size / 2) / step), last = Math.floor((from + size / 2) / step);
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
    };
    for (const x of lines(middle[0], width / this.scale)) line(pen, [[place(x, 0)[0], 0], [place(x, 0)[0], height]]);
    for (const y of lines(middle[1], height / this.scale)) line(pen, [[0, place(0, y)[1]], [width, place(0, y)[1]]]);
    pen.stroke();
  }

  // The way of the last link's end so far, where the film draws no way of its own.
  trail(pen, place, moment) {
    const tracks = this.film.tracks;
    const arm = tracks.filter((track) => track.role === "link" && track.kind === "capsule").pop();
    if (!arm || tracks.some((track) => track.role === "trace")) return;
    const points = [];
    for (let frame = 0; frame <= moment; frame++) {
      const shape = at(arm, frame);
      if (shape) points.push(place(shape[3], shape[4]));
    }
    pen.strokeStyle = "#f43f5e";
    pen.lineWidth = 1.5 * devicePixelRatio;
    pen.beginPath();
    if (points.length) line(pen, points);
    pen.stroke();
  }

  shape(pen, place, track, shape) {
    const { role, color, opacity } = track;
    const [x, y] = place(shape[0], shape[1]);
    pen.globalAlpha = opacity;
    if (role === "goal" && track.kind === "sphere") return this.goal(pen, x, y, Math.max(5, shape[3] * this.scale), color);
    pen.fillStyle = role === "joint" ? this.sheet : color;
    pen.strokeStyle = role === "joint" ? this.ink : mix(color, this.ink, 0.45);
    const rim = Math.min(1.5 * devicePixelRatio, 0.25 * this.thickness(track, shape));
    pen.lineWidth = rim;
    this.outline(pen, place, track, shape, rim);
    pen.globalAlpha = 1;
  }

  // Half the smaller side of a shape in pixels.
  thickness(track, shape) {
    const least = { capsule: shape[6], sphere: shape[3], cylinder: shape[3] }[track.kind] ?? Math.min(shape[3], shape[4]);
    return least * this.scale;
  }

  outline(pen, place, track, shape, rim) {
    const [x, y] = place(shape[0], shape[1]), scale = this.scale;
    pen.beginPath();
    switch (track.kind) {
      case "capsule": {
        // a thick round line: the rim's colour first, then a thinner one
        const ends = [[x, y], place(shape[3], shape[4])];
        const fill = pen.fillStyle;
        line(pen, ends);
        pen.lineCap = "round";
        pen.lineWidth = Math.max(1.5, 2 * shape[6] * scale);
        pen.stroke();
        pen.strokeStyle = fill;
        pen.lineWidth = Math.max(0.5, 2 * (shape[6] * scale - rim));
        pen.stroke();
        pen.lineCap = "butt";
        return;
      }
      case "sphere":
      case "cylinder":
        pen.arc(x, y, Math.max(1, shape[3] * scale), 0, 7);
        break;
      case "ellipsoid":
        pen.ellipse(x, y, shape[3] * scale, shape[4] * scale, -angle(shape.subarray(6)), 0, 7);
        break;
      case "cuboid": {
        const corner = (i, j) => turn(shape.subarray(6), [i * shape[3], j * shape[4], 0]);
        const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([i, j]) => corner(i, j));
        line(pen, corners.map(([a, b]) => place(shape[0] + a, shape[1] + b)));
        pen.closePath();
        break;
      }
    }
    pen.fill();
    pen.stroke();
  }

  goal(pen, x, y, radius, color) {
    pen.fillStyle = pen.strokeStyle = color;
    pen.lineWidth = Math.min(3, Math.max(1.2, 0.12 * radius));
    const disc = (r, alpha, paint) => {
      pen.globalAlpha = alpha;
      pen.beginPath();
      pen.arc(x, y, r, 0, 7);
      pen[paint]();
    };
    disc(radius, 0.16, "fill");
    disc(radius, 1, "stroke");
    disc(0.28 * radius, 1, "fill");
  }

  // A bar of round length in the corner.
  ruler(pen, canvas) {
    const size = 11 * devicePixelRatio, length = round(canvas.width / 5 / this.scale), y = canvas.height - size;
    pen.strokeStyle = pen.fillStyle = this.ink;
    pen.lineWidth = 1.5 * devicePixelRatio;
    pen.font = `${size}px system-ui, sans-serif`;
    pen.beginPath();
    line(pen, [[size, y - 4], [size, y], [size + length * this.scale, y], [size + length * this.scale, y - 4]]);
    pen.stroke();
    pen.fillText(metric(length), size * 1.4 + length * this.scale, y + 0.3 * size);
  }
}

function line(pen, points) {
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
}

// The nearest of 1, 2 and 5 times a power of ten that is not larger.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].find((factor) => factor * power <= value) * power || power;
}

const metric = (metres) => {
  const [value, unit] = metres >= 1 ? [metres, "m"] : metres >= 0.01 ? [100 * metres, "cm"] : [1000 * metres, "mm"];
  return `${+value.toPrecision(3)} ${unit}`;
};

// The turn about z of an orientation.
const angle = ([x, y, z, w]) => Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));

function mix(color, other, share) {
  const [a, b] = [channels(color), channels(other)];
  return `rgb(${a.map((x, i) => Math.round(x + (b[i] - x) * share)).join(" ")})`;
}

