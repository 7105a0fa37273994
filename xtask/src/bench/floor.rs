//! What the system itself takes for files, without a look at what is in them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// `bench-floor`: does `what` with each of the files that are named in `list`.
pub(crate) fn floor(what: &str, list: &str) -> Result<String, String> {
    let names = fs::read_to_string(list).map_err(|error| error.to_string())?;
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    for name in names.lines() {
        let path = Path::new(name);
        let done = match what {
            "read" => read(path, &mut buffer),
            "write" => replace(path, &mut buffer, false),
            "sync" => replace(path, &mut buffer, true),
            _ => return Err(format!("`{what}` is none of read, write, sync")),
        };
        bytes += done.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(format!("{bytes} bytes"))
}

fn read(path: &Path, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut file = File::open(path)?;
    let mut bytes = 0;
    loop {
        match file.read(buffer)? {
            0 => return Ok(bytes),
            count => bytes += count,
        }
    }
}

/// Writes the file anew beside itself and renames it, with a byte more.
#[expect(clippy::disallowed_methods, reason = "a benchmark writes what it measures")]
fn replace(path: &Path, buffer: &mut Vec<u8>, sync: bool) -> std::io::Result<usize> {
    buffer.clear();
    File::open(path)?.read_to_end(buffer)?;
    buffer.push(b'\n');
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(buffer)?;
    if sync {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&beside, path)?;
    Ok(buffer.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, list) = (folder.path().join("a.yaml"), folder.path().join("list"));
        crate::write(&file, "a: 1\n").unwrap();
        crate::write(&list, &file.display().to_string()).unwrap();
        let list = list.to_str().unwrap();
        assert_eq!(floor("read", list).unwrap(), "5 bytes");
        assert_eq!(floor("write", list).unwrap(), "6 bytes");
        assert_eq!(floor("sync", list).unwrap(), "7 bytes");
        assert_eq!(fs::read_to_string(&file).unwrap(), "a: 1\n\n\n");
        assert!(floor("other", list).is_err());
    }
}
