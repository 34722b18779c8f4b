//! Event files: records of length, checksum of the length, data, checksum of the data (TensorFlow's TFRecord).
//!
//! `tensorboard_rs` writes them. Reading them is done here, because it cannot.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use protobuf::Message;
use tensorboard_proto::event::Event;
use tensorboard_rs::masked_crc32c::masked_crc32c;
use tensorboard_rs::record_writer::RecordWriter;

use super::summary;
use crate::atomic;

/// How the tags of a result begin.
const RESULT: &str = "final/";

/// Appends one event, in one call to the operating system.
pub(super) fn write(file: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut record = Vec::new();
    RecordWriter::new(&mut record).write(&event.write_to_bytes()?)?;
    file.write_all(&record)
}

/// Splits off the first record of `bytes`: the data, and the whole record. `None` where it is torn or damaged.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let all = *bytes;
    let take = |at: usize| all.get(at..at + 4)?.try_into().map(u32::from_le_bytes).ok();
    let head: [u8; 8] = all.get(..8)?.try_into().ok()?;
    let length = usize::try_from(u64::from_le_bytes(head)).ok()?;
    let end = length.checked_add(12)?;
    let data = all.get(12..end)?;
    if take(8)? != masked_crc32c(&head) || take(end)? != masked_crc32c(data) {
        return None;
    }
    let (record, rest) = all.split_at(end + 4);
    *bytes = rest;
    Some((data, record))
}

/// Removes the events after `step`, or all where that is 0, and a run's result from every event file in `folder`, each
/// file in one step, and with them a torn end. Other files stay.
pub(super) fn forget_after(folder: &Path, step: u64) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.contains("tfevents") || name.starts_with('.') {
            continue;
        }
        let old = fs::read(&path)?;
        let mut rest = &old[..];
        let mut kept = Vec::with_capacity(old.len());
        while let Some((event, record)) = next(&mut rest) {
            let event = Event::parse_from_bytes(event).unwrap_or_default();
            if step > 0 && step_of(&event) <= step && !is_result(&event) {
                kept.extend(record);
            }
        }
        if kept.len() < old.len() {
            atomic::write(&path, &kept)?;
        }
    }
    Ok(())
}

/// An event's step; 0 where it has none.
fn step_of(event: &Event) -> u64 {
    u64::try_from(event.get_step()).unwrap_or(0)
}

/// Whether an event is of [`super::Board::result`].
fn is_result(event: &Event) -> bool {
    let mut tags = event.get_summary().get_value().iter().map(|value| value.get_tag());
    tags.any(|tag| tag.starts_with(RESULT) || tag == summary::SESSION_END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensorboard_rs::masked_crc32c::crc32c;

    /// Reading and writing use the same checksum, so that a round trip would not notice a wrong one.
    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_torn_or_damaged_record_is_not_read() {
        let event = summary::restart(1.0, 7);
        let mut file = Vec::new();
        write(&mut file, &event).unwrap();
        let mut whole = &file[..];
        let (data, _) = next(&mut whole).unwrap();
        assert_eq!(Event::parse_from_bytes(data).unwrap(), event);
        assert!(whole.is_empty());
        for cut in 0..file.len() {
            assert!(next(&mut &file[..cut]).is_none());
        }
        for at in 0..file.len() {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert!(next(&mut &bad[..]).is_none(), "byte {at}");
        }
    }
}
