//! Fields that stand where Kubernetes does not read them, and values of a kind that it does not take.

use std::borrow::Cow;

use rewriter::{Edit, Node, Path, Position, Scalar, Value};

use crate::context::{Context, ObjectContext};
use crate::model::{Container, Malformed, Section};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A setting in the wrong place protects nothing: the API server refuses the manifest, or drops what it
    /// does not know without a word, and the manifest looks safer than the pod is.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///       securityContext:
    ///         capabilities:
    ///           drop: ALL
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///       securityContext:
    ///         capabilities:
    ///           drop:
    ///             - ALL
    /// ```
    ///
    /// It knows `metadata.label`, settings of containers in the pod's `securityContext` and the other way
    /// round, a `securityContext` beside `spec`, a selector that does not match its own template, texts where a
    /// list of capabilities belongs, and numbers and truth values in quotes.
    ///
    /// ## Safety
    ///
    /// Review for `drop: ALL` and `drop: "-all"`. With `repair: true`, at level review too: `label` becomes
    /// `labels`, after which Services and policies may select the object, settings move to where they have an
    /// effect, and quotes go. What would give a container more than it has so far never comes into effect
    /// that way. The other transforms see what has moved in the next run.
    ///
    /// Everything else is left for a person, with its line.
    pub(crate) struct MisplacedField {
        id: "misplaced-field",
        title: "a field stands where it has no effect",
        category: Category::Correctness,
        severity: Severity::Medium,
        pages: &[
            "Controlling Access Permissions",
            "Container Permission Access Control",
            "Properly Configuring Volume Propagation",
            "Capabilities",
        ],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "a setting that had no effect so far has one: the program is denied something (`Operation \
            not permitted`), or a Service or policy selects the object",
        undo: "take the setting out, since it was never in force, or correct what it says",
    }
}

/// What a container's `securityContext` has a field for and a pod's has not.
const OF_CONTAINERS: [&str; 5] =
    ["allowPrivilegeEscalation", "capabilities", "privileged", "procMount", "readOnlyRootFilesystem"];

/// What a pod's has a field for and a container's has not.
const OF_PODS: [&str; 6] = [
    "fsGroup",
    "fsGroupChangePolicy",
    "seLinuxChangePolicy",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "sysctls",
];

const NUMBERS: [&str; 3] = ["fsGroup", "runAsGroup", "runAsUser"];

const TRUTHS: [&str; 10] = [
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "privileged",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "shareProcessNamespace",
];

const REPAIRED: &str = "it had no effect so far, so nothing shows yet that the program gets along with it";

impl Transform for MisplacedField {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let satisfied =
            |container| cx.of_container(&Self::META, container, &["securityContext"], Ok(Outcome::Satisfied));
        if !cx.pod.is_ordinary() {
            // What is misplaced in a pod may well have its place in another kind.
            return cx.pod.containers.iter().filter_map(satisfied).collect();
        }
        let mut findings = Vec::new();
        for container in &cx.pod.containers {
            let before = findings.len();
            let found = of_container(cx, container);
            let found = found.unwrap_or_else(|malformed| vec![Found::of(malformed)]);
            findings.extend(found.into_iter().map(|found| found.about(Some(container))));
            if findings.len() == before {
                findings.extend(satisfied(container));
            }
        }
        let found = of_pod(cx).unwrap_or_else(|malformed| vec![Found::of(malformed)]);
        findings.extend(found.into_iter().map(|found| found.about(None)));
        findings
    }

    fn check_object(&self, cx: &ObjectContext<'_, '_>) -> Vec<Finding> {
        let object = cx.object;
        let found = Section::new(Some(object.node), object.path.clone())
            .and_then(|object| object.section("metadata"))
            .map(|metadata| label(&metadata, cx.settings.misplaced_field.repair));
        match found {
            Ok(None) => Vec::new(),
            Ok(Some(found)) => vec![found.about(None)],
            Err(malformed) => vec![Found::of(malformed).about(None)],
        }
    }
}

/// What is said about one place.
struct Found {
    path: Path,
    position: Position,
    outcome: Outcome,
}

impl Found {
    fn new(node: Node<'_>, path: Path, outcome: Outcome) -> Self {
        Self { path, position: node.position(), outcome }
    }

    fn of(malformed: Malformed) -> Self {
        let Malformed { path, position, reason } = malformed;
        Self { path, position, outcome: Outcome::left(reason) }
    }

