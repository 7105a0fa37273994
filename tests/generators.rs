//! The files that are made beside the manifests, and the nodes' rules on a network of the test's own.

use std::process::Command;

use crate::common::{Folder, Ran, repository};

const CONFIG: &str = "\
transforms:
  api-server-access:
    network-policy: true
    address: 192.168.0.5
    node-script: tunnel
    container-cidr: 10.0.0.0/16
    security-group: 64566556-bd6f-48fb-b2c6-df8f44617953
  metadata-access: {network-policy: true, node-script: vpc, container-cidr: 10.0.0.0/16}
";

const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: jobs, namespace: shop}
subjects: [{kind: ServiceAccount, name: jobs}]
";

fn deployment(name: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: shop
spec:
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
      - name: {name}
        image: registry.example.com/{name}:1
"
    )
}

fn shop() -> Folder {
    let (web, api) = (deployment("web"), deployment("api"));
    let jobs = deployment("jobs").replace("containers:", "serviceAccountName: jobs\n      containers:");
    Folder::with(&[
        (".cce-fix.yaml", CONFIG),
        ("web.yaml", &web),
        ("more/api.yaml", &api),
        ("more/jobs.yaml", &jobs),
        ("rbac.yaml", BINDING),
    ])
}

const FILES: [&str; 3] = ["network-policies.yaml", "security-groups.yaml", "node-rules.sh"];

#[test]
fn files_are_made_once_and_look_like_this() {
    let folder = shop();
    folder.run(&["."]).expect(0, "", "3 new files made");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository().join("snapshots/generated"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for name in FILES {
            insta::assert_snapshot!(name, folder.read(&format!("cce-fix-generated/{name}")));
        }
    });
    let again = folder.run(&["."]);
    assert!(again.code == Some(0) && !again.stderr.contains("new file"), "{again:?}");
    assert!(folder.succeed("ls", &["-l", "cce-fix-generated/node-rules.sh"], b"").starts_with("-rwxr-xr-x"));
}

#[test]
fn git_applies_the_diff_of_new_files() {
    let (shown, written) = (shop(), shop());
    let diff = shown.run(&["--diff", "."]);
    assert_eq!(diff.code, Some(1), "{diff:?}");
    shown.succeed("git", &["init", "-q", "."], b"");
    shown.succeed("git", &["apply"], diff.stdout.as_bytes());
    written.run(&["."]);
    for name in FILES.map(|name| format!("cce-fix-generated/{name}")) {
        assert_eq!(shown.read(&name), written.read(&name), "{name}");
    }
    shown.run(&["--diff", "."]).expect(0, "", "0 would change");
    shown.run(&["--check", "."]).expect(0, "", "");
}

#[test]
fn a_file_of_somebody_else_is_never_replaced() {
    let folder = shop();
    folder.write("cce-fix-generated/network-policies.yaml", b"# ours\n");
    let ran = folder.run(&["."]);
    ran.expect(2, "", "is there and was not made by cce-fix; move it away to have it made");
    assert_eq!(folder.read("cce-fix-generated/network-policies.yaml"), "# ours\n");
    // One of our own follows the manifests.
    folder.write("web.yaml", deployment("shop").as_bytes());
    folder.run(&["."]);
    assert!(folder.read("cce-fix-generated/security-groups.yaml").contains("app: shop"));
}

#[test]
fn a_configuration_cannot_lead_elsewhere() {
    for elsewhere in ["../elsewhere", "/tmp/elsewhere", "a/../../b"] {
        let folder = shop();
        folder.write(
            "repo/.cce-fix.yaml",
            CONFIG
                .replacen("transforms:", &format!("transforms:\n  all: {{generate-to: '{elsewhere}'}}"), 1)
                .as_bytes(),
        );
        folder.write("repo/web.yaml", deployment("web").as_bytes());
        folder.run(&["repo"]).expect(2, "", "leads out of the configuration's folder");
        assert!(!folder.path().join("elsewhere").exists());
    }
}

#[test]
fn what_a_generator_lacks_is_named() {
    let folder = shop();
    folder.write(".cce-fix.yaml", b"transforms: {api-server-access: {network-policy: true}}\n");
    folder.run(&["."]).expect(2, "", "`transforms.api-server-access.address`");
    folder.write(".cce-fix.yaml", b"transforms: {metadata-access: {container-cidr: 10.0.0.0}}\n");
    folder.run(&["."]).expect(2, "", "expected a block of IPv4 addresses such as `10.0.0.0/16`");
}

