mod growth;
mod layers;
mod mappings;
mod trace;

use super::*;
use crate::compile::PASSES;
use crate::conv::Conv;
use crate::layer::{Layer, Op};
use crate::platform::{EngineModel, PLATFORMS};
use crate::systolic::Dataflow;
use crate::task::Kind;
use crate::zoo;
use tandem_core::Stream;

fn preset(name: &str) -> Platform {
    Platform::preset(name).unwrap()
}

fn net(ops: Vec<Op>) -> Network {
    let layer = |(at, op): (usize, Op)| {
        let before = at.checked_sub(1).into_iter().collect();
        Layer::new(format!("layer{at}"), op, before)
    };
    Network {
        name: "net".into(),
        layers: ops.into_iter().enumerate().map(layer).collect(),
        ..Network::default()
    }
}

fn without(passes: &[&str]) -> Options {
    Options {
        passes: Passes::without(passes).unwrap(),
        ..Options::default()
    }
}

/// What holds for every run.
fn check(platform: &Platform, network: &Network, options: &Options) -> Simulation {
    let run = simulate(platform, network, options).unwrap();
    let metrics = &run.metrics;
    let name = format!("{} on {}", network.name, platform.name);
    assert_eq!(metrics.macs, network.macs().unwrap(), "{name}");
    let tasks = run.compiled.graph.tasks();
    assert_eq!(tasks.iter().map(|task| task.macs).sum::<u64>(), metrics.macs);
    let moved: u64 = tasks.iter().map(|task| task.bytes).sum();
    assert_eq!(moved, metrics.bytes, "{name}");
    // partial sums come back from where they were stored: after a store of the same layer, as many bytes
    for (at, task) in tasks.iter().enumerate().filter(|(_, task)| task.kind == Kind::LoadSum) {
        let [store] = run.compiled.graph.predecessors(at) else {
            panic!("{name}: sums of task {at} come from nowhere");
        };
        let store = &tasks[*store as usize];
        assert_eq!(
            (store.kind, store.layer, store.bytes),
            (Kind::Store, task.layer, task.bytes)
        );
    }
    let times = metrics.layers.iter().map(|layer| layer.picoseconds);
    assert_eq!(times.sum::<u64>(), metrics.picoseconds, "{name}");
    let cycles = metrics.layers.iter().map(|layer| layer.cycles);
    assert_eq!(cycles.sum::<u64>(), metrics.cycles, "{name}");
    assert!((0.0..=1.0).contains(&metrics.utilisation), "{name}");
    let busy = metrics.busy;
    for share in [busy.engines, busy.channels, busy.bandwidth, busy.control] {
        assert!((0.0..=1.0 + 1e-6).contains(&share), "{name}: {busy:?}");
    }
    assert!(metrics.energy_j > 0.0 && metrics.energy_j.is_finite());
    run
}

#[test]
fn every_network_runs_on_every_platform_within_its_bounds() {
    for preset in &PLATFORMS {
        let platform = Platform::preset(preset.name).unwrap();
        for name in ["vgg16", "resnet18", "mobilenetv2", "unet", "gpt2-block", "bert"] {
            let network = zoo::named(name).unwrap();
            let run = check(&platform, &network, &Options::default());
            // what is learnt comes from memory at least once
            let weights = network.layers.iter().map(|layer| match layer.op.gemm() {
                Ok(Some((groups, gemm))) if !matches!(layer.op, Op::MatMul { .. }) => groups * gemm.k * gemm.n,
                _ => 0,
            });
            let bytes = weights.sum::<u64>() * platform.number_format.word_bytes();
            let loaded = run
                .compiled
                .graph
                .tasks()
                .iter()
                .filter(|task| task.kind == Kind::LoadWeight);
            assert!(loaded.map(|task| task.bytes).sum::<u64>() >= bytes, "{name}");
        }
    }
}

#[test]
fn random_convolutions_run_on_random_platforms_with_any_passes() {
    let mut stream = Stream::new(0, "platforms", 0);
    let names = ["tile", "place", "double_buffer", "schedule"];
    for _ in 0..150 {
        let mut draw = |low: u64, high: u64| low + stream.below((high - low + 1) as usize) as u64;
        let mut platform = preset("fpga");
        platform.engine.count = draw(1, 3) as u16;
        platform.engine.model = EngineModel::Systolic {
            rows: draw(2, 16),
            cols: draw(2, 16),
            dataflow: Dataflow::ALL[draw(0, 2) as usize],
            pipelined_folds: draw(0, 1) == 1,
        };
        platform.buffers.input_kib = draw(1, 8);
        platform.buffers.weight_kib = draw(1, 8);
        platform.buffers.output_kib = draw(1, 8);
        platform.dma.channels = draw(1, 3) as u16;
        platform.control.dispatch_cycles = draw(0, 1) * 50;
        let conv = |channels: u64, filters: u64, side: u64, kernel: u64| {
            Op::Conv(Conv::same(channels, filters, [side, side], kernel))
        };
        let (side, middle) = (draw(3, 14), draw(1, 40));
        let network = net(vec![
            conv(draw(1, 40), middle, side, 3),
            Op::activation(side * side * middle),
            conv(middle, draw(1, 40), side, 1),
        ]);
        let off: Vec<&str> = names.into_iter().filter(|_| draw(0, 1) == 1).collect();
        check(&platform, &network, &without(&off));
    }
}

