//! The arm as a rapier multibody: the same links, servos and walls by an engine that we did not write, for comparison.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::chain::{Aim, Servo};
use super::config::{CONTROL_DT, FRICTION, LINK_RADIUS, Settings, WALL_RADIUS, link_mass};
use super::hardware::{Arm, MOTOR_MASS};
use super::machine::Fault;
use super::walls::{Point, Walls};

const GROUP_ARM: Group = Group::GROUP_1;
const GROUP_WALL: Group = Group::GROUP_2;

/// An arm in rapier.
#[derive(Serialize, Deserialize)]
pub(super) struct RapierArm {
    world: PhysicsWorld,
    joints: Vec<MultibodyJointHandle>,
    servos: Vec<Servo>,
    lengths: Vec<f32>,
}

impl RapierArm {
    /// Builds an arm, its base at `base`, m, at rest with these joint angles, rad.
    ///
    /// `None` if rapier refuses the chain, which a valid design cannot cause.
    pub fn new(
        settings: &Settings,
        walls: &Walls,
        (arm, base): (&Arm, Point),
        servos: Vec<Servo>,
        angles: &[f64],
    ) -> Option<Self> {
        let mut world = PhysicsWorld {
            gravity: Vector::ZERO,
            ..PhysicsWorld::default()
        };
        let p = &mut world.integration_parameters;
        p.dt = CONTROL_DT / settings.substeps as f32;
        p.num_solver_iterations = 1;
        // servos are solved one after the other, along the chain and back
        p.num_internal_pgs_iterations = 10 * settings.links;
        // fast tips among thin walls: contacts are solved before they happen
        p.normalized_prediction_distance = 0.1;
        p.max_ccd_substeps = 0;
        // links are thin: a stale contact point would be a wrong one
        p.contact_recycling = false;
        add_walls(&mut world, walls);
        let root = world.insert_body(RigidBodyBuilder::fixed().translation(flat(base)));
        let mut machine = Self {
            world,
            joints: Vec::with_capacity(settings.links),
            servos,
            lengths: arm.lengths.iter().map(|&l| l as f32).collect(),
        };
        machine.add_links(root, arm)?;
        machine.pose(angles)?;
        Some(machine)
    }

    fn add_links(&mut self, root: RigidBodyHandle, arm: &Arm) -> Option<()> {
        let mut parent = root;
        let mut anchor = Vector::ZERO;
        for i in 0..arm.lengths.len() {
            let body = RigidBodyBuilder::dynamic().can_sleep(false).soft_ccd_prediction(1.0);
            let tip = Vector::X * arm.lengths[i] as f32;
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
            let limit = self.servos[i].stop as f32;
            let joint = GenericJointBuilder::new(JointAxesMask::LOCKED_REVOLUTE_AXES)
                .local_axis1(Vector::Z)
                .local_axis2(Vector::Z)
                .local_anchor1(anchor)
                .local_anchor2(Vector::ZERO)
                .contacts_enabled(false)
                .limits(JointAxis::AngX, [-limit, limit])
                .motor_model(JointAxis::AngX, MotorModel::ForceBased)
                .motor_max_force(JointAxis::AngX, self.servos[i].limit as f32)
                .build();
            self.joints
                .push(self.world.insert_multibody_joint(parent, child, joint)?);
            (parent, anchor) = (child, tip);
        }
        Some(())
    }

    /// Moves the freshly built chain to these angles.
    fn pose(&mut self, angles: &[f64]) -> Option<()> {
        let world = &mut self.world;
        let first = *self.joints.first()?;
        let (chain, _) = world.multibody_joints.get_mut(first)?;
        chain.set_self_contacts_enabled(false);
        chain.forward_kinematics(&world.bodies, true);
        let angles: Vec<f32> = angles.iter().map(|&angle| angle as f32).collect();
        chain.apply_displacements(&angles);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
        // the servos' damping is theirs
        chain.damping_mut().fill(0.0);
        Some(())
    }

    /// The chain; `None` if it was not stored whole.
    fn chain(&self) -> Option<&Multibody> {
        let found = self.world.multibody_joints.get(*self.joints.first()?)?;
        Some(found.0)
    }

    /// The links, without the base.
    fn moving(&self) -> impl Iterator<Item = &MultibodyLink> {
        self.chain().into_iter().flat_map(|chain| chain.links().skip(1))
    }

    /// Number of links; `None` for an arm that was not stored whole.
    pub fn links(&self) -> Option<usize> {
        let links = self.moving().count();
        [self.joints.len(), self.servos.len(), self.lengths.len()]
            .iter()
            .all(|&n| n == links)
            .then_some(links)
    }

    /// Angles of the hinges, rad.
    pub fn angles(&self) -> impl Iterator<Item = f64> {
        self.moving().map(|link| f64::from(link.joint().coords()[3]))
    }

    /// The ends of the links, m.
    pub fn ends(&self) -> impl Iterator<Item = Point> {
        let links = self.moving().zip(&self.lengths);
        links.map(|(link, &length)| {
            let end = *link.local_to_world() * (Vector::X * length);
            [end.x, end.y]
        })
    }

    /// Speeds of the hinges, rad/s.
    pub fn speeds(&self) -> impl Iterator<Item = f32> {
        self.chain().into_iter().flat_map(|chain| {
            let speeds = chain.generalized_velocity();
            (0..speeds.len()).map(move |i| speeds[i])
        })
    }

    /// Masses of the links, kg.
    pub fn masses(&self) -> impl Iterator<Item = f32> {
        let mass = |link: &MultibodyLink| self.world.bodies[link.rigid_body_handle()].mass();
        self.moving().map(mass)
    }

    /// One physics step.
    ///
    /// # Errors
    /// The engine gave up.
    pub fn step(&mut self, aims: &[Aim]) -> Result<(), Fault> {
        self.drive(aims);
        let world = &mut self.world;
        // rapier asserts on numbers that are no longer finite; such a panic ends the episode only
        catch_unwind(AssertUnwindSafe(|| world.step())).map_err(|_| "the physics engine gave up")
    }

    /// Sets the servos for the next physics step, as motors whose impulse is bounded. rapier solves them one after the other,
    /// which wants small steps and many iterations.
    fn drive(&mut self, aims: &[Aim]) {
        let Some((chain, _)) = self.world.multibody_joints.get_mut(self.joints[0]) else {
            return;
        };
        for (i, (aim, servo)) in aims.iter().zip(&self.servos).enumerate() {
            if let Some(link) = chain.link_mut(i + 1) {
                let [angle, rate, stiffness, damping] =
                    [aim.angle, aim.rate, servo.stiffness, servo.damping].map(|x| x as f32);
                link.joint
                    .data
                    .set_motor(JointAxis::AngX, angle, rate, stiffness, damping);
            }
        }
    }

    /// Puts the arm at rest at these angles, rad.
    pub fn rest(&mut self, angles: &[f64]) {
        let world = &mut self.world;
        let Some((chain, _)) = world.multibody_joints.get_mut(self.joints[0]) else {
            return;
        };
        let back = chain.links().skip(1).zip(angles);
        let back: Vec<f32> = back
            .map(|(link, &angle)| angle as f32 - link.joint().coords()[3])
            .collect();
        chain.apply_displacements(&back);
        chain.generalized_velocity_mut().fill(0.0);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
    }
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
