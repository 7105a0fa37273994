//! The name of an image, taken apart after the grammar of the distribution project.

use super::last_part;

/// Where an image without a registry comes from.
const DEFAULT_REGISTRY: &str = "docker.io";

/// An image reference taken apart and normalised as the distribution project's grammar has it.
///
/// `nginx:1.27` is `docker.io/library/nginx` with the tag `1.27`. A registry's name is lower-cased. Text outside
/// of the grammar (a template's placeholder, an upper-case path, an image id) is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef<'a> {
    repository: String,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    /// Takes `reference` apart; `None` where it does not follow the grammar.
    pub fn parse(reference: &'a str) -> Option<Self> {
        let (named, digest) = match reference.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (reference, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) || is_image_id(reference) {
            return None;
        }
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return None;
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (host_in_lower_case(first), rest),
            _ => (DEFAULT_REGISTRY.to_owned(), name),
        };
        if !is_host(&registry) || path.len() > 255 || !path.split('/').all(is_path_component) {
            return None;
        }
        let repository = match registry.as_str() {
            DEFAULT_REGISTRY | "index.docker.io" if path.contains('/') => {
                [DEFAULT_REGISTRY, "/", path].concat()
            }
            DEFAULT_REGISTRY | "index.docker.io" => [DEFAULT_REGISTRY, "/library/", path].concat(),
            _ => [&*registry, "/", path].concat(),
        };
        Some(Self { repository, tag, digest })
    }

    /// The whole name without tag and digest: `docker.io/library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The host, with its port where one is given: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        self.repository.split_once('/').map_or(DEFAULT_REGISTRY, |(registry, _)| registry)
    }

    /// The name within the registry: `library/nginx`.
    pub fn path(&self) -> &str {
        self.repository.split_once('/').map_or(&*self.repository, |(_, path)| path)
    }

    /// The last part of the name: `nginx`.
    pub fn base_name(&self) -> &str {
        last_part(&self.repository)
    }

    /// The tag, where one is written.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The digest with its algorithm, where one is written.
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }
}

/// The first part of a name is a registry when it could not be a path, or is `localhost`.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':' | b'A'..=b'Z'))
}

/// Hosts are the same in any case; but one that only its capitals tell from a path (`REGISTRY/app`) keeps them,
/// or the name written out would be read as a path of the default registry.
fn host_in_lower_case(host: &str) -> String {
    let lower = host.to_ascii_lowercase();
    if is_registry(&lower) { lower } else { host.to_owned() }
}

/// A domain name, an IPv4 address, or an IPv6 address in brackets, with an optional port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    }
    name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    bytes.first().copied().is_some_and(is_word)
        && bytes.last().copied().is_some_and(is_word)
        && bytes
            .split(|byte| is_word(*byte))
            .all(|run| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-'))
}

/// A word character, then up to 127 word characters, dots and hyphens.
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && !tag.starts_with(['.', '-'])
        && !tag.is_empty()
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// An algorithm, a colon, and at least 32 hexadecimal digits.
fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            && algorithm.split(['+', '.', '-', '_']).all(|part| {
                part.starts_with(|first: char| first.is_ascii_alphabetic())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    })
}