#[test]
fn with_endless_bandwidth_only_computation_remains() {
    let mut platform = preset("fpga");
    platform.memory.bandwidth_gb_per_s = 1e9;
    platform.memory.latency_ns = 0.0;
    platform.bus.width_bits = 1 << 20;
    platform.bus.clock_mhz = 1e5;
    platform.dma.setup_cycles = 0;
    platform.control.dispatch_cycles = 0;
    let network = net(vec![Op::Conv(Conv::same(64, 128, [56, 56], 3))]);
    let run = check(&platform, &network, &Options::default());
    let busy = run.metrics.layers[0].engine_ps;
    let idle = run.metrics.picoseconds - busy;
    assert!(idle < busy / 1000, "idle {idle} of {busy} ps");
}

#[test]
fn without_double_buffers_loads_and_computations_take_turns() {
    let platform = preset("fpga");
    let network = net(vec![Op::Conv(Conv::same(64, 128, [56, 56], 3))]);
    let double = evaluate(&platform, &network, &Options::default()).unwrap();
    let single = evaluate(&platform, &network, &without(&["double_buffer"])).unwrap();
    let mut other = platform;
    other.buffers.double = false;
    let same = evaluate(&other, &network, &Options::default()).unwrap();
    assert!(single.picoseconds > double.picoseconds);
    assert_eq!(single.picoseconds, same.picoseconds);
}

#[test]
fn each_pass_buys_something() {
    let platform = preset("fpga");
    let network = zoo::named("resnet18").unwrap();
    let all = evaluate(&platform, &network, &Options::default()).unwrap();
    let off = |pass: &str| evaluate(&platform, &network, &without(&[pass])).unwrap();
    for pass in PASSES.map(|pass| pass.name) {
        let less = off(pass).picoseconds as f64 / all.picoseconds as f64;
        assert!(less > 1.02, "{pass}: {less}");
    }
    assert!(off("place").bytes > all.bytes);
}

#[test]
fn weight_stationary_computes_less_and_takes_longer_on_a_narrow_memory() {
    // SCALE-Sim v3's observation on six layers of ResNet-18: without memory WS is faster than OS, with it slower,
    // because partial sums travel. It needs a compiler that follows the dataflow.
    let mut network = zoo::named("resnet18").unwrap();
    network.layers.retain(|layer| matches!(layer.op, Op::Conv(_)));
    network.layers.truncate(6);
    for (at, layer) in network.layers.iter_mut().enumerate() {
        layer.inputs = at.checked_sub(1).into_iter().collect();
    }
    let run = |dataflow, options: &Options| {
        let mut platform = preset("gemmini");
        platform.engine.model = EngineModel::Systolic {
            rows: 32,
            cols: 32,
            dataflow,
            pipelined_folds: false,
        };
        platform.buffers.input_kib = 512;
        platform.buffers.weight_kib = 8;
        platform.buffers.output_kib = 1024;
        platform.memory.bandwidth_gb_per_s = 4.0;
        let metrics = evaluate(&platform, &network, options).unwrap();
        let computing: u64 = metrics.layers.iter().map(|layer| layer.engine_ps).sum();
        (computing as f64, metrics.picoseconds as f64)
    };
    let naive = without(&["schedule"]);
    let ws = run(Dataflow::WeightStationary, &naive);
    let os = run(Dataflow::OutputStationary, &naive);
    let free = Options::default();
    let ws_free = run(Dataflow::WeightStationary, &free);
    assert!(ws.0 < os.0, "compute: {} of {}", ws.0, os.0);
    assert!(ws.1 > os.1, "in all: {} of {}", ws.1, os.1);
    // a compiler that chooses the order of tiles repairs it
    assert!(ws_free.1 < ws.1);
}

#[test]
fn two_engines_share_a_layer() {
    let mut platform = preset("fpga");
    platform.bus.width_bits = 4096;
    platform.memory.bandwidth_gb_per_s = 100.0;
    platform.dma.outstanding = 64;
    platform.control.dispatch_cycles = 0;
    let network = net(vec![Op::Conv(Conv::same(256, 256, [56, 56], 3))]);
    let one = check(&platform, &network, &Options::default()).metrics;
    platform.engine.count = 2;
    let two = check(&platform, &network, &Options::default()).metrics;
    let faster = one.seconds / two.seconds;
    assert!((1.7..=2.1).contains(&faster), "{faster}");
    assert!(two.area.engines > one.area.engines);
}

