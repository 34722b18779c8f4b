// Recorded episodes, as src/report/replay writes them.

const KINDS = ["capsule", "cuboid", "cylinder", "sphere", "ellipsoid", "mesh"];
// How many of a kind's numbers are lengths; an orientation (x, y, z, w) follows in some.
const LENGTHS = [7, 6, 5, 4, 6, 3];

// Rows of whole numbers from their differences: `count` rows as one Int32Array, row after row.
function rows(stream, count) {
  const text = atob(stream.data), width = stream.first.length;
  const out = new Int32Array(width * count);
  const now = Int32Array.from(stream.first);
  let at = 0;
  for (let row = 0; row < count; row++) {
    for (const i of row ? stream.moving : []) {
      let zigzag = 0, shift = 0, byte;
      do {
        byte = text.charCodeAt(at++);
        zigzag |= (byte & 127) << shift;
        shift += 7;
      } while (byte & 128);
      now[i] += (zigzag >>> 1) ^ -(zigzag & 1);
    }
    out.set(now, row * width);
  }
  return out;
}

// A track with its numbers, lengths in metres.
function openTrack(track, unit) {
  const count = track.there.reduce((sum, [from, to]) => sum + to - from, 0);
  return {
    ...track, unit, width: track.stream.first.length, lengths: LENGTHS[track.kind],
    values: rows(track.stream, count), kind: KINDS[track.kind],
  };
}

function openFilm(film) {
  const camera = film.view.camera;
  if (camera) camera.path = rows(camera.target, film.frames);
  return { ...film, tracks: film.tracks.map((track) => openTrack(track, film.unit)) };
}

// What a track is at a moment, which may lie between two stored ones: its numbers, or null where it is not there.
function at(track, moment) {
  const frame = Math.floor(moment), part = moment - frame;
  let before = 0;
  for (const [from, to] of track.there) {
    if (frame >= from && frame < to) {
      const row = before + frame - from;
      const next = frame + 1 < to ? row + 1 : row;
      return blend(track, row, next, part);
    }
    before += to - from;
  }
  return null;
}

function blend(track, row, next, part) {
  const { values, width, lengths, unit } = track;
  const out = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    const a = values[row * width + i], b = values[next * width + i];
    out[i] = (a + (b - a) * part) * (i < lengths ? unit : 1);
  }
  if (width > lengths) { // a unit quaternion again
    const size = Math.hypot(...out.subarray(lengths)) || 1;
    for (let i = lengths; i < width; i++) out[i] /= size;
  }
  return out;
}

// The point a camera looks at, at a moment.
function target(film, moment) {
  const frame = Math.floor(moment), next = Math.min(frame + 1, film.frames - 1), part = moment - frame;
  const path = film.view.camera.path;
  return [0, 1, 2].map((i) => {
    const a = path[3 * frame + i];
    return (a + (path[3 * next + i] - a) * part) * film.unit;
  });
}

// A vector turned by a unit quaternion.
function turn([x, y, z, w], [a, b, c]) {
  const u = 2 * (y * c - z * b), v = 2 * (z * a - x * c), t = 2 * (x * b - y * a);
  return [a + w * u + y * t - z * v, b + w * v + z * u - x * t, c + w * t + x * v - y * u];
}

// "#rrggbb" as three numbers.
const channels = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

