//! Tasks of a layer: what each of them takes, and what it costs.

use super::energy::Prices;
use super::error::Trouble;
use super::interleave::{After, Pending, Sequence};
use super::needs::Needs;
use super::pass::Passes;
use super::products::Products;
use super::work::{Operand, Step, Sums, SumsAfter, Work};
use crate::cost::TileCost;
use crate::event::{Resources, Sharing};
use crate::gemm::{TooLarge, product, sum};
use crate::layer::{Layer, Op};
use crate::platform::{Arbitration, Platform};
use crate::task::{GraphError, Kind, NO_POOL, PoolId, ResourceId, Task, TaskGraph, TaskId};

/// Pools of an engine, in order: slots of its input, weight and output buffer.
const POOLS: usize = 3;

/// Adds tasks to a graph.
pub(super) struct Emitter<'a> {
    platform: &'a Platform,
    prices: Prices,
    sequence: Sequence,
    slots: u64,
    latency_ps: u64,
    layer: u32,
    /// The ends of the layers that produce this one's inputs.
    barrier: Vec<TaskId>,
    /// Whether this layer's inputs and outputs stay on the chip.
    keeps: [bool; 2],
    /// Which weights stay on the chip from layer to layer.
    weights: Option<usize>,
    needs: Needs,
}

impl<'a> Emitter<'a> {
    /// For at most so many of the platform's engines.
    pub fn new(platform: &'a Platform, passes: &Passes, engines: u16) -> Result<Self, GraphError> {
        let scheduled = passes.has("schedule");
        let engines = if scheduled {
            platform.engine.count.min(engines).max(1)
        } else {
            1
        };
        let double = platform.buffers.double && passes.has("double_buffer");
        Ok(Self {
            platform,
            prices: Prices::new(platform),
            sequence: Sequence::new(engines.into(), scheduled),
            slots: if double { 2 } else { 1 },
            latency_ps: platform.transfer_latency().ok_or(GraphError::TooLong)?,
            layer: 0,
            barrier: Vec::new(),
            keeps: [false; 2],
            weights: None,
            needs: Needs::default(),
        })
    }

    /// Slots of each buffer.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// Engines in use.
    pub fn engines(&self) -> usize {
        self.sequence.engines()
    }

    /// Whether the layer's inputs and outputs stay on the chip.
    pub fn keeps(&self) -> [bool; 2] {
        self.keeps
    }

    /// The DMA channels.
    fn dma(&self) -> ResourceId {
        self.platform.engine.count
    }

    /// What moves outputs to the input buffer.
    fn mover(&self) -> ResourceId {
        self.platform.engine.count + 1
    }

    pub fn begin_layer(&mut self, layer: u32, barrier: Vec<TaskId>, keeps: [bool; 2]) {
        (self.layer, self.barrier, self.keeps) = (layer, barrier, keeps);
        self.needs = Needs::default();
        self.sequence.begin_layer();
    }

    /// Begins the products of a layer with weights that stay on the chip, or with others; those that do are not loaded
    /// again by a layer with the same.
    pub fn begin_weights(&mut self, weights: Option<usize>) {
        if weights.is_none() || weights != self.weights {
            self.sequence.forget_weights();
        }
        self.weights = weights;
    }

    /// Adds what is still pending, and the end of the layer.
    pub fn end_layer(&mut self) -> Result<Needs, Trouble> {
        let end = self.task(Kind::Sync, 0, 0);
        let (end, tasks) = self.sequence.end_layer(end, &self.barrier)?;
        Ok(Needs {
            end,
            tasks,
            ..self.needs
        })
    }

    pub fn finish(self) -> (TaskGraph, Resources) {
        let platform = self.platform;
        let engines = usize::from(platform.engine.count);
        let mut lanes = vec![1; engines];
        lanes.extend([platform.dma.channels as u8, 1]);
        let rates = platform.rates();
        let resources = Resources {
            lanes,
            pools: vec![self.slots as u32; POOLS * engines],
            bandwidth: rates.shared(),
            channel: rates.channel,
            sharing: match platform.bus.arbitration {
                Arbitration::Fair => Sharing::Fair,
                Arbitration::Slots => Sharing::Slots(platform.dma.channels),
            },
            dispatch_ps: platform
                .picoseconds(platform.control.dispatch_cycles)
                .unwrap_or(u64::MAX),
        };
        (self.sequence.finish(), resources)
    }

