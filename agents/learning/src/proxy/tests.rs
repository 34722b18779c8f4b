//! The proxy against reach2d's kinematics.

use std::sync::Arc;

use tandem_physics::reach2d;

use super::*;
use crate::kernel::Scratch;
use crate::rollout::{EffectModel, EffectModels};
use crate::testing::median;

fn hardware() -> Arc<dyn Hardware> {
    let config = reach2d::Config {
        preset: Some("far".into()),
        ..reach2d::Config::default()
    };
    reach2d::make(&config).unwrap().hardware()
}

fn proxy(conditioned: bool, stream: &mut Stream) -> Proxy {
    let settings = ProxySettings {
        hidden: vec![32, 32],
        ..ProxySettings::default()
    };
    let sample = Pairs::sample(&*hardware(), 1000, DesignDraw::Uniform, stream);
    Proxy::new(&*hardware(), &settings, conditioned, &sample, stream)
}

#[test]
fn a_snapshot_predicts_what_the_network_predicts() {
    let mut stream = Stream::new(1, "proxy-test", 0);
    let logits = [0.5, -1.0, 2.0, 0.0, -3.0];
    for conditioned in [false, true] {
        let proxy = proxy(conditioned, &mut stream);
        let draw = DesignDraw::Fixed(&logits);
        let pairs = Pairs::sample(&*hardware(), 100, draw, &mut stream);
        let z = matrix(&pairs.logits, 1);
        let predicted = proxy.forward(&matrix(&pairs.features, pairs.rows), Some(&z));
        // once made for the design, and once for all designs and asked at this one
        let mut snapshots: Vec<Arc<dyn EffectModel>> = vec![proxy.snapshot(&logits)];
        let all = proxy.snapshots();
        assert_eq!(all.is_some(), conditioned);
        snapshots.extend(all.map(|all| all.at(&logits)));
        let (mut scratch, mut effect) = (Scratch::default(), vec![0.0; 10]);
        for (i, features) in pairs.features.chunks_exact(10).enumerate() {
            for snapshot in &snapshots {
                snapshot.predict(features, &mut scratch, &mut effect);
                for (j, e) in effect.iter().enumerate() {
                    let network = predicted.double_value(&[i as i64, j as i64]);
                    assert!((f64::from(*e) - network).abs() < 1e-4, "{e} {network}");
                }
            }
        }
    }
}

#[test]
fn one_step_on_the_fidelity_loss_lowers_the_gap() {
    // the published objective has the sign of a reward for distance: it must be a penalty
    let mut stream = Stream::new(2, "proxy-test", 0);
    for conditioned in [false, true] {
        let proxy = proxy(conditioned, &mut stream);
        let mut adam = Adam::new(proxy.parameters());
        let draw = DesignDraw::Fixed(&[0.0; 5]);
        let pairs = Pairs::sample(&*hardware(), 512, draw, &mut stream);
        let before = proxy.gap(&pairs);
        proxy.regress(&mut adam, &pairs, 1e-3);
        assert!(proxy.gap(&pairs).rmse < before.rmse);
    }
}

/// A proxy fitted from this seed, with the distance that is left.
fn fitted(seed: u64) -> (Proxy, f64) {
    let mut stream = Stream::new(seed, "proxy-test", 0);
    let settings = ProxySettings {
        hidden: vec![32, 32],
        tolerance: 0.05,
        steps: Some(1000),
        ..ProxySettings::default()
    };
    let proxy = proxy(true, &mut stream);
    let mut adam = Adam::new(proxy.parameters());
    let (draw, go_on) = (DesignDraw::Uniform, || false);
    let (gap, _) = proxy.fit(&mut adam, &*hardware(), &settings, draw, &mut stream, &go_on);
    (proxy, gap.rmse)
}

/// Measured: 0.040 to 0.042, where the fit ends early.
#[test]
fn the_fit_reaches_its_tolerance() {
    let gaps: Vec<f64> = (3..6).map(|seed| fitted(seed).1).collect();
    assert!(median(gaps.iter().copied()) < 0.05, "{gaps:?}");
}

