//! `automountServiceAccountToken`.

use std::borrow::Cow;
use std::sync::OnceLock;

use rewriter::{Edit, Node};
use serde::Deserialize;

use crate::context::Context;
use crate::evidence::{Evidence, Witness};
use crate::images::{ImageRef, glob, names_one};
use crate::model::{Command, Container, Malformed, Pod};
use crate::settings::Version;
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};
use crate::table::table;

transform! {
    /// Every pod gets a token for the API server unless it says otherwise, and whoever gets into a container
    /// reads it there and has the rights of its service account.
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
    ///   automountServiceAccountToken: false
    /// ```
    ///
    /// This takes the token away, not the way to the API server, and touches neither tokens that a volume asks
    /// for by itself nor the identities that cloud providers hand out.
    ///
    /// ## Safety
    ///
    /// Safe for the account `default` where `closed-world` says that the run sees every role binding there is,
    /// none of them is for that account, and nothing in the pod speaks of the API server. Review without that
    /// setting, for accounts of their own, and wherever somebody wrote `true`.
    ///
    /// Left for a person: pods whose account a binding of the run names, images that work through the API
    /// server, and command lines, variables and mounts that speak of the token.
    ///
    /// Silent where the pod has `false`, or its service account has and the pod has nothing.
    pub(crate) struct AutomountServiceAccountToken {
        id: "automount-service-account-token",
        title: "the container gets a token for the API server",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &[
            "Restricting Service Container Access to the Management Plane",
            "Restricting the Access of Containers to the Management Plane",
        ],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the program cannot talk to the API server: `Forbidden` or `Unauthorized`, or an error that \
            names `/var/run/secrets/kubernetes.io/serviceaccount/token`",
        undo: "write `automountServiceAccountToken: true` for the pod that needs the token, with an \
            account of its own and the least rights",
    }
}

const FIELD: &str = "automountServiceAccountToken";

/// The first version with the field.
const FIELD_SINCE: Version = Version { minor: 6 };

impl Transform for AutomountServiceAccountToken {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        Vec::from_iter(cx.of_pod(&Self::META, &[FIELD], &cx.pod.containers, judge(cx)))
    }
}

fn judge(cx: &Context<'_, '_>) -> Result<Outcome, Malformed> {
    let account = account(cx.pod)?;
    let namespace = cx.pod.object.namespace();
    let namespace = namespace.as_deref();
    let written = cx.pod.spec.truth(FIELD)?;
    if cx.settings.target < FIELD_SINCE {
        let reason =
            format!("the field needs Kubernetes {FIELD_SINCE}, the target is {}", cx.settings.target);
        return Ok(if written.is_some() { Outcome::left(reason) } else { Outcome::stays(reason) });
    }
    let refused = cx.evidence.refuses_token(namespace, &account);
    match written {
        Some(false) => return Ok(Outcome::Satisfied),
        None if refused => return Ok(Outcome::Satisfied),
        Some(true) if refused => {
            return Ok(Outcome::left("the pod asks for the token that its service account keeps back"));
        }
        _ => {}
    }
    if let Some(signal) = signal(cx.pod)? {
        return Ok(Outcome::left(format!("{signal}, so it may need the token")));
    }
    if let Some(binding) = cx.evidence.binding(namespace, &account) {
        let rights = rights(binding, &account);
        return Ok(Outcome::left(format!("{rights}, which are of use with the token alone")));
    }
    let binding = cx.evidence.binding_of_all(namespace);
    let closed_world = cx.settings.automount_service_account_token.closed_world;
    let (level, reason) = match binding {
        _ if written == Some(true) => (Level::Review, "somebody wrote `true`".to_owned()),
        _ if account != "default" => {
            (Level::Review, format!("the service account `{account}` may have rights that the program uses"))
        }
        Some(binding) => (Level::Review, format!("the {binding} gives rights to every service account")),
        None if closed_world => {
            (Level::Safe, "nothing gives rights to the service account `default`".to_owned())
        }
        None => (Level::Review, "a binding elsewhere may give rights to the service account".to_owned()),
    };
    let edits = vec![Edit::set(cx.pod.spec.place(FIELD), false)];
    Ok(Outcome::fix(level, format!("set `{FIELD}: false`"), reason, edits))
}