    fn task(&self, kind: Kind, resource: ResourceId, fixed_ps: u64) -> Task {
        Task {
            fixed_ps,
            bytes: 0,
            macs: 0,
            layer: self.layer,
            resource,
            pool: NO_POOL,
            amount: 0,
            priority: 0,
            kind,
        }
    }

    fn pooled(engine: usize, pool: usize, task: Task) -> Task {
        Task {
            pool: (POOLS * engine + pool) as PoolId,
            amount: 1,
            ..task
        }
    }

    /// A transfer of words of so many bytes each.
    fn transfer(&mut self, kind: Kind, words: u64, word_bytes: u64) -> Result<Task, Trouble> {
        let bytes = product("bytes of a tile", &[words, word_bytes])?;
        let bytes = self.platform.in_bursts(bytes).ok_or(TooLarge {
            what: "bytes of a tile",
        })?;
        let total = match kind {
            Kind::Store => &mut self.needs.bytes_written,
            _ => &mut self.needs.bytes_read,
        };
        *total = sum("bytes", [*total, bytes])?;
        let energy = match kind {
            Kind::Store => self.prices.store(words, bytes),
            Kind::LoadSum => self.prices.load_sums(words, bytes),
            _ => self.prices.load(words, bytes, kind == Kind::LoadInput),
        };
        self.needs.energy.add(&energy);
        Ok(Task {
            bytes,
            ..self.task(kind, self.dma(), self.latency_ps)
        })
    }

    fn picoseconds(&self, cycles: u64) -> Result<u64, Trouble> {
        Ok(self.platform.picoseconds(cycles).ok_or(GraphError::TooLong)?)
    }

    /// One matrix product: its loads now, its computation and store when their turn comes.
    pub fn step(&mut self, products: &Products, step: &Step, cost: &TileCost) -> Result<(), Trouble> {
        let work = step.work(products, cost)?;
        self.computes(cost, step.groups);
        self.work(products, work)
    }

    /// Charges the energy of so many matrix products.
    pub(super) fn computes(&mut self, cost: &TileCost, times: u64) {
        self.needs.energy.add(&self.prices.products(cost, times));
    }

    /// One computation with its transfers.
    pub(super) fn work(&mut self, products: &Products, work: Work) -> Result<(), Trouble> {
        let engine = work.engine;
        let weights = self.load_weights(engine, products.learnt, &work.weights)?;
        let mut waits = vec![weights];
        match self.keeps[0] {
            true => waits.extend(&self.barrier),
            false => waits.push(self.load_inputs(engine, &work.inputs)?),
        }
        let mut compute = Task {
            macs: work.macs,
            ..self.task(Kind::Compute, engine as ResourceId, self.picoseconds(work.cycles)?)
        };
        let mut sums = None;
        let width = self.platform.number_format.sum_bytes();
        match work.begin {
            Sums::New => compute = Self::pooled(engine, 2, compute),
            Sums::AtHand => {}
            Sums::FromMemory => {
                let task = self.transfer(Kind::LoadSum, work.sums, width)?;
                sums = Some(Self::pooled(engine, 2, task));
            }
        }
        let after = match work.end {
            SumsAfter::Stay => After::Stay,
            SumsAfter::ToMemory => After::Leave(self.transfer(Kind::Store, work.sums, width)?),
            SumsAfter::Done(words) => After::Leave(self.leave(words)?),
        };
        let pending = Pending {
            waits,
            compute,
            after,
            spill: work.spill,
            sums,
        };
        Ok(self.sequence.push(engine, pending)?)
    }

    /// Finished outputs leave their buffer: for memory, or for the input buffer at a vector's pace.
    fn leave(&mut self, words: u64) -> Result<Task, Trouble> {
        if !self.keeps[1] {
            let bytes = self.platform.number_format.word_bytes();
            return self.transfer(Kind::Store, words, bytes);
        }
        self.needs.energy.add(&self.prices.keep(words));
        let cycles = words.div_ceil(self.platform.engine.vector_lanes);
        let fixed = self.picoseconds(cycles)?;
        Ok(self.task(Kind::Move, self.mover(), fixed))
    }

