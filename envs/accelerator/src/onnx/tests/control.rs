//! Branches, loops, functions of the model, and domains.

use rten_onnx::onnx::GraphProto;

use super::super::{Options, Unsupported, parse};
use super::build::{Body, File, Int, Size};
use super::hostile::field;
use crate::layer::{Layer, Network};

fn with(bytes: &[u8], options: &Options) -> Result<Network, String> {
    parse(bytes, "net.onnx", options).map_err(|error| error.to_string())
}

fn read(file: &File) -> Network {
    with(&file.bytes(), &Options::default()).unwrap()
}

fn refused(file: &File, options: &Options) -> String {
    with(&file.bytes(), options).unwrap_err()
}

/// The graph of a file, as a body.
fn body(mut file: File) -> GraphProto {
    std::mem::take(file.graph())
}

/// h' = h R, and h' once more, to be gathered.
fn step() -> File {
    File::new(17)
        .open_input("round", &[])
        .open_input("go", &[])
        .open_input("h", &[])
        .node("Identity", "go", "on", &[])
        .node("MatMul", "h R", "next", &[])
        .node("Identity", "next", "seen", &[])
        .output("on")
        .output("next")
        .output("seen")
}

fn looped(count: &str) -> File {
    File::new(17)
        .input("x", &[1, 8])
        .input("n", &[1])
        .weight("R", &[8, 8])
        .ints("five", &[5])
        .node(
            "Loop",
            &format!("{count} . x"),
            "last all",
            &[Body("body", &body(step()))],
        )
        .output("last")
        .output("all")
}

#[test]
fn a_loop_runs_as_often_as_it_says_and_each_round_needs_the_one_before() {
    let network = read(&looped("five"));
    assert_eq!((network.macs(), network.parameters()), (Ok(5 * 64), Ok(64)));
    let products: Vec<&Layer> = network
        .layers
        .iter()
        .filter(|layer| layer.op.name() == "linear")
        .collect();
    assert_eq!(products[0].name, "the_last/0/the_next");
    for at in 1..5 {
        assert_eq!(products[at].inputs, [at - 1]);
        assert_eq!((products[at].shared, products[at].weights), (true, products[0].weights));
    }
    let shape = |name: &str| {
        network
            .tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap()
            .shape
            .clone()
    };
    assert_eq!((shape("last"), shape("all")), (vec![1, 8], vec![5, 1, 8]));
}

#[test]
fn a_loop_that_data_ends_is_counted_as_named() {
    let file = looped("n");
    let message = refused(&file, &Options::default());
    assert!(
        message.contains("how often it runs depends on data") && message.contains("--trips"),
        "{message}"
    );
    // nor does it vanish where operators may be counted as functions of each value
    let options = Options {
        unsupported: Unsupported::Elementwise,
        ..Options::default()
    };
    assert!(refused(&file, &options).contains("--trips"));
    for name in ["", "the_last"] {
        let mut options = Options::default();
        options.trips.insert(name.into(), 7);
        assert_eq!(with(&file.bytes(), &options).unwrap().macs(), Ok(7 * 64));
    }
}

#[test]
fn a_scan_runs_once_for_each_slice() {
    let body = body(
        File::new(17)
            .open_input("h", &[])
            .open_input("slice", &[])
            .node("MatMul", "slice W", "part", &[])
            .node("Add", "h part", "next", &[])
            .node("Relu", "next", "seen", &[])
            .output("next")
            .output("seen"),
    );
    let file = File::new(17)
        .input("h0", &[2, 4])
        .input("x", &[6, 2, 3])
        .weight("W", &[3, 4])
        .node(
            "Scan",
            "h0 x",
            "last all",
            &[Body("body", &body), Int("num_scan_inputs", 1)],
        )
        .output("last")
        .output("all");
    let network = read(&file);
    assert_eq!(network.macs(), Ok(6 * 2 * 3 * 4));
    let all = network.tensors.iter().find(|tensor| tensor.name == "all").unwrap();
    assert_eq!(all.shape, [6, 2, 4]);
}

#[test]
fn what_only_a_branch_reads_is_not_lost() {
    let branch = |reads: &str| body(File::new(17).node("Relu", reads, "b", &[]).output("b"));
    let (then, other) = (branch("c"), branch("x"));
    let file = File::new(17)
        .input("x", &[1, 4, 8, 8])
        .input("flag", &[1])
        .weight("w", &[4, 4, 1, 1])
        .node("Conv", "x w", "c", &[])
        .node(
            "If",
            "flag",
            "y",
            &[Body("then_branch", &then), Body("else_branch", &other)],
        )
        .output("y");
    assert_eq!(read(&file).macs(), Ok(64 * 16));
}

#[test]
fn the_dearer_branch_is_the_one_that_is_counted() {
    let wide = body(File::new(17).node("MatMul", "x w", "b", &[]).output("b"));
    let narrow = body(File::new(17).node("Relu", "x", "b", &[]).output("b"));
    for (then, other, name) in [(&wide, &narrow, "then"), (&narrow, &wide, "else")] {
        let file = File::new(17)
            .input("x", &[3, 8])
            .input("flag", &[1])
            .weight("w", &[8, 8])
            .node(
                "If",
                "flag",
                "y",
                &[Body("then_branch", then), Body("else_branch", other)],
            )
            .output("y");
        let network = read(&file);
        assert_eq!((network.macs(), network.layers.len()), (Ok(3 * 64), 1));
        assert!(
            network.notes[0].contains(&format!("its dearer branch, {name},")),
            "{:?}",
            network.notes
        );
    }
}