/// What shows that the pod talks to the API server: a sign in it, or rights of an account whose token it gets.
pub(crate) fn use_of_api(pod: &Pod<'_>, evidence: &Evidence) -> Result<Option<String>, Malformed> {
    let account = account(pod)?;
    let namespace = pod.object.namespace();
    let has_token = match pod.spec.truth(FIELD)? {
        Some(written) => written,
        None => !evidence.refuses_token(namespace.as_deref(), &account),
    };
    if !has_token && !asks_by_volume(pod) {
        return Ok(None);
    }
    if let Some(signal) = signal(pod)? {
        return Ok(Some(signal));
    }
    let binding = evidence.binding(namespace.as_deref(), &account).filter(|_| has_token);
    Ok(binding.map(|binding| rights(binding, &account)))
}

/// Whether a volume asks for a token of its own.
fn asks_by_volume(pod: &Pod<'_>) -> bool {
    let volumes = pod.spec.get("volumes").into_iter().flat_map(|volumes| volumes.items());
    let mut sources = volumes
        .filter_map(|volume| volume.get("projected")?.get("sources"))
        .flat_map(|sources| sources.items());
    sources.any(|source| source.get("serviceAccountToken").is_some())
}

fn rights(binding: &Witness, account: &str) -> String {
    format!("the {binding} gives rights to the service account `{account}`")
}

/// The name of the pod's service account.
fn account<'d>(pod: &Pod<'d>) -> Result<Cow<'d, str>, Malformed> {
    let name = pod.spec.text("serviceAccountName")?;
    // The field's first name, which still counts.
    let name = name.or(pod.spec.text("serviceAccount")?).filter(|name| !name.is_empty());
    Ok(name.unwrap_or(Cow::Borrowed("default")))
}

/// The data of `api_clients.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiClients {
    images: Vec<Images>,
    programs: Vec<String>,
    words: Vec<String>,
    variables: Vec<String>,
    mentions: Vec<String>,
    annotations: Vec<Annotation>,
    kinds: Vec<Kinds>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Images {
    images: Vec<String>,
    because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotation {
    annotation: String,
    because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    kinds: Vec<String>,
    because: String,
}

fn api_clients() -> &'static ApiClients {
    static TABLE: OnceLock<ApiClients> = OnceLock::new();
    TABLE.get_or_init(|| table!("api_clients"))
}

/// What in the pod tells that it talks to the API server.
fn signal(pod: &Pod<'_>) -> Result<Option<String>, Malformed> {
    let ApiClients { annotations, kinds, .. } = api_clients();
    if let Some(row) = kinds.iter().find(|row| row.kinds.iter().any(|kind| *kind == pod.object.kind)) {
        return Ok(Some(row.because.clone()));
    }
    let written = pod.annotations()?;
    if let Some(row) = annotations.iter().find(|row| written.get(&row.annotation).is_some()) {
        return Ok(Some(row.because.clone()));
    }
    for container in &pod.containers {
        if let Some(signal) = signal_of(container)? {
            return Ok(Some(format!("the {} {signal}", container.reference())));
        }
    }
    Ok(None)
}

fn signal_of(container: &Container<'_>) -> Result<Option<String>, Malformed> {
    let ApiClients { images, programs, words, variables, mentions, .. } = api_clients();
    let name = container.image().unwrap_or_default();
    let image = ImageRef::parse(&name);
    let names_image = |patterns: &[String]| image.as_ref().is_some_and(|image| names_one(image, patterns));
    if let Some(row) = images.iter().find(|row| names_image(&row.images)) {
        return Ok(Some(format!("has an image that {}", row.because)));
    }
    let commands = container.commands()?;
    if let Some(program) =
        commands.iter().map(Command::program).find(|program| programs.iter().any(|known| known == program))
    {
        return Ok(Some(format!("runs `{program}`")));
    }
    let line = container.command_line()?;
    let is_told = |word: &&Cow<'_, str>| words.iter().any(|pattern| glob(pattern, word));
    if let Some(word) = line.iter().find(is_told) {
        return Ok(Some(format!("has the argument `{word}`")));
    }
    let mut texts = line;
    for variable in container.section.list("env")?.sections() {
        let variable = variable?;
        let name = variable.get("name").map(|name| name.text()).unwrap_or_default();
        if variables.iter().any(|pattern| glob(pattern, &name)) {
            return Ok(Some(format!("has the variable `{name}`")));
        }
        texts.extend(variable.get("value").map(|value| value.text()));
    }
    texts.extend(container.mounts()?.iter().map(|mount| mount.path.clone()));
    for handler in handlers(container) {
        texts.extend(handler.items().map(|word| word.text()));
    }
    let mention = mentions.iter().find(|mention| texts.iter().any(|text| text.contains(mention.as_str())));
    Ok(mention.map(|mention| format!("mentions `{mention}`")))
}

