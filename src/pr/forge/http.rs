//! HTTP as forges speak it: JSON, pages, limits of how often one may ask, and answers that say why not.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Method, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use super::{Access, ForgeError};
use crate::pr::git::redacted;

/// How often something is tried that may work a little later.
const TRIES: u32 = 4;
/// What is waited for longer than this is left to the next run.
const LONGEST: Duration = Duration::from_secs(120);
/// More than any forge answers.
const LARGEST: u64 = 64 << 20;
/// More pages than the requests of one account come to.
const PAGES: usize = 200;
/// How long there may be nothing but silence.
const PATIENCE: Duration = Duration::from_secs(60);

/// A token. It can be neither printed nor compared, so that it ends in no message.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// What was given, without the line break that files end in.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text, for a header or for git.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Whose word is taken for who a forge is.
#[derive(Clone, Debug)]
pub struct Roots(RootCerts);

impl Roots {
    /// What the machine trusts.
    pub fn system() -> Self {
        Self(RootCerts::PlatformVerifier)
    }

    /// The certificates of a file in PEM, and no others; none where it holds none.
    pub fn of(pem: &[u8]) -> Option<Self> {
        let mut certificates = Vec::new();
        for item in ureq::tls::parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.ok()? {
                certificates.push(certificate);
            }
        }
        (!certificates.is_empty()).then(|| Self(certificates.into()))
    }
}

/// A forge's API.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    /// Where paths begin, without a slash at its end.
    root: String,
    host: String,
    token: Secret,
    /// The header that the token goes in.
    header: &'static str,
    /// What stands before the token there.
    scheme: &'static str,
    /// What else each request says of itself.
    headers: &'static [(&'static str, &'static str)],
    /// What a token has to be allowed to do, in the forge's words.
    needs: &'static str,
    sleep: fn(Duration),
}

/// What a forge answers.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// An answer in `GraphQL`, where the status says nothing.
#[derive(Deserialize)]
struct Reply<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Value>,
}

