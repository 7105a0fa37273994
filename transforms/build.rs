//! Turns the tables into JSON: each run of the program reads them before anything else, and YAML takes ten times as
//! long to read.

#![expect(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const TABLES: [&str; 5] = ["addons", "api_clients", "host_paths", "images", "kinds"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("OUT_DIR")?;
    for table in TABLES {
        println!("cargo::rerun-if-changed={table}.yaml");
        let mut data: serde_yaml::Value =
            serde_yaml::from_str(&fs::read_to_string(format!("{table}.yaml"))?)?;
        data.apply_merge()?;
        fs::write(Path::new(&folder).join(format!("{table}.json")), serde_json::to_string(&data)?)?;
    }
    Ok(())
}
