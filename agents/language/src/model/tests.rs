use super::*;
use tch::no_grad;

#[test]
fn gpt2_has_its_published_number_of_parameters() {
    let gpt2 = Shape {
        layers: 12,
        heads: 12,
        width: 768,
        context: 1024,
    };
    let weights = gpt2.weights(50_257);
    let plain = weights.iter().filter(|(name, _)| !is_scaler(name));
    let count: i64 = plain.map(|(_, size)| size.iter().product::<i64>()).sum();
    assert_eq!(count, 124_439_808);
    assert_eq!(gpt2.head_dimension(), 64);
}

#[test]
fn a_new_model_knows_nothing_and_sees_no_future() {
    let shape = Shape {
        width: 32,
        context: 16,
        ..Shape::default()
    };
    let model = Gpt::new(&shape, 30, &mut Stream::new(0, "model", 0)).unwrap();
    let text = Tensor::from_slice(&(0..16i64).collect::<Vec<_>>()).view([1, 16]);
    let (all, cut) = no_grad(|| {
        let cut = model.forward(&text.narrow(1, 0, 7), None, None);
        (model.forward(&text, None, None), cut)
    });
    assert!((all.narrow(1, 0, 7) - cut).abs().max().double_value(&[]) < 1e-5);
    let loss = no_grad(|| model.loss(&[text.copy(), text.flip([1])], None, None)).double_value(&[]);
    assert!((loss - 30f64.ln()).abs() < 0.3, "{loss}");
}

#[test]
fn temperature_zero_takes_the_best_and_one_takes_all() {
    let scores = Tensor::from_slice(&[0.0f32, 1.0, 0.5]);
    let mut stream = Stream::new(0, "draw", 0);
    assert_eq!(draw(&scores, 0.0, &mut stream), 1);
    let mut counts = [0; 3];
    (0..3000).for_each(|_| counts[draw(&scores, 1.0, &mut stream) as usize] += 1);
    let total: f64 = [0.0f64, 1.0, 0.5].iter().map(|s| s.exp()).sum();
    assert!((f64::from(counts[1]) / 3000.0 - 1f64.exp() / total).abs() < 0.04);
}

#[test]
fn a_temperature_too_small_to_divide_by_is_zero() {
    let mut stream = Stream::new(0, "draw", 0);
    for scores in [[1.0, 3.0, -2.0], [0.1, 0.3, 0.2], [0.0, 1e30, 1e29]] {
        for temperature in [0.0, 5e-324, 1e-308, 1e-30] {
            assert_eq!(
                draw(&Tensor::from_slice(&scores), temperature, &mut stream),
                1,
                "{temperature:e}"
            );
        }
    }
}
