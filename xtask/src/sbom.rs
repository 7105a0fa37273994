//! What is in the program, as `CycloneDX`: each crate with its version, its licence, its checksum, and what it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// The list for the program built for `target`.
#[expect(clippy::disallowed_methods, reason = "a chore asks cargo")]
pub(crate) fn sbom(repository: &Path, target: &str) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target])
        .current_dir(repository)
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let lock = crate::read(&repository.join("Cargo.lock"))?;
    let sbom = list(&metadata, &checksums(&lock)).ok_or("cargo tells its packages in another form")?;
    Ok(format!("{sbom:#}\n"))
}

/// The checksums of `Cargo.lock` by name and version.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let value = |package: &'_ str, key: &str| -> Option<usize> {
        package.find(&format!("\n{key} = \"")).map(|at| at + key.len() + 5)
    };
    let field = |package, key| {
        let start = value(package, key)?;
        package.get(start..)?.split('"').next()
    };
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|package| {
            Some(((field(package, "name")?, field(package, "version")?), field(package, "checksum")?))
        })
        .collect()
}

/// What ends up in the program: not what tests need, nor what runs while it is built.
fn used<'m>(nodes: &BTreeMap<&'m str, &'m Value>, root: &'m str) -> BTreeMap<&'m str, BTreeSet<&'m str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        if found.contains_key(id) {
            continue;
        }
        let dependencies = nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
        let is_linked = |dependency: &&Value| {
            let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            kinds.any(|kind| kind["kind"].is_null())
        };
        let ids: BTreeSet<&str> =
            dependencies.filter(is_linked).filter_map(|dependency| dependency["pkg"].as_str()).collect();
        waiting.extend(&ids);
        found.insert(id, ids);
    }
    found
}

fn list(metadata: &Value, checksums: &BTreeMap<(&str, &str), &str>) -> Option<Value> {
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()?
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let (root, _) = packages.iter().find(|(_, package)| package["name"] == "cce-fix")?;
    let used = used(&nodes, root);
    let url = |id: &str| -> Option<String> {
        let package = packages.get(id)?;
        Some(format!("pkg:cargo/{}@{}", package["name"].as_str()?, package["version"].as_str()?))
    };
    let component = |id: &str| -> Option<Value> {
        let package = packages.get(id)?;
        let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
        let mut component = json!({
            "type": if id == *root { "application" } else { "library" },
            "bom-ref": url(id)?,
            "name": name,
            "version": version,
            "purl": url(id)?,
        });
        if let Some(licence) = package["license"].as_str() {
            // Older crates write a slash for `OR`.
            let words: Vec<&str> = licence.split('/').map(str::trim).collect();
            component["licenses"] = json!([{"expression": words.join(" OR ")}]);
        }
        if let Some(checksum) = checksums.get(&(name, version)) {
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        Some(component)
    };
    let components: Vec<Value> =
        used.keys().filter(|id| *id != root).filter_map(|id| component(id)).collect();
    let dependencies: Vec<Value> = used
        .iter()
        .filter_map(|(id, ids)| Some(json!({"ref": url(id)?, "dependsOn": ids.iter().filter_map(|id| url(id)).collect::<Vec<_>>()})))
        .collect();
    // Neither a time nor a serial number, so that the same program has the same list.
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root)?},
        "components": components,
        "dependencies": dependencies,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list of this repository: everything in it is known by name, licence and checksum, and nothing is named
    /// that is not listed.
    #[test]
    fn every_crate_in_the_program_is_listed() {
        let text = sbom(&crate::repository(), "x86_64-unknown-linux-musl").unwrap();
        let sbom: Value = serde_json::from_str(&text).unwrap();
        let components = sbom["components"].as_array().unwrap();
        assert!(components.len() > 60, "{}", components.len());
        let names: Vec<&str> = components.iter().map(|one| one["name"].as_str().unwrap()).collect();
        for name in ["clap", "yaml_serde", "k8s-openapi", "cce-fix-rewriter"] {
            assert!(names.contains(&name), "{name}");
        }
        for name in ["proptest", "insta", "yaml-rust2", "xtask", "cce-fix-fuzz", "cc"] {
            assert!(!names.contains(&name), "{name} is not in the program");
        }
        let mut known: BTreeSet<&str> =
            components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(known.len(), components.len());
        known.insert(sbom["metadata"]["component"]["bom-ref"].as_str().unwrap());
        for component in components.iter().filter(|one| !one["name"].as_str().unwrap().starts_with("cce-fix"))
        {
            assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), Some(64), "{component}");
            assert!(
                component["licenses"][0]["expression"].as_str().is_some_and(|text| !text.contains('/')),
                "{component}"
            );
        }
        for dependency in sbom["dependencies"].as_array().unwrap() {
            assert!(known.contains(dependency["ref"].as_str().unwrap()), "{dependency}");
            assert!(
                dependency["dependsOn"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|id| known.contains(id.as_str().unwrap())),
                "{dependency}"
            );
        }
    }
}