/// 64 lower-case hexadecimal digits are the id of an image, which no registry serves.
fn is_image_id(reference: &str) -> bool {
    reference.len() == 64 && reference.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_normalised() {
        const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let digest = format!("sha256:{HEX}");
        let digest = digest.as_str();
        for (reference, repository, tag, has_digest) in [
            ("nginx", "docker.io/library/nginx", None, false),
            ("nginx:1.27-alpine", "docker.io/library/nginx", Some("1.27-alpine"), false),
            ("prom/prometheus", "docker.io/prom/prometheus", None, false),
            ("docker.io/nginx", "docker.io/library/nginx", None, false),
            ("docker.io/library/nginx", "docker.io/library/nginx", None, false),
            ("index.docker.io/nginx:1", "docker.io/library/nginx", Some("1"), false),
            ("Docker.IO/nginx", "docker.io/library/nginx", None, false),
            ("quay.io/coreos/etcd:v3.5.0", "quay.io/coreos/etcd", Some("v3.5.0"), false),
            ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause", Some("3.9"), false),
            ("localhost/app", "localhost/app", None, false),
            ("localhost:5000/app:1", "localhost:5000/app", Some("1"), false),
            ("localhost:5000", "docker.io/library/localhost", Some("5000"), false),
            ("10.0.0.1:5000/a/b/c", "10.0.0.1:5000/a/b/c", None, false),
            ("[fd00::1]:5000/app", "[fd00::1]:5000/app", None, false),
            ("[fd00::1]/app", "[fd00::1]/app", None, false),
            ("Registry/app", "Registry/app", None, false),
            ("LOCALHOST/app", "localhost/app", None, false),
            ("REGISTRY.example.COM:443/Team", "", None, false),
            ("a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g", None, false),
            ("app:_x", "docker.io/library/app", Some("_x"), false),
            ("nginx@DIGEST", "docker.io/library/nginx", None, true),
            ("nginx:1.27@DIGEST", "docker.io/library/nginx", Some("1.27"), true),
            ("localhost:5000/app@DIGEST", "localhost:5000/app", None, true),
        ] {
            let reference = reference.replace("DIGEST", digest);
            let image = ImageRef::parse(&reference);
            let parts = image.as_ref().map(|image| (image.repository(), image.tag(), image.digest()));
            let expected = (repository, tag, has_digest.then_some(digest));
            assert_eq!(
                parts,
                Some(expected).filter(|(repository, ..)| !repository.is_empty()),
                "{reference}"
            );
        }
    }

    #[test]
    fn odd_text_is_no_reference() {
        let long_tag = format!("a:{}", "x".repeat(129));
        let long_path = "x".repeat(256);
        let id = "0123456789abcdef".repeat(4);
        for reference in [
            "",
            "/",
            "/nginx",
            "nginx/",
            "a//b",
            ":",
            "nginx:",
            ":1",
            "nginx:-1",
            "nginx:.1",
            "nginx:a b",
            " nginx",
            "nginx ",
            "nginx\n",
            "Nginx",
            "docker.io/Team/app",
            "nginx@",
            "@sha256:00",
            "nginx@sha256:00",
            "nginx@sha256",
            "nginx@0:0123456789abcdef0123456789abcdef",
            "a@b@c",
            "a..b",
            "a___b",
            "a._b",
            "-a",
            "a-",
            "_a",
            "http://docker.io/nginx",
            "host:port/app",
            "host:/app",
            "-a.b/app",
            "a..b:1/app",
            "[]/app",
            "[::1/app",
            "[::1]",
            "${IMAGE}",
            "$(IMAGE)",
            "$IMAGE",
            "registry.example.com/app:${TAG}",
            "${REGISTRY}/app:1",
            "registry.example.com/$(NAME)",
            "app@$(DIGEST)",
            "{{ .Values.image }}",
            "{{ .Values.registry }}/app:{{ .Values.tag }}",
            "%IMAGE%",
            "<image>",
            "...",
            ".",
            "..",
            "./app",
            "../app",
            "nginx:$TAG",
            "nginx:1:2",
            "nginx:1/2:3:4",
            "localhost:5000/App",
            "a/b:c/d",
            "nginx@sha256:0123456789abcdef0123456789abcdef:1",
            "nginx@sha256:0123456789ABCDEFG123456789abcdef",
            "größe",
            "镜像",
            &long_tag,
            &long_path,
            &id,
        ] {
            assert_eq!(ImageRef::parse(reference), None, "{reference:?}");
        }
    }

    #[test]
    fn references_have_parts() {
        let image = ImageRef::parse("swr.cn-north-4.myhuaweicloud.com/org/sub/nginx:1").unwrap();
        assert_eq!(image.registry(), "swr.cn-north-4.myhuaweicloud.com");
        assert_eq!(image.path(), "org/sub/nginx");
        assert_eq!(image.base_name(), "nginx");
    }
}
