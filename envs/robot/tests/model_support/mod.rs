//! Robots' files in folders that vanish again.
#![allow(dead_code)] // each test file uses its own part

use std::path::{Path, PathBuf};

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtObjBase;
use serde_json::{Value, json};
use tandem_core::check::SettingError;
use tandem_robot::Config;
use tandem_robot::model::{ModelError, Robot};

/// A folder with a robot's file.
pub struct Files {
    folder: tempfile::TempDir,
    model: PathBuf,
}

impl Files {
    pub fn with(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join(name);
        let files = Self { folder, model };
        files.add(name, text);
        files
    }

    pub fn add(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn load(&self, design: Value, more: Value) -> Result<Robot, ModelError> {
        load(&self.model, design, more)
    }

    pub fn robot_with(&self, design: Value, more: Value) -> Robot {
        self.load(design, more).unwrap()
    }

    pub fn robot(&self, design: Value) -> Robot {
        self.robot_with(design, json!({}))
    }
}

pub fn load(model: &Path, design: Value, more: Value) -> Result<Robot, ModelError> {
    let mut task = json!({"model": model, "design": design, "observation": [], "action": [], "reward": []});
    for (key, value) in more.as_object().unwrap() {
        task[key] = value.clone();
    }
    Robot::load(&serde_json::from_value::<Config>(task).unwrap())
}

/// The message of a design that is refused, with its setting.
pub fn error(files: &Files, design: Value) -> String {
    match files.load(design, json!({})) {
        Ok(_) => panic!("it is not refused"),
        Err(error) => SettingError::from(error).to_string(),
    }
}

pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * (1.0 + b.abs())
}

pub fn id(model: &MjModel, kind: MjtObjBase, name: &str) -> usize {
    model.name_to_id(kind, name).unwrap()
}
