// Scenes seen by a camera: triangles with a depth for each pixel, a floor with a grid, shadows on it; z is up.
// Drawn in software, so that it looks the same everywhere. Drag turns, with Shift it moves, the wheel zooms.

const add = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => add([0, 0, 0], a, 1 / (Math.hypot(...a) || 1));

// Most pixels of a picture: what software can draw thirty times a second.
const MOST_PIXELS = 420_000;
const NEAR = 1e-3;

// Unit bodies: corners [position, normal, end], three for each triangle. `end` is 1 at a capsule's second end.
const bodies = (() => {
  const ROUND = 14, RINGS = 8;
  const round = (half) => {
    const corner = (ring, step) => {
      const up = Math.PI * (ring / half - 0.5), around = (2 * Math.PI * step) / ROUND;
      const n = [Math.cos(up) * Math.cos(around), Math.cos(up) * Math.sin(around), Math.sin(up)];
      return [n, n, 0];
    };
    const out = [];
    for (let ring = 0; ring < half; ring++)
      for (let step = 0; step < ROUND; step++) {
        const quad = [corner(ring, step), corner(ring, step + 1), corner(ring + 1, step + 1), corner(ring + 1, step)];
        out.push(quad[0], quad[1], quad[2], quad[0], quad[2], quad[3]);
      }
    return out;
  };
  const sphere = round(RINGS);
  const side = (end) => (step) => {
    const a = (2 * Math.PI * step) / ROUND, n = [Math.cos(a), Math.sin(a), 0];
    return [[n[0], n[1], end ? 1 : -1], n, end];
  };
  const [low, high] = [side(0), side(1)];
  const tube = [], caps = [];
  for (let step = 0; step < ROUND; step++) {
    tube.push(low(step), low(step + 1), high(step + 1), low(step), high(step + 1), high(step));
    for (const z of [-1, 1]) {
      const rim = (z < 0 ? [low(step + 1), low(step)] : [high(step), high(step + 1)]).map(([p]) => [p, [0, 0, z], 0]);
      caps.push([[0, 0, z], [0, 0, z], 0], ...rim);
    }
  }
  const cuboid = [];
  for (const axis of [0, 1, 2])
    for (const sign of [-1, 1]) {
      const n = [0, 0, 0];
      n[axis] = sign;
      const corner = (i, j) => {
        const p = [0, 0, 0];
        p[axis] = sign;
        p[(axis + 1) % 3] = i;
        p[(axis + 2) % 3] = j;
        return [p, n, 0];
      };
      cuboid.push(corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, -1), corner(1, 1), corner(-1, 1));
    }
  // A capsule is a tube along z whose ends are half spheres: positions are directions from the end.
  const capsule = [
    ...tube.map(([p, n, end]) => [[p[0], p[1], 0], n, end]),
    ...sphere.map(([p, n], i) => {
      const triangle = 3 * Math.floor(i / 3);
      const up = sphere[triangle][0][2] + sphere[triangle + 1][0][2] + sphere[triangle + 2][0][2] > 0;
      return [p, n, up ? 1 : 0];
    }),
  ];
  return { sphere, cuboid, capsule, cylinder: [...tube, ...caps], ellipsoid: sphere };
})();

// A stored surface as triangles with one normal each.
function openMesh({ unit: step, counts, vertices, faces }) {
  const points = rows(vertices, counts[0]), corners = rows(faces, counts[1]);
  const out = [];
  for (let face = 0; face < counts[1]; face++) {
    const place = (i) => [0, 1, 2].map((axis) => points[3 * corners[3 * face + i] + axis] * step);
    const [a, b, c] = [place(0), place(1), place(2)];
    const normal = unit(cross(add(b, a, -1), add(c, a, -1)));
    out.push([a, normal, 0], [b, normal, 0], [c, normal, 0]);
  }
  return out;
}

