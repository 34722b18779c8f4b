//! Layers to map from a table.

use std::path::Path;

use crate::input::{InputError, read_text};
use crate::loopnest::Shape;
use crate::space::Work;
use crate::table::Table;

/// Reads a table of layers with the columns `layer,p,q,c,k,r,s,stride` (width and height of the output, input and output
/// channels, width and height of the kernel, its step); others are passed over. Every row is a layer of its own.
///
/// # Errors
/// A file that cannot be read, an absent column, a size that is no count.
pub fn read_layers(path: &Path) -> Result<Vec<Work>, InputError> {
    let origin = path.display().to_string();
    let text = read_text(path)?;
    let table = Table::parse(&text, &origin)?;
    let [layer] = table.columns(["layer"])?;
    let sizes = table.columns(["r", "s", "p", "q", "c", "k"])?;
    let [stride] = table.columns(["stride"])?;
    let rows = table.rows().map(|row| {
        let row = row?;
        let mut shape = Shape {
            sizes: [1; 7],
            stride: [row.count(stride)?; 2],
            dilation: [1; 2],
        };
        for (size, column) in shape.sizes.iter_mut().zip(sizes) {
            *size = row.count(column)?;
        }
        Ok(Work {
            name: row.text(layer).to_owned(),
            shape,
            count: 1,
        })
    });
    rows.collect()
}
