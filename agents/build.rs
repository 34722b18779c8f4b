//! Compiles what replaces libtorch's products, and lets tests find libtorch without `LD_LIBRARY_PATH`.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/libtorch/replacements.cpp");
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    // `.libtorch` is a link: resolve it, so that the binary still runs from another checkout.
    let lib = std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into());
    let include = std::env::var_os("LIBTORCH_INCLUDE")
        .map_or_else(|| lib.with_file_name(""), PathBuf::from)
        .join("include");
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .flag_if_supported("-std=c++17")
        .include(include)
        .warnings(false) // libtorch's headers have many
        .file("src/libtorch/replacements.cpp")
        .compile("tandem_replacements");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
