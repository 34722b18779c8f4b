//! The true machine: a multibody arm in rapier, driven by servos with torque limits, among solid walls.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::{CONTROL_DT, LINK_RADIUS, MAX_LINKS, STEP_ANGLE, Settings};
pub use super::config::{DENSITY, link_mass};
use super::hardware::{Arm, MOTOR_MASS};
use super::motion;
use super::walls::{Point, Walls};

/// Joint speed beyond which the physics is taken to have failed, rad/s; servos ask for 3.
const SPEED_BOUND: f32 = 100.0;
/// Servo stiffness: full torque at this error, rad.
pub(super) const FULL_TORQUE_ERROR: f32 = 0.05;
/// Servo damping over stiffness, s.
pub(super) const DAMPING_TIME: f32 = 0.08;
/// The servo's target leads the joint by this much at most, rad: it cannot wind up against a wall.
const MAX_LEAD: f32 = 0.3;
/// Links may sink into a wall by this much, m, before they are stopped dead.
const SINK: f32 = 0.5 * LINK_RADIUS;
/// Radius of a wall's collider, m; the links' colliders are thinner by as much, so that contact begins
/// where the kinematic world says it does.
pub(super) const WALL_RADIUS: f32 = 0.01;
/// Friction of links and walls.
pub(super) const FRICTION: f32 = 0.1;
const GROUP_ARM: Group = Group::GROUP_1;
const GROUP_WALL: Group = Group::GROUP_2;

/// Why the physics gave up.
pub type Fault = &'static str;

/// An arm in rapier. Positions in metres in the world's frame, angles in radians.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    world: PhysicsWorld,
    joints: Vec<MultibodyJointHandle>,
    lengths: Vec<f32>,
    torques: Vec<f32>,
    base: Point,
    /// Where each servo wants its joint to be.
    target: Vec<f32>,
    substeps: usize,
}

impl Machine {
    /// Builds the machine of a design at rest with these joint angles.
    ///
    /// `None` if rapier refuses the chain, which a valid design cannot cause.
    pub fn new(settings: &Settings, walls: &Walls, arm: &Arm, angles: &[f32]) -> Option<Self> {
        let mut world = PhysicsWorld {
            gravity: Vector::ZERO,
            ..PhysicsWorld::default()
        };
        let p = &mut world.integration_parameters;
        p.dt = CONTROL_DT / settings.substeps as f32;
        p.num_solver_iterations = 1;
        p.num_internal_pgs_iterations = 10;
        // fast tips among thin walls: contacts are solved before they happen
        p.normalized_prediction_distance = 0.1;
        p.max_ccd_substeps = 0;
        // links are thin: a stale contact point would be a wrong one
        p.contact_recycling = false;
        let base = [
            settings.base[0] + arm.base[0] as f32,
            settings.base[1] + arm.base[1] as f32,
        ];
        add_walls(&mut world, walls);
        let root = world.insert_body(RigidBodyBuilder::fixed().translation(flat(base)));
        let mut machine = Self {
            world,
            joints: Vec::with_capacity(settings.links),
            lengths: arm.lengths.iter().map(|&l| l as f32).collect(),
            torques: (0..settings.links)
                .map(|i| arm.torques.map_or(settings.joint_torque(i), |t| t[i]) as f32)
                .collect(),
            base,
            target: angles.to_vec(),
            substeps: settings.substeps,
        };
        machine.add_links(root, arm)?;
        machine.pose(angles)?;
        Some(machine)
    }