/// A node with two containers' addresses behind it, in namespaces of its own: `vpc` sends from the node itself,
/// `tunnel` from a namespace behind it. `/etc/rc.local` is a file of the test's.
const NETWORK: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
[ -e /etc/rc.local ] || { mount -t tmpfs tmpfs /mnt; cp -a /etc/. /mnt/; mount --bind /mnt /etc; touch /etc/rc.local; }
mount --bind "$PWD/rc.local" /etc/rc.local
ip link set lo up
ip netns add container
ip netns add outside
ip link add c0 type veth peer name eth0 netns container
ip link add o0 type veth peer name eth0 netns outside
ip addr add 10.0.0.1/24 dev c0; ip link set c0 up
ip addr add 172.31.0.1/24 dev o0; ip link set o0 up
ip -n container addr add 10.0.0.2/24 dev eth0; ip -n container link set eth0 up
ip -n container route add default via 10.0.0.1
ip -n outside addr add 172.31.0.2/24 dev eth0; ip -n outside link set eth0 up; ip -n outside link set lo up
ip -n outside addr add 169.254.169.254/32 dev lo; ip -n outside addr add 192.168.0.5/32 dev lo
ip -n outside addr add 192.168.0.6/32 dev lo
ip -n outside route add default via 172.31.0.1
ip route add 169.254.169.254 via 172.31.0.2; ip route add 192.168.0.0/24 via 172.31.0.2
echo 1 > /proc/sys/net/ipv4/ip_forward
ip netns exec outside perl -MIO::Socket::INET -e '
    for $port (80, 5443) {
        next if fork;
        $s = IO::Socket::INET->new(Listen => 9, LocalPort => $port, ReuseAddr => 1) or die;
        while ($c = $s->accept) { print $c "x"; close $c }
    }' &
ask() { timeout 5 perl -MIO::Socket::INET -e '
    $s = IO::Socket::INET->new(PeerAddr => $ARGV[1], PeerPort => $ARGV[2], LocalAddr => $ARGV[0], Timeout => 2);
    exit($s ? 0 : 1)' "$@"; }
answer() { if "$@"; then echo yes; else echo no; fi; }
look() {
    echo "$1: container->api $(answer ip netns exec container perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr=>"192.168.0.5",PeerPort=>5443,Timeout=>2)?0:1)')" \
         "container->other $(answer ip netns exec container perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr=>"192.168.0.6",PeerPort=>5443,Timeout=>2)?0:1)')" \
         "vpc->metadata $(answer ask 10.0.0.1 169.254.169.254 80)" \
         "node->metadata $(answer ask 172.31.0.1 169.254.169.254 80)"
}
for try in 1 2 3 4 5 6 7 8 9; do ask 172.31.0.1 169.254.169.254 80 && break; sleep 0.2; done
look before
./node-rules.sh apply; ./node-rules.sh apply
look applied
iptables -S | grep -c REJECT
iptables -F
sh /etc/rc.local || true
look restarted
./node-rules.sh undo
look undone
iptables -S | grep -c REJECT || true
"#;

#[test]
fn the_rules_of_the_nodes_hold_on_a_real_network() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let can = has("iptables") && has("ip") && has("perl") && {
        let probe = "ip link add t0 type veth peer name t1 && iptables -S && mount -t tmpfs tmpfs /run";
        Command::new("unshare")
            .args(["-n", "-m", "sh", "-c", probe])
            .output()
            .is_ok_and(|out| out.status.success())
    };
    if !can {
        assert!(std::env::var_os("CCE_FIX_CI").is_none(), "iptables, ip, perl or namespaces are missing");
        println!("NOT RUN: no iptables, ip or perl here, or no right to make namespaces");
        return;
    }
    let folder = shop();
    folder.run(&["."]);
    std::fs::copy(folder.path().join("cce-fix-generated/node-rules.sh"), folder.path().join("node-rules.sh"))
        .unwrap();
    let startup = "#!/bin/sh\n# the node's own\ntrue\nexit 0\n";
    folder.write("rc.local", startup.as_bytes());
    folder.write("network.sh", NETWORK.as_bytes());
    let mut command = Command::new("unshare");
    command.args(["-n", "-m", "-p", "-f", "--kill-child", "bash", "network.sh"]).current_dir(folder.path());
    let ran = Ran::of(&mut command, b"");
    assert_eq!(
        ran.stdout,
        "\
before: container->api yes container->other yes vpc->metadata yes node->metadata yes
applied: container->api no container->other yes vpc->metadata no node->metadata yes
2
restarted: container->api no container->other yes vpc->metadata no node->metadata yes
undone: container->api yes container->other yes vpc->metadata yes node->metadata yes
0
",
        "{}",
        ran.stderr
    );
    assert_eq!(folder.read("rc.local"), startup, "undone to the byte");
}
