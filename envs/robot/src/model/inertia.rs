//! Mass and inertia of bodies that say them themselves, as their shape changes.

use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsBody, MjtInertiaFromGeom};
use nalgebra::{Matrix3, Rotation3, SymmetricEigen, UnitQuaternion, Vector3};

use super::parts;

/// Whether a body's mass and inertia are what the file says and not what its geoms make them.
pub(super) fn explicit(spec: &MjSpec, body: &MjsBody) -> bool {
    body.explicitinertial() && spec.compiler().inertiafromgeom() != MjtInertiaFromGeom::mjINERTIAFROMGEOM_TRUE
}

/// The inertia about the centre of mass of matter that is moved by `x -> M x` at constant density, kg m^2.
///
/// With the second moment of mass `S = 1/2 tr(J) I - J`: `S' = det(M) M S M^T`, `J' = tr(S') I - S'`.
pub(super) fn stretched(inertia: &Matrix3<f64>, matrix: &Matrix3<f64>) -> Matrix3<f64> {
    let moment = Matrix3::identity() * (0.5 * inertia.trace()) - inertia;
    let moment = matrix * moment * matrix.transpose() * matrix.determinant();
    Matrix3::identity() * moment.trace() - moment
}

/// Stretches what a body says of its mass: `matrix` in the body's axes, `centre` the new centre of mass, m.
///
/// # Errors
/// An orientation that MuJoCo cannot read.
pub(super) fn stretch(body: &mut MjsBody, matrix: &Matrix3<f64>, centre: Vector3<f64>) -> Result<(), String> {
    body.set_mass(body.mass() * matrix.determinant());
    *body.ipos_mut() = centre.into();
    if !body.fullinertia()[0].is_nan() {
        let [xx, yy, zz, xy, xz, yz] = *body.fullinertia();
        let new = stretched(&Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz), matrix);
        *body.fullinertia_mut() = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)].map(|at| new[at]);
        return Ok(());
    }
    let rotation = parts::orientation(body, body.iquat(), body.ialt())?;
    let turn = rotation.to_rotation_matrix().into_inner();
    let own = Matrix3::from_diagonal(&Vector3::from(*body.inertia()));
    let new = stretched(&own, &(turn.transpose() * matrix * turn));
    if (new - Matrix3::from_diagonal(&new.diagonal())).amax() <= 1e-12 * new.trace() {
        *body.inertia_mut() = new.diagonal().into();
        return Ok(());
    }
    let eigen = SymmetricEigen::new(new);
    let mut axes = eigen.eigenvectors;
    if axes.determinant() < 0.0 {
        axes.column_mut(2).neg_mut();
    }
    let axes = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes));
    *body.inertia_mut() = eigen.eigenvalues.into();
    *body.iquat_mut() = parts::quat(&(rotation * axes));
    body.ialt_mut().switch_quat();
    Ok(())
}

/// Multiplies what a body says of its mass.
pub(super) fn multiply(body: &mut MjsBody, ratio: f64) {
    body.set_mass(body.mass() * ratio);
    body.inertia_mut().iter_mut().for_each(|number| *number *= ratio);
    body.fullinertia_mut().iter_mut().for_each(|number| *number *= ratio);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of full sides a, b, c: J_xx = m (b^2 + c^2) / 12. Stretched twofold along x and threefold along y it is a box of
    /// sides 2a, 3b, c and six times the mass.
    #[test]
    fn a_stretched_box_is_a_box() {
        let solid = |m: f64, [a, b, c]: [f64; 3]| {
            Matrix3::from_diagonal(&Vector3::new(b * b + c * c, a * a + c * c, a * a + b * b)) * (m / 12.0)
        };
        let new = stretched(
            &solid(2.0, [0.1, 0.2, 0.3]),
            &Matrix3::from_diagonal(&Vector3::new(2.0, 3.0, 1.0)),
        );
        assert!((new - solid(12.0, [0.2, 0.6, 0.3])).amax() < 1e-14);
    }
}
