//! Lets binaries and tests find libtorch, and tells crates that depend on this one where it lies
//! (`DEP_TANDEM_LIBTORCH` in their build scripts).

include!("agents/rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(lib) = libtorch() {
        println!("cargo:libtorch={}", lib.display());
        print_rpath(&lib);
    }
}
