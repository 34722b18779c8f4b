// Included by build scripts: where libtorch lies, resolved, since `.libtorch` is a link and the binary shall run from
// another checkout too; and the linker's argument with which a program finds it without `LD_LIBRARY_PATH`.

fn libtorch() -> Option<std::path::PathBuf> {
    let lib = std::env::var_os("DEP_TCH_LIBTORCH_LIB")?;
    Some(std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into()))
}

fn print_rpath(lib: &std::path::Path) {
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("unix") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
