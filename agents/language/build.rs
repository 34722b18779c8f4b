//! Lets tests find libtorch.

include!("../../rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../rpath.rs");
    if let Some(lib) = library("DEP_TCH_LIBTORCH_LIB") {
        print_rpath(&lib);
    }
}