    fn about(self, container: Option<&Container<'_>>) -> Finding {
        let container = container.map(Container::reference);
        Finding::new(&MisplacedField::META, container, (self.path, self.position), Ok(self.outcome))
    }
}

/// A fix where it is certain and wanted, else what is wrong.
fn repair(is_wanted: bool, wrong: String, fix: Option<(&str, Vec<Edit>)>) -> Outcome {
    match fix {
        Some((summary, edits)) if is_wanted => {
            Outcome::review(summary, format!("{wrong}; {REPAIRED}"), edits)
        }
        Some((summary, _)) => Outcome::left(format!("{wrong}; `repair: true` would {summary}")),
        None => Outcome::left(wrong),
    }
}

fn of_container(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Vec<Found>, Malformed> {
    let context = container.security_context()?;
    let context = context.section();
    let mut found = Vec::new();
    for key in OF_PODS {
        let Some(node) = context.get(key) else { continue };
        let fix = to_pod(cx, context, key, node)?;
        let wrong = format!(
            "`{key}` in line {} is a setting of pods, and has no effect in a container's `securityContext`",
            line_of(context, key)
        );
        let fix = fix.map(|edits| ("move it to the pod's `securityContext`", edits));
        found.push(Found::new(node, context.path().key(key), repair(wants_repair(cx), wrong, fix)));
    }
    found.extend(texts(context)?);
    found.extend(quoted(cx, context));
    Ok(found)
}

fn of_pod(cx: &Context<'_, '_>) -> Result<Vec<Found>, Malformed> {
    let mut found = Vec::new();
    let is_object = cx.pod.object.path == *cx.pod.template.path();
    if !is_object {
        let metadata = cx.pod.template.section("metadata")?;
        found.extend(label(&metadata, cx.settings.misplaced_field.repair));
        found.extend(selector(cx)?);
    }
    found.extend(beside_spec(cx)?);
    found.extend(quoted(cx, &cx.pod.spec));
    let context = cx.pod.security_context()?;
    let context = context.section();
    for key in OF_CONTAINERS {
        let Some(node) = context.get(key) else { continue };
        let wrong = format!(
            "`{key}` in line {} is a setting of containers, and has no effect in the pod's `securityContext`",
            line_of(context, key)
        );
        let fix = to_containers(cx, context, key, node)?
            .map(|edits| ("move it to the `securityContext` of each container", edits));
        found.push(Found::new(node, context.path().key(key), repair(wants_repair(cx), wrong, fix)));
    }
    found.extend(quoted(cx, context));
    Ok(found)
}

/// The line of a key, which may stand above that of its value.
fn line_of(section: &Section<'_>, key: &str) -> usize {
    let mut entries = section.node().into_iter().flat_map(|map| map.entries());
    let found = entries.find(|(name, _)| name.is_text(key));
    found.map_or(1, |(name, _)| name.position().line)
}

/// Whether settings of Linux may be moved in this pod.
fn wants_repair(cx: &Context<'_, '_>) -> bool {
    cx.settings.misplaced_field.repair && !cx.pod.is_windows()
}

/// `label` where `labels` belongs.
fn label(metadata: &Section<'_>, wants_repair: bool) -> Option<Found> {
    let node = metadata.get("label")?;
    let path = metadata.path().key("label");
    let is_map_of_texts = node.is_mapping() && node.entries().all(|(_, value)| value.as_str().is_some());
    let value = value_of(node).filter(|_| is_map_of_texts && metadata.get("labels").is_none());
    let edits = value.map(|value| {
        let mut edits = vec![Edit::remove(path.clone(), None)];
        edits.extend(Edit::merge(&metadata.path().key("labels"), value));
        edits
    });
    let line = line_of(metadata, "label");
    let wrong = format!(
        "`label` in line {line} is no field, `labels` is; with it, Services and policies may select the object"
    );
    let fix = edits.map(|edits| ("rename it to `labels`", edits));
    Some(Found::new(node, path, repair(wants_repair, wrong, fix)))
}

/// A selector that does not match the template beside it.
fn selector(cx: &Context<'_, '_>) -> Result<Option<Found>, Malformed> {
    let object = Section::new(Some(cx.pod.object.node), cx.pod.object.path.clone())?;
    let spec = object.section("spec")?;
    if spec.path().key("template") != *cx.pod.template.path() {
        return Ok(None);
    }
    let wanted = spec.section("selector")?.section("matchLabels")?;
    let labels = cx.pod.template.section("metadata")?.section("labels")?;
    let missing = wanted
        .node()
        .into_iter()
        .flat_map(|map| map.entries())
        .find(|(key, value)| labels.get(&key.text()).is_none_or(|label| !label.is_text(&value.text())));
    Ok(missing.map(|(key, value)| {
        let (key, text) = (key.text(), value.text());
        let reason = format!(
            "the selector asks for `{key}: {text}` in line {}, which the template's labels do not have; the API \
             server refuses that",
            value.position().line
        );
        Found::new(value, wanted.path().key(key.into_owned()), Outcome::left(reason))
    }))
}

/// A `securityContext` that stands beside the pod's `spec`, or beside its template.
fn beside_spec(cx: &Context<'_, '_>) -> Result<Option<Found>, Malformed> {
    let (template, object) = (&cx.pod.template, &cx.pod.object);
    let path = object.path.keys(["spec", "securityContext"]);
    let beside_template = match object.node.get("spec").and_then(|spec| spec.get("securityContext")) {
        Some(node) if *template.path() == object.path.keys(["spec", "template"]) => Some((node, path)),
        _ => None,
    };
    let beside_spec =
        template.get("securityContext").map(|node| (node, template.path().key("securityContext")));
    let Some((node, path)) = beside_spec.or(beside_template) else { return Ok(None) };
    let wrong = format!(
        "`securityContext` in line {} has no effect there; it belongs into the pod's `spec`",
        node.position().line
    );
    let target = cx.pod.security_context()?;
    let is_certain = node.is_mapping()
        && !target.section().exists()
        && node.entries().all(|(key, value)| takes_away(&key.text(), value));
    let fix = value_of(node).filter(|_| is_certain).map(|value| {
        let mut edits = vec![Edit::remove(path.clone(), None)];
        edits.extend(Edit::merge(target.path(), value));
        ("move it there", edits)
    });
    Ok(Some(Found::new(node, path, repair(wants_repair(cx), wrong, fix))))
}

/// Texts where a list of capabilities belongs.
fn texts(context: &Section<'_>) -> Result<Vec<Found>, Malformed> {
    let mut found = Vec::new();
    let Some(capabilities) = context.get("capabilities").filter(Node::is_mapping) else { return Ok(found) };
    let capabilities = Section::new(Some(capabilities), context.path().key("capabilities"))?;
    for key in ["add", "drop"] {
        let Some((node, text)) = capabilities.get(key).and_then(|node| Some((node, node.as_str()?))) else {
            continue;
        };
        let path = capabilities.path().key(key);
        let wrong = format!("`{key}` in line {} is text, not a list", node.position().line);
        let is_all = text.trim_start_matches(['-', ' ']).trim_end().eq_ignore_ascii_case("ALL");
        let outcome = if key == "drop" && is_all {
            let edits = vec![Edit::set(path.clone(), vec![Value::from("ALL")])];
            let reason = format!("{wrong}, so the API server has refused the manifest so far");
            Outcome::review("write `drop` as the list `[ALL]`", reason, edits)
        } else {
            Outcome::left(format!("{wrong}; write `[{}]`", text.trim_start_matches(['-', ' ']).trim_end()))
        };
        found.push(Found::new(node, path, outcome));
    }
    Ok(found)
}

/// Numbers and truth values in quotes.
fn quoted(cx: &Context<'_, '_>, section: &Section<'_>) -> Vec<Found> {
    let number = |text: &str| Some(Value::Integer(text.parse().ok()?));
    let truth = |text: &str| match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => None,
    };
    let meant = |key: &str, text: &str| if NUMBERS.contains(&key) { number(text) } else { truth(text) };
    // Only texts are of interest, and what a merge key brings. To ask for each of the keys takes longer.
    let entries = section.node().into_iter().flat_map(|map| map.entries());
    let texts = entries.filter(|(key, value)| value.as_str().is_some() || key.is_text("<<"));
    let texts: Vec<Cow<'_, str>> = texts.map(|(key, _)| key.text()).collect();
    let keys = NUMBERS.into_iter().chain(TRUTHS);
    let keys = keys.filter(|key| texts.iter().any(|text| text == key || text == "<<"));
    let found = keys.filter_map(|key| {
        let node = section.get(key)?;
        let value = meant(key, &node.as_str()?)?;
        let path = section.path().key(key);
        let kind = if NUMBERS.contains(&key) { "number" } else { "truth value" };
        let wrong = format!(
            "`{key}` in line {} is text, which the API server refuses; without its quotes it is a {kind}",
            node.position().line
        );
        let fix = limits(key, &value).then(|| ("take the quotes off", vec![Edit::set(path.clone(), value)]));
        Some(Found::new(node, path, repair(cx.settings.misplaced_field.repair, wrong, fix)))
    });
    found.collect()
}

