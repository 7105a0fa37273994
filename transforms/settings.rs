//! What a user can decide about the transforms, as plain data.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::images::Catalogue;
use crate::model::Quantity;
pub use crate::model::WorkloadPath;
use crate::pod_security::{self, Level};
use crate::support::{self, Meta};
use crate::suppression::{Date, Override};

/// Every decision of a user, with what holds where there is none.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a decision of its own, and any two go together")]
pub struct Settings {
    /// What counts as satisfied.
    pub profile: Profile,
    /// The Kubernetes version that the manifests are for.
    pub target: Version,
    /// Safe fixes alone.
    pub safe: bool,
    /// Which part of the fixes is made.
    pub part: Part,
    /// Fill in what is missing, change no value that somebody wrote.
    pub keep_explicit: bool,
    /// The ids of the transforms to run in place of the profile's own.
    pub select: Option<BTreeSet<String>>,
    /// The ids of transforms that do not run, whatever else says that they do.
    pub ignore: BTreeSet<String>,
    /// Also change what belongs to the cluster itself: system namespaces and CCE's add-ons.
    pub include_system: bool,
    /// Whether annotations, comments and overrides suppress anything.
    pub suppressions: bool,
    /// What the configuration suppresses, as far as it is for the file at hand.
    pub overrides: Vec<Override>,
    /// The reason of annotations to write for what is left.
    pub add_suppressions: Option<String>,
    /// Whether findings tell as well what is as it should be, which is most of what there is to tell.
    pub tells_satisfied: bool,
    /// Today, so that a suppression can end. Where it is not known, none does.
    pub today: Option<Date>,
    /// Where the pods of kinds stand that are not known, and of known ones in place of what is known.
    pub workloads: Vec<WorkloadPath>,
    /// Also change what looks like a pod in objects of kinds that nobody tells about.
    pub detect_pod_specs: bool,
    /// Of `run-as-user`.
    pub run_as_user: RunAsUser,
    /// Of `seccomp-profile`.
    pub seccomp_profile: SeccompProfile,
    /// Of `resources`.
    pub resources: Resources,
    /// Of `privileged`.
    pub privileged: Privileged,
    /// Of `host-path`.
    pub host_path: HostPath,
    /// Of `app-armor-profile`.
    pub app_armor_profile: AppArmorProfile,
    /// Of `node-scheduling`.
    pub node_scheduling: NodeScheduling,
    /// Of `automount-service-account-token`.
    pub automount_service_account_token: AutomountServiceAccountToken,
    /// Of `api-server-access`.
    pub api_server_access: ApiServerAccess,
    /// Of `metadata-access`.
    pub metadata_access: MetadataAccess,
    /// Of `misplaced-field`.
    pub misplaced_field: MisplacedField,
    /// Of `public-exposure`.
    pub public_exposure: PublicExposure,
    /// What is known about images, the user's own rows included. Shared, as settings are copied for a file.
    pub catalogue: Arc<Catalogue>,
}

/// A part of the fixes, so that several people can look at one each. Those of other parts are held back, and nothing
/// of this part builds on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Those of one level; none takes both.
    pub level: Option<support::Level>,
    /// Those of objects of which the API server lets nothing change, or of all others; none takes both.
    pub recreated: Option<bool>,
    /// Those of the transform with this id; none takes all.
    pub transform: Option<&'static str>,
}

impl Part {
    /// All of them.
    pub const ALL: Self = Self { level: None, recreated: None, transform: None };

    /// Whether a fix of this transform and level, of such an object, belongs to it.
    pub(crate) fn has(self, id: &str, level: support::Level, is_recreated: bool) -> bool {
        self.level.is_none_or(|own| own == level)
            && self.recreated.is_none_or(|own| own == is_recreated)
            && self.transform.is_none_or(|own| own == id)
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::ALL
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Cce,
            target: Version { minor: 28 },
            safe: false,
            part: Part::default(),
            keep_explicit: false,
            select: None,
            ignore: BTreeSet::new(),
            include_system: false,
            suppressions: true,
            overrides: Vec::new(),
            add_suppressions: None,
            tells_satisfied: true,
            today: None,
            workloads: Vec::new(),
            detect_pod_specs: false,
            run_as_user: RunAsUser::default(),
            seccomp_profile: SeccompProfile::default(),
            resources: Resources::default(),
            privileged: Privileged::default(),
            host_path: HostPath::default(),
            app_armor_profile: AppArmorProfile::default(),
            node_scheduling: NodeScheduling::default(),
            automount_service_account_token: AutomountServiceAccountToken::default(),
            api_server_access: ApiServerAccess::default(),
            metadata_access: MetadataAccess::default(),
            misplaced_field: MisplacedField::default(),
            public_exposure: PublicExposure::default(),
            catalogue: Arc::clone(Catalogue::builtin()),
        }
    }
}

