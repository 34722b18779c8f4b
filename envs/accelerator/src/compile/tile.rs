//! Tiles of a layer's matrix products that fit an engine's buffers, and the order in which they are visited.

use thiserror::Error;

use super::products::Products;
use crate::cost::CostModel;
use crate::gemm::{Gemm, TooLarge};
use crate::platform::Platform;
use crate::systolic::Dataflow;

/// Share of what overlap should hide that is charged all the same: among tilings that take equally long by the closed
/// form, those with fewer bytes and tasks are chosen (overlap is never perfect; the size of the share matters little).
const UNHIDDEN: f64 = 0.05;

/// The narrowest tile that is tried on a wider array: the side of a small array.
const NARROWEST: u64 = 16;

/// Sizes of a tile and the order of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Whole groups at a time; 1 where a group is cut itself.
    pub groups: u64,
    /// Sizes of a tile.
    pub gemm: Gemm,
    /// Which operand stays while tiles are visited.
    pub order: Order,
}

/// The order of tiles: which operand stays in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All sums of a tile of outputs, one after the other, rows of tiles outside.
    OutputsByRows,
    /// The same, columns of tiles outside.
    OutputsByColumns,
    /// A tile of weights meets all rows; partial sums go to memory and come back.
    WeightsStay,
    /// A tile of inputs meets all columns; partial sums go to memory and come back.
    InputsStay,
}

impl Order {
    const ALL: [Self; 4] = [
        Self::OutputsByRows,
        Self::OutputsByColumns,
        Self::WeightsStay,
        Self::InputsStay,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutputsByRows => "outputs-by-rows",
            Self::OutputsByColumns => "outputs-by-columns",
            Self::WeightsStay => "weights-stay",
            Self::InputsStay => "inputs-stay",
        }
    }

    /// The order that follows a dataflow.
    pub fn of(dataflow: Dataflow) -> Self {
        match dataflow {
            Dataflow::OutputStationary => Self::OutputsByRows,
            Dataflow::WeightStationary => Self::WeightsStay,
            Dataflow::InputStationary => Self::InputsStay,
        }
    }

    /// Whether partial sums leave the chip.
    pub fn spills(self) -> bool {
        matches!(self, Self::WeightsStay | Self::InputsStay)
    }

    /// The same order said more simply: where a tile's sums follow each other anyway, they need not leave the chip.
    fn simplified(self, [rows, cols, parts]: [u64; 3]) -> Self {
        match self {
            Self::WeightsStay if parts == 1 || rows == 1 => Self::OutputsByColumns,
            Self::InputsStay if parts == 1 || cols == 1 => Self::OutputsByRows,
            other => other,
        }
    }
}

/// A tile that fits no buffer, however small.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "layer `{layer}`: its {tensor} do not fit: the smallest tile needs {needs} bytes, `{buffer}` has {has} for a tile; \
     make it larger"
)]
pub struct DoesNotFit {
    /// The layer.
    pub layer: String,
    /// Inputs, weights or sums.
    pub tensor: &'static str,
    /// Bytes of the smallest tile.
    pub needs: u64,
    /// Path of the buffer's setting.
    pub buffer: &'static str,
    /// Bytes that it has for a tile.
    pub has: u64,
}

/// Bytes that the buffers have for a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub inputs: u64,
    pub weights: u64,
    pub sums: u64,
}

/// Everything that tiles depend on.
pub(super) struct Tiler<'a> {
    pub platform: &'a Platform,
    pub costs: &'a dyn CostModel,
    pub room: Room,
    /// Whether the inputs are on the chip already.
    pub inputs_kept: bool,
    /// Whether transfers and computation overlap.
    pub double: bool,
    /// Engines that are used.
    pub engines: u64,
    /// The only order to use, if it is not to be chosen.
    pub order: Option<Order>,
    /// Whether tiles narrower than the array are tried.
    pub narrow: bool,
    /// Tiles that the weights may be cut into, if they are to stay in their buffer.
    pub resident: Option<u64>,
}

