//! Manifests, templates, values files and other YAML told apart.

use std::path::Path;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// It describes pods.
    Workloads,
    /// Kubernetes objects, none of which describes pods.
    Objects,
    /// Text that becomes a manifest only when a template engine has run over it.
    Template,
    /// The values of a Helm chart.
    Values,
    /// A kustomization.
    Kustomization,
    /// Listed by a kustomization as a patch.
    Patch,
    /// YAML of another program, or no document at all.
    Other,
}

impl FileKind {
    /// What the summary calls one of them and several; `None` for those that are looked at.
    pub fn names(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Workloads | Self::Objects => None,
            Self::Template => Some(["template", "templates"]),
            Self::Values => Some(["values file", "values files"]),
            Self::Kustomization => Some(["kustomization", "kustomizations"]),
            Self::Patch => Some(["patch", "patches"]),
            Self::Other => Some(["other YAML file", "other YAML files"]),
        }
    }

    /// Why a file of this kind is not handled although it was named; `None` for those that are.
    pub fn why_not(self) -> Option<&'static str> {
        match self {
            Self::Workloads | Self::Objects => None,
            Self::Template => {
                Some("a template, not a manifest; render it first: helm template CHART | cce-fix -")
            }
            Self::Values => Some(
                "values of a Helm chart, not a manifest; render the chart: helm template CHART | cce-fix -",
            ),
            Self::Kustomization => {
                Some("a kustomization, not a manifest; build it: kustomize build FOLDER | cce-fix -")
            }
            Self::Patch => Some(
                "a patch that a kustomization applies; fix what it patches, or build: kustomize build FOLDER | cce-fix -",
            ),
            Self::Other => Some("no Kubernetes manifest: `apiVersion` and `kind` are missing"),
        }
    }
}

/// The names under which kustomize looks for a kustomization, in its order.
pub const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether the name is one that kustomize reads.
pub fn is_kustomization_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KUSTOMIZATIONS.iter().any(|known| name == *known))
}

/// Whether the name is one that Helm users give to values.
pub fn is_values_name(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml");
        stem == "values"
            || stem.starts_with("values-")
            || stem.starts_with("values.")
            || stem.ends_with(".values")
            || stem.ends_with("-values")
    })
}

/// Whether the file is one of the templates of a Helm chart.
pub fn is_in_chart(path: &Path) -> bool {
    let templates =
        path.ancestors().skip(1).filter(|folder| folder.file_name().is_some_and(|name| name == "templates"));
    templates.filter_map(Path::parent).any(|chart| chart.join("Chart.yaml").is_file())
}

/// Whether text that is no YAML, or odd YAML, looks as if a template engine were to run over it: an action
/// stands where a value or a line should be.
pub fn looks_like_template(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let action = |text: &str| text.starts_with("{{") || text.starts_with("{%") || text.starts_with("<%");
        let value = line.split_once(": ").map_or("", |(_, value)| value.trim_start());
        let item = line.strip_prefix("- ").unwrap_or_default().trim_start();
        action(line) || action(value) || action(item)
    })
}

/// Whether text mentions what every Kubernetes object has.
pub fn mentions_object(text: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    has(b"apiVersion") && has(b"kind")
}
