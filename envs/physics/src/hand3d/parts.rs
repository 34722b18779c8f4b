//! What the scenes of all hands are put together from: table, links, hinges, groups of what may touch.

use rapier3d::prelude::*;

/// Control step, s.
pub(super) const CONTROL_DT: f32 = 0.02;
/// m/s^2.
pub(super) const GRAVITY: f32 = 9.81;
/// Friction of all surfaces.
pub(super) const FRICTION: f32 = 0.9;
/// How stiff contacts are, Hz: rapier's are springs of the mass that the touching bodies have there, here tens of grams.
/// At its 30 Hz a finger sinks more than a centimetre into what it holds with 8 N, at these less than 0.2 mm.
const CONTACT_FREQUENCY: f32 = 240.0;
/// How much they are damped.
const CONTACT_DAMPING_RATIO: f32 = 2.0;
/// Mass of a link: a joint's share, kg, and a share per length, kg/m.
const LINK_MASS: [f64; 2] = [0.01, 0.25];
pub(super) const GROUP_HAND: Group = Group::GROUP_1;
pub(super) const GROUP_OBJECT: Group = Group::GROUP_2;
pub(super) const GROUP_TABLE: Group = Group::GROUP_3;

/// A place, m, and an orientation (x, y, z, w).
pub type Placed = ([f32; 3], [f32; 4]);

/// Where a body is, in a frame that is `raised` above the table, m.
pub(super) fn placed(body: &RigidBody, raised: f32) -> Placed {
    let [x, y, z] = body.translation().to_array();
    ([x, y, z + raised], body.rotation().to_array())
}

pub(super) fn vector(v: [f64; 3]) -> Vector {
    Vector::new(v[0] as f32, v[1] as f32, v[2] as f32)
}

pub(super) fn groups(member: Group, meets: Group) -> InteractionGroups {
    InteractionGroups::new(member, meets, InteractionTestMode::And)
}

/// A joint's frame whose first axis, the free one, is `axis`.
pub(super) fn axis_frame(anchor: Vector, axis: Vector, before: Rotation) -> Pose {
    let turn = before * Rotation::from_rotation_arc(Vector::X, axis);
    Pose::from_parts(anchor, turn)
}

/// A hinge about `axis` of the child, whose origin it is, at `anchor` of the parent, turned by `turned`; stops in rad.
pub(super) fn hinge(anchor: Vector, axis: Vector, turned: Rotation, limits: [f64; 2]) -> GenericJoint {
    GenericJointBuilder::new(JointAxesMask::LOCKED_REVOLUTE_AXES)
        .local_frame1(axis_frame(anchor, axis, turned))
        .local_frame2(axis_frame(Vector::ZERO, axis, Rotation::IDENTITY))
        .contacts_enabled(false)
        .limits(JointAxis::AngX, limits.map(|l| l as f32))
        .build()
}

/// The table, whose top is z = 0.
pub(super) fn table() -> ColliderBuilder {
    ColliderBuilder::cuboid(1.0, 1.0, 0.1)
        .translation(Vector::new(0.0, 0.0, -0.1))
        .density(0.0)
        .friction(FRICTION)
        .collision_groups(groups(GROUP_TABLE, GROUP_HAND | GROUP_OBJECT))
}

/// A world with nothing in it; `substeps` physics steps make a control step.
pub(super) fn empty_world(substeps: usize) -> PhysicsWorld {
    let mut world = PhysicsWorld {
        gravity: Vector::Z * -GRAVITY,
        ..PhysicsWorld::default()
    };
    let p = &mut world.integration_parameters;
    p.dt = CONTROL_DT / substeps as f32;
    // servos are set anew for every step, so that more iterations, which are steps of their own for a multibody, would
    // cost as much as more steps and be less exact
    p.num_solver_iterations = 1;
    p.contact_softness = SpringCoefficients::new(CONTACT_FREQUENCY, CONTACT_DAMPING_RATIO);
    p.static_contact_softness = p.contact_softness;
    p.length_unit = 0.1;
    p.max_ccd_substeps = 0;
    // as multibodies have it always: free links must grip as a machine's do
    p.friction_model = FrictionModel::Coulomb;
    world
}

/// A body that never sleeps.
pub(super) fn limb() -> RigidBodyBuilder {
    RigidBodyBuilder::dynamic().can_sleep(false)
}

/// Mass of a link of this length (m), kg.
pub(super) fn link_mass(length: f64) -> f64 {
    LINK_MASS[0] + LINK_MASS[1] * length
}

/// The collider of a link, a capsule of this length and radius (m), from its body's origin along x.
pub(super) fn link_shape(length: f64, radius: f64) -> ColliderBuilder {
    let tip = Vector::X * length as f32;
    ColliderBuilder::capsule_from_endpoints(Vector::ZERO, tip, radius as f32)
        .mass(link_mass(length) as f32)
        .friction(FRICTION)
        .collision_groups(groups(GROUP_HAND, GROUP_OBJECT | GROUP_TABLE))
}

/// A palm, a disc of this radius and half height around a point, m: it stands still in its frame.
pub(super) fn palm(center: Vector, radius: f64, half_height: f64) -> ColliderBuilder {
    let upright = Rotation::from_rotation_x(std::f32::consts::FRAC_PI_2);
    ColliderBuilder::cylinder(half_height as f32, radius as f32)
        .position(Pose::from_parts(center, upright))
        .friction(FRICTION)
        .collision_groups(groups(GROUP_HAND, GROUP_OBJECT))
}

/// Whether a collider is the table.
pub(super) fn is_table(collider: &Collider) -> bool {
    collider.collision_groups().memberships == GROUP_TABLE
}

/// Places where hand and object touch, m.
pub(super) fn contacts(world: &PhysicsWorld) -> impl Iterator<Item = [f32; 3]> {
    let free = |collider| {
        let collider = world.colliders.get(collider);
        collider.filter(|c: &&Collider| !is_table(c))
    };
    let pairs = world.contact_pairs().filter_map(move |pair| {
        let first = free(pair.collider1)?;
        free(pair.collider2).map(|_| (first.position(), pair))
    });
    pairs.flat_map(|(pose, pair)| {
        let points = pair.manifolds().iter().flat_map(|m| &m.points);
        let touching = points.filter(|point| point.dist <= 0.0);
        touching.map(move |point| (*pose * point.local_p1).to_array())
    })
}