/// Moves `key` from a container's `securityContext` to the pod's, where all containers that have it agree.
fn to_pod(
    cx: &Context<'_, '_>,
    own: &Section<'_>,
    key: &'static str,
    node: Node<'_>,
) -> Result<Option<Vec<Edit>>, Malformed> {
    let target = cx.pod.security_context()?;
    let Some(value) = value_of(node).filter(|_| takes_away(key, node)) else { return Ok(None) };
    for container in &cx.pod.containers {
        let other = container.security_context()?.section().get(key);
        if other.is_some_and(|other| value_of(other).as_ref() != Some(&value)) {
            return Ok(None);
        }
    }
    let remove = Edit::remove(own.path().key(key), None);
    Ok(match target.section().get(key).map(value_of) {
        None => Some(vec![remove, Edit::set(target.path().key(key), value)]),
        Some(there) if there.as_ref() == Some(&value) => Some(vec![remove]),
        Some(_) => None,
    })
}

/// Moves `key` from the pod's `securityContext` to those of all containers that have no own value.
fn to_containers(
    cx: &Context<'_, '_>,
    own: &Section<'_>,
    key: &'static str,
    node: Node<'_>,
) -> Result<Option<Vec<Edit>>, Malformed> {
    let Some(value) = value_of(node).filter(|_| takes_away(key, node)) else { return Ok(None) };
    let mut edits = vec![Edit::remove(own.path().key(key), None)];
    for container in cx.pod.containers.iter().filter(|container| container.is_editable()) {
        let context = container.security_context()?;
        if context.section().get(key).is_some() {
            continue;
        }
        // The API server takes no privileged container that may not gain privileges.
        if key == "allowPrivilegeEscalation" && cx.is_privileged(container)? {
            return Ok(None);
        }
        edits.extend(Edit::merge(&context.path().key(key), value.clone()));
    }
    Ok(Some(edits))
}