#[test]
fn a_fitted_proxy_survives_the_archive() {
    let (trained, _) = fitted(3);
    let mut archive = Archive::default();
    trained.save(&mut archive, "proxy");
    let mut stream = Stream::new(7, "proxy-test", 0);
    let mut other = proxy(true, &mut stream);
    other.load(&archive, "proxy").unwrap();
    let pairs = Pairs::sample(&*hardware(), 200, DesignDraw::Uniform, &mut stream);
    assert_eq!(trained.gap(&pairs), other.gap(&pairs));
}

#[test]
fn a_fit_that_is_asked_to_stop_ends_after_a_step() {
    let mut stream = Stream::new(5, "proxy-test", 0);
    let (hardware, settings) = (hardware(), ProxySettings::default());
    let proxy = proxy(true, &mut stream);
    let mut adam = Adam::new(proxy.parameters());
    let draw = DesignDraw::Uniform;
    let (_, queries) = proxy.fit(&mut adam, &*hardware, &settings, draw, &mut stream, &|| true);
    assert_eq!(queries, 4096 + settings.batch as u64);
}

#[test]
fn a_design_serves_the_pairs_that_follow_each_other() {
    let mut stream = Stream::new(4, "proxy-test", 0);
    let hardware = hardware();
    let pairs = Pairs::sample(&*hardware, 20, DesignDraw::Uniform, &mut stream);
    assert_eq!(pairs.logits.len(), 4 * 5, "five pairs share a design");
    let proxy = proxy(true, &mut stream);
    let together = proxy.predict(&pairs);
    for row in 0..20 {
        let z = matrix(&pairs.logits[row / 5 * 5..][..5], 1);
        let features = matrix(&pairs.features[row * 10..][..10], 1);
        let alone = proxy.forward(&features, Some(&z)).squeeze_dim(0);
        let difference = (together.get(row as i64) - alone).abs().max();
        assert!(difference.double_value(&[]) < 1e-5, "row {row}");
    }
}

/// The gradient by a design's logits is half of that by its shares, whose slope it skips on purpose ([`shares`]).
#[test]
fn gradients_by_the_design_equal_finite_differences_on_an_accelerator() {
    use tandem_accelerator::codesign::{Config, make};
    let hardware = make(&Config::default()).unwrap().hardware();
    let stream = &mut Stream::new(4, "proxy-test", 0);
    let settings = ProxySettings {
        hidden: vec![32, 32],
        steps: Some(300),
        ..ProxySettings::default()
    };
    let sample = Pairs::sample(&*hardware, 1000, DesignDraw::Uniform, stream);
    let proxy = Proxy::new(&*hardware, &settings, true, &sample, stream);
    let mut adam = Adam::new(proxy.parameters());
    proxy.fit(&mut adam, &*hardware, &settings, DesignDraw::Uniform, stream, &|| false);
    let start: Vec<f64> = (0..hardware.space().len()).map(|i| 0.3 * i as f64 - 0.8).collect();
    let pairs = Pairs::sample(&*hardware, 64, DesignDraw::Fixed(&start), stream);
    let features = matrix(&pairs.features, pairs.rows);
    // one number that depends on every task effect
    let total = |logits: &Tensor| {
        let effects = proxy.forward(&features, Some(logits));
        let task = effects.narrow(1, 0, proxy.task_effects() as i64);
        task.square().mean(tch::Kind::Float)
    };
    let at = |logits: &[f64]| {
        let numbers: Vec<f32> = logits.iter().map(|&z| z as f32).collect();
        Tensor::from_slice(&numbers)
    };
    let logits = at(&start).set_requires_grad(true);
    let gradient = Tensor::run_backward(&[total(&logits)], &[&logits], false, false);
    let step = 0.02;
    for (i, &z) in start.iter().enumerate() {
        let moved = |by: f64| {
            let mut logits = start.clone();
            logits[i] += by;
            tch::no_grad(|| total(&at(&logits))).double_value(&[])
        };
        let share = |z: f64| 2.0 / (1.0 + (-z).exp()) - 1.0;
        let by_share = (moved(step) - moved(-step)) / (share(z + step) - share(z - step));
        let found = gradient[0].double_value(&[i as i64]);
        let expected = 0.5 * by_share;
        assert!(
            (found - expected).abs() < 0.02 * expected.abs() + 2e-4,
            "{i}: {found} {expected}"
        );
    }
}
