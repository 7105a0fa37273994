//! The program as others run it: one static file, and beside it its checksum and the list of what is in it.
//!
//! Whoever builds the same source with the same Rust gets the same file: `--twice` tries that.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest as _, Sha256};

use crate::sbom;

/// Runs on every Linux of this processor, whatever its C library.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Where the files go; `Dockerfile` takes the program from there.
const FOLDER: &str = "target/dist";

/// Builds the program and writes it with its checksum and the list of what is in it; `twice` builds it once more, in
/// another folder, and fails where that is another program.
pub(crate) fn release(repository: &Path, twice: bool) -> Result<String, String> {
    // The allocator is written in C, so that its compiler must know where musl is.
    if !runs("musl-gcc") {
        return Err("musl-gcc is missing: `apt-get install musl-tools`".to_owned());
    }
    let target = crate::target(repository);
    let program = build(repository, &target)?;
    if !is_static(&program) {
        return Err("the program asks for a dynamic linker".to_owned());
    }
    if twice && build(repository, &target.join("again"))? != program {
        return Err("a second build gave another program; what differs, `diffoscope` tells".to_owned());
    }
    let folder = repository.join(FOLDER);
    let name = format!("cce-fix-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    for copy in ["cce-fix", &name] {
        write(&folder.join(copy), &program)?;
        make_runnable(&folder.join(copy))?;
    }
    write(&folder.join(format!("{name}.sha256")), checksum(&program, &name).as_bytes())?;
    write(&folder.join(format!("{name}.cdx.json")), sbom::sbom(repository, TARGET)?.as_bytes())?;
    let same = if twice { "; a second build gave the same program" } else { "" };
    Ok(format!(
        "{FOLDER}/{name}, its checksum and its contents are written{same}; `docker build .` makes an image of it"
    ))
}

/// Builds the program below `target`. The same source gives the same program wherever it lies: no path of this machine
/// is in it.
fn build(repository: &Path, target: &Path) -> Result<Vec<u8>, String> {
    let args = ["build", "--release", "--locked", "--package", "cce-fix", "--target", TARGET];
    let here = repository.canonicalize().map_err(|error| error.to_string())?;
    let home = crate::variable("CARGO_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| Some(PathBuf::from(crate::variable("HOME")?).join(".cargo"))).unwrap_or_default();
    let renamed = [(target, "/target"), (here.as_path(), "/cce-fix"), (home.as_path(), "/cargo")];
    let flags = |option: &str| -> Vec<String> {
        renamed.iter().map(|(path, name)| format!("{option}={}={name}", path.display())).collect()
    };
    let status = command(env!("CARGO"))
        .args(args)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        // Between the flags stands a sign that no path holds.
        .env("CARGO_ENCODED_RUSTFLAGS", flags("--remap-path-prefix").join("\u{1f}"))
        .env("CFLAGS", flags("-ffile-prefix-map").join(" "))
        // The allocator tells when it was compiled.
        .env("SOURCE_DATE_EPOCH", "0")
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("the build failed; where the target is missing: `rustup target add {TARGET}`"));
    }
    let built = target.join(TARGET).join("release/cce-fix");
    fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))
}

fn runs(program: &str) -> bool {
    command(program).arg("--version").output().is_ok()
}

#[expect(clippy::disallowed_methods, reason = "a chore runs programs")]
fn command(program: &str) -> Command {
    Command::new(program)
}

#[expect(clippy::disallowed_methods, reason = "a chore writes files of this repository")]
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "a chore writes files of this repository")]
#[cfg(unix)]
fn make_runnable(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;

    let set = fs::set_permissions(path, fs::Permissions::from_mode(0o755));
    set.map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(not(unix))]
fn make_runnable(_: &Path) -> Result<(), String> {
    Ok(())
}

/// A line as `sha256sum --check` reads it.
fn checksum(program: &[u8], name: &str) -> String {
    let mut line = String::new();
    for byte in Sha256::digest(program) {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
    let _ = writeln!(line, "  {name}");
    line
}

/// Whether an ELF file of 64 bits starts without another program's help: whether none of its segments names one.
fn is_static(program: &[u8]) -> bool {
    const INTERPRETER: &[u8] = &3_u32.to_le_bytes();

    let number = |at: usize, bytes: usize| {
        let bytes = program.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let segments = || Some((number(32, 8)?, number(54, 2)?, number(56, 2)?));
    let (true, Some((start, size, count))) = (program.starts_with(b"\x7fELF\x02\x01"), segments()) else {
        return false;
    };
    (0..count).all(|segment| {
        let kind = start.saturating_add(segment * size);
        program.get(kind..kind.saturating_add(4)).is_some_and(|kind| kind != INTERPRETER)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file with a segment of each kind, and nothing else in it.
    fn elf(kinds: &[u32]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = u8::try_from(kinds.len()).unwrap();
        for kind in kinds {
            file.extend(kind.to_le_bytes());
            file.extend([0; 52]);
        }
        file
    }

    #[test]
    fn a_program_that_names_its_linker_is_not_static() {
        assert!(is_static(&elf(&[1, 1, 2])));
        assert!(!is_static(&elf(&[1, 3])));
        assert!(!is_static(&elf(&[1, 1])[..100]));
        assert!(!is_static(b"#!/bin/sh"));
    }

    /// A test of this machine is linked dynamically.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn this_test_is_not_static() {
        assert!(!is_static(&fs::read(env::current_exe().unwrap()).unwrap()));
    }

    #[test]
    fn the_checksum_is_a_line_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(checksum(b"", "a"), format!("{empty}  a\n"));
    }

    /// The image holds what the chore writes, and its user is a number that is not root's.
    #[test]
    fn the_image_is_made_of_the_program_alone() {
        let file = |name| fs::read_to_string(crate::repository().join(name)).unwrap();
        let text = file("Dockerfile");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let copies: Vec<&&str> = lines.iter().filter(|line| line.starts_with("COPY ")).collect();
        assert_eq!(copies, [&format!("COPY {FOLDER}/cce-fix /cce-fix").as_str()]);
        assert_eq!(lines.first(), Some(&"FROM scratch"));
        let users: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("USER ")).collect();
        let [user] = users.as_slice() else { panic!("{users:?}") };
        assert!(user.split(':').all(|id| id.parse::<u32>().unwrap() > 0), "{user}");
        assert!(!lines.iter().any(|line| line.starts_with("RUN ")));
        assert_eq!(file(".dockerignore"), format!("*\n!{FOLDER}/cce-fix\n"));
    }
}