    fn add_links(&mut self, root: RigidBodyHandle, arm: &Arm) -> Option<()> {
        let mut parent = root;
        let mut anchor = Vector::ZERO;
        for i in 0..self.lengths.len() {
            let body = RigidBodyBuilder::dynamic().can_sleep(false).soft_ccd_prediction(1.0);
            let tip = Vector::X * self.lengths[i];
            let shape = ColliderBuilder::capsule_from_endpoints(Vector::ZERO, tip, LINK_RADIUS - WALL_RADIUS)
                .mass(link_mass(arm.lengths[i]) as f32)
                .friction(FRICTION)
                .collision_groups(groups(GROUP_ARM, GROUP_WALL));
            let (child, _) = self.world.insert(body, shape);
            if let (Some(torques), true) = (arm.torques, i > 0) {
                let motor = ColliderBuilder::ball(LINK_RADIUS)
                    .mass((MOTOR_MASS * torques[i]) as f32)
                    .collision_groups(InteractionGroups::none());
                self.world.insert_collider(motor, Some(child));
            }
            let limit = Settings::joint_limit(i);
            let joint = GenericJointBuilder::new(JointAxesMask::LOCKED_REVOLUTE_AXES)
                .local_axis1(Vector::Z)
                .local_axis2(Vector::Z)
                .local_anchor1(anchor)
                .local_anchor2(Vector::ZERO)
                .contacts_enabled(false)
                .limits(JointAxis::AngX, [-limit, limit])
                .build();
            self.joints
                .push(self.world.insert_multibody_joint(parent, child, joint)?);
            (parent, anchor) = (child, tip);
        }
        Some(())
    }

    /// Moves the freshly built chain to these angles and sets its friction.
    fn pose(&mut self, angles: &[f32]) -> Option<()> {
        let world = &mut self.world;
        let first = *self.joints.first()?;
        let (chain, _) = world.multibody_joints.get_mut(first)?;
        chain.set_self_contacts_enabled(false);
        chain.forward_kinematics(&world.bodies, true);
        chain.apply_displacements(angles);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
        for (i, torque) in self.torques.iter().enumerate() {
            chain.damping_mut()[i] = DAMPING_TIME / FULL_TORQUE_ERROR * torque;
        }
        Some(())
    }

    fn chain(&self) -> &Multibody {
        let first = self.joints[0];
        let found = self.world.multibody_joints.get(first);
        found.expect("the chain lives as long as the machine").0
    }

    /// Writes the joint angles, rad, `[links]`.
    pub fn angles(&self, out: &mut [f32]) {
        for (link, angle) in self.chain().links().skip(1).zip(out) {
            *angle = link.joint().coords()[3];
        }
    }

    /// Writes the base and the link ends, m, `[links + 1]`.
    pub fn points(&self, out: &mut [Point]) {
        out[0] = self.base;
        let links = self.chain().links().skip(1).zip(&self.lengths);
        for ((link, &length), point) in links.zip(&mut out[1..]) {
            let end = *link.local_to_world() * (Vector::X * length);
            *point = [end.x, end.y];
        }
    }

    /// Writes the joint speeds, rad/s, `[links]`.
    pub fn speeds(&self, out: &mut [f32]) {
        let speeds = self.chain().generalized_velocity();
        out.iter_mut().zip(speeds.iter()).for_each(|(o, &v)| *o = v);
    }

    /// Whether a joint's speed is not a number or out of bounds.
    fn runs_away(&self) -> bool {
        let speeds = self.chain().generalized_velocity();
        speeds.iter().any(|v| v.is_nan() || v.abs() > SPEED_BOUND)
    }

    /// Link masses with their motors, kg.
    pub fn masses(&self) -> Vec<f32> {
        let mass = |link: &MultibodyLink| self.world.bodies[link.rigid_body_handle()].mass();
        self.chain().links().skip(1).map(mass).collect()
    }

