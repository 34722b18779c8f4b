//! Files for the accelerator models, damaged at random: an error or a result, never a panic, never a hang.

use std::path::Path;

use tandem_accelerator::scalesim::{self, Config, Topology};
use tandem_core::Stream;

const CONFIG: &str = "[general]\nrun_name = small\n\n[architecture_presets]\nArrayHeight: 8\nArrayWidth: 24\n\
                      Dataflow: ws\n\n[sparsity]\nSparsitySupport: true\n\n[run_presets]\n\
                      InterfaceBandwidth: CALC\n";

/// `text` with a few characters replaced, taken out or put in, or cut short.
fn damaged(text: &str, stream: &mut Stream) -> String {
    const BITS: [&str; 14] = [
        "",
        ",",
        "\n",
        ":",
        "[",
        "]",
        "-",
        "0",
        "9999999999999999999",
        "DP",
        "é",
        "\0",
        "1:0",
        " ",
    ];
    let mut characters: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..1 + stream.below(4) {
        let at = stream.below(characters.len());
        characters[at] = BITS[stream.below(BITS.len())].to_owned();
    }
    if stream.below(8) == 0 {
        characters.truncate(stream.below(characters.len()));
    }
    characters.concat()
}

fn topology() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/scalesim/topologies/mixed.csv");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn damaged_networks_and_configurations_never_panic() {
    let mut stream = Stream::new(0, "damaged", 0);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..3000 {
        let config = damaged(CONFIG, &mut stream);
        let network = damaged(&topology(), &mut stream);
        let config = Config::parse(&config, "c.cfg").or_else(|_| Config::parse(CONFIG, "c.cfg"));
        match Topology::parse(&network, "n.csv") {
            Ok(network) => {
                let _ = scalesim::run(&config.unwrap(), &network);
                good += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'));
                bad += 1;
            }
        }
    }
    assert!(good > 300 && bad > 300, "{good} read, {bad} refused");
}
