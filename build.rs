//! Lets binaries and tests find libtorch and MuJoCo, and tells crates that depend on this one where they lie
//! (`DEP_TANDEM_LIBTORCH` and `DEP_TANDEM_MUJOCO` in their build scripts).

include!("rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=rpath.rs");
    for (name, variable) in [
        ("libtorch", "DEP_TCH_LIBTORCH_LIB"),
        ("mujoco", "MUJOCO_DYNAMIC_LINK_DIR"),
    ] {
        if let Some(lib) = library(variable) {
            println!("cargo:{name}={}", lib.display());
            print_rpath(&lib);
        }
    }
    // A program that is moved finds them beside it.
    for beside in ["$ORIGIN", "$ORIGIN/lib", "$ORIGIN/../lib"] {
        print_rpath(std::path::Path::new(beside));
    }
}
