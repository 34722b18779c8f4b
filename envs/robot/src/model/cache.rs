//! Compiled models of designs that were asked for lately.

use std::collections::HashMap;
use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;

/// How many models are kept.
const MODELS: usize = 1024;
/// How much memory they may take together, bytes.
const BYTES: usize = 1 << 30;

/// Models by the bits of their design; the ones that were not asked for longest go first.
#[derive(Default)]
pub(super) struct Cache {
    models: HashMap<Vec<u64>, Entry>,
    bytes: usize,
    clock: u64,
}

struct Entry {
    model: Arc<MjModel>,
    bytes: usize,
    used: u64,
}

fn key(design: &[f64]) -> Vec<u64> {
    design.iter().map(|value| value.to_bits()).collect()
}

impl Cache {
    /// The model of a design, if it is kept.
    pub(super) fn get(&mut self, design: &[f64]) -> Option<Arc<MjModel>> {
        self.clock += 1;
        let entry = self.models.get_mut(&key(design))?;
        entry.used = self.clock;
        Some(entry.model.clone())
    }

    /// Keeps the model of a design.
    pub(super) fn put(&mut self, design: &[f64], model: &Arc<MjModel>) {
        self.clock += 1;
        let entry = Entry {
            model: model.clone(),
            bytes: model.size(),
            used: self.clock,
        };
        self.bytes += entry.bytes;
        let replaced = self.models.insert(key(design), entry);
        self.bytes -= replaced.map_or(0, |entry| entry.bytes);
        while self.models.len() > MODELS || (self.bytes > BYTES && self.models.len() > 1) {
            let oldest = self
                .models
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone());
            let gone = oldest.and_then(|key| self.models.remove(&key));
            self.bytes -= gone.map_or(0, |entry| entry.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_longest_goes_first() {
        let model = Arc::new(MjModel::from_xml_string("<mujoco/>").unwrap());
        let mut cache = Cache::default();
        for i in 0..MODELS {
            cache.put(&[i as f64], &model);
        }
        assert!(cache.get(&[0.0]).is_some());
        cache.put(&[-1.0], &model);
        assert!(cache.get(&[0.0]).is_some() && cache.get(&[-1.0]).is_some());
        assert!(cache.get(&[1.0]).is_none());
        assert_eq!(cache.bytes, MODELS * model.size());
    }
}
