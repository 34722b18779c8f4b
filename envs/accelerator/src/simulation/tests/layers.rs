//! What layers leave each other: what is fused, what stays on the chip, and who waits for whom.

use super::*;

#[test]
fn what_is_fused_is_neither_written_nor_read() {
    let platform = preset("fpga");
    let network = zoo::named("resnet18").unwrap();
    let bytes = |passes: &[&str]| {
        let run = check(&platform, &network, &without(passes));
        (run.metrics.bytes, run.metrics.seconds)
    };
    let all = bytes(&[]);
    for pass in ["fold_bn", "fuse_activation", "fuse_pool"] {
        let less = bytes(&[pass]);
        assert!(less.0 > all.0 && less.1 > all.1, "{pass}: {less:?} {all:?}");
    }
}

#[test]
fn what_only_the_next_layer_reads_stays_on_the_chip_if_it_fits() {
    let relu = |side: u64| Op::activation(side * side * 16);
    let conv = |side: u64| Op::Conv(Conv::same(16, 16, [side, side], 3));
    let moved = |network: &Network| {
        let run = check(&preset("fpga"), network, &without(&["fuse_activation"]));
        let tasks = run.compiled.graph.tasks();
        let count = |layer: u32, kind: Kind| tasks.iter().filter(|t| t.layer == layer && t.kind == kind).count();
        (count(0, Kind::Store), count(0, Kind::Move), count(1, Kind::LoadInput))
    };
    // 64 x 64 x 16 bytes are half of the 256 KiB for inputs at most
    let (stores, moves, loads) = moved(&net(vec![conv(64), relu(64)]));
    assert!(stores == 0 && moves > 0 && loads == 0);
    let (stores, moves, loads) = moved(&net(vec![conv(128), relu(128)]));
    assert!(stores > 0 && moves == 0 && loads > 0);
    // somebody else reads it, too
    let mut twice = net(vec![conv(64), relu(64), relu(64)]);
    twice.layers[2].inputs = vec![0];
    let (stores, moves, loads) = moved(&twice);
    assert!(stores > 0 && moves == 0 && loads > 0);
}

#[test]
fn layers_wait_for_those_they_read_and_for_no_others() {
    let conv = || Op::Conv(Conv::same(64, 64, [28, 28], 3));
    let mut branches = net(vec![conv(), conv(), conv()]);
    branches.layers[2].inputs = vec![0]; // beside layer1, not behind it
    let mut platform = preset("fpga");
    platform.engine.count = 2;
    let run = check(&platform, &branches, &Options::default());
    let layers = &run.metrics.layers;
    let first_load = |layer: u32| {
        let tasks = run.compiled.graph.tasks().iter().enumerate();
        let own = tasks.filter(|(_, task)| task.layer == layer && task.kind == Kind::LoadInput);
        own.map(|(at, _)| run.schedule.starts[at]).min().unwrap()
    };
    assert!(first_load(1) >= layers[0].end_ps);
    assert!((layers[0].end_ps..layers[1].end_ps).contains(&first_load(2)));
}
