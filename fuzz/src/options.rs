//! Settings made from a number.

use transforms::settings::{NetworkModel, Version};
use transforms::{ALL, GROUPS, Profile, Settings};

use crate::random::Random;

/// The settings that `number` stands for; 0 for those by default.
pub(crate) fn settings(number: u64) -> Settings {
    let mut settings = Settings::default();
    if number == 0 {
        return settings;
    }
    let random = &mut Random::new(number);
    settings.profile = random.pick(&[Profile::Cce, Profile::Cce, Profile::Baseline, Profile::Restricted]);
    settings.target = Version { minor: random.pick(&[13, 19, 21, 25, 27, 28, 28, 30, 31, 33, 35, 37]) };
    settings.safe = random.one_in(5);
    settings.keep_explicit = random.one_in(5);
    settings.include_system = random.one_in(4);
    settings.suppressions = !random.one_in(4);
    settings.detect_pod_specs = random.one_in(4);
    if random.one_in(4) {
        let count = 1 + random.below(4);
        let names = (0..count).map(|_| random.pick(ALL).meta().id.to_owned());
        settings.select = Some(names.collect());
    } else if random.one_in(8) {
        let group = random.pick(&GROUPS);
        settings.select = Some(transforms::ids_of(group).into_iter().map(str::to_owned).collect());
    }
    if random.one_in(5) {
        settings.ignore.insert(random.pick(ALL).meta().id.to_owned());
    }
    if random.one_in(3) {
        settings.today = "2026-11-21".parse().ok();
    }
    parameters(&mut settings, random);
    settings
}

fn parameters(settings: &mut Settings, random: &mut Random) {
    let random = &mut Random::new(random.number());
    settings.seccomp_profile.drop_legacy_annotations = random.one_in(2);
    settings.privileged.explicit = random.one_in(3);
    settings.host_path.read_only = random.one_in(3);
    settings.host_path.timezone = random.one_in(3).then(|| "Asia/Shanghai".to_owned());
    if random.one_in(3) {
        settings.host_path.empty_dir = vec!["/tmp".to_owned(), "/var/lib".to_owned()];
    }
    settings.app_armor_profile.add = random.one_in(3);
    settings.app_armor_profile.migrate = random.one_in(2);
    if random.one_in(3) {
        settings.node_scheduling.node_pool = Some("apps".to_owned());
        settings.node_scheduling.tolerations = vec!["dedicated=apps:NoSchedule".to_owned()];
    }
    settings.automount_service_account_token.closed_world = random.one_in(3);
    settings.misplaced_field.repair = random.one_in(2);
    settings.public_exposure.internal_elb = random.one_in(2);
    settings.resources.cpu_limit = !random.one_in(3);
    if random.one_in(4) {
        settings.resources.ratio = 1_000 + u32::try_from(random.below(5_000)).unwrap_or_default();
    }
    settings.metadata_access.network_policy = random.one_in(4);
    settings.metadata_access.node_script = random.one_in(4).then_some(NetworkModel::Vpc);
    settings.run_as_user.uid = random.pick(&[1000, 1000, 10_001, 65_534]);
}
