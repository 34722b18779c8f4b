//! Weights in the safetensors format, under GPT-2's public names, with or without their `transformer.` prefix.

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::LanguageError;
use super::model::Gpt;
use super::shape::is_scaler;
use tandem_learning::raw;

/// Sets a model's weights from the bytes of a file. Its position table may be longer than the context. Scalers stay as
/// they are; what else the file holds (the attention masks of old files, say) is passed over, but for an output layer of
/// its own, which this model does not have: its output is the table of tokens again.
///
/// # Errors
/// Truncated or foreign bytes; a weight that is missing, of another size or another kind of number, or an output layer
/// that is not the table of tokens. Nothing is changed then.
pub fn load(model: &mut Gpt, bytes: &[u8]) -> Result<(), LanguageError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| LanguageError::Weights(format!("no whole safetensors file ({error})")))?;
    check_output(&file)?;
    let tensors = model.tensors();
    let pairs = model.names().iter().zip(&tensors);
    let values = pairs
        .map(|(name, tensor)| match is_scaler(name) {
            true => Ok(raw::floats(tensor).to_vec()),
            false => weight(&file, name, &tensor.size()),
        })
        .collect::<Result<Vec<_>, LanguageError>>()?;
    model.set(values);
    Ok(())
}

/// Refuses a file whose output layer is not its table of tokens.
fn check_output(file: &SafeTensors) -> Result<(), LanguageError> {
    let find = |name: &str| {
        file.tensor(name)
            .or_else(|_| file.tensor(&format!("transformer.{name}")))
    };
    let (Ok(output), Ok(tokens)) = (find("lm_head.weight"), find("wte.weight")) else {
        return Ok(());
    };
    if (output.dtype(), output.shape(), output.data()) == (tokens.dtype(), tokens.shape(), tokens.data()) {
        return Ok(());
    }
    let text = "`lm_head.weight` is not `wte.weight`; this model shares one table between input and output, so a file with \
                an output layer of its own is of another model";
    Err(LanguageError::Weights(text.into()))
}

