//! The raw numbers of a robot's file that can be designed, under their names in MJCF and in the file's own units.

use mujoco_rs::wrappers::mj_editing::{
    MjSpec, MjsActuator, MjsBody, MjsEquality, MjsGeom, MjsJoint, MjsMesh, MjsSite, MjsTendon, SpecObject,
};

use super::edit::Kind;
use super::parts;

/// An element with numbers that can be edited.
pub(super) trait Fields: SpecObject {
    /// Names of its fields.
    const FIELDS: &'static [&'static str];
    /// All numbers of a field; what the file does not say is NaN.
    fn read(&self, field: &str) -> Option<Vec<f64>>;
    /// Writes one of them.
    fn write(&mut self, field: &str, index: usize, value: f64);
}

macro_rules! fields {
    ($item:ty: $([$array:ident $name:literal $array_mut:ident])* $(($scalar:ident $set:ident))*) => {
        impl Fields for $item {
            const FIELDS: &'static [&'static str] = &[$($name,)* $(stringify!($scalar),)*];

            fn read(&self, field: &str) -> Option<Vec<f64>> {
                match field {
                    $($name => Some(AsNumbers::numbers(self.$array())),)*
                    $(stringify!($scalar) => Some(vec![self.$scalar()]),)*
                    _ => None,
                }
            }

            fn write(&mut self, field: &str, index: usize, value: f64) {
                match field {
                    $($name => AsNumbers::set(self.$array_mut(), index, value),)*
                    $(stringify!($scalar) => self.$set(value),)*
                    _ => {}
                }
            }
        }
    };
}

/// One number or several.
trait AsNumbers {
    fn numbers(&self) -> Vec<f64>;
    fn set(&mut self, index: usize, value: f64);
}

impl<const N: usize> AsNumbers for [f64; N] {
    fn numbers(&self) -> Vec<f64> {
        self.to_vec()
    }

    fn set(&mut self, index: usize, value: f64) {
        if let Some(number) = self.get_mut(index) {
            *number = value;
        }
    }
}

impl AsNumbers for f64 {
    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }

    fn set(&mut self, _index: usize, value: f64) {
        *self = value;
    }
}

/// The ways to say an orientation, as fields.
macro_rules! oriented {
    ($item:ty: $($rest:tt)*) => {
        fields! { $item: [pos "pos" pos_mut] [quat "quat" quat_mut] $($rest)* }
    };
}

oriented! { MjsBody:
    [ipos "ipos" ipos_mut] [iquat "iquat" iquat_mut] [inertia "inertia" inertia_mut]
    [fullinertia "fullinertia" fullinertia_mut] (mass set_mass) (gravcomp set_gravcomp)
}
oriented! { MjsGeom:
    [fromto "fromto" fromto_mut] [size "size" size_mut] [friction "friction" friction_mut] [solref "solref" solref_mut]
    [solimp "solimp" solimp_mut] [fluid_coefs "fluidcoef" fluid_coefs_mut] (solmix set_solmix) (margin set_margin)
    (gap set_gap) (mass set_mass) (density set_density)
}
oriented! { MjsSite: [fromto "fromto" fromto_mut] [size "size" size_mut] }
fields! { MjsJoint:
    [pos "pos" pos_mut] [axis "axis" axis_mut] [ref_ "ref" ref_mut] [springdamper "springdamper" springdamper_mut]
    [stiffness "stiffness" stiffness_mut] [range "range" range_mut] [solref_limit "solreflimit" solref_limit_mut]
    [solimp_limit "solimplimit" solimp_limit_mut] [actfrcrange "actuatorfrcrange" actfrcrange_mut]
    [damping "damping" damping_mut] [solref_friction "solreffriction" solref_friction_mut]
    [solimp_friction "solimpfriction" solimp_friction_mut]
    (springref set_springref) (margin set_margin) (armature set_armature) (frictionloss set_frictionloss)
}
fields! { MjsActuator:
    [gear "gear" gear_mut] [gainprm "gainprm" gainprm_mut] [biasprm "biasprm" biasprm_mut] [dynprm "dynprm" dynprm_mut]
    [lengthrange "lengthrange" lengthrange_mut] [damping "damping" damping_mut] [ctrlrange "ctrlrange" ctrlrange_mut]
    [forcerange "forcerange" forcerange_mut] [actrange "actrange" actrange_mut]
    (cranklength set_cranklength) (armature set_armature)
}
fields! { MjsTendon:
    [damping "damping" damping_mut] [stiffness "stiffness" stiffness_mut] [springlength "springlength" springlength_mut]
    [range "range" range_mut] [actfrcrange "actuatorfrcrange" actfrcrange_mut] [solref_limit "solreflimit" solref_limit_mut]
    [solimp_limit "solimplimit" solimp_limit_mut] [solref_friction "solreffriction" solref_friction_mut]
    [solimp_friction "solimpfriction" solimp_friction_mut]
    (frictionloss set_frictionloss) (armature set_armature) (margin set_margin) (width set_width)
}
fields! { MjsMesh: [scale "scale" scale_mut] }
fields! { MjsEquality: [data "data" data_mut] [solref "solref" solref_mut] [solimp "solimp" solimp_mut] }

