//! Compiles what replaces libtorch's products and elementary functions, and lets tests find libtorch and
//! MuJoCo, which the problems of tests are linked with.

use std::path::PathBuf;

include!("../../rpath.rs");

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../rpath.rs");
    println!("cargo:rerun-if-changed=src/libtorch/replacements.cpp");
    let Some(lib) = library("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let home = std::env::var_os("LIBTORCH_INCLUDE").map_or_else(|| lib.with_file_name(""), PathBuf::from);
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .flag_if_supported("-std=c++17")
        .include(home.join("include"))
        .warnings(false) // libtorch's headers have many
        .file("src/libtorch/replacements.cpp")
        .compile("tandem_replacements");
    print_rpath(&lib);
    if let Some(lib) = library("MUJOCO_DYNAMIC_LINK_DIR") {
        print_rpath(&lib);
    }
}