impl Settings {
    /// Whether the transform is to run.
    pub fn runs(&self, meta: &Meta) -> bool {
        let is_wanted = match &self.select {
            Some(ids) => ids.contains(meta.id),
            None => self.profile == Profile::Cce || meta.profiles.contains(&self.profile),
        };
        is_wanted && !self.ignore.contains(meta.id)
    }

    /// Whether the profile asks for what a check of Pod Security looks at: `cce` always does, the others do in the
    /// versions whose policy has the check at their level.
    pub fn asks_for(&self, check: &str) -> bool {
        let level = match self.profile {
            Profile::Cce => return true,
            Profile::Baseline => Level::Baseline,
            Profile::Restricted => Level::Restricted,
        };
        pod_security::has_check(level, self.target, check)
    }
}

/// What a hardened manifest has to fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// All that CCE's container security pages ask for.
    Cce,
    /// Pod Security Standards, level baseline.
    Baseline,
    /// Pod Security Standards, level restricted.
    Restricted,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cce => "cce",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// A minor version of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number behind `1.`.
    pub minor: u16,
}

impl Version {
    /// The newest that is known here.
    pub const NEWEST: Self = Self { minor: 37 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

/// Why a text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidVersion {
    /// It is not written as versions are.
    Malformed,
    /// There is no such version yet.
    Unknown,
}

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("expected a version such as `1.28` or `v1.28.15-r20`"),
            Self::Unknown => write!(f, "the newest version known here is `{}`", Version::NEWEST),
        }
    }
}

impl std::error::Error for InvalidVersion {}

/// `1.28`, `v1.28`, `v1.28.15-r20`, `v1.19.16-r4-CCE22.11.1`.
impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let numbers = text.strip_prefix('v').unwrap_or(text).split('-').next().unwrap_or_default();
        let mut parts = numbers.split('.');
        let minor = match (parts.next(), parts.next()) {
            (Some("1"), Some(minor)) => digits(minor)?,
            _ => return Err(InvalidVersion::Malformed),
        };
        match (parts.next().map(digits::<u32>), parts.next()) {
            (None | Some(Ok(_)), None) if minor <= Self::NEWEST.minor => Ok(Self { minor }),
            (None | Some(Ok(_)), None) => Err(InvalidVersion::Unknown),
            _ => Err(InvalidVersion::Malformed),
        }
    }
}

/// Digits alone: Rust reads a `+` before them too.
fn digits<T: FromStr>(text: &str) -> Result<T, InvalidVersion> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(InvalidVersion::Malformed)
}

/// Settings of `run-as-user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunAsUser {
    /// User id for an image of which none is known; not root's.
    #[serde(deserialize_with = "user_id")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub uid: i64,
    /// Group id for such an image.
    #[serde(deserialize_with = "group_id")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub gid: i64,
    /// What to do about such an image.
    pub policy: UidPolicy,
}

impl Default for RunAsUser {
    fn default() -> Self {
        Self { uid: 1000, gid: 1000, policy: UidPolicy::Inject }
    }
}

fn user_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let id = i64::deserialize(deserializer)?;
    let is_one = (1..=i64::from(i32::MAX)).contains(&id);
    is_one.then_some(id).ok_or_else(|| serde::de::Error::custom("a user id is a number from 1 to 2147483647"))
}

fn group_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let id = i64::deserialize(deserializer)?;
    let is_one = (0..=i64::from(i32::MAX)).contains(&id);
    is_one
        .then_some(id)
        .ok_or_else(|| serde::de::Error::custom("a group id is a number from 0 to 2147483647"))
}

