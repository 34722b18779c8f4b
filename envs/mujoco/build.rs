//! Lets tests find MuJoCo.

include!("../../rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../rpath.rs");
    if let Some(lib) = library("MUJOCO_DYNAMIC_LINK_DIR") {
        print_rpath(&lib);
    }
}