impl Client {
    /// The API at `root`, where the token in `header` behind `scheme` lets us in. Tokens go by HTTPS, or stay on the
    /// machine.
    pub fn new(
        root: &str,
        access: &Access<'_>,
        header: &'static str,
        scheme: &'static str,
    ) -> Result<Self, ForgeError> {
        let insecure = || ForgeError::Insecure(redacted(root));
        let uri: Uri = root.parse().map_err(|_| insecure())?;
        let host = uri.host().ok_or_else(insecure)?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            _ => return Err(insecure()),
        }
        // What stands there is sent in another header than the token's, and would be shown with the address.
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || uri.query().is_some()
        {
            return Err(insecure());
        }
        Ok(Self {
            agent: agent(host, access.roots, PATIENCE),
            root: root.trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            token: access.token.clone(),
            header,
            scheme,
            headers: &[("Accept", "application/json")],
            needs: "it needs to read and write the repository, its requests and its issues",
            sleep: std::thread::sleep,
        })
    }

    /// The same, with these headers in place of the usual `Accept`.
    #[must_use]
    pub fn with_headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The same, which tells in these words what a token has to be allowed to do.
    #[must_use]
    pub fn needing(self, needs: &'static str) -> Self {
        Self { needs, ..self }
    }

    /// Asks for something.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ForgeError> {
        let answer = self.send(&Method::GET, path, None, true)?;
        self.read(&answer)
    }

    /// Asks in `GraphQL`, by which nothing is changed, so that it may be asked again.
    pub fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        variables: &Value,
    ) -> Result<T, ForgeError> {
        let body = self.text(&json!({"query": query, "variables": variables}))?;
        let answer = self.send(&Method::POST, path, Some(&body), true)?;
        let reply: Reply<T> = self.read(&answer)?;
        let Some(error) = reply.errors.first() else {
            return reply.data.ok_or_else(|| self.unclear("there are no data in it"));
        };
        let host = self.host.clone();
        let message = self.message(&error.to_string());
        Err(match error.get("type").and_then(Value::as_str) {
            Some("NOT_FOUND") => ForgeError::Missing { host, path: message },
            Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => {
                ForgeError::Forbidden { host, message, needs: self.needs.to_owned() }
            }
            Some("RATE_LIMITED") => {
                ForgeError::Busy { host, seconds: asked_for(&answer.headers).unwrap_or(60) }
            }
            // Nobody but us wrote the question, so it is for another forge.
            _ => ForgeError::Unclear { host, message },
        })
    }

    /// Asks for all pages of a list, of which each says whether there is a next one. `path` has a query already.
    pub fn pages<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ForgeError> {
        self.all(path, |page| format!("&page={page}"), |answer, _| has_next(&answer.headers))
    }

    /// Asks for all pages of a list, of which only the last one has fewer than `size` entries.
    pub fn full_pages<T: DeserializeOwned>(&self, path: &str, size: usize) -> Result<Vec<T>, ForgeError> {
        self.all(path, |page| format!("&per_page={size}&page={page}"), |_, count| count >= size)
    }

    /// The same where pages are told by the entry that they begin with.
    pub fn full_slices<T: DeserializeOwned>(&self, path: &str, size: usize) -> Result<Vec<T>, ForgeError> {
        self.all(path, |page| format!("&limit={size}&offset={}", (page - 1) * size), |_, count| count >= size)
    }

    fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        page: impl Fn(usize) -> String,
        has_more: impl Fn(&Answer, usize) -> bool,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for number in 1..=PAGES {
            let answer = self.send(&Method::GET, &format!("{path}{}", page(number)), None, true)?;
            let mut some: Vec<T> = self.read(&answer)?;
            let is_last = some.is_empty() || !has_more(&answer, some.len());
            all.append(&mut some);
            if is_last {
                return Ok(all);
            }
        }
        Err(self.unclear(&format!("`{path}` has more than {PAGES} pages")))
    }

    /// Makes something.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ForgeError> {
        let answer = self.send(&Method::POST, path, Some(&self.text(body)?), false)?;
        self.read(&answer)
    }

    /// Changes something; what it is afterwards does not matter.
    pub fn change(&self, method: &Method, path: &str, body: &impl Serialize) -> Result<(), ForgeError> {
        // Done twice, the others come to the same.
        let is_repeatable = *method != Method::POST;
        self.send(method, path, Some(&self.text(body)?), is_repeatable).map(drop)
    }

    fn text(&self, body: &impl Serialize) -> Result<String, ForgeError> {
        serde_json::to_string(body).map_err(|error| self.unclear(&error.to_string()))
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ForgeError> {
        serde_json::from_str(&answer.text).map_err(|error| self.unclear(&error.to_string()))
    }

    /// The answer is not what the forge's description says.
    pub fn unclear(&self, message: &str) -> ForgeError {
        ForgeError::Unclear { host: self.host.clone(), message: self.line(message) }
    }

    /// There is no such thing, or the token is not shown it.
    pub fn missing(&self, what: &str) -> ForgeError {
        ForgeError::Missing { host: self.host.clone(), path: what.to_owned() }
    }

    /// Sends until there is an answer that stands. What is not repeatable is sent again only where the forge cannot
    /// have seen it, or says that it did not look at it.
    fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&str>,
        is_repeatable: bool,
    ) -> Result<Answer, ForgeError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let pause = Duration::from_secs(1 << tried.min(6));
            let wait = match self.once(method, path, body) {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => match pause_of(&answer) {
                    Some(wait) if wait > LONGEST => {
                        return Err(ForgeError::Busy { host: self.host.clone(), seconds: wait.as_secs() });
                    }
                    Some(wait) if tried < TRIES => wait,
                    None if tried < TRIES && is_repeatable && matches!(answer.status, 500 | 502..=504) => {
                        pause
                    }
                    _ => return Err(self.refusal(path, &answer)),
                },
                Err(error)
                    if tried < TRIES && (is_repeatable || never_arrived(&error)) && may_pass(&error) =>
                {
                    pause
                }
                Err(error) => {
                    let host = self.host.clone();
                    let message = self.line(&error.to_string());
                    return Err(if is_distrust(&error) {
                        ForgeError::Untrusted { host, message }
                    } else {
                        ForgeError::Unreachable { host, message }
                    });
                }
            };
            (self.sleep)(wait);
        }
    }

    fn once(&self, method: &Method, path: &str, body: Option<&str>) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.root))
            .header(self.header, format!("{}{}", self.scheme, self.token.reveal()));
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_owned());
                self.agent.run(request.map_err(ureq::Error::Http)?)?
            }
            None => self.agent.run(request.body(()).map_err(ureq::Error::Http)?)?,
        };
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().with_config().limit(LARGEST).lossy_utf8(true).read_to_string()?,
        })
    }

    fn refusal(&self, path: &str, answer: &Answer) -> ForgeError {
        let host = self.host.clone();
        let message = self.message(&answer.text);
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        match answer.status {
            401 => ForgeError::Unknown { host, message },
            403 => {
                // GitHub says what it wanted.
                let wanted =
                    ["x-accepted-github-permissions", "x-accepted-oauth-scopes"].into_iter().find_map(header);
                let wanted = wanted.filter(|wanted| !wanted.trim().is_empty());
                let needs =
                    wanted.map_or_else(|| self.needs.to_owned(), |wanted| format!("it needs `{wanted}`"));
                ForgeError::Forbidden { host, message, needs: self.line(&needs) }
            }
            404 => {
                let path = path.split('?').next().unwrap_or_default().to_owned();
                ForgeError::Missing { host, path }
            }
            status @ 300..=399 => {
                let to = self.line(header("location").unwrap_or("elsewhere"));
                let message = format!("it moved to {to}; set the remote's address or `--api-url` to that");
                ForgeError::Refused { host, status, message }
            }
            status @ 500.. => ForgeError::Broken { host, status, message },
            status => ForgeError::Refused { host, status, message },
        }
    }

    /// What an answer says in words.
    fn message(&self, text: &str) -> String {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let words = ["message", "error_description", "error_msg", "error"].iter().find_map(|key| {
            let words = value.get(key).filter(|words| !words.is_null())?;
            // Some have an object in that place, with the words in it.
            let words = words.get("message").unwrap_or(words);
            words.as_str().map(str::to_owned).or_else(|| Some(words.to_string()))
        });
        // GitHub tells by the message that something is wrong, and what it is beside it.
        let details = value.get("errors").and_then(Value::as_array).into_iter().flatten();
        let details = details.filter_map(|detail| detail.get("message").unwrap_or(detail).as_str());
        let mut words = words.unwrap_or_else(|| text.to_owned());
        for detail in details {
            words = format!("{words}: {detail}");
        }
        let line = self.line(&words);
        if line.is_empty() { "without a word".to_owned() } else { line }
    }

    /// The text in a line that is not too long, without what nobody is to see: some servers say which token it is
    /// that they do not like.
    fn line(&self, text: &str) -> String {
        let token = self.token.reveal();
        let text = if token.is_empty() { text.to_owned() } else { text.replace(token, "[token]") };
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
        redacted(&line)
    }
}

