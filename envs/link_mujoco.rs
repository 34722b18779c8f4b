//! The build script of the crates that link MuJoCo: lets their tests find it.

include!("../rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=../link_mujoco.rs");
    println!("cargo:rerun-if-changed=../../rpath.rs");
    if let Some(lib) = library("MUJOCO_DYNAMIC_LINK_DIR") {
        print_rpath(&lib);
    }
}
