//! Lets tests find libtorch.

include!("../rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(lib) = libtorch() {
        print_rpath(&lib);
    }
}