/// What sends requests to `host`, and gives up after `patience`.
fn agent(host: &str, roots: &Roots, patience: Duration) -> ureq::Agent {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // A token is for one host, and what is posted would be fetched after a redirect.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(patience.min(Duration::from_secs(20))))
        .timeout_global(Some(patience))
        .user_agent(concat!("cce-fix/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots.0.clone()).build());
    let no_proxy = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    if is_loopback(host) || is_direct(host, &no_proxy) {
        config = config.proxy(None);
    }
    config.build().into()
}

#[expect(clippy::disallowed_methods, reason = "the variables that every program has its proxies from")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether `host` is reached without the proxy, as git reads the variable: a domain stands for all below it.
fn is_direct(host: &str, no_proxy: &str) -> bool {
    let mut entries = no_proxy.split([',', ' ']).filter(|entry| !entry.is_empty());
    entries.any(|entry| {
        let domain = entry.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        domain.is_empty()
            || host == domain
            || host.strip_suffix(&domain).is_some_and(|above| above.ends_with('.'))
    })
}

/// How long the forge asks us to wait, where it does.
fn pause_of(answer: &Answer) -> Option<Duration> {
    let has = |name: &str, value: &str| answer.headers.get(name).is_some_and(|found| found == value);
    let is_limit = match answer.status {
        429 => true,
        503 => answer.headers.contains_key("retry-after"),
        // GitHub's; the second limit of it is told in words alone at times.
        403 => {
            answer.headers.contains_key("retry-after")
                || has("x-ratelimit-remaining", "0")
                || answer.text.contains("secondary rate limit")
        }
        _ => false,
    };
    is_limit.then(|| Duration::from_secs(asked_for(&answer.headers).unwrap_or(60).max(1)))
}

/// The seconds that the headers ask us to wait.
fn asked_for(headers: &HeaderMap) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let reset = || {
        let reset = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset"))?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        // A moment, or, where it is small, the time until then.
        Some(if reset < 1_000_000_000 { reset } else { reset.saturating_sub(now) })
    };
    number("retry-after").or_else(reset)
}

/// Whether there is a further page: forges say so in the header `Link`.
fn has_next(headers: &HeaderMap) -> bool {
    let mut links = headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
    links.any(|link| link.contains("rel=\"next\""))
}

/// Whether the request cannot have been seen by the forge.
fn never_arrived(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// Whether the other side is not who it should be, or does not speak TLS.
fn is_distrust(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        // That is how errors of TLS come out of a connection.
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Whether it may work a little later.
fn may_pass(error: &ureq::Error) -> bool {
    // A name that there is not will not be there in a moment.
    let is_wrong_host = |text: &str| text.contains("failed to lookup") && !text.contains("Temporary");
    !is_distrust(error)
        && !is_wrong_host(&error.to_string())
        && matches!(
            error,
            ureq::Error::ConnectionFailed
                | ureq::Error::Io(_)
                | ureq::Error::Timeout(_)
                | ureq::Error::Protocol(_)
        )
}

/// Whether what is sent to `host` stays on the machine.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Text as a part of a path or a query.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;

    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(shown, "%{byte:02X}");
        }
    }
    shown
}

#[cfg(test)]
mod tests;
