//! The client against a server of the test's own, which answers what it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::*;
use crate::pr::forge::Address;

/// A client for the API at `root`, with the token `secret`.
fn client(root: &str) -> Result<Client, ForgeError> {
    let address = Address::parse("https://example.com/a/b").unwrap();
    let (token, roots) = (Secret::new("secret\n"), Roots::system());
    let access = Access { address: &address, api: None, token: &token, roots: &roots };
    let client = Client::new(root, &access, "Authorization", "token ")?;
    Ok(Client { sleep: |_| {}, ..client })
}

/// A server that gives these answers one by one, and what it was asked.
struct Server {
    root: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                seen.lock().unwrap().push(format!("{head}{}", String::from_utf8(body).unwrap()));
                // Nothing stands for a connection that breaks.
                let (head, body) = answer.split_once("\n\n").unwrap_or((&answer, ""));
                if !head.is_empty() {
                    let head = head.replace('\n', "\r\n");
                    let length = body.len();
                    write!(
                        stream,
                        "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                    )
                    .unwrap();
                }
            }
        });
        Self { root, asked }
    }

    fn client(&self) -> Client {
        client(&self.root).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[test]
fn the_token_goes_in_its_header() {
    let server = Server::new(&["200 OK\n\n{\"a\":1}"]);
    assert_eq!(server.client().get::<Value>("/x?y=z").unwrap(), json!({"a": 1}));
    let asked = server.asked().remove(0);
    assert!(asked.starts_with("GET /x?y=z HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nauthorization: token secret\r\n"), "{asked}");
}

#[test]
fn what_may_pass_is_tried_again() {
    for answers in [
        &["502 Bad Gateway", "200 OK\n\n1"][..],
        &["", "200 OK\n\n1"],
        &[
            "429 Too Many\nretry-after: 1",
            "403 Forbidden\nretry-after: 2",
            "503 Busy\nretry-after: 3",
            "200 OK\n\n1",
        ],
        &["403 Forbidden\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 1", "200 OK\n\n1"],
    ] {
        let server = Server::new(answers);
        assert_eq!(server.client().get::<u64>("/x").unwrap(), 1, "{answers:?}");
        assert_eq!(server.asked().len(), answers.len());
    }
}

#[test]
fn nothing_is_made_twice() {
    for answers in [&["502 Bad Gateway", "200 OK\n\n1"][..], &["", "200 OK\n\n1"]] {
        let server = Server::new(answers);
        server.client().post::<u64>("/x", &json!({})).unwrap_err();
        assert_eq!(server.asked().len(), 1, "{answers:?}");
    }
    // The forge did not look at it yet.
    let server = Server::new(&["429 Too Many\nretry-after: 1", "201 Created\n\n1"]);
    assert_eq!(server.client().post::<u64>("/x", &json!({"a": 1})).unwrap(), 1);
    assert!(server.asked().iter().all(|asked| asked.ends_with("\r\n\r\n{\"a\":1}")));
}

#[test]
fn it_is_not_tried_for_ever() {
    let server = Server::new(&["502 Bad Gateway\n\n<html>"; 10]);
    let error = server.client().get::<u64>("/x").unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 answers 502: <html>; the fault is its own, run again later");
    assert_eq!(server.asked().len(), TRIES as usize);
    let server = Server::new(&["429 Too Many\nretry-after: 3600"]);
    let error = server.client().get::<u64>("/x").unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 takes no more requests for 3600 seconds; run again after that");
}

#[test]
fn refusals_name_what_to_change() {
    for (answer, words) in [
        (
            "401 Unauthorized\n\n{\"message\":\"Bad\\ncredentials\"}",
            "does not accept the token: Bad credentials; it may be",
        ),
        ("403 Forbidden\n\n{\"message\":\"scope\"}", "does not allow this to the token: scope; it needs to"),
        ("404 Not Found", "knows no `/x`, or does not show it"),
        ("301 Moved\nlocation: https://b/x", "answers 301: it moved to https://b/x; set the"),
        (
            "422 Unprocessable\n\n{\"message\":{\"base\":[\"invalid\"]}}",
            "answers 422: {\"base\":[\"invalid\"]}",
        ),
        ("400 Bad", "answers 400: without a word"),
        (
            "422 Unprocessable\n\n{\"message\":\"Validation Failed\",\"errors\":[{\"code\":1,\"message\":\"too long\"}]}",
            "answers 422: Validation Failed: too long",
        ),
        (
            "403 Forbidden\nx-accepted-github-permissions: pull_requests=write\n\n{\"message\":\"no\"}",
            "token: no; it needs `pull_requests=write`",
        ),
        (
            "401 Unauthorized\n\n{\"error\":{\"message\":\"bad token secret\"}}",
            "the token: bad token [token]; it may",
        ),
        (
            "503 Busy\n\n{\"message\":\"resting\"}",
            "answers 503: resting; the fault is its own, run again later",
        ),
        ("200 OK\n\n<html>", "answers what is not understood: "),
    ] {
        let error =
            Server::new(&[answer; TRIES as usize]).client().get::<u64>("/x?y").unwrap_err().to_string();
        assert!(error.starts_with("127.0.0.1 ") && error.contains(words), "{error}");
        assert!(!error.contains("secret"));
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&root).unwrap().get::<u64>("/x").unwrap_err();
    assert!(matches!(&error, ForgeError::Unreachable { host, .. } if host == "127.0.0.1"), "{error}");
}

#[test]
fn all_pages_are_read() {
    let next = "200 OK\nlink: <http://a/x?page=2>; rel=\"next\",<http://a/x?page=9>; rel=\"last\"\n\n[1,2]";
    let server = Server::new(&[next, next, "200 OK\nlink: <http://a/x?page=1>; rel=\"first\"\n\n[3]"]);
    assert_eq!(server.client().pages::<u64>("/x?limit=2").unwrap(), [1, 2, 1, 2, 3]);
    let lines: Vec<String> =
        server.asked().iter().filter_map(|asked| Some(asked.lines().next()?.to_owned())).collect();
    assert_eq!(lines[2], "GET /x?limit=2&page=3 HTTP/1.1");
    // A server that has a next page for ever.
    let server = Server::new(&[next, "200 OK\nlink: <http://a/x?page=3>; rel=\"next\"\n\n[]"]);
    assert_eq!(server.client().pages::<u64>("/x?limit=2").unwrap(), [1, 2]);
}

#[test]
fn tokens_stay_on_the_machine_or_are_encrypted() {
    for root in ["https://example.com/api", "http://127.0.0.1:3033", "http://localhost", "http://[::1]:1/x"] {
        client(root).unwrap();
    }
    for root in [
        "http://example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://a",
        "example.com",
        "",
        "https://example.com/api?token=a",
    ] {
        assert_eq!(client(root).unwrap_err(), ForgeError::Insecure(root.to_owned()));
    }
    assert_eq!(format!("{:?}", Secret::new("b")), "Secret");
}

#[test]
fn pages_without_a_word_of_the_next_are_read() {
    let server = Server::new(&["200 OK\n\n[1,2]", "200 OK\n\n[3]"]);
    assert_eq!(server.client().full_pages::<u64>("/x?y=z", 2).unwrap(), [1, 2, 3]);
    assert!(server.asked()[1].starts_with("GET /x?y=z&per_page=2&page=2 "));
    let server = Server::new(&["200 OK\n\n[1,2]", "200 OK\n\n[]"]);
    assert_eq!(server.client().full_slices::<u64>("/x?y=z", 2).unwrap(), [1, 2]);
    assert!(server.asked()[1].starts_with("GET /x?y=z&limit=2&offset=2 "));
}

#[test]
fn questions_are_asked_again_and_their_errors_are_told() {
    let server = Server::new(&["502 Bad Gateway", "200 OK\n\n{\"data\":1}"]);
    assert_eq!(server.client().query::<u64>("/graphql", "{a}", &json!({"b": "c"})).unwrap(), 1);
    assert!(server.asked()[1].ends_with("\r\n\r\n{\"query\":\"{a}\",\"variables\":{\"b\":\"c\"}}"));
    for (answer, words) in [
        ("{\"errors\":[{\"type\":\"NOT_FOUND\",\"message\":\"no a/b\"}]}", "knows no `no a/b`"),
        (
            "{\"errors\":[{\"type\":\"FORBIDDEN\",\"message\":\"no\"}]}",
            "does not allow this to the token: no; it",
        ),
        ("{\"errors\":[{\"type\":\"RATE_LIMITED\"}]}", "takes no more requests for 60 seconds"),
        (
            "{\"data\":null,\"errors\":[{\"message\":\"no such field\"}]}",
            "answers what is not understood: no such field; check `--forge`",
        ),
        ("{\"data\":null}", "answers what is not understood: there are no data in it"),
    ] {
        let server = Server::new(&[&format!("200 OK\n\n{answer}")]);
        let error = server.client().query::<u64>("/graphql", "{a}", &json!({})).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_the_forge_asks_for_is_waited() {
    static WAITED: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let later = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 90;
    let server = Server::new(&[
        "429 Too Many\nretry-after: 7",
        &format!("403 Forbidden\nx-ratelimit-remaining: 0\nx-ratelimit-reset: {later}"),
        "403 Forbidden\n\nYou have exceeded a secondary rate limit",
        "200 OK\n\n1",
        "429 Too Many\nratelimit-reset: 5",
        "502 Bad Gateway",
        "200 OK\n\n1",
    ]);
    let client = Client { sleep: |pause| WAITED.lock().unwrap().push(pause.as_secs()), ..server.client() };
    client.get::<u64>("/x").unwrap();
    client.get::<u64>("/x").unwrap();
    let waited = WAITED.lock().unwrap().clone();
    assert!((88..=90).contains(&waited[1]), "{waited:?}");
    assert_eq!([waited[0], waited[2], waited[3], waited[4]], [7, 60, 5, 4]);
}

#[test]
fn silence_is_not_waited_for_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let agent = agent("127.0.0.1", &Roots::system(), Duration::from_millis(50));
    let client = Client { agent, ..client(&root).unwrap() };
    let start = std::time::Instant::now();
    let error = client.get::<u64>("/x").unwrap_err().to_string();
    assert!(error.starts_with("127.0.0.1 cannot be reached: timeout"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn who_speaks_no_tls_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // Until the other side has read that.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let client = client(&root).unwrap();
    let error = client.get::<u64>("/x").unwrap_err();
    assert!(matches!(&error, ForgeError::Untrusted { host, .. } if host == "127.0.0.1"), "{error:?}");
    assert!(error.to_string().contains("`--ca-file`"), "{error}");
}

#[test]
fn files_of_certificates_are_read_or_refused() {
    for text in ["", "text", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(Roots::of(text.as_bytes()).is_none(), "{text}");
    }
    let pem = "text\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(Roots::of(pem.repeat(2).as_bytes()).is_some());
}

#[test]
fn the_variable_against_proxies_is_read_as_git_does() {
    for (no_proxy, host, expected) in [
        ("example.com", "example.com", true),
        ("example.com", "git.example.com", true),
        (".example.com, other", "git.EXAMPLE.com", true),
        ("*.example.com", "git.example.com", true),
        ("*", "example.com", true),
        ("a,,b", "example.com", false),
        ("example.com", "badexample.com", false),
        ("", "example.com", false),
    ] {
        assert_eq!(is_direct(host, no_proxy), expected, "{no_proxy} {host}");
    }
}

#[test]
fn names_are_escaped_in_paths() {
    assert_eq!(escaped("a/b?c d&e\u{e9}-._~"), "a%2Fb%3Fc%20d%26e%C3%A9-._~");
}
