use super::layer::exact_sizes;
use super::*;
use crate::space::gradients::check_gradients;
use crate::zoo;

fn space() -> Gemmini {
    Gemmini::new(&zoo::named("resnet50").unwrap()).unwrap()
}

fn random_point(space: &Gemmini, stream: &mut Stream) -> Vec<f64> {
    let mut point = vec![0.0; space.dimensions()];
    let (hardware, _) = point.split_at_mut(HARDWARE);
    space.draw_hardware(stream, hardware);
    let hardware = hardware.to_vec();
    for layer in 0..space.layers() {
        let range = space.range(layer);
        space.draw_mapping(&hardware, layer, stream, &mut point[range]);
    }
    point
}

#[test]
fn a_point_costs_what_the_loop_nest_says() {
    let space = space();
    let mut stream = Stream::new(0, "gemmini", 0);
    for _ in 0..100 {
        let point = random_point(&space, &mut stream);
        let solution = space.solution(&point);
        let pairs = solution.mappings.iter();
        let pairs = pairs.map(|(work, mapping)| (&work.shape, mapping));
        let machine = Machine::smallest(pairs).unwrap();
        assert_eq!(machine, solution.machine);
        let (mut cycles, mut energy) = (0.0, 0.0);
        for (work, mapping) in &solution.mappings {
            let cost = machine.cost(&work.shape, mapping).unwrap();
            cycles += work.count as f64 * cost.cycles;
            energy += work.count as f64 * cost.energy_j;
        }
        assert_eq!(cycles, solution.cycles);
        let cost = space.cost(&point, &mut []);
        assert!((cost / (cycles * energy) - 1.0).abs() < 1e-12);
        assert!(cost > space.floor() && space.floor() > 0.0);
    }
}

#[test]
fn parts_of_layers_add_up_to_twice_the_root_of_the_cost_on_the_same_machine() {
    let space = space();
    let mut point = random_point(&space, &mut Stream::new(1, "gemmini", 0));
    space.settle(&mut point);
    let mut parts = vec![0.0; space.layers()];
    let cost = space.cost(&point, &mut parts);
    let sum: f64 = parts.iter().sum();
    assert!((sum / (2.0 * (1e12 * cost).sqrt()) - 1.0).abs() < 1e-9);
    point[2] -= 0.1;
    space.cost(&point, &mut parts);
    assert!(parts.iter().any(|part| part.is_infinite()), "one layer needs it all");
}

#[test]
fn what_is_drawn_and_what_greed_finds_fits() {
    let space = space();
    let mut stream = Stream::new(2, "gemmini", 0);
    let mut hardware = [0.0; HARDWARE];
    let mut mapping = [0.0; WIDTH];
    let (mut drawn, mut greedy) = (0.0, 0.0);
    for _ in 0..20 {
        space.draw_hardware(&mut stream, &mut hardware);
        for layer in 0..space.layers() {
            space.draw_mapping(&hardware, layer, &mut stream, &mut mapping);
            drawn += space.layer_cost(&hardware, layer, &mapping).ln();
            space.greedy_mapping(&hardware, layer, &mut mapping);
            greedy += space.layer_cost(&hardware, layer, &mapping).ln();
        }
    }
    assert!(drawn.is_finite() && greedy < drawn, "{greedy} {drawn}");
}

#[test]
fn the_relaxed_form_equals_the_exact_one_at_whole_factors() {
    let space = space();
    let mut stream = Stream::new(3, "gemmini", 0);
    let mut gradient = vec![0.0; space.dimensions()];
    for _ in 0..50 {
        let point = random_point(&space, &mut stream);
        let relaxed = space.relaxed(&point, &mut gradient).unwrap();
        let sizes = exact_sizes(&point);
        let (mut cycles, mut picojoules) = (0.0, 0.0);
        for (at, layer) in space.layers.iter().enumerate() {
            let counts = layer.counts(&point[space.range(at)]);
            cycles += layer.work.count as f64 * counts.cycles(&sizes);
            picojoules += layer.work.count as f64 * counts.picojoules(&sizes);
        }
        let exact = (1e-12 * cycles * picojoules).ln();
        assert!((relaxed - exact).abs() < 1e-3, "{relaxed} {exact}"); // blocks of DRAM
    }
}

#[test]
fn gradients_equal_finite_differences() {
    check_gradients(&space(), &mut Stream::new(4, "gemmini", 0));
}
