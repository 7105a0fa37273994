//! Kernel parameters that Kubernetes takes for safe.

use crate::settings::Version;

/// What Pod Security's baseline level lets pods set, with the first version in which it does.
const SAFE: [(u16, &str); 14] = [
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
    (37, "net.ipv4.tcp_notsent_lowat"),
    (37, "net.ipv4.tcp_slow_start_after_idle"),
];

/// The kernel parameters that every Pod Security level of `version` lets pods set.
pub fn safe_sysctls(version: Version) -> impl Iterator<Item = &'static str> {
    SAFE.iter().filter(move |(since, _)| *since <= version.minor).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_grows_with_the_versions() {
        let count = |minor| safe_sysctls(Version { minor }).count();
        assert_eq!([26, 27, 28, 29, 31, 32, 36, 37].map(count), [5, 6, 6, 10, 10, 12, 12, 14]);
    }
}