    fn load_weights(&mut self, engine: usize, learnt: bool, tile: &Operand) -> Result<TaskId, Trouble> {
        let stay = self.weights.is_some();
        let known = self.sequence.engine(engine).weights.iter();
        let known = known
            .rev()
            .find(|(place, words, _)| *place == tile.place && (*words == tile.words || !stay));
        if let Some(&(_, _, task)) = known {
            return Ok(task);
        }
        let word = self.platform.number_format.word_bytes();
        let task = self.transfer(Kind::LoadWeight, tile.words, word)?;
        let waits: &[TaskId] = match learnt && self.sequence.interleaved() {
            true => &[], // they depend on no layer, so they may come ahead of it
            false => &self.barrier,
        };
        let task = self.sequence.add(Self::pooled(engine, 1, task), waits)?;
        let slots = if stay { self.slots as usize } else { 1 };
        let weights = &mut self.sequence.engine(engine).weights;
        if weights.len() >= slots {
            weights.remove(0); // its slot is the next to be free
        }
        weights.push((tile.place, tile.words, task));
        Ok(task)
    }

    fn load_inputs(&mut self, engine: usize, tile: &Operand) -> Result<TaskId, Trouble> {
        if let Some((loaded, task)) = self.sequence.engine(engine).inputs
            && loaded == tile.place
        {
            return Ok(task);
        }
        let task = self.load_from(engine, tile.words)?;
        self.sequence.engine(engine).inputs = Some((tile.place, task));
        Ok(task)
    }

    /// Loads inputs that the layers before have produced.
    fn load_from(&mut self, engine: usize, words: u64) -> Result<TaskId, Trouble> {
        let bytes = self.platform.number_format.word_bytes();
        let task = self.transfer(Kind::LoadInput, words, bytes)?;
        let task = Self::pooled(engine, 0, task);
        Ok(self.sequence.add(task, &self.barrier)?)
    }

    /// A piece of a layer without products.
    pub fn piece(&mut self, piece: u64, inputs: u64, outputs: u64) -> Result<(), Trouble> {
        let engine = (piece % self.engines() as u64) as usize;
        let waits = match self.keeps[0] {
            true => self.barrier.clone(),
            false => vec![self.load_from(engine, inputs)?],
        };
        self.needs.energy.add(&self.prices.vector(inputs, outputs));
        let cycles = inputs.max(outputs).div_ceil(self.platform.engine.vector_lanes);
        let fixed = self.picoseconds(cycles)?;
        let compute = self.task(Kind::Compute, engine as ResourceId, fixed);
        let after = After::Leave(self.leave(outputs)?);
        let pending = Pending {
            waits,
            compute: Self::pooled(engine, 2, compute),
            after,
            spill: 0,
            sums: None,
        };
        Ok(self.sequence.push(engine, pending)?)
    }

    /// A function of so many results on their way out.
    pub fn fused(&mut self, values: u64) {
        self.needs.energy.add(&self.prices.fused(values));
    }

    /// A whole layer in one task.
    pub fn whole(&mut self, layer: &Layer, seconds: f64) -> Result<(), Trouble> {
        let picoseconds = 1e12 * seconds;
        if !(0.0..u64::MAX as f64).contains(&picoseconds) {
            return Err(GraphError::TooLong.into());
        }
        let word = self.platform.number_format.word_bytes();
        let parameters = match layer.op {
            Op::Embedding { .. } => 0, // its rows are its inputs
            _ => layer.parameters()?,
        };
        let read = sum("bytes", [layer.reads()?, parameters])?;
        let macs = layer.op.macs()?;
        self.needs.bytes_read = product("bytes", &[read, word])?;
        self.needs.bytes_written = product("bytes", &[layer.writes()?, word])?;
        let energy = self.prices.whole(macs, self.needs.bytes_read, self.needs.bytes_written);
        self.needs.energy.add(&energy);
        let task = Task {
            macs,
            ..self.task(Kind::Compute, 0, picoseconds.round() as u64)
        };
        self.sequence.add_last(task, &self.barrier)?;
        Ok(())
    }
}
