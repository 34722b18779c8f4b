//! What problems, hardware models and learners of Tandem share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`problem`] | the contract: a **world**, and the **hardware** between a command and that world |
//! | [`hardware`] | a hardware model's queries and effects |
//! | [`environment`] | one environment for all worlds: all of a problem that is not its own |
//! | [`contract`] | the check that a problem honours the contract |
//! | [`design`] | what can be designed: parameters with units, bounds and scales |
//! | [`stream`] | named streams of random numbers, the only source of randomness |
//! | [`scene`], [`mechanism`], [`model_file`] | what is drawn of a problem, its machine independent of a simulator's format, or its own file |
//! | [`search`] | spaces of machines and mappings, as searchers see them |
//! | [`preset`], [`check`], [`saved`] | what problems have in common: presets, refusals, stored episodes |
//! | [`spelling`] | the name that was probably meant by one that there is not |
//!
//! ```text
//! observation -> policy -> command -> hardware(design) -> effect -> world -> reward, next observation
//! ```

pub mod channel;
pub mod check;
pub mod contract;
pub mod design;
pub mod environment;
pub mod hardware;
pub mod mechanism;
pub mod model_file;
pub mod preset;
pub mod problem;
pub mod saved;
pub mod scene;
pub mod search;
pub mod spelling;
pub mod stream;

pub use design::{Design, DesignError, DesignSpace, Parameter, Scale};
pub use environment::{Environment, Outcome, World};
pub use hardware::{Effect, Formula, HardwareSpec, Query};
pub use mechanism::Mechanism;
pub use model_file::ModelFile;
pub use preset::{Preset, Share};
pub use problem::{
    Channel, CommandSpace, Fidelity, Hardware, IdentityHardware, InMujoco, Problem, ProblemError, Spec, Step,
};
pub use scene::{Mesh, Role, Scene, Shape, View};
pub use search::SearchSpace;
pub use stream::Stream;
