//! From the address of a remote to the forge behind it.

/// The forges there are clients for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Gitea and Forgejo.
    Gitea,
    /// `github.com` and GitHub Enterprise.
    Github,
    /// `gitlab.com` and those of companies.
    Gitlab,
    /// `gitcode.com`.
    Gitcode,
    /// `CodeArts` Repo of Huawei Cloud.
    Codearts,
    /// Any other, with branches that are pushed and requests that a person opens.
    PushOnly,
}

impl Kind {
    /// The forge that is known to be at `host`.
    pub fn at(host: &str) -> Option<Self> {
        let host = host.split(':').next().unwrap_or_default();
        let is_below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        match host {
            "github.com" | "ssh.github.com" => Some(Self::Github),
            // Enterprise Cloud with residency of data.
            _ if is_below("ghe.com") => Some(Self::Github),
            "gitlab.com" | "altssh.gitlab.com" => Some(Self::Gitlab),
            "gitea.com" | "codeberg.org" => Some(Self::Gitea),
            "gitcode.com" => Some(Self::Gitcode),
            _ if is_below("huaweicloud.com") || is_below("myhuaweicloud.com") => Some(Self::Codearts),
            _ => None,
        }
    }

    /// The variables that may hold its token, the first one that is set counts.
    pub fn token_variables(self) -> &'static [&'static str] {
        match self {
            Self::Gitea => &["GITEA_TOKEN"],
            Self::Github => &["GH_TOKEN", "GITHUB_TOKEN"],
            Self::Gitlab => &["GITLAB_TOKEN"],
            Self::Gitcode => &["GITCODE_TOKEN"],
            Self::Codearts => &["CODEARTS_TOKEN"],
            Self::PushOnly => &[],
        }
    }
}

/// What the address of a remote says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `https` or `http`, with which the API is reached.
    pub scheme: &'static str,
    /// The host, with its port where the address is one of HTTP.
    pub host: String,
    /// The folders above the repository: its owner, groups in groups, and where the forge is not at the root of its
    /// host, that root too.
    pub owner: String,
    /// The repository.
    pub name: String,
}

impl Address {
    /// Reads the address of a remote: `https://host/owner/name.git`, `ssh://git@host/owner/name`,
    /// `git@host:owner/name.git`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => ("http", Some(rest)),
            Some(("https" | "ssh" | "git+ssh" | "git", rest)) => ("https", Some(rest)),
            Some(_) => return None,
            None => ("https", None),
        };
        let is_http = rest.is_some() && text.starts_with("http");
        let (authority, path) = match rest {
            Some(rest) => rest.split_once('/')?,
            // A path of a folder has a slash before its first colon, if it has one.
            None => text.split_once(':').filter(|(host, _)| !host.contains('/') && host.len() > 1)?,
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = match host.strip_suffix(usual) {
            Some(host) => host,
            None if is_http => host,
            None => host.split(':').next().unwrap_or_default(),
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, name) = path.rsplit_once('/')?;
        let is_given = [host, owner, name].iter().all(|part| !part.is_empty());
        let is_plain =
            !text.contains(|character: char| character.is_control() || "\\ ?#".contains(character));
        let is_upward = path.split('/').any(|part| matches!(part, "" | "." | ".."));
        (is_given && is_plain && !is_upward).then(|| Self {
            scheme,
            host: host.to_ascii_lowercase(),
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The host with its scheme.
    pub fn root(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// The owner alone, and the address of the forge that is below some folder of its host.
    pub fn owner_and_root(&self) -> (&str, String) {
        match self.owner.rsplit_once('/') {
            Some((above, owner)) => (owner, format!("{}/{above}", self.root())),
            None => (&self.owner, self.root()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_forms_are_read() {
        for (text, root, owner, name) in [
            ("https://github.com/a/b.git", "https://github.com", "a", "b"),
            ("https://token@github.com/a/b", "https://github.com", "a", "b"),
            ("https://github.com:443/a/b", "https://github.com", "a", "b"),
            ("http://127.0.0.1:80/a/b", "http://127.0.0.1", "a", "b"),
            ("ssh://git@ssh.github.com:443/a/b", "https://ssh.github.com", "a", "b"),
            ("https://user:pass@word@Git.Example.com:8443/a/b/", "https://git.example.com:8443", "a", "b"),
            ("http://127.0.0.1:3033/a/b.git", "http://127.0.0.1:3033", "a", "b"),
            ("git@gitlab.com:group/sub/b.git", "https://gitlab.com", "group/sub", "b"),
            ("ssh://git@git.example.com:2222/a/b.git", "https://git.example.com", "a", "b"),
            ("git@git.example.com:/a/b.git", "https://git.example.com", "a", "b"),
            ("https://example.com/git/a/b.c.git", "https://example.com", "git/a", "b.c"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((&*address.root(), &*address.owner, &*address.name), (root, owner, name), "{text}");
        }
    }

    #[test]
    fn others_are_none() {
        for text in [
            "",
            "/srv/git/a/b.git",
            "../a/b",
            "./x:y/z",
            "file:///srv/a/b",
            "C:/work/b",
            "https://example.com",
            "https://example.com/b",
            "https:///a/b",
            "https://example.com/a/../b",
            "https://example.com/a//b",
            "https://example.com/a/b?c",
            "https://example.com/a/b\nc",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn known_hosts_have_their_forge() {
        for (host, kind) in [
            ("github.com", Some(Kind::Github)),
            ("gitlab.com", Some(Kind::Gitlab)),
            ("codeberg.org", Some(Kind::Gitea)),
            ("gitcode.com", Some(Kind::Gitcode)),
            ("acme.ghe.com", Some(Kind::Github)),
            ("codehub.devcloud.huaweicloud.com", Some(Kind::Codearts)),
            ("codehub.devcloud.cn-north-4.huaweicloud.com", Some(Kind::Codearts)),
            ("codehub.devcloud.cn-north-4.myhuaweicloud.com", Some(Kind::Codearts)),
            ("git.example.com", None),
            ("notgithub.com", None),
            ("evilmyhuaweicloud.com", None),
        ] {
            assert_eq!(Kind::at(host), kind, "{host}");
        }
    }
}
