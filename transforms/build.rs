//! Turns the tables into JSON: each run of the program reads them before anything else, and YAML takes ten times as
//! long to read. The long ones become a list of rows, which are read one by one where they are asked for.

#![expect(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use serde_yaml::Value;

/// The tables that are read as a whole; of `images`, what is no row.
const TABLES: [&str; 5] = ["addons", "api_clients", "host_paths", "images", "kinds"];

fn main() -> Result<(), Box<dyn Error>> {
    for table in TABLES {
        println!("cargo::rerun-if-changed={table}.yaml");
        let mut data: Value = serde_yaml::from_str(&fs::read_to_string(format!("{table}.yaml"))?)?;
        data.apply_merge()?;
        if table == "kinds" {
            write_rows(table, &data, |row| texts(&row["kinds"]))?;
            continue;
        }
        let rows = data.as_mapping_mut().filter(|_| table == "images").and_then(|data| data.remove("images"));
        if let Some(images) = rows {
            let repositories = |row: &Value| [texts(&row["image"]), texts(&row["aliases"])].concat();
            let last_part = |name: String| name.rsplit('/').next().map(str::to_owned);
            write_rows(table, &images, |row| repositories(row).into_iter().filter_map(last_part).collect())?;
        }
        write(table, "json", &serde_json::to_string(&data)?)?;
    }
    Ok(())
}

/// Writes what `transforms/table.rs` finds rows in: the text of each, and the rows of each name in order.
fn write_rows(
    table: &str,
    rows: &Value,
    names: impl Fn(&Value) -> Vec<String>,
) -> Result<(), Box<dyn Error>> {
    let rows = rows.as_sequence().ok_or_else(|| format!("{table}.yaml is no list of rows"))?;
    let texts = rows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    let mut by_name: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        for name in names(row) {
            by_name.entry(name).or_default().insert(number);
        }
    }
    let by_name: Vec<String> =
        by_name.iter().map(|(name, rows)| format!("({name:?}, &{:?})", Vec::from_iter(rows))).collect();
    write(table, "rs", &format!("Rows::new(&{texts:?}, &[{}])", by_name.join(", ")))
}

/// The text at a place, or those of the list there.
fn texts(value: &Value) -> Vec<String> {
    let items = value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn write(table: &str, extension: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let folder = env::var("OUT_DIR")?;
    Ok(fs::write(Path::new(&folder).join(table).with_extension(extension), text)?)
}
