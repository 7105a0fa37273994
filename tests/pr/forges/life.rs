//! The life of a request, by each client against its forge.

use cce_fix::pr::forge::{
    Access, Address, Forge, ForgeError, Kind, NewRequest, Request, Roots, Secret, State,
};
use clap::ValueEnum as _;

use super::server::{self, Personality, Pull, TOKEN, page_of};
use super::{ALL, GITHUB, GITLAB};

/// Names that would end something if they were not escaped.
const HEAD: &str = "cce-fix/ma\"in'&x=1#%41+{é}/safe";
const BASE: &str = "ma\"in'&x=1#%41+{é}";
const TITLE: &str = "Harden \"1\" {manifest} & <b>more</b> \\ é";
const BODY: &str = "text\n\n| \"a\" | `b` |\n\n<!-- cce-fix:1 {\"fp\":\"f\"} -->\n";

fn client(at: &server::Forge, address: &str, token: &str) -> Box<dyn Forge> {
    let address = Address::parse(address).unwrap();
    let (token, roots) = (Secret::new(token), Roots::system());
    let access = Access { address: &address, api: Some(&at.address), token: &token, roots: &roots };
    Kind::from_str(at.personality.name, false).unwrap().client(&access).unwrap()
}

/// A forge of each kind, and the client for it.
fn each(look: impl Fn(&Personality, &server::Forge, &dyn Forge)) {
    for personality in ALL {
        let forge = server::Forge::start(personality);
        look(personality, &forge, &*client(&forge, "git@127.0.0.1:team/shop.git", TOKEN));
        assert_eq!(forge.content().unknown, [""; 0], "{}", personality.name);
    }
}

fn new(is_draft: bool) -> NewRequest<'static> {
    NewRequest { head: HEAD, base: BASE, title: TITLE, body: BODY, is_draft }
}

fn expected(number: usize, is_draft: bool) -> Request {
    Request {
        number: u64::try_from(number).unwrap(),
        url: page_of(number),
        state: State::Open,
        head: HEAD.to_owned(),
        base: BASE.to_owned(),
        title: TITLE.to_owned(),
        body: BODY.to_owned(),
        labels: Vec::new(),
        is_draft,
    }
}

#[test]
fn a_request_is_opened_changed_and_closed() {
    each(|personality, forge, client| {
        let name = personality.name;
        assert_eq!(client.requests(&[HEAD, "other"]).unwrap(), [], "{name}");
        for is_draft in [false, true] {
            forge.content().pulls.clear();
            let request = client.open(&new(is_draft)).unwrap();
            assert_eq!(request, expected(1, is_draft), "{name}");
            assert_eq!(client.requests(&[HEAD, "other"]).unwrap(), std::slice::from_ref(&request), "{name}");
            assert_eq!(client.requests(&[HEAD]).unwrap(), [request], "{name}");
            assert_eq!(client.requests(&["other", "another"]).unwrap(), [], "{name}");
            assert_eq!(client.open(&new(is_draft)).unwrap_err(), ForgeError::Exists, "{name}");
        }
        forge.content().add_label(1, "by a person");
        let request = client.requests(&[HEAD, "other"]).unwrap().remove(0);
        client.label(&request, &["cce-fix", "more"]).unwrap();
        client.write(&request, "new", "text <!-- cce-fix:1 -->").unwrap();
        let changed = client.requests(&[HEAD, "other"]).unwrap().remove(0);
        assert_eq!(
            (&*changed.title, &*changed.body, changed.is_draft),
            ("new", "text <!-- cce-fix:1 -->", true)
        );
        assert_eq!(changed.labels, ["by a person", "cce-fix", "more"], "{name}");
        client.close(&changed).unwrap();
        assert_eq!(client.requests(&[HEAD, "other"]).unwrap().remove(0).state, State::Closed, "{name}");
        forge.content().pulls[0].merged = true;
        assert_eq!(client.requests(&[HEAD, "other"]).unwrap().remove(0).state, State::Merged, "{name}");
    });
}