/// A model's weights as a file that [`load`] and other programs read; scalers included.
///
/// # Errors
/// A file that cannot be encoded.
pub fn save(model: &Gpt) -> Result<Vec<u8>, LanguageError> {
    let tensors = model.tensors();
    let data: Vec<(Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|t| {
            let size = t.size().into_iter().map(|n| n as usize).collect();
            let bytes = raw::floats(t).iter().flat_map(|x| x.to_le_bytes());
            (size, bytes.collect())
        })
        .collect();
    let views = model.names().iter().zip(&data).map(|(name, (size, bytes))| {
        TensorView::new(Dtype::F32, size.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let views: Result<Vec<_>, _> = views.collect();
    views
        .and_then(|views| safetensors::serialize(views, None))
        .map_err(|error| LanguageError::Weights(error.to_string()))
}

fn weight(file: &SafeTensors, name: &str, size: &[i64]) -> Result<Vec<f32>, LanguageError> {
    let view = file
        .tensor(name)
        .or_else(|_| file.tensor(&format!("transformer.{name}")))
        .map_err(|_| LanguageError::Weights(format!("the file has no `{name}`")))?;
    let found = view.shape();
    let rows = size.first().map_or(0, |&n| n as usize);
    let tail = size.iter().skip(1).map(|&n| n as usize);
    let longer = name == "wpe.weight" && found.first().is_some_and(|&n| n >= rows);
    let fits =
        found.len() == size.len() && (found.first() == Some(&rows) || longer) && found.iter().skip(1).copied().eq(tail);
    if !fits {
        let text = format!("`{name}` is {found:?} in the file; this model needs {size:?}");
        return Err(LanguageError::Weights(text));
    }
    let count = size.iter().product::<i64>() as usize;
    let Some(mut values) = floats(view.dtype(), view.data()) else {
        let text = format!("`{name}` holds {:?}; it must be F32, F16 or BF16", view.dtype());
        return Err(LanguageError::Weights(text));
    };
    values.truncate(count);
    match values.iter().all(|x| x.is_finite()) {
        true => Ok(values),
        false => Err(LanguageError::Weights(format!(
            "`{name}` holds numbers that are not finite"
        ))),
    }
}

/// Numbers of a kind that weights come in, in single precision; `None` for another kind.
fn floats(kind: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let halves = || bytes.as_chunks::<2>().0.iter();
    Some(match kind {
        Dtype::F32 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F16 => halves().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use tandem_core::Stream;

    const CHARACTERS: usize = 11;

    fn model(seed: u64, context: usize) -> Gpt {
        let shape = Shape {
            layers: 2,
            heads: 2,
            width: 8,
            context,
        };
        Gpt::new(&shape, CHARACTERS, &mut Stream::new(seed, "model", 0)).unwrap()
    }

    /// A file with the names and sizes of the public one, prefix and masks included.
    fn public_file(model: &Gpt) -> Vec<u8> {
        let tensors = model.tensors();
        let mut data: Vec<(String, Vec<usize>, Vec<u8>)> =
            vec![("transformer.h.0.attn.bias".into(), vec![1, 1, 2, 2], vec![0; 16])];
        let pairs = model.names().iter().zip(&tensors);
        for (name, tensor) in pairs.filter(|(name, _)| !is_scaler(name)) {
            let size = tensor.size().iter().map(|&n| n as usize).collect();
            let bytes = raw::floats(tensor).iter().flat_map(|x| x.to_le_bytes());
            data.push((format!("transformer.{name}"), size, bytes.collect()));
        }
        let views = data
            .iter()
            .map(|(name, size, bytes)| (name, TensorView::new(Dtype::F32, size.clone(), bytes).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    #[test]
    fn a_file_of_the_public_form_fills_every_weight() {
        let (source, mut target) = (model(1, 16), model(2, 12));
        load(&mut target, &public_file(&source)).unwrap();
        for ((name, a), b) in source.names().iter().zip(source.tensors()).zip(target.tensors()) {
            let same = raw::floats(&a).starts_with(raw::floats(&b));
            assert!(same, "{name}");
        }
        let mut again = model(3, 16);
        load(&mut again, &save(&source).unwrap()).unwrap();
        assert_eq!(raw::floats(&again.tensors()[2]), raw::floats(&source.tensors()[2]));
    }

    #[test]
    fn halves_of_both_kinds_are_read() {
        let source = model(1, 16);
        let file = public_file(&source);
        let whole = SafeTensors::deserialize(&file).unwrap();
        type Narrow = fn(f32) -> [u8; 2];
        let kinds: [(Dtype, Narrow, f32); 2] = [
            (Dtype::F16, |x| f16::from_f32(x).to_le_bytes(), 1e-3),
            (Dtype::BF16, |x| bf16::from_f32(x).to_le_bytes(), 1e-2),
        ];
        for (kind, narrow, tolerance) in kinds {
            let data: Vec<(String, Vec<usize>, Vec<u8>)> = whole
                .tensors()
                .iter()
                .map(|(name, view)| {
                    let numbers = floats(Dtype::F32, view.data()).unwrap();
                    let bytes = numbers.into_iter().flat_map(narrow).collect();
                    (name.clone(), view.shape().to_vec(), bytes)
                })
                .collect();
            let views = data
                .iter()
                .map(|(name, size, bytes)| (name, TensorView::new(kind, size.clone(), bytes).unwrap()));
            let mut target = model(2, 16);
            load(&mut target, &safetensors::serialize(views, None).unwrap()).unwrap();
            for (a, b) in source.tensors().iter().zip(target.tensors()) {
                let pairs = raw::floats(a).iter().zip(raw::floats(&b));
                assert!(
                    pairs
                        .into_iter()
                        .all(|(a, b)| (a - b).abs() <= tolerance * a.abs().max(1e-2)),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn an_output_layer_of_its_own_is_refused_by_name() {
        let source = model(1, 16);
        let bytes = public_file(&source);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let with_output = |change: f32| {
            let table = file.tensor("transformer.wte.weight").unwrap();
            let mut numbers = table.data().to_vec();
            let first = f32::from_le_bytes(numbers[..4].try_into().unwrap()) + change;
            numbers[..4].copy_from_slice(&first.to_le_bytes());
            let shape = table.shape().to_vec();
            let mut views = file.tensors();
            views.push((
                "lm_head.weight".into(),
                TensorView::new(Dtype::F32, shape, &numbers).unwrap(),
            ));
            safetensors::serialize(views, None).unwrap()
        };
        load(&mut model(2, 16), &with_output(0.0)).unwrap();
        let error = load(&mut model(2, 16), &with_output(1.0)).unwrap_err().to_string();
        assert!(
            error.contains("`lm_head.weight`") && error.contains("`wte.weight`"),
            "{error}"
        );
    }

    #[test]
    fn wrong_and_truncated_files_say_what_is_wrong_and_change_nothing() {
        let source = model(1, 16);
        let bytes = public_file(&source);
        let mut target = model(2, 16);
        let before = raw::floats(&target.tensors()[0]).to_vec();
        for cut in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            let error = load(&mut target, &bytes[..cut]).unwrap_err().to_string();
            assert!(error.contains("no whole safetensors file"), "{error}");
        }
        let mut longer = model(2, 20);
        let error = load(&mut longer, &bytes).unwrap_err().to_string();
        assert!(
            error.contains("`wpe.weight` is [16, 8]") && error.contains("[20, 8]"),
            "{error}"
        );
        let shape = Shape {
            layers: 3,
            ..source.shape().clone()
        };
        let mut deeper = Gpt::new(&shape, CHARACTERS, &mut Stream::new(0, "model", 0)).unwrap();
        let error = load(&mut deeper, &bytes).unwrap_err().to_string();
        assert!(error.contains("no `h.2.ln_1.weight`"), "{error}");
        assert_eq!(raw::floats(&target.tensors()[0]), before);
    }
}
