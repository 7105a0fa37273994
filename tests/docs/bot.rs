//! `docs/bot.md`: its commands are run, in their order, in a clone of a repository on a real Gitea.

#![cfg(unix)]

use super::{fresh, player};
use crate::common::{Ran, repository};
use crate::pr::world::{On, World};

const PAGE: &str = "docs/bot.md";

#[test]
fn the_page_about_the_bot_is_fresh() {
    // Says itself where there is none.
    let Some(world) = World::new(On::Gitea) else { return };
    let page = std::fs::read_to_string(repository().join(PAGE)).unwrap();
    let (_, path) = world.server().unwrap();
    let folder = world.folder.path().canonicalize().unwrap();
    let run = |line: &str| {
        let mut shell = world.person("sh", "clone");
        let programs = std::path::Path::new(env!("CARGO_BIN_EXE_cce-fix")).parent().unwrap().to_owned();
        let old = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(programs).chain(std::env::split_paths(&old));
        shell.env("PATH", std::env::join_paths(paths).unwrap()).env("COLUMNS", "100").env("LC_ALL", "C");
        let ran = Ran::of(shell.args(["-c", &format!("exec 2>&1\n{line}")]), b"");
        let code = ran.code.unwrap();
        let exit = if code == 0 { String::new() } else { format!("? {code}\n") };
        // What the server says of a push.
        let lines = ran.stdout.lines().filter(|line| !line.starts_with("remote:"));
        let shown: String = lines.flat_map(|line| [line, "\n"]).collect();
        let shown = shown.replace(&world.proxy.address, "https://git.example.com");
        let shown = shown.replace(&path, "team/shop").replace(folder.to_str().unwrap(), "/home/team");
        format!("{exit}{}", shown.replace("127.0.0.1", "git.example.com"))
    };
    let write = |name: &str, text: &[u8]| world.folder.write(&format!("clone/{name}"), text);
    let played = player::played_by(&page, &run, &write);
    assert!(
        played.contains("cce-fix/main/safe: opened https://git.example.com/team/shop/pulls/1\n"),
        "{played}"
    );
    assert!(played.contains("commits by others"), "{played}");
    fresh(PAGE, &played);
}