/// What to do about an image whose user is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UidPolicy {
    /// Write the configured ids.
    Inject,
    /// Write none: `runAsNonRoot` keeps the container from starting as root instead.
    Image,
}

/// Settings of `seccomp-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SeccompProfile {
    /// Remove the old annotation where it says what the field says, from Kubernetes 1.27.
    pub drop_legacy_annotations: bool,
}

/// Settings of `resources`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Resources {
    /// Request and limit where neither is given.
    #[serde(deserialize_with = "amount")]
    pub cpu: Quantity,
    /// Request and limit where neither is given.
    #[serde(deserialize_with = "amount")]
    pub memory: Quantity,
    /// How many times the request a limit is, where there is a request alone.
    // In thousandths, so that settings can be compared.
    #[serde(deserialize_with = "thousandths", serialize_with = "factor")]
    #[schemars(with = "f64", range(min = 1, max = 1000))]
    pub ratio: u32,
    /// Whether a cpu limit is asked for at all.
    pub cpu_limit: bool,
    /// Leave a container whose resources a `VerticalPodAutoscaler` of the run sets.
    pub respect_vpa: bool,
}

#[expect(clippy::expect_used, reason = "two constants, which a test reads")]
impl Default for Resources {
    fn default() -> Self {
        Self {
            cpu: "250m".parse().expect("a quantity"),
            memory: "512Mi".parse().expect("a quantity"),
            ratio: 1_500,
            cpu_limit: true,
            respect_vpa: true,
        }
    }
}

/// More than nothing.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let amount = Quantity::deserialize(deserializer)?;
    let is_one = amount > Quantity::zero();
    is_one.then_some(amount).ok_or_else(|| serde::de::Error::custom("an amount is more than 0"))
}

/// A factor of at least one, as thousandths.
fn thousandths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    if !(1.0..=1000.0).contains(&factor) {
        return Err(serde::de::Error::custom("a ratio is a number from 1 to 1000"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1,000 to 1,000,000")]
    Ok((factor * 1000.0).round() as u32)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn factor<S: Serializer>(thousandths: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from(*thousandths) / 1000.0)
}

/// Settings of `privileged`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Privileged {
    /// Write `privileged: false` instead of removing the key.
    pub explicit: bool,
}

/// Settings of `host-path`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostPath {
    /// Mount sensitive paths read-only where nothing shows that they are written to.
    pub read_only: bool,
    /// The value of the variable `TZ` that takes the place of the node's time zone files.
    pub timezone: Option<String>,
    /// Scratch paths of the node that an `emptyDir` takes the place of.
    pub empty_dir: Vec<String>,
}

/// Settings of `app-armor-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppArmorProfile {
    /// Ask for the runtime's own profile. Pods then only start on nodes that have `AppArmor`.
    pub add: bool,
    /// Write the field in place of the annotations, from Kubernetes 1.30.
    pub migrate: bool,
}

/// Settings of `node-scheduling`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeScheduling {
    /// The CCE node pool to run in.
    #[serde(deserialize_with = "node_pool")]
    pub node_pool: Option<String>,
    /// Further labels that a node must have.
    #[serde(deserialize_with = "labels")]
    pub node_labels: BTreeMap<String, String>,
    /// Taints to tolerate, as `key=value:Effect`.
    pub tolerations: Vec<String>,
}

fn node_pool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    match name.as_deref().filter(|name| name.is_empty() || !is_label(name)) {
        Some(name) => Err(serde::de::Error::custom(format!("`{name}` is not the value of a label"))),
        None => Ok(name),
    }
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let labels = BTreeMap::<String, String>::deserialize(deserializer)?;
    for (key, value) in &labels {
        let (prefix, name) =
            key.split_once('/').map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        let is_prefix = |text: &str| {
            let is_part = |part: &str| !part.is_empty() && is_label(part) && !part.contains('_');
            text.len() <= 253 && text.split('.').all(is_part)
        };
        if name.is_empty() || !is_label(name) || prefix.is_some_and(|prefix| !is_prefix(prefix)) {
            return Err(serde::de::Error::custom(format!("`{key}` is not the key of a label")));
        }
        if !is_label(value) {
            return Err(serde::de::Error::custom(format!("`{value}` is not the value of a label")));
        }
    }
    Ok(labels)
}

