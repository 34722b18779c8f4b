//! Layers with given mappings.

use super::*;
use crate::compile::{LayerMapping, Mappings};
use crate::loopnest::{Accesses, Machine, Mapping};
use crate::space::split::{Splitter, WIDTH};
use crate::space::workload::workload;

const SIDE: u64 = 8;

/// A nest engine whose transfers are exact, with room for any tile.
fn nest() -> Platform {
    let mut platform = preset("gemmini");
    platform.engine.model = EngineModel::LoopNest { side: SIDE };
    platform.dma.burst_bytes = 1;
    platform.buffers.input_kib = 1 << 14;
    platform.buffers.weight_kib = 1 << 14;
    platform.buffers.output_kib = 1 << 14;
    platform
}

fn one_layer(conv: Conv, mapping: Mapping) -> (Network, Options, LayerMapping) {
    let network = net(vec![Op::Conv(conv)]);
    let shape = workload(&network).unwrap()[0].shape;
    let given = LayerMapping { shape, mapping };
    let options = Options {
        mappings: Mappings::from([("layer0".into(), given.clone())]),
        ..Options::default()
    };
    (network, options, given)
}

/// Ten outputs of a kernel of 3 over 8 channels into 4.
fn line() -> Conv {
    Conv {
        kernel: [1, 3],
        padding: [[0; 2]; 2],
        ..Conv::same(8, 4, [1, 12], 3)
    }
}

#[test]
fn traffic_and_cycles_are_those_of_the_loop_nest() {
    for text in [
        "L3[WIO] N1 - L2[WI] K4 - L1[O] R3 C8 P10 - L0[W] N1", // all at once
        "L3[WIO] P10 - L2[WI] K4 - L1[O] R3 C8 - L0[W] N1",    // a sliding window
        "L3[WIO] K4 P5 - L2[WI] C2 - L1[O] R3 C4 P2 - L0[W] N1", // inputs again for each output channel
        "L3[WIO] K2 - L2[WI] P5 K2X - L1[O] R3 C2 P2 C4X - L0[W] N1", // outputs tile by tile
    ] {
        let (network, options, given) = one_layer(line(), Mapping::parse(text).unwrap());
        let run = check(&nest(), &network, &options);
        let accesses = Accesses::new(&given.shape, &given.mapping);
        assert_eq!(run.metrics.bytes as f64, accesses.dram, "{text}");
        let machine = Machine {
            side: SIDE,
            accumulator_kb: 0.0,
            scratchpad_kb: 0.0,
        };
        let cycles = machine.on_chip_cycles(&given.mapping, &accesses);
        let engine_ps = run.metrics.layers[0].engine_ps;
        assert_eq!(engine_ps as f64, 1000.0 * cycles, "{text}");
    }
}

#[test]
fn partial_sums_travel_in_their_full_width() {
    let text = "L3[WIO] C8 P10 - L2[WI] K4 - L1[O] R3 - L0[W] N1";
    let (network, options, _) = one_layer(line(), Mapping::parse(text).unwrap());
    let run = check(&nest(), &network, &options);
    // every output goes out 7 times and back in 7 times as a sum of 4 bytes, then out as one byte
    assert_eq!(run.metrics.bytes, 96 + 96 + 40 * (4 * 14 + 1));
}

#[test]
fn any_mapping_can_be_followed() {
    let mut stream = Stream::new(0, "mappings", 0);
    let mut genes = [0.0; WIDTH];
    for _ in 0..60 {
        let mut draw = |low: u64, high: u64| low + stream.below((high - low + 1) as usize) as u64;
        let conv = Conv {
            stride: [draw(1, 2), draw(1, 2)],
            batch: draw(1, 2),
            ..Conv::same(draw(1, 24), draw(1, 24), [draw(6, 12), draw(6, 12)], 3)
        };
        let shape = workload(&net(vec![Op::Conv(conv)])).unwrap()[0].shape;
        let splitter = Splitter::new(&shape);
        splitter.draw_published(&mut stream, &mut genes);
        if stream.unit() < 0.5 {
            splitter.draw(&mut stream, &mut genes);
        }
        let nest_of = splitter.whole(&genes);
        if nest_of.rows.max(nest_of.columns) > SIDE as f64 {
            continue;
        }
        let (network, options, given) = one_layer(conv, nest_of.mapping());
        let run = check(&nest(), &network, &options);
        // Timeloop gives up on some moves of the window, never the other way round; sums are up to 4 times as wide
        let dram = Accesses::new(&given.shape, &given.mapping).dram;
        let bytes = run.metrics.bytes as f64;
        assert!(bytes <= 4.0 * dram + 1.0, "{bytes} {dram}");
    }
}

#[test]
fn what_cannot_be_followed_is_named() {
    let text = "L3[WIO] P10 - L2[WI] K4 - L1[O] R3 C8 - L0[W] N1";
    let (network, options, _) = one_layer(line(), Mapping::parse(text).unwrap());
    let said = |platform: &Platform, network: &Network| {
        let error = evaluate(platform, network, &options).unwrap_err();
        error.to_string()
    };
    assert!(said(&preset("fpga"), &network).contains("loop-nest"));
    let other = net(vec![Op::Conv(Conv::same(8, 4, [12, 12], 3))]);
    assert!(said(&nest(), &other).contains("other loops"));
    let mut small = nest();
    small.buffers.double = false;
    small.buffers.input_kib = 1;
    let large = "L3[WIO] N1 - L2[WI] C512 - L1[O] K4 P10 R3 - L0[W] N1";
    let conv = Conv {
        channels: 512,
        ..line()
    };
    let (network, options, _) = one_layer(conv, Mapping::parse(large).unwrap());
    let error = evaluate(&small, &network, &options).unwrap_err();
    assert!(error.to_string().contains("buffers.input_kib"), "{error}");
}