/// Fields of `option`, [name, how many numbers].
const OPTION: [&str; 6] = ["gravity", "wind", "magnetic", "density", "viscosity", "impratio"];

/// Calls a generic function with the element type of a kind.
macro_rules! by_kind {
    ($kind:expr, $call:ident($($argument:expr),*), $option:expr) => {
        match $kind {
            Kind::Body => $call::<MjsBody>($($argument),*),
            Kind::Geom => $call::<MjsGeom>($($argument),*),
            Kind::Joint => $call::<MjsJoint>($($argument),*),
            Kind::Site => $call::<MjsSite>($($argument),*),
            Kind::Actuator => $call::<MjsActuator>($($argument),*),
            Kind::Tendon => $call::<MjsTendon>($($argument),*),
            Kind::Mesh => $call::<MjsMesh>($($argument),*),
            Kind::Equality => $call::<MjsEquality>($($argument),*),
            Kind::Option => $option,
        }
    };
}

/// Names of the fields of a kind.
pub(super) fn names(kind: Kind) -> Vec<&'static str> {
    fn of<T: Fields>() -> Vec<&'static str> {
        T::FIELDS.to_vec()
    }
    by_kind!(kind, of(), OPTION.to_vec())
}

/// Names of the elements of a kind, in the file's order; an actuator without a name goes by that of what it moves.
pub(super) fn elements(spec: &MjSpec, kind: Kind) -> Vec<String> {
    fn of<T: Fields>(spec: &MjSpec) -> Vec<String> {
        parts::all::<T>(spec)
            .iter()
            .map(|item| item.name().to_string())
            .collect()
    }
    let mut names = by_kind!(kind, of(spec), Vec::new());
    if kind == Kind::Actuator {
        for (name, actuator) in names.iter_mut().zip(parts::all::<MjsActuator>(spec)) {
            if name.is_empty() {
                *name = actuator.target().to_string();
            }
        }
    }
    names
}

/// All numbers of a field of the element at this place.
pub(super) fn read(spec: &MjSpec, kind: Kind, element: usize, field: &str) -> Option<Vec<f64>> {
    fn of<T: Fields>(spec: &MjSpec, element: usize, field: &str) -> Option<Vec<f64>> {
        parts::all::<T>(spec).get(element)?.read(field)
    }
    by_kind!(kind, of(spec, element, field), read_option(spec, field))
}

/// Writes one number of a field of the element at this place.
pub(super) fn write(spec: &mut MjSpec, kind: Kind, element: usize, field: &str, index: usize, value: f64) {
    fn of<T: Fields>(spec: &mut MjSpec, element: usize, field: &str, index: usize, value: f64) {
        if let Some(item) = parts::nth::<T>(spec, element) {
            item.write(field, index, value);
        }
    }
    by_kind!(
        kind,
        of(spec, element, field, index, value),
        write_option(spec, field, index, value)
    );
}

fn read_option(spec: &MjSpec, field: &str) -> Option<Vec<f64>> {
    let option = spec.option();
    match field {
        "gravity" => Some(option.gravity.to_vec()),
        "wind" => Some(option.wind.to_vec()),
        "magnetic" => Some(option.magnetic.to_vec()),
        "density" => Some(vec![option.density]),
        "viscosity" => Some(vec![option.viscosity]),
        "impratio" => Some(vec![option.impratio]),
        _ => None,
    }
}

fn write_option(spec: &mut MjSpec, field: &str, index: usize, value: f64) {
    let option = spec.option_mut();
    match field {
        "gravity" => option.gravity.set(index, value),
        "wind" => option.wind.set(index, value),
        "magnetic" => option.magnetic.set(index, value),
        "density" => option.density = value,
        "viscosity" => option.viscosity = value,
        "impratio" => option.impratio = value,
        _ => {}
    }
}
