//! Tells the program where Tandem found libtorch and MuJoCo.
fn main() {
    for variable in ["DEP_TANDEM_LIBTORCH", "DEP_TANDEM_MUJOCO"] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", std::env::var(variable).unwrap());
    }
}