/// The commands that probes and lifecycle hooks start in the container.
fn handlers<'d>(container: &Container<'d>) -> impl Iterator<Item = Node<'d>> {
    let lifecycle = container.section.get("lifecycle");
    let hooks = ["postStart", "preStop"].into_iter().filter_map(move |hook| lifecycle?.get(hook));
    let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
    let section = container.section.clone();
    let probes = probes.into_iter().filter_map(move |probe| section.get(probe));
    hooks.chain(probes).filter_map(|handler| handler.get("exec")?.get("command"))
}

#[cfg(test)]
mod tests {
    use rewriter::Stream;

    use super::*;
    use crate::model::Workloads;
    use crate::settings::Settings;
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, dedent, findings,
        fix, fixes, only, pod,
    };

    const ID: &str = "automount-service-account-token";
    const PLAIN: &str = "containers: [{name: a, image: r.io/a}]";

    fn closed_world() -> Settings {
        let mut settings = only(ID);
        settings.automount_service_account_token.closed_world = true;
        settings
    }

    /// The pod of `spec` after other documents.
    fn beside(others: &str, spec: &str) -> String {
        format!("{}---\n{}", dedent(others), pod(spec))
    }

    const BINDING: &str = "
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: reader, namespace: shop}
        subjects: [{kind: ServiceAccount, name: NAME}]
        ";

    #[test]
    fn a_closed_world_makes_it_safe_for_the_account_that_nobody_chose() {
        let level = |spec: &str| fixes(&closed_world(), &pod(spec)).remove(0).0;
        assert_eq!(level(PLAIN), Level::Safe);
        assert_eq!(level(&format!("serviceAccountName: default\n{PLAIN}")), Level::Safe);
        assert_eq!(level(&format!("serviceAccountName: own\n{PLAIN}")), Level::Review);
        assert_eq!(level(&format!("serviceAccount: own\n{PLAIN}")), Level::Review);
        assert_eq!(level(&format!("automountServiceAccountToken: true\n{PLAIN}")), Level::Review);
        check_levels(ID, PLAIN, &[Level::Review]);
    }

    #[test]
    fn a_value_is_changed_where_it_stands() {
        check_pod(
            ID,
            &format!("automountServiceAccountToken: true # why\n{PLAIN}"),
            &format!("automountServiceAccountToken: false # why\n{PLAIN}"),
        );
        check_silent(ID, &format!("automountServiceAccountToken: no\n{PLAIN}"));
        check_left(
            ID,
            &format!("automountServiceAccountToken: 'false'\n{PLAIN}"),
            "is text, not a truth value",
        );
        check_left(ID, &format!("serviceAccountName: [a]\n{PLAIN}"), "is a list, not text");
    }

    #[test]
    fn a_binding_of_the_run_shows_use() {
        for (name, spec) in
            [("default", PLAIN.to_owned()), ("own", format!("serviceAccountName: own\n{PLAIN}"))]
        {
            let text = beside(&BINDING.replace("NAME", name), &spec);
            check_left_with(&closed_world(), &text, "the RoleBinding `shop/reader` gives rights");
            let elsewhere = text.replace("name: example", "name: example\n  namespace: other");
            assert_ne!(fix(&closed_world(), &elsewhere), elsewhere);
        }
        let other = beside(&BINDING.replace("NAME", "other"), PLAIN);
        assert_eq!(fixes(&closed_world(), &other)[0].0, Level::Safe);
        let group = BINDING
            .replace("{kind: ServiceAccount, name: NAME}", "{kind: Group, name: 'system:serviceaccounts'}");
        let found = fixes(&closed_world(), &beside(&group, PLAIN)).remove(0);
        assert_eq!(found.0, Level::Review);
        assert!(found.2.contains("gives rights to every service account"), "{}", found.2);
    }

    #[test]
    fn the_account_may_refuse_by_itself() {
        let account = |value: &str| {
            format!(
                "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: own}}, automountServiceAccountToken: {value}}}"
            )
        };
        let spec = format!("serviceAccountName: own\n{PLAIN}");
        let text = beside(&account("false"), &spec);
        check_with(&only(ID), &text, &text);
        assert_eq!(fixes(&only(ID), &beside(&account("true"), &spec)).len(), 1);
        let asks = beside(&account("false"), &format!("automountServiceAccountToken: true\n{spec}"));
        check_left_with(&only(ID), &asks, "keeps back");
    }

    #[test]
    fn what_speaks_of_the_api_server_is_left() {
        for (container, words) in [
            ("image: quay.io/team/shop-operator:1", "watches and changes objects"),
            ("image: prom/prometheus", "finds what it watches"),
            ("image: r.io/a, command: [sh, -c, 'kubectl get pods']", "runs `kubectl`"),
            ("image: r.io/a, args: [--leader-elect=true]", "`--leader-elect=true`"),
            ("image: r.io/a, env: [{name: KUBERNETES_NAMESPACE}]", "the variable `KUBERNETES_NAMESPACE`"),
            (
                "image: r.io/a, env: [{name: A, value: 'https://kubernetes.default.svc'}]",
                "`kubernetes.default`",
            ),
            (
                "image: r.io/a, volumeMounts: [{name: t, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]",
                "mentions `/run/secrets",
            ),
            (
                "image: r.io/a, livenessProbe: {exec: {command: [cat, /run/secrets/kubernetes.io/serviceaccount/token]}}",
                "mentions `/run/secrets",
            ),
        ] {
            check_left(ID, &format!("containers: [{{name: a, {container}}}]"), words);
        }
        let vault = pod(PLAIN).replace(
            "name: example",
            "name: example\n  annotations: {vault.hashicorp.com/agent-inject: 'true'}",
        );
        check_left_with(&only(ID), &vault, "Vault agent");
    }

    /// What the generated files get to know.
    fn use_of_api(others: &str, spec: &str) -> Option<String> {
        let text = beside(others, spec);
        let stream = Stream::scan(&text).unwrap();
        let mut evidence = Evidence::default();
        stream.documents().for_each(|document| evidence.read(document));
        let Workloads { pods, .. } = Workloads::of(stream.documents().last().unwrap());
        super::use_of_api(&pods[0], &evidence).unwrap()
    }

    #[test]
    fn use_of_the_api_needs_a_token_and_a_sign() {
        let binding = BINDING.replace("NAME", "default");
        let client = "containers: [{name: a, image: r.io/a, command: [kubectl, get, pods]}]";
        let bound = "the RoleBinding `shop/reader` gives rights to the service account `default`";
        assert_eq!(use_of_api("{}", PLAIN), None);
        assert_eq!(use_of_api("{}", client).as_deref(), Some("the container `a` runs `kubectl`"));
        assert_eq!(use_of_api(&binding, PLAIN).as_deref(), Some(bound));
        for spec in [client, PLAIN] {
            let without = format!("automountServiceAccountToken: false\n{spec}");
            assert_eq!(use_of_api(&binding, &without), None);
        }
        let volume = "volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]";
        let own = format!("automountServiceAccountToken: false\n{client}\n{volume}");
        assert!(use_of_api("{}", &own).is_some());
    }

    #[test]
    fn one_finding_speaks_for_all_containers() {
        let spec = "initContainers: [{name: i, image: r.io/i}]\ncontainers: [{name: a, image: r.io/a}]";
        let found = findings(&only(ID), &pod(spec));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].finding.containers().count(), 2);
    }

    #[test]
    fn the_table_reads() {
        let table = api_clients();
        assert!(!table.images.is_empty() && !table.mentions.is_empty());
    }

    #[test]
    fn older_versions_do_not_know_it() {
        let old = Settings { target: "1.5".parse().unwrap(), ..only(ID) };
        check_left_with(&old, &pod(PLAIN), "needs Kubernetes 1.6, the target is 1.5");
        let first = Settings { target: FIELD_SINCE, ..only(ID) };
        assert_eq!(fixes(&first, &pod(PLAIN)).len(), 1);
    }
}
