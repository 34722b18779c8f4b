//! Public language models on disk: a folder, or a file of weights with `config.json` beside it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tandem_core::check::SettingError;
use tandem_language::shape::Shape;

use crate::strict::Located;

/// The sizes that a public `config.json` names.
#[derive(Debug, Deserialize)]
struct PublicConfig {
    #[serde(default)]
    model_type: Option<String>,
    n_layer: usize,
    n_head: usize,
    n_embd: usize,
    #[serde(alias = "n_ctx")]
    n_positions: usize,
}

/// The file of weights that a path means.
pub(super) fn weights_file(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join("model.safetensors"),
        false => path.to_owned(),
    }
}

/// Fills in the sizes of a model whose weights come with a `config.json`, where the experiment does not name them.
///
/// # Errors
/// A file that is none of GPT-2's kind, sizes that the experiment names otherwise.
pub(super) fn fill_shape(weights: &Path, located: &Located, shape: &mut Shape) -> Result<(), SettingError> {
    let path = weights_file(weights).with_file_name("config.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(());
    };
    let wrong = |reason: String| SettingError::new("weights", format!("{}: {reason}", path.display()));
    let config: PublicConfig = serde_json::from_str(&text).map_err(|error| {
        wrong(format!(
            "{error}; expected n_layer, n_head, n_embd and n_positions, as of GPT-2"
        ))
    })?;
    if let Some(kind) = config.model_type.filter(|kind| kind != "gpt2") {
        return Err(wrong(format!(
            "is of a model of the kind `{kind}`; only gpt2 can be read"
        )));
    }
    let is_typed = |key: &str| {
        let place = located.value().pointer(&format!("/language/model/{key}"));
        place.is_some()
    };
    let sizes = [
        ("layers", &mut shape.layers, config.n_layer),
        ("heads", &mut shape.heads, config.n_head),
        ("width", &mut shape.width, config.n_embd),
    ];
    for (key, size, stated) in sizes {
        if is_typed(key) && *size != stated {
            let reason = format!("is {size}; {} says {stated}, leave it out", path.display());
            return Err(SettingError::new(format!("language.model.{key}"), reason));
        }
        *size = stated;
    }
    if !is_typed("context") {
        shape.context = shape.context.min(config.n_positions);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, model: &str) -> Result<Shape, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let document = format!("{{\"language\": {{\"model\": {model}}}}}");
        let located = Located::parse(&document, "e.json", &[]).unwrap();
        let mut shape: Shape = serde_json::from_str(model).unwrap();
        fill_shape(folder.path(), &located, &mut shape).map_err(|error| error.to_string())?;
        Ok(shape)
    }

    #[test]
    fn sizes_come_from_the_models_own_file() {
        let gpt2 = r#"{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024}"#;
        let shape = filled(gpt2, r#"{"context": 256}"#).unwrap();
        assert_eq!(
            (shape.layers, shape.heads, shape.width, shape.context),
            (12, 12, 768, 256)
        );
        let error = filled(gpt2, r#"{"layers": 6}"#).unwrap_err();
        assert!(
            error.contains("language.model.layers") && error.contains("says 12"),
            "{error}"
        );
        let error = filled(&gpt2.replace("\"gpt2\"", "\"llama\""), "{}").unwrap_err();
        assert!(error.contains("llama"), "{error}");
        assert!(filled("{}", "{}").unwrap_err().contains("n_layer"));
    }
}