// A shape's corners in the world: calls `take(position, normal)` for each.
function corners(track, shape, meshes, take) {
  const center = [shape[0], shape[1], shape[2]];
  if (track.kind === "capsule") {
    const other = [shape[3], shape[4], shape[5]], along = unit(add(other, center, -1));
    const across = unit(cross(along, Math.abs(along[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0])), third = cross(along, across);
    const out = (v) => add(add(add([0, 0, 0], across, v[0]), third, v[1]), along, v[2]);
    for (const [p, n, end] of bodies.capsule) take(add(end ? other : center, out(p), shape[6]), out(n));
    return;
  }
  const q = shape.subarray(track.lengths);
  const turned = q.length ? (v) => turn(q, v) : (v) => v;
  const half = {
    sphere: [shape[3], shape[3], shape[3]], cylinder: [shape[3], shape[3], shape[4]], mesh: [1, 1, 1],
  }[track.kind] ?? [shape[3], shape[4], shape[5]];
  for (const [p, n] of track.kind === "mesh" ? meshes[track.mesh] : bodies[track.kind]) {
    const point = turned([p[0] * half[0], p[1] * half[1], p[2] * half[2]]);
    take(add(center, point), turned(unit([n[0] / half[0], n[1] / half[1], n[2] / half[2]])));
  }
}

class Space {
  constructor(film, meshes) {
    this.film = film;
    this.meshes = meshes;
    this.reset();
  }

  reset() {
    const [x, y, z] = this.film.view.camera.eye;
    this.distance = Math.hypot(x, y, z);
    this.around = Math.atan2(y, x);
    this.above = Math.asin(z / this.distance);
    this.zoom = 1;
    this.shift = [0, 0, 0];
  }

  orbit(dx, dy) {
    this.around -= 0.008 * dx;
    this.above = Math.max(-1.5, Math.min(1.5, this.above + 0.008 * dy));
  }

  drag(dx, dy) {
    const metres = (2 * this.tangent * this.distance) / this.zoom / this.height;
    this.shift = add(add(this.shift, this.right, -dx * metres), this.up, dy * metres);
  }

  // Where the camera stands and how it is held.
  aim(moment, width, height) {
    const { up, fov } = this.film.view.camera, level = Math.cos(this.above), distance = this.distance / this.zoom;
    const back = [level * Math.cos(this.around), level * Math.sin(this.around), Math.sin(this.above)];
    this.eye = add(add(target(this.film, moment), this.shift), back, distance);
    this.forward = back.map((x) => -x);
    const vertical = Math.abs(dot(unit(up), this.forward)) < 0.999 ? up : [Math.cos(this.around), Math.sin(this.around), 0];
    this.right = unit(cross(this.forward, vertical));
    this.up = cross(this.right, this.forward);
    this.tangent = Math.tan((fov * Math.PI) / 360);
    this.width = width;
    this.height = height;
    this.focus = height / 2 / this.tangent;
    this.light = unit(add(add([0, 0, 1.4], this.right, -0.7), back, 0.5));
  }

  project(point) {
    const d = add(point, this.eye, -1), depth = dot(d, this.forward);
    return [
      this.width / 2 + (this.focus * dot(d, this.right)) / depth,
      this.height / 2 - (this.focus * dot(d, this.up)) / depth,
      1 / depth, depth,
    ];
  }

  draw(canvas, moment) {
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (canvas.width * canvas.height)));
    const width = Math.round(canvas.width * shrink), height = Math.round(canvas.height * shrink);
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.depths = new Float32Array(width * height);
      this.shadow = new Uint8Array(width * height);
      this.buffer = Object.assign(document.createElement("canvas"), { width, height });
    }
    this.aim(moment, width, height);
    this.dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const shapes = this.film.tracks.map((track) => [track, at(track, moment)]).filter(([, shape]) => shape);
    this.depths.fill(0);
    this.ground(shapes);
    for (const [track, shape] of shapes) this.body(track, shape);
    this.buffer.getContext("2d").putImageData(this.image, 0, 0);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.buffer, 0, 0, canvas.width, canvas.height);
  }

  // Floor and sky: the floor has lines at a round distance, fades into the distance, and lies in shadow below bodies.
  ground(shapes) {
    const { width, height, eye, forward, right, up, focus, pixels, shadow } = this, floor = this.film.view.camera.floor;
    const [near, far, sky, lines] = this.dark
      ? [[38, 44, 54], [27, 32, 40], [20, 24, 30], [58, 66, 79]]
      : [[241, 244, 248], [227, 233, 240], [248, 250, 252], [212, 219, 228]];
    const cell = round(0.3 * this.distance), below = floor !== null && eye[2] > floor;
    if (below) this.castShadows(shapes, floor);
    for (let y = 0, i = 0; y < height; y++) {
      const rise = (height / 2 - y - 0.5) / focus;
      for (let x = 0; x < width; x++, i++) {
        const side = (x + 0.5 - width / 2) / focus;
        const dz = forward[2] + side * right[2] + rise * up[2];
        if (!below || dz >= -1e-4) {
          pixels[i] = pack(blendColors(far, sky, Math.min(1, Math.max(0, 2.5 * dz))));
          continue;
        }
        const t = (floor - eye[2]) / dz;
        const u = eye[0] + t * (forward[0] + side * right[0] + rise * up[0]);
        const v = eye[1] + t * (forward[1] + side * right[1] + rise * up[1]);
        const fade = Math.min(1, (0.25 * t * this.zoom) / this.distance), wide = (0.9 * t) / focus / cell;
        const edge = (w) => Math.abs(w / cell - Math.round(w / cell)) < Math.max(0.006, wide);
        const base = blendColors(near, far, fade);
        const drawn = wide < 0.2 && (edge(u) || edge(v)) ? blendColors(base, lines, 1 - fade) : base;
        pixels[i] = pack(below && shadow[i] ? drawn.map((c) => c * 0.8) : drawn);
      }
    }
  }

  // Bodies along the light onto the floor.
  castShadows(shapes, floor) {
    this.shadow.fill(0);
    const { light } = this;
    for (const [track, shape] of shapes) {
      if (track.opacity < 1 || ["goal", "trace", "contact", "wall"].includes(track.role)) continue;
      const three = [];
      corners(track, shape, this.meshes, (point) => {
        const t = Math.max(0, (point[2] - floor) / light[2]);
        three.push(this.project(add(point, light, -t)));
        if (three.length === 3) {
          this.fill(three, (i) => { this.shadow[i] = 1; });
          three.length = 0;
        }
      });
    }
  }

  body(track, shape) {
    const base = channels(track.color), glows = ["trace", "contact", "goal"].includes(track.role);
    const screen = track.role === "goal" || track.opacity < 0.7; // every second pixel: transparency without sorting
    const { depths, pixels, light, width } = this;
    const three = [], shades = [];
    corners(track, shape, this.meshes, (point, normal) => {
      const corner = this.project(point);
      // lit from above and a little from the eye, whichever side of a surface is seen
      const facing = dot(normal, unit(add(this.eye, point, -1)));
      const lit = Math.max(0, dot(normal, light) * (track.kind === "mesh" && facing < 0 ? -1 : 1));
      three.push(corner);
      shades.push(glows ? 1 : 0.5 + 0.42 * lit + 0.14 * Math.abs(facing));
      if (three.length < 3) return;
      this.fill(three, (i, a, b, c, depth) => {
        if (depth <= depths[i] || (screen && ((i % width) + Math.floor(i / width)) % 2)) return;
        depths[i] = depth;
        const shade = a * shades[0] + b * shades[1] + c * shades[2];
        pixels[i] = pack([base[0] * shade, base[1] * shade, base[2] * shade]);
      });
      three.length = shades.length = 0;
    });
  }

  // Pixels of a triangle: `paint(index, shares of the three corners, inverse depth)`.
  fill([p, q, r], paint) {
    if (p[3] < NEAR || q[3] < NEAR || r[3] < NEAR) return;
    const area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    if (Math.abs(area) < 1e-9) return;
    const { width, height } = this;
    const left = Math.max(0, Math.floor(Math.min(p[0], q[0], r[0]))), top = Math.max(0, Math.floor(Math.min(p[1], q[1], r[1])));
    const end = Math.min(width - 1, Math.ceil(Math.max(p[0], q[0], r[0])));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(p[1], q[1], r[1])));
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= end; x++) {
        const u = x + 0.5, v = y + 0.5;
        const a = ((q[0] - u) * (r[1] - v) - (q[1] - v) * (r[0] - u)) / area;
        const b = ((r[0] - u) * (p[1] - v) - (r[1] - v) * (p[0] - u)) / area;
        const c = 1 - a - b;
        if (a < 0 || b < 0 || c < 0) continue;
        paint(y * width + x, a, b, c, a * p[2] + b * q[2] + c * r[2]);
      }
  }
}

const blendColors = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
const pack = ([r, g, b]) =>
  (0xff000000 | (Math.min(255, b) << 16) | (Math.min(255, g) << 8) | Math.min(255, r)) >>> 0;

