//! Lets binaries, tests and examples find libtorch without `LD_LIBRARY_PATH`, and tells crates that depend on this one
//! where it lies (`DEP_TANDEM_LIBTORCH` in their build scripts).
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    // `.libtorch` is a link: resolve it, so that the binary still runs from another checkout.
    let lib = std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into());
    println!("cargo:libtorch={}", lib.display());
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
