//! The program as others run it: one static file, its checksum beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// Runs on every Linux of this processor, whatever its C library.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Where the files go; `Dockerfile` takes the program from there.
const FOLDER: &str = "target/dist";

/// Builds the program and writes it with its checksum.
#[expect(clippy::disallowed_methods, reason = "a chore builds and writes files of this repository")]
pub(crate) fn release(repository: &Path) -> Result<String, String> {
    // The allocator is written in C, so that its compiler must know where musl is.
    if Command::new("musl-gcc").arg("--version").output().is_err() {
        return Err("musl-gcc is missing: `apt-get install musl-tools`".to_owned());
    }
    let args = ["build", "--release", "--locked", "--package", "cce-fix", "--target", TARGET];
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let status = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("the build failed; where the target is missing: `rustup target add {TARGET}`"));
    }
    let built = target.join(TARGET).join("release/cce-fix");
    let program = fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    if !is_static(&program) {
        return Err(format!("{} asks for a dynamic linker", built.display()));
    }
    let folder = repository.join(FOLDER);
    let failed = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let name = format!("cce-fix-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    for copy in ["cce-fix", &name] {
        // With its mode, unlike what `write` makes.
        fs::copy(&built, folder.join(copy)).map_err(failed)?;
    }
    fs::write(folder.join(format!("{name}.sha256")), checksum(&program, &name)).map_err(failed)?;
    Ok(format!("{FOLDER}/{name} and its checksum are written; `docker build .` makes an image of it"))
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
        assert!(!is_static(&fs::read(std::env::current_exe().unwrap()).unwrap()));
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
