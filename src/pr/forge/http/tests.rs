//! The client against a server of the test's own, which answers what it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::*;

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
        let mut client = Client::new(&self.root, "Authorization", Secret::new("token secret\n")).unwrap();
        client.sleep = |_| {};
        client
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
    assert_eq!(error.to_string(), "127.0.0.1 answers 502: <html>");
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
        ("200 OK\n\n<html>", "answers what is not understood: "),
    ] {
        let error = Server::new(&[answer]).client().get::<u64>("/x?y").unwrap_err().to_string();
        assert!(error.starts_with("127.0.0.1 ") && error.contains(words), "{error}");
        assert!(!error.contains("secret"));
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client { sleep: |_| {}, ..Client::new(&root, "a", Secret::new("secret")).unwrap() };
    let error = client.get::<u64>("/x").unwrap_err();
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
    let made = |root: &str| Client::new(root, "a", Secret::new("b"));
    for root in ["https://example.com/api", "http://127.0.0.1:3033", "http://localhost", "http://[::1]:1/x"] {
        made(root).unwrap();
    }
    for root in [
        "http://example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://a",
        "example.com",
        "",
    ] {
        assert_eq!(made(root).unwrap_err(), ForgeError::Insecure(root.to_owned()));
    }
    assert_eq!(format!("{:?}", Secret::new("b")), "Secret");
}

#[test]
fn names_are_escaped_in_paths() {
    assert_eq!(escaped("a/b?c d&e\u{e9}-._~"), "a%2Fb%3Fc%20d%26e%C3%A9-._~");
}