/// Whether the text can be the value of a label.
fn is_label(text: &str) -> bool {
    let is_end = |end: Option<char>| end.is_none_or(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        && is_end(text.chars().next())
        && is_end(text.chars().next_back())
}

/// Settings of `automount-service-account-token`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AutomountServiceAccountToken {
    /// The run sees every role binding that there is.
    pub closed_world: bool,
}

/// Settings of `api-server-access`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiServerAccess {
    /// Generate a `NetworkPolicy` for each workload.
    pub network_policy: bool,
    /// The private address of the API server.
    pub address: Option<Ipv4Addr>,
    /// Generate the script for nodes of this network model.
    pub node_script: Option<NetworkModel>,
    /// The addresses of the cluster's containers, in CIDR notation, for the script.
    pub container_cidr: Option<Cidr>,
    /// The id of the VPC security group to bind workloads to.
    pub security_group: Option<String>,
}

/// Settings of `metadata-access`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MetadataAccess {
    /// Generate a `NetworkPolicy` for each workload.
    pub network_policy: bool,
    /// Generate the script for nodes of this network model.
    pub node_script: Option<NetworkModel>,
    /// The addresses of the cluster's containers, in CIDR notation, for the script.
    pub container_cidr: Option<Cidr>,
}

/// A block of addresses, such as `10.0.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: Ipv4Addr,
    /// How many bits at the start the addresses share.
    bits: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Cidr {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a block of IPv4 addresses such as `10.0.0.0/16`";
        let (address, bits) = text.split_once('/').ok_or(EXPECTED)?;
        let address = address.parse().map_err(|_| EXPECTED)?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32).ok_or(EXPECTED)?;
        Ok(Self { address, bits })
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Cidr {
    fn schema_name() -> Cow<'static, str> {
        "Cidr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A block of IPv4 addresses, such as `10.0.0.0/16`.",
            "type": "string",
            "pattern": r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$",
        })
    }
}

/// The network models of CCE clusters whose nodes can filter what containers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkModel {
    /// VPC network.
    Vpc,
    /// Container tunnel network.
    Tunnel,
}

/// Settings of `misplaced-field`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MisplacedField {
    /// Move or rename a key where it is certain what was meant.
    pub repair: bool,
}

/// Settings of `public-exposure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicExposure {
    /// Make load balancers that are yet to be created reachable from the VPC alone.
    pub internal_elb: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_and_cce_write_them() {
        for text in ["1.28", "v1.28", "1.28.15", "v1.28.15-r20", "v1.28.16-r4-CCE22.11.1"] {
            assert_eq!(text.parse(), Ok(Version { minor: 28 }), "{text}");
        }
        for text in ["", "1", "28", "2.28", "v1.", "1.x", "1.28.x", "1.28.1.2", "latest", "1.+28", "1.28.+1"]
        {
            assert_eq!(text.parse::<Version>(), Err(InvalidVersion::Malformed), "{text}");
        }
        assert_eq!("1.99".parse::<Version>(), Err(InvalidVersion::Unknown));
    }

    #[test]
    fn blocks_of_addresses_are_read_and_written_alike() {
        assert_eq!("10.0.0.0/16".parse::<Cidr>().unwrap().to_string(), "10.0.0.0/16");
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/0", "10.0.0.0/8; rm -rf /"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_profile_asks_by_its_version() {
        let settings =
            |profile, minor| Settings { profile, target: Version { minor }, ..Settings::default() };
        for (profile, minor, expected) in [
            (Profile::Cce, 19, true),
            (Profile::Restricted, 21, false),
            (Profile::Restricted, 22, true),
            (Profile::Baseline, 37, false),
        ] {
            assert_eq!(
                settings(profile, minor).asks_for("capabilities_restricted"),
                expected,
                "{profile} {minor}"
            );
        }
        assert!(settings(Profile::Restricted, 21).asks_for("capabilities_baseline"));
        assert!(!settings(Profile::Restricted, 22).asks_for("capabilities_baseline"));
    }

    #[test]
    fn the_defaults_are_those_of_the_pages() {
        let resources = Settings::default().resources;
        assert_eq!(
            (resources.cpu.to_string(), resources.memory.to_string()),
            ("250m".into(), "512Mi".into())
        );
    }
}