#[test]
fn what_does_not_fit_is_named_with_its_buffer() {
    let mut platform = preset("tpu");
    platform.buffers.weight_kib = 64;
    let network = net(vec![Op::Conv(Conv::same(512, 512, [14, 14], 3))]);
    // tiles that are narrower than the array fit
    assert!(evaluate(&platform, &network, &Options::default()).is_ok());
    let error = evaluate(&platform, &network, &without(&["schedule"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer `layer0`: its weights do not fit: the smallest tile needs 65536 bytes, `buffers.weight_kib` has 32768 \
         for a tile; make it larger"
    );
}

#[test]
fn layers_beyond_all_bounds_are_errors() {
    let linear = |rows, inputs| Op::Linear {
        rows,
        inputs,
        outputs: 4096,
        bias: true,
    };
    let platform = preset("fpga");
    for (op, word) in [
        (linear(u64::MAX, 4096), "64 bits"),
        (linear(1 << 40, 1 << 10), "more than 10000000 tasks"),
    ] {
        let error = evaluate(&platform, &net(vec![op]), &Options::default()).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    let mut bad = platform;
    bad.dma.channels = 0;
    let error = evaluate(&bad, &net(Vec::new()), &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "dma.channels: must be a whole number from 1 to 64, not 0"
    );
}

#[test]
fn an_empty_network_takes_no_time() {
    let metrics = evaluate(&preset("fpga"), &net(Vec::new()), &Options::default()).unwrap();
    assert_eq!((metrics.picoseconds, metrics.energy_j), (0, 0.0));
    let nothing = Op::activation(0);
    assert!(evaluate(&preset("fpga"), &net(vec![nothing]), &Options::default()).is_ok());
}

#[test]
fn exceeded_limits_are_reported_with_their_amount() {
    let network = zoo::named("resnet18").unwrap();
    let options = Options {
        limits: Limits {
            area_mm2: Some(1.0),
            power_w: Some(1e3),
        },
        ..Options::default()
    };
    let metrics = evaluate(&preset("fpga"), &network, &options).unwrap();
    assert!(!metrics.feasible());
    assert_eq!(metrics.violations.len(), 1);
    let violation = metrics.violations[0];
    assert_eq!((violation.constraint, violation.limit), ("area_mm2", 1.0));
    assert_eq!(violation.value, metrics.area_mm2);
}

#[test]
fn whoever_knows_whole_layers_gives_their_times() {
    struct Fixed;
    impl CostModel for Fixed {
        fn tile(&self, _: &crate::Gemm) -> Result<crate::cost::TileCost, TooLarge> {
            unreachable!("no layer is tiled")
        }
        fn layer(&self, layer: &Layer) -> Option<f64> {
            Some(if layer.op.name() == "conv" { 2e-3 } else { 1e-3 })
        }
    }
    let mut platform = preset("cpu");
    platform.control.dispatch_cycles = 3000; // 1 us
    let network = net(vec![Op::Conv(Conv::same(8, 8, [8, 8], 3)), Op::activation(512)]);
    let watch = |_| ControlFlow::Continue(());
    let options = without(&["fuse_activation"]);
    let run = simulate_with(&platform, &network, &options, &Fixed, watch).unwrap();
    assert!((run.metrics.seconds - 3.002e-3).abs() < 1e-9, "{}", run.metrics.seconds);
}

#[test]
fn energy_is_the_sum_of_its_accesses() {
    // 16 x 16 times 16 x 16 in one fold of Gemmini's array at its nominal clock
    let network = net(vec![Op::Linear {
        rows: 16,
        inputs: 16,
        outputs: 16,
        bias: false,
    }]);
    let metrics = evaluate(&preset("gemmini"), &network, &Options::default()).unwrap();
    let picojoules = |joules: f64| 1e12 * joules;
    let close = |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 1e-9, "{value} {expected}");
    close(picojoules(metrics.energy.compute), 4096.0 * (0.5608 + 0.4875));
    // every operand is written to its buffer and read once; sums are written by the array and read for the store
    let scratchpad = 0.49 + 0.02513 * 128.0;
    let accumulator = 1.94 + 0.1005 * 64.0 / 16.0;
    close(
        picojoules(metrics.energy.buffers),
        4.0 * 256.0 * scratchpad + 2.0 * 256.0 * accumulator,
    );
    close(picojoules(metrics.energy.memory), 3.0 * 256.0 * 100.0);
    close(metrics.energy.leakage, 0.0124 * metrics.area_mm2 * metrics.seconds);
    close(metrics.energy_j, metrics.power_w * metrics.seconds);
}
