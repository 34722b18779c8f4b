//! What a body is to the one who looks: a link of the robot, its base, an object, the goal, or scenery.

use std::collections::BTreeSet;

use mujoco_rs::mujoco_c::{mjtTrn, mjtWrap};
use mujoco_rs::wrappers::{MjModel, mj_model::MjtObjBase};
use tandem_core::Role;

/// Which trees of bodies are the robot, and what each body is.
#[derive(Debug)]
pub(super) struct Roles {
    /// Trees that actuators move, each by the child of the world from which it hangs.
    robots: BTreeSet<usize>,
    /// `[bodies]`
    of_body: Vec<Role>,
}

impl Roles {
    pub(super) fn new(model: &MjModel) -> Self {
        let mut robots: BTreeSet<usize> = actuated(model).map(|body| root(model, body)).collect();
        robots.remove(&0);
        let moving = || (1..count(model)).filter(|&body| model.body_weldid()[body] != 0);
        if robots.is_empty() {
            robots = moving()
                .map(|body| root(model, body))
                .filter(|&root| !is_mocap(model, root))
                .collect();
        }
        let depths: Vec<u16> = (0..count(model)).map(|body| depth(model, body)).collect();
        let links = moving().filter(|&body| robots.contains(&root(model, body)));
        let deepest = links.map(|body| depths[body]).max().unwrap_or(0);
        let role = |body: usize| {
            let (tree, still) = (root(model, body), model.body_weldid()[body] == 0);
            match (robots.contains(&tree), still) {
                _ if is_mocap(model, tree) => Role::Goal,
                (true, true) => Role::Base,
                (true, false) => Role::Limb {
                    depth: depths[body],
                    deepest,
                },
                (false, _) if is_target(model, tree) => Role::Goal,
                (false, true) => Role::Wall,
                (false, false) => Role::Object,
            }
        };
        let of_body = (0..count(model)).map(role).collect();
        Self { robots, of_body }
    }

    /// What a body is.
    pub(super) fn of(&self, body: usize) -> Role {
        self.of_body[body]
    }

    /// Whether a body belongs to the robot or its base.
    pub(super) fn is_robot(&self, model: &MjModel, body: usize) -> bool {
        self.robots.contains(&root(model, body))
    }

    /// The roots of the robots.
    pub(super) fn robots(&self) -> impl Iterator<Item = usize> + '_ {
        self.robots.iter().copied()
    }
}

fn count(model: &MjModel) -> usize {
    model.body_parentid().len()
}

/// The child of the world from which a body hangs; the world's own is itself.
fn root(model: &MjModel, body: usize) -> usize {
    model.body_rootid()[body] as usize
}

fn is_mocap(model: &MjModel, body: usize) -> bool {
    model.body_mocapid()[body] >= 0
}

/// How many bodies with joints lie between a body and its root.
fn depth(model: &MjModel, body: usize) -> u16 {
    let parents = std::iter::successors(Some(body), |&b| (b != 0).then(|| model.body_parentid()[b] as usize));
    let jointed = parents.filter(|&b| b != 0 && model.body_dofnum()[b] > 0).count();
    jointed.saturating_sub(1) as u16
}

/// Whether a tree that nothing moves is a mark and no thing: its name says so, or nothing can touch it.
fn is_target(model: &MjModel, tree: usize) -> bool {
    if tree == 0 {
        return false;
    }
    let name = model
        .id_to_name(MjtObjBase::mjOBJ_BODY, tree)
        .unwrap_or("")
        .to_lowercase();
    let geoms =
        || (0..model.geom_bodyid().len()).filter(|&geom| root(model, model.geom_bodyid()[geom] as usize) == tree);
    let untouchable = |geom| model.geom_contype()[geom] == 0 && model.geom_conaffinity()[geom] == 0;
    let moves = (0..count(model)).any(|body| root(model, body) == tree && model.body_weldid()[body] != 0);
    name.contains("target") || name.contains("goal") || (moves && geoms().all(untouchable))
}

/// Bodies on which actuators act.
fn actuated(model: &MjModel) -> impl Iterator<Item = usize> + '_ {
    let joint = |id: i32| model.jnt_bodyid()[id as usize] as usize;
    let site = |id: i32| model.site_bodyid()[id as usize] as usize;
    let transmissions = model.actuator_trntype().iter().zip(model.actuator_trnid());
    transmissions.flat_map(move |(kind, &[id, _])| match kind {
        mjtTrn::mjTRN_JOINT | mjtTrn::mjTRN_JOINTINPARENT => vec![joint(id)],
        mjtTrn::mjTRN_SITE | mjtTrn::mjTRN_SLIDERCRANK => vec![site(id)],
        mjtTrn::mjTRN_BODY => vec![id as usize],
        mjtTrn::mjTRN_TENDON => {
            let start = model.tendon_adr()[id as usize] as usize;
            let path = start..start + model.tendon_num()[id as usize] as usize;
            let wrapped = path.filter_map(|i| match model.wrap_type()[i] {
                mjtWrap::mjWRAP_JOINT => Some(joint(model.wrap_objid()[i])),
                mjtWrap::mjWRAP_SITE => Some(site(model.wrap_objid()[i])),
                _ => None,
            });
            wrapped.collect()
        }
        _ => Vec::new(),
    })
}
