//! What stands between the bot and a forge in tests: it counts requests, and can end them at any point.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// What happens from a request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done, but its answer is an error, as are those behind it.
    RefuseAfter,
    /// It is done, but there is no answer.
    Hold,
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Method and path of each request.
    pub(crate) asked: Vec<String>,
    pub(crate) fault: Option<(usize, Fault)>,
    /// Whether a request is held.
    pub(crate) is_held: bool,
}

/// The proxy.
pub(crate) struct Proxy {
    /// Without a slash at its end.
    pub(crate) address: String,
    shared: Arc<(Mutex<Watch>, Condvar)>,
}

impl Proxy {
    /// Passes on to `upstream`, which is a host and a port.
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared: Arc<(Mutex<Watch>, Condvar)> = Arc::default();
        let upstream = upstream.to_owned();
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (upstream, own) = (upstream.clone(), Arc::clone(&own));
                thread::spawn(move || serve(stream.unwrap(), &upstream, &own));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.shared.0.lock().unwrap()
    }

    /// Waits until a request is held, or `is_over` says that there will be none.
    pub(crate) fn wait_until_held(&self, mut is_over: impl FnMut() -> bool) -> bool {
        let mut watch = self.watch();
        while !watch.is_held {
            if is_over() {
                return false;
            }
            let wait = std::time::Duration::from_millis(20);
            watch = self.shared.1.wait_timeout(watch, wait).unwrap().0;
        }
        true
    }
}

fn serve(mut client: TcpStream, upstream: &str, shared: &(Mutex<Watch>, Condvar)) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line);
    }
    let is = |line: &str, name: &str| line.to_ascii_lowercase().starts_with(name);
    let length = lines.iter().find(|line| is(line, "content-length:"));
    let length = length.and_then(|line| line.split(':').nth(1)?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let words: Vec<&str> = lines[0].split(' ').collect();
    let fault = {
        let mut watch = shared.0.lock().unwrap();
        let number = watch.asked.len();
        watch.asked.push(format!("{} {}", words[0], words[1]));
        watch.fault.filter(|(from, _)| number >= *from).map(|(from, fault)| (number == from, fault))
    };
    let mut answer = Vec::new();
    if matches!(fault, None | Some((true, Fault::RefuseAfter | Fault::Hold))) {
        lines.retain(|line| !is(line, "connection:"));
        let mut server = TcpStream::connect(upstream).unwrap();
        server.write_all(format!("{}connection: close\r\n\r\n", lines.concat()).as_bytes()).unwrap();
        server.write_all(&body).unwrap();
        // Who was ended does not listen.
        let _ = server.read_to_end(&mut answer);
    }
    match fault {
        None => drop(client.write_all(&answer)),
        Some((_, Fault::Hold)) => {
            shared.0.lock().unwrap().is_held = true;
            shared.1.notify_all();
            // Until the other side is gone.
            let _ = client.read(&mut [0]);
        }
        Some(_) => {
            let text = "{\"message\": \"it fails\"}";
            let length = text.len();
            let head = format!("HTTP/1.1 400 said\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            let _ = client.write_all(format!("{head}{text}").as_bytes());
        }
    }
}