/// Whether a setting that comes into effect gives nobody more than before.
fn takes_away(key: &str, node: Node<'_>) -> bool {
    match (key, node.is_mapping()) {
        ("capabilities", true) => {
            node.get("add").is_none() && node.get("drop").is_some_and(|drop| drop.is_sequence())
        }
        ("seccompProfile", true) => node.get("type").is_some_and(|kind| kind.is_text("RuntimeDefault")),
        ("fsGroupChangePolicy" | "supplementalGroupsPolicy", false) => node.as_str().is_some(),
        (key, false) => value_of(node).is_some_and(|value| limits(key, &value)),
        _ => false,
    }
}

/// The same for a number or a truth value.
fn limits(key: &str, value: &Value) -> bool {
    match (key, value) {
        ("fsGroup" | "runAsGroup" | "runAsUser", Value::Integer(id)) => {
            (1..=i64::from(i32::MAX)).contains(id)
        }
        ("readOnlyRootFilesystem" | "runAsNonRoot", Value::Bool(value)) => *value,
        (key, Value::Bool(value)) => TRUTHS.contains(&key) && !value,
        _ => false,
    }
}

/// What a node says, to be written elsewhere; nothing where that might change it.
fn value_of(node: Node<'_>) -> Option<Value> {
    if node.is_mapping() {
        // A merge key brings in what stands elsewhere.
        let entries = node.entries().map(|(key, value)| {
            (!key.is_text("<<")).then(|| Some((key.text().into_owned(), value_of(value)?))).flatten()
        });
        return Some(Value::Mapping(entries.collect::<Option<_>>()?));
    }
    if node.is_sequence() {
        return Some(Value::Sequence(node.items().map(value_of).collect::<Option<_>>()?));
    }
    match node.scalar()? {
        Scalar::Null => Some(Value::Null),
        Scalar::Bool(value) => Some(Value::Bool(value)),
        Scalar::Integer(value) => Some(Value::Integer(value)),
        Scalar::String(text) => Some(Value::String(text.into_owned())),
        Scalar::Float(_) => None,
    }
}

#[cfg(test)]
mod tests;
