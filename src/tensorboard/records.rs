//! Event files: records of length, checksum of the length, data, checksum of the data (TensorFlow's TFRecord).

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::summary::EVENT_STEP;
use super::wire::next_field;
use crate::atomic;

/// Appends one record, in one call to the operating system.
pub(super) fn write(file: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
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
    if take(8)? != masked_crc(&head) || take(end)? != masked_crc(data) {
        return None;
    }
    let (record, rest) = all.split_at(end + 4);
    *bytes = rest;
    Some((data, record))
}

/// Removes the events after `step`, or all where that is 0, from every event file in `folder`, each file in one
/// step, and with them a torn end. Other files stay.
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
            if step > 0 && step_of(event) <= step {
                kept.extend(record);
            }
        }
        if kept.len() < old.len() {
            atomic::write(&path, &kept)?;
        }
    }
    Ok(())
}

/// The step of an encoded event; 0 where it has none.
fn step_of(mut event: &[u8]) -> u64 {
    while let Some((field, value, _)) = next_field(&mut event) {
        if field == EVENT_STEP {
            return value;
        }
    }
    0
}

/// The checksum that TFRecord stores: CRC-32C, rotated and shifted, so that it is harmless inside checked data.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), RFC 3720, appendix B.4.
fn crc32c(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !data.iter().fold(!0, |crc, &byte| {
        TABLE[((crc ^ u32::from(byte)) & 0xff) as usize] ^ (crc >> 8)
    })
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = n as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut file = Vec::new();
        write(&mut file, b"event").unwrap();
        let mut whole = &file[..];
        assert_eq!(next(&mut whole).unwrap().0, b"event");
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