/// Private repositories have no drafts under some plans of GitHub.
#[test]
fn where_github_has_no_drafts_the_request_is_none() {
    let at = server::Forge::start(&GITHUB);
    let client = client(&at, "git@127.0.0.1:team/shop.git", TOKEN);
    let refusal = "{\"message\":\"Draft pull requests are not supported in this repository.\"}";
    at.content().given = vec![("422 no", refusal)];
    assert_eq!(client.open(&new(true)).unwrap(), expected(1, false));
    at.content().given = vec![("422 no", refusal)];
    assert!(matches!(client.open(&new(false)).unwrap_err(), ForgeError::Refused { status: 422, .. }));
}

#[test]
fn requests_and_comments_have_more_than_a_page() {
    each(|personality, forge, client| {
        let name = personality.name;
        let request = client.open(&new(false)).unwrap();
        let other = || Pull { head: "cce-fix/other/safe".to_owned(), ..forge.content().pulls[0].clone() };
        let others: Vec<Pull> = (0..120).map(|_| other()).collect();
        forge.content().pulls.extend(others);
        assert_eq!(client.requests(&[HEAD, "other"]).unwrap(), std::slice::from_ref(&request), "{name}");
        for number in 1..=120 {
            forge.content().pulls[0].comments.push(format!("comment {number}"));
        }
        client.comment(&request, "last\nof <b>all</b>").unwrap();
        let mut comments = client.comments(&request).unwrap();
        assert_eq!(comments.len(), 121, "{name}");
        comments.sort_by_key(String::len);
        assert_eq!(comments.last().unwrap(), "last\nof <b>all</b>", "{name}");
    });
}

#[test]
fn requests_of_forks_are_none_of_ours() {
    each(|personality, forge, client| {
        client.open(&new(false)).unwrap();
        forge.content().pulls[0].is_foreign = true;
        assert_eq!(client.requests(&[HEAD, "other"]).unwrap(), [], "{}", personality.name);
    });
}

#[test]
fn the_newest_request_is_the_first() {
    each(|personality, forge, client| {
        client.open(&new(false)).unwrap();
        "closed".clone_into(&mut forge.content().pulls[0].state);
        client.open(&new(true)).unwrap();
        let requests = client.requests(&[HEAD, "other"]).unwrap();
        let told: Vec<(u64, State)> =
            requests.iter().map(|request| (request.number, request.state)).collect();
        assert_eq!(told, [(2, State::Open), (1, State::Closed)], "{}", personality.name);
    });
}

#[test]
fn what_a_forge_refuses_names_what_to_change() {
    for personality in ALL {
        let at = server::Forge::start(personality);
        let name = personality.name;
        let error = |address: &str, token: &str| {
            client(&at, address, token).requests(&[HEAD, "other"]).unwrap_err().to_string()
        };
        let refused = error("git@127.0.0.1:team/shop.git", "expired-token");
        assert!(refused.starts_with("127.0.0.1 does not accept the token: who is it?"), "{name}: {refused}");
        assert!(!refused.contains("expired-token"), "{name}: {refused}");
        let missing = error("git@127.0.0.1:nobody/shop.git", TOKEN);
        assert!(missing.contains("127.0.0.1 knows no `"), "{name}: {missing}");
        assert!(
            missing.contains("check the repository's address, `--forge` and `--api-url`"),
            "{name}: {missing}"
        );
        for (given, words) in [
            (
                ("403 no", "{\"message\":\"not for you\"}"),
                "does not allow this to the token: not for you; it",
            ),
            (("422 no", "{\"message\":\"bad branch\"}"), "answers 422: bad branch"),
            (("200 ok", "<html>a page to log in at</html>"), "answers what is not understood"),
        ] {
            // Gitea does without being told whose the token is.
            at.content().given = vec![given; if given.0 == "403 no" && name == "gitea" { 2 } else { 1 }];
            let error = error("git@127.0.0.1:team/shop.git", TOKEN);
            assert!(error.starts_with("127.0.0.1 ") && error.contains(words), "{name}: {error}");
        }
        assert_eq!(at.content().unknown, [""; 0], "{name}");
    }
}

