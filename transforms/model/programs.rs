//! What programs in a command line tell about a container.

use std::borrow::Cow;
use std::fmt;

use super::container::{Container, ContainerKind};
use super::script::Command;
use super::section::Malformed;
use crate::images::ImageRef;

/// Programs that do their work for root alone.
const FOR_ROOT: [&str; 31] = [
    "adduser",
    "chgrp",
    "chown",
    "chroot",
    "dropbear",
    "gosu",
    "groupadd",
    "insmod",
    "ip6tables",
    "ip6tables-restore",
    "ipset",
    "iptables",
    "iptables-restore",
    "modprobe",
    "mount",
    "nft",
    "nsenter",
    "runuser",
    "setcap",
    "setfacl",
    "setpriv",
    "sshd",
    "su",
    "su-exec",
    "sudo",
    "swapoff",
    "sysctl",
    "umount",
    "useradd",
    "usermod",
    "visudo",
];

/// Programs that gain privileges when they start: by setuid, or by capabilities on their files.
const GAIN_PRIVILEGES: [&str; 18] = [
    "bwrap",
    "cron",
    "crond",
    "doas",
    "exim",
    "fusermount",
    "fusermount3",
    "newgidmap",
    "newuidmap",
    "passwd",
    "ping",
    "ping6",
    "pkexec",
    "postfix",
    "sendmail",
    "sshd",
    "su",
    "sudo",
];

/// Package managers that write below `/usr`, and the arguments with which they do.
const SYSTEM_PACKAGES: [(&str, &[&str]); 8] = [
    ("apk", &["add", "del", "fix", "update", "upgrade"]),
    ("apt", &["install", "remove", "update", "upgrade"]),
    ("apt-get", &["install", "remove", "update", "upgrade", "dist-upgrade"]),
    ("dnf", &["install", "remove", "update", "upgrade"]),
    ("dpkg", &["-i", "--install"]),
    ("microdnf", &["install", "remove", "update", "upgrade"]),
    ("yum", &["install", "remove", "update", "upgrade"]),
    ("zypper", &["install", "in", "remove", "update", "up"]),
];

/// Package managers of programming languages.
const LANGUAGE_PACKAGES: [(&str, &[&str]); 9] = [
    ("bundle", &["install"]),
    ("composer", &["install", "require", "update"]),
    ("gem", &["install"]),
    ("npm", &["ci", "i", "install"]),
    ("pip", &["install"]),
    ("pip2", &["install"]),
    ("pip3", &["install"]),
    ("pnpm", &["add", "i", "install"]),
    ("yarn", &["add", "install"]),
];

/// A program that needs root. Displayed as "the init container runs `chown`".
#[derive(Clone, Debug)]
pub struct RootProgram {
    text: String,
    /// Whether an init container prepares files for others with it.
    pub prepares_files: bool,
}

impl fmt::Display for RootProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The program that the container starts and that needs root. For an init container, whose purpose is often to
/// prepare files for others, changing their mode counts too.
pub fn needs_root(container: &Container<'_>) -> Result<Option<RootProgram>, Malformed> {
    let is_init = container.kind == ContainerKind::Init;
    let is_for_root = |command: &Command| {
        let program = command.program();
        FOR_ROOT.contains(&program)
            || program.starts_with("mkfs")
            || program == "chmod" && is_init
            || runs(command, &SYSTEM_PACKAGES)
    };
    let commands = container.commands()?;
    Ok(commands.iter().find(|command| is_for_root(command)).map(|command| RootProgram {
        text: format!("the {} runs `{}`", container.kind, command.program()),
        prepares_files: is_init && matches!(command.program(), "chgrp" | "chmod" | "chown" | "setfacl"),
    }))
}

/// The program that gains privileges when it starts, which the container's command line or the name of its image
/// tells of.
pub fn gains_privileges(container: &Container<'_>) -> Result<Option<&'static str>, Malformed> {
    let find = |word: &str| GAIN_PRIVILEGES.iter().find(|program| **program == word).copied();
    let commands = container.commands()?;
    let image = container.image().unwrap_or_default();
    let name = ImageRef::parse(&image).map(|image| image.base_name().to_owned()).unwrap_or_default();
    Ok(commands
        .iter()
        .find_map(|command| find(command.program()))
        .or_else(|| name.split(['-', '_']).find_map(find)))
}

/// The package manager that the container's command line installs something with.
pub fn installs_packages(commands: &[Command]) -> Option<&str> {
    let installs = |command: &&Command| {
        runs(command, &SYSTEM_PACKAGES)
            || runs(command, &LANGUAGE_PACKAGES)
            || command.program().starts_with("python")
                && command.arguments().any(|word| word == "pip")
                && command.arguments().any(|word| word == "install")
    };
    commands.iter().find(installs).map(Command::program)
}

fn runs(command: &Command, table: &[(&str, &[&str])]) -> bool {
    let row = table.iter().find(|(program, _)| *program == command.program());
    row.is_some_and(|(_, verbs)| command.arguments().any(|word| verbs.contains(&word)))
}

/// A place that a command writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// As it is written.
    pub text: String,
    /// As an absolute path; `None` where it is relative to an unknown directory.
    pub path: Option<String>,
}

/// The places that `commands`, which are the container's, write to.
pub fn written_places(container: &Container<'_>, commands: &[Command]) -> Result<Vec<Written>, Malformed> {
    let mut directory = container.working_directory()?.map(Cow::into_owned);
    let mut places = Vec::new();
    for command in commands {
        if command.program() == "cd" {
            directory = command.arguments().next().and_then(|path| resolve(path, directory.as_deref()));
        }
        for text in command.outputs.iter().map(String::as_str).chain(targets(command)) {
            places.push(Written { text: text.to_owned(), path: resolve(text, directory.as_deref()) });
        }
    }
    Ok(places)
}

/// `path` as an absolute one; `None` where it is relative to an unknown directory.
fn resolve(path: &str, directory: Option<&str>) -> Option<String> {
    if path.starts_with('/') { Some(path.to_owned()) } else { Some(format!("{}/{path}", directory?)) }
}

/// The files that a command changes by its very purpose.
fn targets(command: &Command) -> Vec<&str> {
    let files = || command.arguments().filter(|word| !word.starts_with('-'));
    match command.program() {
        "mkdir" | "tee" | "touch" => files().collect(),
        "cp" | "install" | "ln" | "mv" => files().last().into_iter().collect(),
        "sed" if command.arguments().any(|word| word.starts_with("-i") || word == "--in-place") => {
            files().skip(1).collect()
        }
        _ => Vec::new(),
    }
}
