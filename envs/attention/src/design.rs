//! What can be designed about an attention circuit, as a [`DesignSpace`].

use super::cell::READ_BOUNDS_V;
use super::gain_cell::{GainCell, Technology};
use tandem_core::{DesignError, DesignSpace, Parameter, Scale};

/// The parameters, in the order of a design's values.
const NAMES: [&str; 12] = [
    "window",
    "columns",
    "query_bits",
    "stored_bits",
    "output_bits",
    "clock",
    "supply",
    "read_share",
    "score_saturation",
    "output_saturation",
    "capacitor",
    "technology",
];

/// The space around a circuit, which is its start; windows reach to the circuit's own.
///
/// # Errors
/// A circuit outside the bounds.
pub fn space(start: &GainCell) -> Result<DesignSpace, DesignError> {
    let rows: [(&str, [f64; 2], Scale); NAMES.len()] = [
        (
            "tokens",
            [4.0_f64.min(f64::from(start.window) - 1.0), f64::from(start.window)],
            Scale::Integer,
        ),
        ("log2 tokens", [2.0, 8.0], Scale::Integer),
        ("bit", [1.0, 6.0], Scale::Integer),
        ("bit", [1.0, 5.0], Scale::Integer),
        ("bit", [2.0, 7.0], Scale::Integer),
        ("Hz", [0.25e9, 2e9], Scale::Log),
        ("V", [0.63, 0.9], Scale::Linear),
        ("1", [0.7, 1.0], Scale::Linear),
        ("µA T_max", [5.0, 320.0], Scale::Log),
        ("µA T_max", [2.5, 160.0], Scale::Log),
        ("F", [1e-15, 30e-15], Scale::Log),
        ("1", [0.0, 1.0], Scale::Choice(vec!["silicon".into(), "oxide".into()])),
    ];
    let values = values(start);
    let parameter = |(i, (unit, [low, high], scale)): (usize, (&str, [f64; 2], Scale))| Parameter {
        scale,
        ..Parameter::linear(NAMES[i], unit, low, high, values[i])
    };
    DesignSpace::new(rows.into_iter().enumerate().map(parameter).collect())
}

/// The design of a circuit.
pub fn values(circuit: &GainCell) -> Vec<f64> {
    vec![
        f64::from(circuit.window),
        f64::from(circuit.columns).log2().round(),
        f64::from(circuit.query_bits),
        f64::from(circuit.stored_bits),
        f64::from(circuit.output_bits),
        circuit.clock_hz,
        circuit.supply_v,
        circuit.read_v / circuit.supply_v,
        circuit.score_saturation_ua,
        circuit.output_saturation_ua,
        circuit.capacitor_f,
        f64::from(u8::from(circuit.technology == Technology::Oxide)),
    ]
}

/// The circuit of a design; everything else as in `base`. It may be one that cannot be built ([`GainCell::check`]).
///
/// # Errors
/// A design outside its space.
pub fn circuit(space: &DesignSpace, design: &[f64], base: &GainCell) -> Result<GainCell, DesignError> {
    space.check(design)?;
    let whole = |i: usize| design[i].round() as u32;
    let read = (design[6] * design[7]).clamp(READ_BOUNDS_V[0], READ_BOUNDS_V[1]);
    Ok(GainCell {
        window: whole(0),
        columns: 1 << whole(1),
        query_bits: whole(2),
        stored_bits: whole(3),
        output_bits: whole(4),
        clock_hz: design[5],
        supply_v: design[6],
        read_v: read.min(design[6]),
        score_saturation_ua: design[8],
        output_saturation_ua: design[9],
        capacitor_f: design[10],
        technology: [Technology::Silicon, Technology::Oxide][usize::from(design[11] >= 0.5)],
        ..base.clone()
    })
}

/// The circuit nearest to `circuit` that can be built, where counters and capacitors are all that hinders: counters get no
/// more bits than a pulse has clocks, capacitors no more than a write can fill.
pub fn buildable(circuit: GainCell) -> GainCell {
    let largest = circuit.capacitor_f * circuit.process().write_s / circuit.settling_s();
    GainCell {
        output_bits: circuit.output_bits.min(circuit.query_bits + 1),
        capacitor_f: circuit.capacitor_f.min(largest),
        ..circuit
    }
}

/// A design near `design` whose circuit can be built: that of [`buildable`].
pub fn mend(space: &DesignSpace, design: &[f64], base: &GainCell) -> Vec<f64> {
    let mut mended = design.to_vec();
    if let Ok(circuit) = circuit(space, design, base).map(buildable) {
        mended[4] = f64::from(circuit.output_bits);
        mended[10] = circuit.capacitor_f.max(space.parameters[10].low);
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;

    #[test]
    fn the_start_is_the_circuit_itself() {
        for base in [
            GainCell::default(),
            GainCell {
                window: 128,
                columns: 16,
                ..GainCell::default()
            },
        ] {
            let space = space(&base).unwrap();
            assert_eq!(circuit(&space, &space.start(), &base).unwrap(), base);
        }
    }

    #[test]
    fn any_design_gives_a_circuit_or_a_reason() {
        let base = GainCell::default();
        let space = space(&base).unwrap();
        let mut stream = Stream::new(0, "designs", 0);
        let mut built = 0;
        for _ in 0..2000 {
            let circuit = circuit(&space, &space.sample(&mut stream), &base).unwrap();
            match circuit.check() {
                Ok(()) => {
                    built += 1;
                    let cost = crate::cost::cost(&circuit, &circuit.activity);
                    assert!(cost.energy_j.is_finite() && cost.energy_j > 0.0 && cost.seconds > 0.0);
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        assert!(built > 100 && built < 1900, "{built}");
    }

    #[test]
    fn a_mended_design_can_be_built_and_one_that_could_is_left_alone() {
        let base = GainCell::default();
        let space = space(&base).unwrap();
        let mut stream = Stream::new(1, "designs", 0);
        let built = |design: &[f64]| circuit(&space, design, &base).unwrap().check();
        for _ in 0..2000 {
            let design = space.sample(&mut stream);
            let mended = mend(&space, &design, &base);
            assert_eq!(built(&mended), Ok(()), "{design:?}");
            if built(&design).is_ok() {
                assert_eq!(mended, design);
            }
        }
    }
}
