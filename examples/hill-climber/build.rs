//! Tells the program where Tandem found libtorch.
fn main() {
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", std::env::var("DEP_TANDEM_LIBTORCH").unwrap());
}