    /// Moves on by one control step among these walls: joint rates in [-1, 1], `[links]`.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, rates: &[f32], walls: &Walls) -> Result<(), Fault> {
        let n = self.joints.len();
        let mut angles = [0.0; MAX_LINKS];
        self.angles(&mut angles[..n]);
        let mut speed = [0.0; MAX_LINKS];
        for i in 0..n {
            let limit = Settings::joint_limit(i);
            let wanted = self.target[i] + STEP_ANGLE * rates[i].clamp(-1.0, 1.0);
            let lead = wanted.clamp(angles[i] - MAX_LEAD, angles[i] + MAX_LEAD);
            let goal = lead.clamp(-limit, limit);
            speed[i] = (goal - self.target[i]) / CONTROL_DT;
        }
        let (mut before, mut after) = ([[0.0; 2]; MAX_LINKS + 1], [[0.0; 2]; MAX_LINKS + 1]);
        for _ in 0..self.substeps {
            let dt = CONTROL_DT / self.substeps as f32;
            for i in 0..n {
                self.target[i] += speed[i] * dt;
            }
            self.drive(&speed[..n]);
            self.angles(&mut angles[..n]);
            self.points(&mut before[..=n]);
            advance(&mut self.world)?;
            if self.runs_away() {
                return Err("a joint's speed left its bound");
            }
            self.points(&mut after[..=n]);
            if !motion::free(walls, &before[..=n], &after[..=n], SINK) {
                self.stop(&angles[..n]);
            }
        }
        Ok(())
    }

    /// Puts the chain at rest at these angles: contacts are soft, and a fast or strongly driven link would
    /// otherwise be forced through a thin wall.
    fn stop(&mut self, angles: &[f32]) {
        let world = &mut self.world;
        let Some((chain, _)) = world.multibody_joints.get_mut(self.joints[0]) else {
            return;
        };
        let mut back = [0.0; MAX_LINKS];
        for ((b, link), angle) in back.iter_mut().zip(chain.links().skip(1)).zip(angles) {
            *b = angle - link.joint().coords()[3];
        }
        chain.apply_displacements(&back);
        chain.generalized_velocity_mut().fill(0.0);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
        self.target.copy_from_slice(angles);
    }

    /// Sets the servos for the next physics step; `rates`: speeds of the targets, rad/s, `[links]`.
    ///
    /// A servo is an implicit spring and damper whose rest angle is chosen such that the torque at the
    /// present speed is `clamp(k (target - angle) + d (rate - speed), -limit, limit)`. rapier solves springs
    /// and dampers of the whole chain exactly in one linear system; its joint motors, solved one after the
    /// other, needed 16 steps where this needs 2 (15 links: more than 16).
    pub fn drive(&mut self, rates: &[f32]) {
        let dt = self.world.integration_parameters.dt;
        let Some((chain, _)) = self.world.multibody_joints.get_mut(self.joints[0]) else {
            return;
        };
        for i in 0..rates.len() {
            let speed = chain.generalized_velocity()[i];
            let Some(link) = chain.link_mut(i + 1) else {
                return;
            };
            let (limit, stiffness) = (self.torques[i], self.torques[i] / FULL_TORQUE_ERROR);
            let damping = DAMPING_TIME * stiffness;
            let ahead = link.joint.coords()[3] + dt * speed;
            let torque = stiffness * (self.target[i] - ahead) + damping * (rates[i] - speed);
            let torque = torque.clamp(-limit, limit);
            let rest = ahead + (torque + damping * speed) / stiffness;
            link.joint.set_spring(3, stiffness, rest);
        }
    }

    /// A control step of nothing but servo targets and rapier steps: the yardstick of the benchmark.
    pub(super) fn bare_step(&mut self, rates: &[f32]) {
        let mut speed = [0.0; MAX_LINKS];
        for _ in 0..self.substeps {
            for (i, rate) in rates.iter().enumerate() {
                speed[i] = rate * STEP_ANGLE / CONTROL_DT;
                self.target[i] += speed[i] * CONTROL_DT / self.substeps as f32;
                let limit = Settings::joint_limit(i);
                self.target[i] = self.target[i].clamp(-limit, limit);
            }
            self.drive(&speed[..rates.len()]);
            self.world.step();
        }
    }
}

/// One physics step. rapier asserts on numbers that are no longer finite; such a panic ends the episode only.
fn advance(world: &mut PhysicsWorld) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| world.step())).map_err(|_| "the physics engine gave up")
}

fn flat(p: Point) -> Vector {
    Vector::new(p[0], p[1], 0.0)
}

fn groups(member: Group, meets: Group) -> InteractionGroups {
    InteractionGroups::new(member, meets, InteractionTestMode::And)
}

fn add_walls(world: &mut PhysicsWorld, walls: &Walls) {
    for &[a, b] in &walls.segments {
        let wall = ColliderBuilder::capsule_from_endpoints(flat(a), flat(b), WALL_RADIUS)
            .friction(FRICTION)
            .collision_groups(groups(GROUP_WALL, GROUP_ARM));
        world.insert_collider(wall, None);
    }
}
