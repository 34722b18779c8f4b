//! Files that a user names to be written, by `--csv`, `--out` and their like.
//!
//! | what the path is | how it is written |
//! |---|---|
//! | nothing yet, or a plain file | whole or not at all ([`atomic::write`]) |
//! | a symbolic link | stays one: the file at its end is written, by the same rules |
//! | a device, a pipe, a socket | written through, never replaced |
//! | `-`, or what standard output is itself | standard output, after what has been printed |

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::error::Error;
use crate::output::OutputError;

/// Links that are followed from one path to its end, as Linux has it.
const LINKS: usize = 40;

/// Refuses, before the work begins, a path that cannot be written: a folder, or a file in a folder that there is not.
///
/// # Errors
/// [`Error::Input`] with the path.
pub fn check(path: &Path) -> Result<(), Error> {
    if is_stdout(path) {
        return Ok(());
    }
    let end = end_of_links(path).map_err(|error| unwritable(path, &error))?;
    let folder = atomic::folder_of(&end);
    if end.is_dir() {
        return Err(Error::Input(format!("{}: is a folder; name a file", path.display())));
    }
    match folder.is_dir() || end.exists() {
        true => Ok(()),
        false => Err(Error::Input(format!("{}: there is no such folder", folder.display()))),
    }
}

/// Checks all files of a command, and whether one of them goes to standard output, which has room for one document:
/// for none of them where the command prints one itself, `as_json`. `options` names them in the message.
///
/// # Errors
/// Those of [`check`]; [`Error::Input`] where they would share standard output.
pub fn check_all(files: &[&Option<PathBuf>], as_json: bool, options: &str) -> Result<bool, Error> {
    let named = || files.iter().filter_map(|path| path.as_deref());
    named().try_for_each(check)?;
    let on_stdout = named().filter(|path| is_stdout(path)).count();
    if on_stdout + usize::from(as_json) > 1 && on_stdout > 0 {
        let why = format!("{options} cannot share standard output; write all but one to files");
        return Err(Error::Input(why));
    }
    Ok(on_stdout > 0)
}

/// Whether `path` is standard output: `-`, or a name like `/dev/stdout` for the same file.
pub fn is_stdout(path: &Path) -> bool {
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    let stdout = stdout.and_then(|stdout| File::from(stdout).metadata());
    path == Path::new("-") || matches!((fs::metadata(path), stdout), (Ok(a), Ok(b)) if same(&a, &b))
}

/// Whether `path` leads to a plain file or to nothing yet: neither standard output nor a device, a pipe, a folder.
pub fn is_plain(path: &Path) -> bool {
    !is_stdout(path) && fs::metadata(path).map_or(true, |about| about.is_file())
}

/// Writes `bytes` to what `path` names.
///
/// # Errors
/// What the file system says, with the path; a plain file is then as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same for what is too large to be held in memory: `fill` writes it piece by piece.
///
/// # Errors
/// As of [`write()`].
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    if is_stdout(path) {
        let mut stdout = io::stdout().lock();
        let written = fill(&mut stdout).and_then(|()| stdout.flush());
        return written.map_err(|error| OutputError::new(error).into());
    }
    let write = || match fs::metadata(path) {
        Ok(about) if !about.is_file() && !about.is_dir() => write_through(path, fill),
        _ => atomic::write_with(&end_of_links(path)?, |file| fill(file)),
    };
    write().map_err(|error| unwritable(path, &error))
}

/// Writes to a device or a pipe, which waits for its reader. Neither can be synced.
fn write_through(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::options().write(true).open(path)?);
    fill(&mut file)?;
    file.flush()
}

/// Where symbolic links lead from `path`, also where there is nothing yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_symlink() => path = atomic::folder_of(&path).join(fs::read_link(&path)?),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links, one after the other"))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::Run(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    #[test]
    fn a_link_keeps_being_one_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        for target in ["deep/there", "deep/new"] {
            fs::write(at("deep/there"), "old").unwrap();
            symlink(target, at("second")).unwrap();
            symlink("second", at("first")).unwrap();
            check(&at("first")).unwrap();
            write(&at("first"), b"text").unwrap();
            assert!(fs::symlink_metadata(at("first")).unwrap().is_symlink());
            assert!(fs::symlink_metadata(at("second")).unwrap().is_symlink());
            assert_eq!(fs::read(at(target)).unwrap(), b"text");
            fs::remove_file(at("first")).unwrap();
            fs::remove_file(at("second")).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no scratch files");
    }

    #[test]
    fn links_in_a_circle_and_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        assert!(write(&circle, b"text").unwrap_err().to_string().contains("circle"));
        assert!(check(folder.path()).is_err() && write(folder.path(), b"text").is_err());
        let nowhere = folder.path().join("no/such");
        assert!(check(&nowhere).unwrap_err().to_string().contains("no such folder"));
    }

    #[test]
    fn a_pipe_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let text = "a line\n".repeat(100_000); // more than a pipe holds
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut read = String::new();
                File::open(&path).unwrap().read_to_string(&mut read).unwrap();
                read
            });
            check(&path).unwrap();
            write(&path, text.as_bytes()).unwrap();
            reader.join().unwrap()
        });
        assert!(read == text);
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_full_device_is_an_error_and_stays_a_device() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let error = write(full, b"text").unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains("cannot write /dev/full"), "{error}");
        assert!(fs::metadata(full).unwrap().file_type().is_char_device());
    }
}
