// Included by build scripts: where a library lies, resolved, since `.libtorch` and `.mujoco` are links and the binary shall
// run from another checkout too; and the linker's argument with which a program finds it without `LD_LIBRARY_PATH`.

/// The folder that the environment variable names.
fn library(variable: &str) -> Option<std::path::PathBuf> {
    println!("cargo:rerun-if-env-changed={variable}");
    let lib = std::env::var_os(variable)?;
    Some(std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into()))
}

fn print_rpath(lib: &std::path::Path) {
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