impl Tiler<'_> {
    /// The tiles that take the least time by a closed form.
    pub fn best(&self, products: &Products) -> Result<Option<Tiling>, TooLarge> {
        let mut best: Option<(f64, Tiling)> = None;
        let mut consider = |tiling: Tiling, time: f64| {
            if best.is_none_or(|(least, _)| time < least) {
                best = Some((time, tiling));
            }
        };
        for gemm in self.cuts(products) {
            self.try_orders(products, 1, gemm, &mut consider)?;
        }
        if products.groups > 1 {
            let mut groups = self.whole_groups(products);
            while groups > 1 {
                self.try_orders(products, groups, products.gemm, &mut consider)?;
                groups /= 2;
            }
        }
        Ok(best.map(|(_, tiling)| tiling))
    }

    /// One fold of the array at a time: what a compiler without tiling does.
    pub fn smallest(&self, products: &Products) -> Option<Tiling> {
        let [rows, cols] = self.platform.engine.model.shape();
        let (n, k) = (products.gemm.n.min(cols), products.gemm.k.min(rows));
        let gemm = self.with_rows(products, n, k)?;
        let order = self.order.unwrap_or(Order::OutputsByRows);
        let order = order.simplified(counts(products, gemm));
        Some(Tiling { groups: 1, gemm, order })
    }

    /// Why not even the smallest tile fits.
    pub fn explain(&self, layer: &str, products: &Products) -> DoesNotFit {
        let narrowest = if self.narrow { NARROWEST } else { u64::MAX };
        let [rows, cols] = self.platform.engine.model.shape().map(|side| side.min(narrowest));
        let (n, k) = (products.gemm.n.min(cols), products.gemm.k.min(rows));
        let word = self.platform.number_format.word_bytes();
        let sum = self.platform.number_format.sum_bytes();
        let parts = [
            (
                "weights",
                products.weight_words(1, k, n) * word,
                "buffers.weight_kib",
                self.room.weights,
            ),
            (
                "inputs",
                products.input_words(1, 1, k) * word,
                "buffers.input_kib",
                self.room.inputs,
            ),
            ("partial sums", n * sum, "buffers.output_kib", self.room.sums),
        ];
        let worst = parts.iter().find(|(_, needs, _, has)| needs > has);
        let &(tensor, needs, buffer, has) = worst.unwrap_or(&parts[0]);
        DoesNotFit {
            layer: layer.to_owned(),
            tensor,
            needs,
            buffer,
            has,
        }
    }

    /// Cuts of a product that fit.
    fn cuts(&self, products: &Products) -> Vec<Gemm> {
        let [rows, cols] = self.platform.engine.model.shape();
        let mut cuts = Vec::new();
        for n in self.steps(cols, products.gemm.n) {
            for k in self.steps(rows, products.gemm.k) {
                let Some(largest) = self.with_rows(products, n, k) else {
                    continue;
                };
                for smaller in [1, 2, 4, 8] {
                    let count = products.gemm.m.div_ceil(largest.m).saturating_mul(smaller);
                    let m = products.gemm.m.div_ceil(count); // all tiles nearly alike
                    if cuts
                        .last()
                        .is_none_or(|last: &Gemm| last.m != m || (last.n, last.k) != (n, k))
                    {
                        cuts.push(Gemm { m, n, k });
                    }
                }
            }
        }
        cuts
    }

    /// Sizes to try: the array's side times powers of two, these made even where they leave a rest, and the whole; also
    /// what a smaller array would have, since fewer columns leave room for more rows of sums.
    fn steps(&self, side: u64, whole: u64) -> Vec<u64> {
        let doubled = |first: u64| std::iter::successors(Some(first), |size| size.checked_mul(2));
        let smaller = |first: u64| doubled(first).take_while(|&size| size < whole);
        let even = smaller(side).map(|size| whole.div_ceil(whole.div_ceil(size)));
        let mut sizes: Vec<u64> = smaller(side).chain(even).chain([whole]).collect();
        if self.narrow && side > NARROWEST {
            sizes.extend(smaller(NARROWEST));
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// As many rows as fit beside these columns and sums.
    fn with_rows(&self, products: &Products, n: u64, k: u64) -> Option<Gemm> {
        let word = self.platform.number_format.word_bytes();
        let fits = |m: u64| {
            let inputs = products.input_words(1, m, k).saturating_mul(word);
            self.inputs_kept || inputs <= self.room.inputs
        };
        if products.weight_words(1, k, n).saturating_mul(word) > self.room.weights || !fits(1) {
            return None;
        }
        let sums = self.room.sums / n.saturating_mul(self.platform.number_format.sum_bytes());
        let (mut low, mut high) = (1, products.gemm.m.min(sums));
        if high == 0 {
            return None;
        }
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match fits(middle) {
                true => low = middle,
                false => high = middle - 1,
            }
        }
        Some(Gemm { m: low, n, k })
    }

    /// How many whole groups fit.
    fn whole_groups(&self, products: &Products) -> u64 {
        let Gemm { m, n, k } = products.gemm;
        let word = self.platform.number_format.word_bytes();
        let sum = self.platform.number_format.sum_bytes();
        let count = |room: u64, words: u64, bytes: u64| room / words.saturating_mul(bytes).max(1);
        let inputs = match self.inputs_kept {
            true => u64::MAX,
            false => count(self.room.inputs, products.input_words(1, m, k), word),
        };
        products
            .groups
            .min(inputs)
            .min(count(self.room.weights, products.weight_words(1, k, n), word))
            .min(count(self.room.sums, m.saturating_mul(n), sum))
    }

    fn try_orders(
        &self,
        products: &Products,
        groups: u64,
        gemm: Gemm,
        consider: &mut impl FnMut(Tiling, f64),
    ) -> Result<(), TooLarge> {
        let counts = counts(products, gemm);
        if self
            .resident
            .is_some_and(|most| counts[1].saturating_mul(counts[2]) > most)
        {
            return Ok(());
        }
        let cycles = self.cycles(products, gemm)?;
        for order in Order::ALL {
            let order = self.order.unwrap_or(order).simplified(counts);
            let tiling = Tiling { groups, gemm, order };
            consider(tiling, self.seconds(products, &tiling, cycles));
            if self.order.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Cycles of all tiles of all groups: most are alike, those at the ends may be smaller.
    fn cycles(&self, products: &Products, tile: Gemm) -> Result<f64, TooLarge> {
        let ends = |whole: u64, size: u64| {
            [
                (whole / size, size),
                (u64::from(!whole.is_multiple_of(size)), whole % size),
            ]
        };
        let mut cycles = 0.0;
        for (rows, m) in ends(products.gemm.m, tile.m) {
            for (cols, n) in ends(products.gemm.n, tile.n) {
                for (parts, k) in ends(products.gemm.k, tile.k) {
                    if rows > 0 && cols > 0 && parts > 0 {
                        let cost = self.costs.tile(&Gemm { m, n, k })?;
                        cycles += rows as f64 * cols as f64 * parts as f64 * cost.cycles as f64;
                    }
                }
            }
        }
        Ok(cycles * products.groups as f64)
    }

    /// Time by a closed form: the longest of computation, traffic and dispatch, and what nothing hides: the first
    /// load and the last store.
    fn seconds(&self, products: &Products, tiling: &Tiling, cycles: f64) -> f64 {
        let platform = self.platform;
        let [rows, cols, parts] = counts(products, tiling.gemm).map(|count| count as f64);
        let passes = products.groups.div_ceil(tiling.groups) as f64;
        let word = platform.number_format.word_bytes() as f64;
        let sum = platform.number_format.sum_bytes() as f64;
        let Gemm { m, n, k } = tiling.gemm;
        let in_tile = match self.inputs_kept {
            true => 0.0,
            false => products.input_words(tiling.groups, m, k) as f64 * word,
        };
        let weight_tile = products.weight_words(tiling.groups, k, n) as f64 * word;
        let out_tile = products.output_words(tiling.groups, m, n) as f64 * word;
        let sum_tile = tiling.groups as f64 * (m * n) as f64 * sum;
        // engines take tiles in turn, and each loads what it needs
        let engines = (self.engines as f64).min(passes * rows * cols);
        let (in_loads, weight_loads, spills) = loads(tiling.order, [rows, cols, parts], engines);
        let bytes = in_loads * in_tile + weight_loads * weight_tile + 2.0 * spills * sum_tile + rows * cols * out_tile;
        let in_loads = if self.inputs_kept { 0.0 } else { in_loads };
        let transfers = passes * (in_loads + weight_loads + 2.0 * spills + rows * cols);
        let computes = passes * rows * cols * parts;
        let channels = f64::from(platform.dma.channels);
        let rate = (platform.rates().shared() as f64).min(channels * platform.transfer_rate() as f64);
        let latency = 1e-12 * platform.transfer_latency().unwrap_or(u64::MAX) as f64;
        let hertz = 1e6 * platform.clock_mhz;
        let tiles = passes * rows * cols;
        let compute = cycles / hertz * (tiles / engines).ceil() / tiles;
        let traffic = passes * bytes / rate + transfers * latency / channels;
        let dispatch = (transfers + computes) * platform.control.dispatch_cycles as f64 / hertz;
        if !self.double {
            return compute + traffic + dispatch;
        }
        let exposed = (in_tile + weight_tile + out_tile) / rate + 2.0 * latency;
        let longest = compute.max(traffic).max(dispatch);
        let hidden = compute + traffic + dispatch - longest;
        longest + exposed + UNHIDDEN * hidden
    }
}

/// Tiles along rows, columns and sums.
pub(super) fn counts(products: &Products, tile: Gemm) -> [u64; 3] {
    let whole = products.gemm;
    [
        whole.m.div_ceil(tile.m),
        whole.n.div_ceil(tile.n),
        whole.k.div_ceil(tile.k),
    ]
}

/// How often tiles of inputs and of weights are loaded, and partial sums brought out and back.
fn loads(order: Order, [rows, cols, parts]: [f64; 3], engines: f64) -> (f64, f64, f64) {
    let all = rows * cols * parts;
    // an operand is loaded again at every step, unless it is the one of the engine's step before
    let same_as_before = |others: f64| {
        if parts == 1.0 {
            all / others * engines.min(others)
        } else {
            all
        }
    };
    match order {
        Order::OutputsByRows => {
            let one = cols * parts == 1.0;
            (same_as_before(cols), if one { engines.min(rows) } else { all }, 0.0)
        }
        Order::OutputsByColumns => {
            let one = rows * parts == 1.0;
            (if one { engines.min(cols) } else { all }, same_as_before(rows), 0.0)
        }
        Order::WeightsStay => (all, cols * parts * engines.min(rows), rows * cols * (parts - 1.0)),
        Order::InputsStay => (rows * parts * engines.min(cols), all, rows * cols * (parts - 1.0)),
    }
}