/// Lines that begin with a slash are orders to `GitLab`, whoever wrote them.
#[test]
fn gitlab_is_given_no_orders() {
    let at = server::Forge::start(&GITLAB);
    let client = client(&at, "git@127.0.0.1:team/shop.git", TOKEN);
    let text = "a\n/merge\n  /close\n/label ~x\nb /c\n";
    let request = client.open(&NewRequest { body: text, ..new(false) }).unwrap();
    client.comment(&request, text).unwrap();
    let pull = at.content().pulls[0].clone();
    assert_eq!(pull.body, "a\n&#47;merge\n  &#47;close\n&#47;label ~x\nb /c\n");
    assert_eq!(pull.comments, std::slice::from_ref(&pull.body));
    client.write(&request, "t", text).unwrap();
    assert_eq!(at.content().pulls[0].body, pull.body);
}

#[test]
fn the_usual_place_of_an_api_is_known() {
    let (token, roots) = (Secret::new(TOKEN), Roots::system());
    for (kind, remote, expected) in [
        (Kind::Github, "git@github.com:a/b.git", "root: \"https://api.github.com\""),
        (Kind::Github, "ssh://git@ssh.github.com:443/a/b.git", "root: \"https://api.github.com\""),
        (Kind::Github, "https://acme.ghe.com/a/b", "root: \"https://api.acme.ghe.com\""),
        (Kind::Github, "https://git.example.com/a/b", "root: \"https://git.example.com/api\""),
        (Kind::Gitlab, "git@altssh.gitlab.com:a/b.git", "root: \"https://gitlab.com/api\""),
        (Kind::Gitlab, "https://git.example.com/a/c/b", "root: \"https://git.example.com/api\""),
        (Kind::Gitea, "https://git.example.com/x/a/b", "root: \"https://git.example.com/x/api/v1\""),
        (Kind::Gitcode, "git@gitcode.com:a/b.git", "root: \"https://api.gitcode.com/api/v5\""),
        (
            Kind::Codearts,
            "git@codehub.devcloud.cn-north-4.huaweicloud.com:a/b.git",
            "root: \"https://codehub-ext.cn-north-4.myhuaweicloud.com\"",
        ),
        (
            Kind::Codearts,
            "https://codehub.devcloud.la-south-2.myhuaweicloud.com/a/b.git",
            "root: \"https://codeartsrepo-ext.la-south-2.myhuaweicloud.com\"",
        ),
    ] {
        let address = Address::parse(remote).unwrap();
        let access = Access { address: &address, api: None, token: &token, roots: &roots };
        let client = format!("{:?}", kind.client(&access).unwrap());
        assert!(client.contains(expected), "{remote}: {client}");
        assert!(!client.contains(TOKEN), "{client}");
    }
    let address = Address::parse("git@codehub.devcloud.huaweicloud.com:a/b.git").unwrap();
    let access = Access { address: &address, api: None, token: &token, roots: &roots };
    let error = Kind::Codearts.client(&access).unwrap_err().to_string();
    assert!(error.ends_with("name it by `--api-url`"), "{error}");
}

/// Where `GitLab` is below a folder of its host, that is no group of the project.
#[test]
fn a_folder_of_the_host_is_no_group() {
    let (token, roots) = (Secret::new(TOKEN), Roots::system());
    let address = Address::parse("https://example.com/git/a/c/b.git").unwrap();
    for (api, project) in [
        (Some("https://example.com/git/api/v4"), "a/c/b"),
        (None, "git/a/c/b"),
        (Some("https://example.com/api/v4/"), "git/a/c/b"),
    ] {
        let access = Access { address: &address, api, token: &token, roots: &roots };
        let client = format!("{:?}", Kind::Gitlab.client(&access).unwrap());
        assert!(client.contains(&format!("project: {project:?}")), "{client}");
    }
}
