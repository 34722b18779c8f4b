//! Atomic replacement of files: readers find the old or the new one, whatever happens while it is written.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const SCRATCH_ENDING: &str = ".scratch";
/// File of a folder that its processes lock.
pub(crate) const LOCK: &str = ".lock";

/// Replaces the file at `path` by `bytes`, or leaves it as it was.
///
/// The bytes go to a scratch file beside `path`, are synced to the disk, and take the name `path` in one step; then
/// the folder is synced.
///
/// - After an **error** (disk full, no permission) the old file is untouched and the scratch file is removed.
/// - After a **kill** the old or the new file is there, whole; a scratch file may be left ([`remove_scratch`]).
/// - After a **power cut** the same holds, and a call that returned `Ok` has its new file on the disk, as far as
///   the disk keeps its promise to sync.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same for files that are too large to be held in memory: `fill` writes them piece by piece.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let scratch = scratch_beside(path)?;
    let written = fill_and_sync(&scratch, fill).and_then(|()| fs::rename(&scratch, path));
    if let Err(error) = written {
        // The scratch file may not even exist; the first error is the one to report.
        let _ = fs::remove_file(&scratch);
        return Err(error);
    }
    sync_folder(folder_of(path))
}

/// Makes `folder` and what is missing above it, so that they survive a power cut.
pub fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    create_folders(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(above)),
    }
}

/// Removes what was left in `folder` by killed processes: scratch files, and scratch folders that did not become a run
/// folder. Only for a folder that no other process is writing in.
pub fn remove_scratch(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(SCRATCH_ENDING) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// Takes part in a folder that several processes may write in, for as long as the file is kept. What killed ones have left there is
/// removed ([`remove_scratch`]) where no other process takes part.
///
/// `None` where the file system has no locks; nothing is removed there.
pub fn take_part(folder: &Path) -> io::Result<Option<File>> {
    let file = File::options().append(true).create(true).open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {
            remove_scratch(folder)?;
            file.unlock()?;
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.lock_shared()?;
    Ok(Some(file))
}

/// A name beside `path` that no other call uses: hidden, with process and count.
pub(crate) fn scratch_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{} names no file", path.display())))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let scratch = format!(".{}.{process}-{count}{SCRATCH_ENDING}", name.to_string_lossy());
    Ok(path.with_file_name(scratch))
}

/// Makes renames and new files in `folder` survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened; elsewhere the rename itself has to do.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn fill_and_sync(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    fill(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"a long first text").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn an_error_keeps_the_old_file_and_removes_the_scratch_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "kept").unwrap();
        assert!(write(&path, b"x").is_err(), "a folder cannot be replaced by a file");
        assert_eq!(fs::read_to_string(path.join("inside")).unwrap(), "kept");
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn leftovers_of_a_kill_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"kept").unwrap();
        fs::write(scratch_beside(&path).unwrap(), "half").unwrap();
        let half_made = scratch_beside(&path).unwrap();
        fs::create_dir(&half_made).unwrap();
        fs::write(half_made.join("meta.json"), "half").unwrap();
        fs::write(folder.path().join(".hidden"), "kept").unwrap();
        remove_scratch(folder.path()).unwrap();
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, [".hidden", "a.json"]);
    }

    #[test]
    fn leftovers_stay_while_another_process_takes_part() {
        let folder = tempfile::tempdir().unwrap();
        let half = scratch_beside(&folder.path().join("a.json")).unwrap();
        let first = take_part(folder.path()).unwrap();
        fs::write(&half, "being written").unwrap();
        let second = take_part(folder.path()).unwrap();
        assert!(half.exists());
        drop((first, second));
        take_part(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [LOCK]);
    }

    #[test]
    fn readers_only_ever_see_whole_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, &[0; 4096]).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..50u8 {
                    write(&path, &[value; 4096]).unwrap();
                }
            });
            for _ in 0..200 {
                let bytes = fs::read(&path).unwrap();
                assert!(bytes.len() == 4096 && bytes.iter().all(|&b| b == bytes[0]));
            }
        });
    }
}