/// A node of a file's function: operator, input, output, and an attribute that the call gives, or bytes of its own.
fn node(op: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    node.extend([field(2, output.as_bytes()), field(4, op.as_bytes())].concat());
    node.extend(attributes.iter().flat_map(|attribute| field(5, attribute)));
    field(7, &node)
}

#[test]
fn functions_of_the_model_are_brought_in_with_their_attributes() {
    // my::Relu(x, w; strides) = Conv(x, w; strides), whatever the name says
    let reference = [field(1, b"strides"), vec![0xaa, 0x01, 0x04], b"step".to_vec()].concat();
    let function = [
        field(1, b"Relu"),
        field(4, b"x"),
        field(4, b"w"),
        field(5, b"y"),
        node("Conv", &["x", "w"], "y", &[reference]),
        field(10, b"my"),
    ]
    .concat();
    // 25 does not fit one byte of a key
    let whole = [vec![0xca, 0x01, function.len() as u8], function].concat();
    let file = |step: &[i64]| {
        let file = File::new(17)
            .input("x", &[1, 3, 9, 9])
            .weight("v", &[8, 3, 3, 3])
            .node("Relu", "x v", "y", &[super::build::Ints("step", step)])
            .of_domain("my")
            .output("y");
        [file.bytes(), whole.clone()].concat()
    };
    for (step, side) in [(&[1, 1], 7_u64), (&[2, 2], 4)] {
        let network = with(&file(step), &Options::default()).unwrap();
        assert_eq!(network.macs(), Ok(side * side * 8 * 27));
        assert_eq!(network.layers[0].name, "the_y/Conv_0");
    }
}

#[test]
fn functions_that_call_themselves_are_refused() {
    let function = [field(1, b"F"), field(4, b"x"), field(5, b"y"), field(10, b"my")].concat();
    let call = [
        field(1, b"x"),
        field(2, b"y"),
        field(4, b"F"),
        vec![0x3a, 2],
        b"my".to_vec(),
    ]
    .concat();
    let function = [function, field(7, &call)].concat();
    let whole = [vec![0xca, 0x01, function.len() as u8], function].concat();
    let file = File::new(17)
        .input("x", &[1])
        .node("F", "x", "y", &[])
        .of_domain("my")
        .output("y");
    let message = with(&[file.bytes(), whole].concat(), &Options::default()).unwrap_err();
    assert!(message.contains("without end"), "{message}");
}

#[test]
fn a_domain_decides_what_an_operator_is() {
    let file = |op: &str, domain: &str| {
        File::new(17)
            .input("x", &[1, 16, 8, 8])
            .weight("w", &[16, 16, 3, 3])
            .node(op, "x w", "y", &[])
            .of_domain(domain)
            .output("y")
    };
    let options = Options {
        unsupported: Unsupported::Elementwise,
        ..Options::default()
    };
    for domain in ["com.microsoft.nchwc", "my.lib"] {
        for options in [&Options::default(), &options] {
            let message = refused(&file("Conv", domain), options);
            assert!(message.contains(&format!("domain \"{domain}\"")), "{message}");
            assert!(
                message.contains("multiplies matrices") && !message.contains("--unsupported"),
                "{message}"
            );
        }
        // nobody knows what it does with its weights
        assert!(refused(&file("Fancy", domain), &options).contains("weights of [16, 16, 3, 3]"));
    }
    assert_eq!(read(&file("Conv", "ai.onnx")).macs(), read(&file("Conv", "")).macs());
    assert_eq!(
        read(&file("FusedConv", "com.microsoft")).macs(),
        read(&file("Conv", "")).macs()
    );
}

#[test]
fn only_a_dimension_whose_name_says_so_is_a_batch() {
    let file = |name: &'static str| {
        File::new(17)
            .open_input("x", &[Size::Named(name), Size::Of(8)])
            .weight("w", &[8, 4])
            .node("MatMul", "x w", "y", &[])
            .output("y")
    };
    let batch = Options {
        batch: Some(6),
        ..Options::default()
    };
    assert_eq!(with(&file("N").bytes(), &batch).unwrap().macs(), Ok(6 * 32));
    let message = refused(&file("num_atoms"), &Options::default());
    assert!(message.contains("--dim num_atoms=128"), "{message}");
    let message = refused(&file("num_atoms"), &batch);
    assert!(
        message.contains("no input has a batch") && message.contains("--dim num_atoms=8"),
        "{message}"
    );
    // a first dimension of 0 is one that the file leaves open
    let zero = File::new(17)
        .input("x", &[0, 8])
        .weight("w", &[8, 4])
        .node("MatMul", "x w", "y", &[])
        .output("y");
    let network = read(&zero);
    assert_eq!(network.macs(), Ok(32));
    assert!(network.notes[0].contains("is open; 1 is taken"), "{:?}", network.notes);
    // steps in time are no batch
    let lstm = File::new(17)
        .input("x", &[5, 2, 4])
        .weight("W", &[1, 32, 4])
        .weight("R", &[1, 32, 8])
        .node("LSTM", "x W R", "y", &[Int("hidden_size", 8)])
        .output("y");
    let message = refused(&lstm, &batch);
    assert!(
        message.contains("steps in time") && message.contains("--dim x.1=8"),
        "{message}"
    );
    // nor are channels, where a file has no batch at all
    let flat = File::new(17)
        .input("x", &[8, 3])
        .weight("w", &[5, 8])
        .node("MatMul", "w x", "y", &[])
        .output("y");
    let message = refused(&flat, &batch);
    assert!(
        message.contains("--batch") && message.contains("without it"),
        "{message}"
    );
}
