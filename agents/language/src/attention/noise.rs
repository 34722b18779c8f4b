//! Noise and mismatch of a chip on tensors, by the same rules as `tandem_attention::head`.
//!
//! All sequences of a batch meet the same chip and the same draws; the tokens of a sequence meet different ones.

use tandem_attention::GainCell;
use tandem_attention::cell::MIDDLE_V;
use tandem_core::Stream;
use tch::{Kind, Tensor};

/// Deviations of a chip, and the seed of its draws.
#[derive(Clone, Debug)]
pub(super) struct Chip {
    storage_v: f64,
    gain: f64,
    offset_ua: f64,
    /// In units of the longest pulse.
    jitter: f64,
    seed: u64,
}

/// What a layer of a chip meets in one call; every tensor has one sequence.
#[derive(Debug)]
pub(super) struct Draws {
    /// Added to written keys and values, V, `[1, heads, tokens, dimension]`.
    written: [Tensor; 2],
    /// Relative currents of the cells that hold them, the same size.
    pub gains: [Tensor; 2],
    /// Offsets of the first array's read-outs, µA, `[1, heads, 1, tokens]`.
    columns: Tensor,
    /// Offsets of the second array's, µA, `[sub-tiles, 1, heads, 1, dimension]`.
    rows: Tensor,
    /// Deviations of the pulses, `[1, heads, tokens, tokens]`.
    jitter: Tensor,
}

impl Chip {
    /// A chip of this circuit; `None` where the circuit has neither noise nor mismatch.
    pub fn new(circuit: &GainCell, seed: u64) -> Option<Self> {
        circuit.noise.any().then(|| Self {
            storage_v: circuit.storage_noise_v(),
            gain: circuit.noise.gain,
            offset_ua: circuit.noise.offset_ua,
            jitter: circuit.noise.jitter_s / circuit.longest_pulse_s(),
            seed,
        })
    }

    /// Draws for queries of this size, `[batch, heads, tokens, dimension]`, over a ring of so many slots and sub-tiles.
    pub fn draw(&self, layer: usize, size: &[i64], [slots, tiles]: [i64; 2], kind: Kind) -> Draws {
        let mut stream = Stream::new(self.seed, "attention/chip", layer as u64);
        let (heads, tokens, rows) = (size[1], size[2], size[3]);
        let mut normal = |size: &[i64], deviation: f64| {
            let mut values = vec![0f32; size.iter().product::<i64>() as usize];
            stream.fill_normal(&mut values);
            (Tensor::from_slice(&values).view(size) * deviation).to_kind(kind)
        };
        // token s lies in slot s mod slots: what belongs to a slot is repeated
        let places: Vec<i64> = (0..tokens).map(|s| s % slots).collect();
        let places = Tensor::from_slice(&places);
        let mut gains = || {
            let of_slots = normal(&[1, heads, slots, rows], self.gain) + 1.0;
            of_slots.index_select(2, &places)
        };
        let gains = [gains(), gains()];
        let columns = normal(&[1, heads, 1, slots], self.offset_ua).index_select(3, &places);
        let rows_of = normal(&[tiles, 1, heads, 1, rows], self.offset_ua);
        let cells = [1, heads, tokens, rows];
        Draws {
            gains,
            columns,
            rows: rows_of,
            written: [normal(&cells, self.storage_v), normal(&cells, self.storage_v)],
            jitter: normal(&[1, heads, tokens, tokens], self.jitter),
        }
    }
}

impl Draws {
    /// Voltages as written, V about the middle of the rail: keys are array 0, values array 1.
    pub fn write(&self, volts: &Tensor, array: usize) -> Tensor {
        (volts + &self.written[array]).clamp(-MIDDLE_V, MIDDLE_V)
    }

    /// Charges of the first array with the offsets of their read-outs.
    pub fn read(&self, scores: &Tensor) -> Tensor {
        scores + &self.columns
    }

    /// Pulses as they come out: absent ones stay absent.
    pub fn emit(&self, pulses: &Tensor) -> Tensor {
        let present = pulses.gt(0.0).to_kind(pulses.kind());
        (pulses + &self.jitter * present).clamp(0.0, 1.0)
    }

    /// Charges of a sub-tile of the second array with their offsets.
    pub fn count(&self, charge: &Tensor, tile: usize) -> Tensor {
        charge + self.rows.get(tile as i64)
    }
}
