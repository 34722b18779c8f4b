//! Small tensors that a model keeps in another file beside it: shapes and scales may be among them.
//!
//! What is larger than any shape stays where it is, so that a model of any size is read at once and without its weights.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::proto::{Attribute, Graph, LONGEST_CONTENT, Model, Tensor};
use super::value::{Numbers, numbers, width};

/// Fetches the numbers of small tensors from the files that lie in this folder; a file that is absent is no error,
/// since shapes may be known without.
pub(super) fn fetch(model: &mut Model, folder: &Path) {
    if let Some(graph) = &mut model.graph {
        of_graph(graph, folder);
    }
    for function in &mut model.functions {
        of_graph(&mut function.graph, folder);
        of_attributes(&mut function.defaults, folder);
    }
}

fn of_graph(graph: &mut Graph, folder: &Path) {
    for tensor in &mut graph.initializers {
        fill(tensor, folder);
    }
    for node in &mut graph.nodes {
        of_attributes(&mut node.attributes, folder);
    }
}

fn of_attributes(attributes: &mut [Attribute], folder: &Path) {
    for attribute in attributes {
        if let Some(tensor) = &mut attribute.tensor {
            fill(tensor, folder);
        }
        if let Some(graph) = &mut attribute.graph {
            of_graph(graph, folder);
        }
    }
}

/// Puts a tensor's numbers where those are that a file lists.
fn fill(tensor: &mut Tensor, folder: &Path) {
    let Some((file, offset)) = tensor.outside else { return };
    let mut sizes = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok());
    let count = sizes.try_fold(1_usize, |count, size| count.checked_mul(size?));
    let Some((count, width)) = count
        .zip(width(tensor.kind))
        .filter(|(count, _)| *count <= LONGEST_CONTENT)
    else {
        return;
    };
    match read(folder, file, offset, count * width).and_then(|bytes| numbers(tensor.kind, &bytes)) {
        Some(Numbers::Ints(ints)) => tensor.ints = ints,
        Some(Numbers::Floats(floats)) => tensor.floats = floats,
        None => {}
    }
}

/// So many bytes of a file in or below the folder; a model names no other.
fn read(folder: &Path, file: &str, offset: u64, length: usize) -> Option<Vec<u8>> {
    let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if file.is_empty() || !Path::new(file).components().all(inside) {
        return None;
    }
    let path = folder.join(file);
    if !path.is_file() {
        return None; // what is no file may never end
    }
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
