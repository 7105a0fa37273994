//! HTTP as forges speak it: JSON, pages, limits of how often one may ask, and answers that say why not.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Method, Uri};
use ureq::tls::{RootCerts, TlsConfig};

use super::ForgeError;

/// How often something is tried that may work a little later.
const TRIES: u32 = 4;
/// What is waited for longer than this is left to the next run.
const LONGEST: Duration = Duration::from_secs(120);
/// More than any forge answers.
const LARGEST: u64 = 64 << 20;
/// More pages than the requests of one account come to.
const PAGES: usize = 200;

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

/// A forge's API.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    /// Where paths begin, without a slash at its end.
    root: String,
    host: String,
    header: &'static str,
    value: Secret,
    sleep: fn(Duration),
}

/// One page of a list, and where the next one is.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Client {
    /// The API at `root`, where `value` in `header` lets us in. Tokens go by HTTPS, or stay on the machine.
    pub fn new(root: &str, header: &'static str, value: Secret) -> Result<Self, ForgeError> {
        let insecure = || ForgeError::Insecure(super::super::git::redacted(root));
        let uri: Uri = root.parse().map_err(|_| insecure())?;
        let host = uri.host().ok_or_else(insecure)?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            _ => return Err(insecure()),
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A token is for one host, and what is posted would be fetched after a redirect.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_global(Some(Duration::from_secs(60)))
            .user_agent(concat!("cce-fix/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        Ok(Self {
            agent: config.into(),
            root: root.trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            header,
            value,
            sleep: std::thread::sleep,
        })
    }

    /// Asks for something.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ForgeError> {
        let answer = self.send(&Method::GET, path, None)?;
        self.read(&answer)
    }

    /// Asks for all pages of a list. `path` has a query already.
    pub fn pages<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let answer = self.send(&Method::GET, &format!("{path}&page={page}"), None)?;
            let mut some: Vec<T> = self.read(&answer)?;
            let is_last = some.is_empty() || !has_next(&answer.headers);
            all.append(&mut some);
            if is_last {
                return Ok(all);
            }
        }
        Err(self.unclear(format!("`{path}` has more than {PAGES} pages")))
    }

    /// Makes something.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ForgeError> {
        let answer = self.send(&Method::POST, path, Some(&self.text(body)?))?;
        self.read(&answer)
    }

    /// Changes something; what it is afterwards does not matter.
    pub fn change(&self, method: &Method, path: &str, body: &impl Serialize) -> Result<(), ForgeError> {
        self.send(method, path, Some(&self.text(body)?)).map(drop)
    }

    fn text(&self, body: &impl Serialize) -> Result<String, ForgeError> {
        serde_json::to_string(body).map_err(|error| self.unclear(error.to_string()))
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ForgeError> {
        serde_json::from_str(&answer.text).map_err(|error| self.unclear(error.to_string()))
    }

    fn unclear(&self, message: String) -> ForgeError {
        ForgeError::Unclear { host: self.host.clone(), message }
    }

    /// Sends until there is an answer that stands.
    fn send(&self, method: &Method, path: &str, body: Option<&str>) -> Result<Answer, ForgeError> {
        // Done twice, these come to the same.
        let is_repeatable = *method != Method::POST;
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
                    return Err(ForgeError::Unreachable {
                        host: self.host.clone(),
                        message: error.to_string(),
                    });
                }
            };
            (self.sleep)(wait);
        }
    }

    fn once(&self, method: &Method, path: &str, body: Option<&str>) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.root))
            .header(self.header, self.value.reveal())
            .header("Accept", "application/json");
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
        let message = message(&answer.text);
        match answer.status {
            401 => ForgeError::Unknown { host, message },
            403 => ForgeError::Forbidden { host, message },
            404 => {
                let path = path.split('?').next().unwrap_or_default().to_owned();
                ForgeError::Missing { host, path }
            }
            status @ 300..=399 => {
                let to =
                    answer.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
                let message = format!("it moved to {to}; set the remote's address or `--api-url` to that");
                ForgeError::Refused { host, status, message }
            }
            status => ForgeError::Refused { host, status, message },
        }
    }
}

/// How long the forge asks us to wait, where it does.
fn pause_of(answer: &Answer) -> Option<Duration> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let is_limit = answer.status == 429
        || answer.status == 503 && number("retry-after").is_some()
        || answer.status == 403
            && (number("retry-after").is_some() || number("x-ratelimit-remaining") == Some(0));
    let until = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        Some(number("x-ratelimit-reset")?.saturating_sub(now))
    };
    is_limit.then(|| Duration::from_secs(number("retry-after").or_else(until).unwrap_or(30).max(1)))
}

/// Whether there is a further page: forges say so in the header `Link`.
fn has_next(headers: &HeaderMap) -> bool {
    let mut links = headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
    links.any(|link| link.contains("rel=\"next\""))
}

/// What an answer says in words, in a line that is not too long.
fn message(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let words = ["message", "error_description", "error_msg", "error"].iter().find_map(|key| {
        let words = value.get(key)?;
        words.as_str().map(str::to_owned).or_else(|| Some(words.to_string()))
    });
    let words = words.unwrap_or_else(|| text.to_owned());
    let line: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    if line.is_empty() { "without a word".to_owned() } else { super::super::git::redacted(&line) }
}

/// Whether the request cannot have been seen by the forge.
fn never_arrived(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// Whether it may work a little later.
fn may_pass(error: &ureq::Error) -> bool {
    matches!(
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
